#include "core/conf/reader.hpp"

#include "core/conf/interpolate.hpp"
#include "core/conf/schema.hpp"
#include "core/conf/units.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

namespace gantry::conf {
namespace {

std::string_view name_of(const Node& node) {
    switch (node.kind) {
        case Node::Kind::String:
            return "a string";
        case Node::Kind::Integer:
            return "an integer";
        case Node::Kind::Float:
            return "a number with decimals";
        case Node::Kind::Boolean:
            return "true or false";
        case Node::Kind::Time:
            return "a date or time";
        case Node::Kind::Array:
            return "a list";
        case Node::Kind::Table:
            return "a table";
    }
    return "something else";
}

std::string in_unit(const KeyDoc& key, std::uint64_t value) {
    if (key.type == Type::Timespan) return fmt::format("\"{}\"", format_duration(Duration(value)));
    if (key.type == Type::Size && value != 0 && value % 1024 == 0)
        return fmt::format("\"{}\"", format_size(value));
    return fmt::format("{}", value);
}

std::string example_of(const KeyDoc& key) {
    return key.example.empty() ? std::string() : fmt::format("for example: {} = {}", key.name, key.example);
}

// What people who come from other servers write, and our word for it.
struct Foreign {
    std::string_view theirs;
    std::string_view hint;
};
constexpr Foreign kForeign[] = {
    {"listen", "the addresses of a listener are its \"address\""},
    {"bind", "the addresses of a listener are its \"address\""},
    {"port", "the port is part of the address: address = \"0.0.0.0:80\""},
    {"ssl", "the word is \"tls\""},
    {"url", "the address of the peer is its \"upstream\""},
    {"server_name", "the names of a host are its key and \"names\""},
    {"aliases", "further names of a host are \"names\""},
    {"root", "files are served by a location: static = \"/srv/www\""},
    {"proxy_pass", "the word is \"proxy\""},
    {"servers", "the servers of an upstream are its \"peers\""},
    {"server", "the servers of an upstream are its \"peers\""},
    {"return", "the words are \"redirect\" and \"respond\""},
    {"rewrite", "the words are \"redirect\" and \"try_files\""},
    {"autoindex", "the word is \"listing\""},
    {"ssl_certificate", "the words are \"certificate\" and \"key\""},
    {"cert", "the word is \"certificate\""},
    {"certificates", "the word is \"certificate\"; it takes a list as well"},
    {"client_max_body_size", "the word is \"max_body\""},
    {"keepalive", "the word is \"keep_alive\""},
    {"keepalive_timeout", "the word is \"idle_timeout\" for clients, \"keep_alive_timeout\" for peers"},
    {"add_header", "fields are added by response_headers = { add = { Name = \"value\" } }"},
    {"headers", "the words are \"request_headers\" and \"response_headers\""},
    {"worker_processes", "the word is \"workers\""},
    {"threads", "the word is \"workers\""},
    {"error_page", "the word is \"error_pages\""},
    {"match", "the word is \"patterns\""},
    {"ca_file", "the word is \"ca\""},
    {"certificate_file", "the word is \"certificate\""},
    {"key_file", "the word is \"key\""},
    {"ocsp_file", "the word is \"ocsp\""},
    {"client", "the words are \"client_certificate\" for TLS and \"clients\" under \"when\""},
    {"error_log", "the error log is [log]: target = \"stderr\" or a path"},
    {"error", "the error log is set by \"target\""},
    {"access", "the access log is \"access_log\" of [server], a host or a location"},
};

}  // namespace

Reader::Reader(const Sources& sources, Diagnostics& diagnostics, const LoadOptions& options, Inputs& inputs)
    : sources_(sources), diagnostics_(diagnostics), options_(options), inputs_(inputs) {
    for (const std::string& name : sources.names()) {
        std::error_code ignored;
        folders_.push_back(std::filesystem::absolute(name, ignored).parent_path().string());
    }
}

void Reader::wrong_type(const KeyDoc& key, const Node& node, std::string_view wanted) {
    error(node.place, fmt::format("\"{}\" must be {}, not {}", key.name, wanted, name_of(node)),
          example_of(key));
}

bool Reader::read(const KeyDoc& key, const Node& node, bool& out) {
    if (node.kind != Node::Kind::Boolean) {
        wrong_type(key, node, "true or false");
        return false;
    }
    out = node.integer != 0;
    return true;
}

bool Reader::check_range(const KeyDoc& key, const Node& node, std::uint64_t value) {
    if (value >= key.min && value <= key.max) return true;
    if (key.max == std::numeric_limits<std::uint64_t>::max()) {
        error(node.place, fmt::format("\"{}\" must be at least {}", key.name, in_unit(key, key.min)),
              example_of(key));
    } else {
        error(node.place,
              fmt::format("\"{}\" must be between {} and {}", key.name, in_unit(key, key.min),
                          in_unit(key, key.max)),
              example_of(key));
    }
    return false;
}

bool Reader::read_number(const KeyDoc& key, const Node& node, std::uint64_t limit, std::uint64_t& out) {
    std::uint64_t value = 0;
    if (node.kind == Node::Kind::Integer) {
        if (node.integer < 0) {
            error(node.place, fmt::format("\"{}\" cannot be negative", key.name), example_of(key));
            return false;
        }
        value = static_cast<std::uint64_t>(node.integer);
    } else if (node.kind == Node::Kind::String && key.type == Type::Size) {
        const auto string = text(key, node);
        if (!string) return false;
        const auto size = parse_size(*string);
        if (!size) {
            error(node.place, fmt::format("\"{}\": {}", key.name, size.error().message), size.error().hint);
            return false;
        }
        value = *size;
    } else {
        wrong_type(key, node, key.type == Type::Size ? "a size" : "an integer");
        return false;
    }
    KeyDoc narrowed = key;
    narrowed.max = std::min(narrowed.max, limit);
    if (!check_range(narrowed, node, value)) return false;
    out = value;
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, std::uint64_t& out) {
    return read_number(key, node, std::numeric_limits<std::uint64_t>::max(), out);
}

bool Reader::read(const KeyDoc& key, const Node& node, std::uint32_t& out) {
    std::uint64_t value = 0;
    if (!read_number(key, node, std::numeric_limits<std::uint32_t>::max(), value)) return false;
    out = static_cast<std::uint32_t>(value);
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, int& out) {
    std::uint64_t value = 0;
    if (!read_number(key, node, std::numeric_limits<int>::max(), value)) return false;
    out = static_cast<int>(value);
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, Duration& out) {
    if (node.kind == Node::Kind::Integer && node.integer < 0) {
        error(node.place, fmt::format("\"{}\" cannot be negative", key.name), example_of(key));
        return false;
    }
    if (node.kind == Node::Kind::Integer) {
        error(node.place, fmt::format("\"{}\" has no unit", key.name),
              fmt::format("write {} = \"{}s\", or \"{}ms\"", key.name, node.integer, node.integer));
        return false;
    }
    if (node.kind != Node::Kind::String) {
        wrong_type(key, node, "a duration");
        return false;
    }
    const auto string = text(key, node);
    if (!string) return false;
    const auto duration = parse_duration(*string);
    if (!duration) {
        error(node.place, fmt::format("\"{}\": {}", key.name, duration.error().message),
              duration.error().hint);
        return false;
    }
    if (!check_range(key, node, static_cast<std::uint64_t>(duration->count()))) return false;
    out = *duration;
    return true;
}

std::optional<std::string> Reader::text(const KeyDoc& key, const Node& node) {
    if (node.kind != Node::Kind::String) {
        wrong_type(key, node, "a string");
        return std::nullopt;
    }
    auto value = interpolate(node.text, node.place, StringKind::Plain, inputs_, diagnostics_);
    if (value && value->find('\0') != value->npos) {
        error(node.place, fmt::format("\"{}\" has a NUL byte in it", key.name), "take it out");
        return std::nullopt;
    }
    return value;
}

bool Reader::read(const KeyDoc& key, const Node& node, std::string& out) {
    auto value = text(key, node);
    if (!value) return false;
    if (key.type == Type::Path) {
        if (value->empty()) {
            error(node.place, fmt::format("\"{}\" is empty", key.name),
                  fmt::format("for example: {} = {}", key.name, key.example));
            return false;
        }
        value = resolve(*value, node.place);
        if (!value) return false;
    }
    out = std::move(*value);
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, Template& out) {
    if (node.kind != Node::Kind::String) {
        wrong_type(key, node, "a string");
        return false;
    }
    auto value = interpolate(node.text, node.place, StringKind::Template, inputs_, diagnostics_);
    if (!value) return false;
    out = {std::move(*value), node.place};
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, std::vector<std::string>& out) {
    std::vector<std::string> values;
    bool good = true;
    const bool shape = each(key, node, [&](const Node& item) {
        std::string value;
        good = read(key, item, value) && good;
        values.push_back(std::move(value));
    });
    if (!shape || !good) return false;
    out = std::move(values);
    return true;
}

bool Reader::read(const KeyDoc& key, const Node& node, std::vector<Template>& out) {
    std::vector<Template> values;
    bool good = true;
    const bool shape = each(key, node, [&](const Node& item) {
        Template value;
        good = read(key, item, value) && good;
        values.push_back(std::move(value));
    });
    if (!shape || !good) return false;
    out = std::move(values);
    return true;
}

std::optional<std::size_t> Reader::choice(const KeyDoc& key, const Node& node) {
    const std::vector<std::string_view> names(key.choices.begin(), key.choices.end());
    const auto all = [&] { return fmt::format("one of: \"{}\"", fmt::join(names, "\", \"")); };
    if (node.kind != Node::Kind::String) {
        error(node.place, fmt::format("\"{}\" must be a string, not {}", key.name, name_of(node)), all());
        return std::nullopt;
    }
    const auto value = text(key, node);
    if (!value) return std::nullopt;
    for (std::size_t i = 0; i < key.choices.size(); ++i) {
        if (key.choices[i] == *value) return i;
    }
    std::string hint = did_you_mean(*value, names);
    if (hint.empty()) hint = all();
    error(node.place, fmt::format("\"{}\" cannot be \"{}\"", key.name, *value), std::move(hint));
    return std::nullopt;
}

std::optional<std::string> Reader::resolve(std::string_view path, Place place) {
    if (path.starts_with("~/")) {
        error(place, fmt::format("the ~ in \"{}\" is not replaced: only shells do that", path),
              "write the full path");
        return std::nullopt;
    }
    std::string full;
    if (!path.starts_with('/') && place.file < folders_.size()) full = folders_[place.file] + '/';
    full += path;
    // Nearly all are normal as they stand.
    const bool is_normal = full.find("//") == full.npos && full.find("/.") == full.npos;
    return is_normal ? full : std::filesystem::path(full).lexically_normal().string();
}

void Reader::unknown_key(const Entry& entry, std::string_view scope,
                         const std::vector<std::string_view>& names) {
    std::string hint = entry.key == "url" ? std::string() : did_you_mean(entry.key, names);
    if (hint.empty() && scope.ends_with("_headers") && entry.node->kind == Node::Kind::String)
        hint = fmt::format("fields stand under set, add or remove: set = {{ {} = \"value\" }}", entry.key);
    if (hint.empty() && scope == "when" && entry.key == "method")
        hint = "methods belong to the location itself: methods = [\"GET\"]";
    if (hint.empty() && scope == "when" && entry.key == "host")
        hint = "a name has a host of its own: [host.\"www.example.com\"]";
    if (hint.empty() && scope == "[server]" && entry.node->kind == Node::Kind::Table)
        hint = fmt::format("a virtual host is written [host.\"{}\"]", entry.key);
    for (const Foreign& foreign : kForeign) {
        if (hint.empty() && foreign.theirs == entry.key) hint = foreign.hint;
    }
    if (hint.empty() && entry.key.find('/') != entry.key.npos) {
        hint = "a path belongs to a location: [host.\"www.example.com\".location.\"/path/\"]";
    }
    if (hint.empty()) {
        for (const Scope& other : all_scopes()) {
            const bool has = std::any_of(other.keys.begin(), other.keys.end(),
                                         [&](const KeyDoc* key) { return key->name == entry.key; });
            if (!has) continue;
            hint = fmt::format("\"{}\" belongs to {}", entry.key, other.name);
            if (names.size() <= 3) hint += fmt::format("; known here: {}", fmt::join(names, ", "));
            break;
        }
    }
    if (hint.empty()) hint = fmt::format("known here: {}", fmt::join(names, ", "));
    error(entry.place,
          scope.empty() ? fmt::format("unknown section \"{}\"", entry.key)
                        : fmt::format("unknown key \"{}\" in {}", entry.key, scope),
          std::move(hint));
}

}  // namespace gantry::conf
