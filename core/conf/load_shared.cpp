// What server, hosts and locations all may set: field edits, error pages, the access log.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {

namespace {

// ---- field edits

bool check_field_name(Loading& in, std::string_view name, Place place) {
    if (name.find('*') != name.npos) {
        in.error(place, fmt::format("\"{}\" does not stand for other fields", name), "name each of them");
        return false;
    }
    if (!is_token(name)) {
        in.error(place, fmt::format("\"{}\" cannot be the name of a field", name),
                 "names of fields are made of letters, digits and -");
        return false;
    }
    if (const std::string_view framing = connection_field(name); !framing.empty()) {
        in.error(place, fmt::format("the field {} cannot be changed", framing),
                 "it belongs to the connection, which gantry keeps in order by itself");
        return false;
    }
    return true;
}

bool read_value(Loading& in, const KeyDoc& key, const Node& node, Template& out) {
    if (!in.read(key, node, out)) return false;
    const bool control = has_control_bytes(out.text);
    if (control)
        in.error(node.place, "the value of a field cannot have line breaks or control characters",
                 "take them out");
    return !control;
}

using Fields = std::vector<std::pair<std::string, Template>>;

bool names_field(const Fields& fields, std::string_view name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const auto& f) { return equals_ignore_case(f.first, name); });
}

void set(Loading& in, const KeyDoc& key, const Node& node, FieldEdits& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    for (const Entry& entry : node.children()) {
        Template value;
        if (!check_field_name(in, entry.key, entry.place)) continue;
        if (names_field(into.set, entry.key)) {
            in.error(entry.place, fmt::format("the field {} is set twice", entry.key),
                     "take one of the two out: names of fields have no case");
            continue;
        }
        if (read_value(in, {.name = entry.key, .type = Type::Template, .example = "\"value\""}, *entry.node,
                       value)) {
            into.set.emplace_back(entry.key, std::move(value));
        }
    }
}

void add(Loading& in, const KeyDoc& key, const Node& node, FieldEdits& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    for (const Entry& entry : node.children()) {
        if (!check_field_name(in, entry.key, entry.place)) continue;
        if (entry.node->kind == Node::Kind::Array && entry.node->count == 0) {
            in.error(entry.place, fmt::format("\"{}\" adds nothing", entry.key), "take it out");
        }
        const KeyDoc name{.name = entry.key, .type = Type::Template, .example = "\"value\""};
        in.each(name, *entry.node, [&](const Node& item) {
            Template value;
            if (read_value(in, name, item, value)) into.add.emplace_back(entry.key, std::move(value));
        });
    }
}

void remove(Loading& in, const KeyDoc& key, const Node& node, FieldEdits& into) {
    in.each(key, node, [&](const Node& item) {
        auto name = in.text(key, item);
        if (!name || !check_field_name(in, *name, item.place)) return;
        const auto is_same = [&](const std::string& other) { return equals_ignore_case(other, *name); };
        if (std::any_of(into.remove.begin(), into.remove.end(), is_same)) {
            in.error(item.place, fmt::format("the field {} is listed twice", *name),
                     "take one of the two out");
            return;
        }
        into.remove.push_back(std::move(*name));
    });
}

constexpr Key<FieldEdits> kFieldKeys[] = {
    {{.name = "remove",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"X-Powered-By\"]",
      .doc = "Fields that are taken out."},
     remove},
    {{.name = "set",
      .type = Type::Table,
      .example = "{ X-Frame-Options = \"DENY\" }",
      .doc = "Fields that get this value instead of any other; the values may have variables.",
      .forms = {.text = true, .named = true}},
     set},
    {{.name = "add",
      .type = Type::Table,
      .example = "{ Link = [\"</a.css>; rel=preload\", \"</b.js>; rel=preload\"] }",
      .doc = "Fields that are added to what is there; one value or a list, which may have variables.",
      .forms = {.text = true, .list = true, .named = true}},
     add},
};

// A nearer scope that removes or sets a field has the last word on it.
Shared<FieldEdits> add_up(const Shared<FieldEdits>& around, const FieldEdits& own) {
    if (around->empty()) return own;
    const auto overridden = [&own](std::string_view name) {
        return names_field(own.set, name) ||
               std::any_of(own.remove.begin(), own.remove.end(),
                           [&](const std::string& removed) { return equals_ignore_case(removed, name); });
    };
    FieldEdits out;
    out.remove = around->remove;
    for (const std::string& name : own.remove) {
        if (std::find(out.remove.begin(), out.remove.end(), name) == out.remove.end())
            out.remove.push_back(name);
    }
    for (const auto& field : around->set) {
        if (!overridden(field.first)) out.set.push_back(field);
    }
    for (const auto& field : around->add) {
        if (!overridden(field.first)) out.add.push_back(field);
    }
    out.set.insert(out.set.end(), own.set.begin(), own.set.end());
    out.add.insert(out.add.end(), own.add.begin(), own.add.end());
    return out;
}

// ---- error pages

// 404 → 404, 5xx → 5, else 0.
int parse_status(std::string_view text) {
    if (text.size() != 3 || text[0] < '4' || text[0] > '5') return 0;
    if (text.substr(1) == "xx") return text[0] - '0';
    const auto number = parse_decimal(text);
    return number ? static_cast<int>(*number) : 0;
}

void page_file(Loading& in, const KeyDoc& key, const Node& node, ErrorPage& into) {
    if (in.read(key, node, into.file) &&
        !check_file(in, into.file, node.place, "the error page", FileUse::Public)) {
        into.file.clear();  // nothing for the rooms above to stumble over once more
    }
}

constexpr std::string_view kPages[] = {"file", "redirect"};

constexpr Key<ErrorPage> kPageKeys[] = {
    {{.name = "file",
      .type = Type::Path,
      .example = "\"errors/404.html\"",
      .doc = "A file that is the page. It is read when the configuration is loaded."},
     page_file},
    {{.name = "redirect",
      .type = Type::Template,
      .example = "\"https://www.example.com/sorry\"",
      .doc = "Where the client is sent instead, with 302; may have variables."},
     field<&ErrorPage::redirect>},
};

// ---- access log

// "host:port" of a UDP log server.
bool check_log_server(Loading& in, std::string_view server, Place place) {
    const auto colon = server.rfind(':');
    const std::string_view host = server.substr(0, colon);
    const std::string_view port = colon == server.npos ? std::string_view() : server.substr(colon + 1);
    const auto number = parse_decimal(port);
    const bool is_open = host.find(':') != host.npos && !(host.starts_with('[') && host.ends_with(']'));
    if (!host.empty() && number && *number > 0 && *number < 65536 && !is_open) return true;
    in.error(place, fmt::format("\"udp://{}\" is not a log server", server),
             "write \"udp://192.0.2.1:514\", \"udp://[2001:db8::1]:514\" or \"udp://name:514\"");
    return false;
}

void log_target(Loading& in, const KeyDoc& key, const Node& node, AccessLog& into) {
    auto target = in.text(key, node);
    if (!target) return;
    if (target->empty()) {
        in.error(node.place, "the access log has no name", "write \"stdout\", \"stderr\", a path, or false");
        return;
    }
    if (target->starts_with("udp://")) {
        if (!check_log_server(in, target->substr(6), node.place)) return;
    } else if (*target == "syslog") {
        *target = "syslog:/dev/log";
    } else if (target->starts_with("syslog:")) {
        const auto path = in.resolve(target->substr(7), node.place);
        if (!path) return;
        *target = "syslog:" + *path;
    } else if (*target != "stdout" && *target != "stderr") {
        if (!check_log_word(in, *target, node.place)) return;
        target = in.resolve(*target, node.place);
        if (!target || !check_log_target(in, *target, node.place)) return;
    }
    into.target = std::move(*target);
}

void log_mask(Loading& in, const KeyDoc& key, const Node& node, AccessLog& into) {
    if (node.kind == Node::Kind::Boolean) {
        into.mask = node.integer != 0;
        return;
    }
    std::vector<std::string> names;
    if (!in.read(key, node, names)) return;
    for (std::string& name : names) {
        if (!is_token(name)) {
            in.error(node.place, fmt::format("\"{}\" cannot be the name of a field or a parameter", name),
                     "write names as in \"X-Session\" or \"code\"");
            return;
        }
        into.mask_also.push_back(lower_case(name));
    }
}

void log_format(Loading& in, const KeyDoc& key, const Node& node, AccessLog& into) {
    Template format;
    if (!in.read(key, node, format)) return;
    if (format.text != "combined" && format.text != "json" && format.text.find("${") == format.text.npos) {
        std::string hint = did_you_mean(format.text, {"combined", "json"});
        if (hint.empty())
            hint = "write \"combined\", \"json\", or a line with variables: \"${method} ${path}\"";
        in.error(node.place, fmt::format("\"{}\" is not a format of the access log", format.text),
                 std::move(hint));
        return;
    }
    into.format = std::move(format.text);
    into.format_place = format.place;
}

constexpr std::string_view kStreams[] = {"stdout", "stderr"};
constexpr std::string_view kLineFormats[] = {"combined", "json"};

constexpr Key<AccessLog> kLogKeys[] = {
    {{.name = "target",
      .type = Type::Special,
      .standard = "\"stdout\"",
      .example = "\"stderr\"",
      .doc = "Where the lines go: \"stdout\", \"stderr\", a path, relative to the folder of the file that "
             "it stands in, or a syslog (RFC 5424): \"syslog\" is the one of this machine, "
             "\"syslog:/run/other.sock\" listens on that unix socket, \"udp://192.0.2.1:514\" elsewhere. "
             "Logs with the same name are one. A target that takes nothing loses lines, which gantry status "
             "and the error log count; requests never wait for it.",
      .choices = kStreams,
      .forms = {.text = true}},
     log_target},
    {{.name = "format",
      .type = Type::Special,
      .standard = "\"combined\"",
      .example = "\"json\"",
      .doc =
          "What a line says: \"combined\" (as other servers write it), \"json\" (an object with everything "
          "that is known), or a text with variables.",
      .choices = kLineFormats,
      .forms = {.text = true}},
     log_format},
    {{.name = "mask",
      .type = Type::Special,
      .standard = "true",
      .example = "[\"X-Session\", \"code\"]",
      .doc = "Credentials are \"***\" in the log: cookies, the fields Authorization, Proxy-Authorization, "
             "Cookie, Set-Cookie, X-Api-Key and others with such names, and the values of query parameters "
             "named token, key, secret, password and the like. A list adds names of fields and parameters; "
             "false writes everything as it is.",
      .forms = {.boolean = true, .text = true, .list = true}},
     log_mask},
};

}  // namespace

bool check_redirect(Loading& in, const Template& target) {
    const std::string_view text = target.text;
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(target.place, std::move(message), std::move(hint));
        return false;
    };
    if (text.empty()) return wrong("this redirect leads nowhere", "for example: \"https://${host}${uri}\"");
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c <= 0x20) || c == 0x7F; })) {
        return wrong("the target of a redirect cannot have spaces or control characters",
                     "write %20 for a space");
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return wrong("the target of a redirect cannot have other than ASCII characters",
                     "write them as %XX, and names of hosts in the form that begins with xn--");
    }
    const auto scheme = text.find("://");
    const bool is_url = scheme != text.npos && scheme != 0 && text.find_first_of("/?#") > scheme;
    if (is_url && scheme + 3 == text.size()) {
        return wrong(fmt::format("\"{}\" has no host", text), "for example: \"https://${host}${uri}\"");
    }
    if (is_url || text[0] == '/' || text[0] == '?' || text.starts_with("${")) return true;
    return wrong(fmt::format("\"{}\" is neither a path nor a URL", text),
                 text.find('.') != text.npos && text.find(':') == text.npos
                     ? fmt::format("write \"https://{}\", or \"/{}\" for a path", text, text)
                     : std::string("begin it with / or https://"));
}

void load_field_edits(Loading& in, const KeyDoc& key, const Node& node, std::optional<FieldEdits>& out) {
    FieldEdits edits;
    if (!read_table(in, kFieldKeys, node, key.name, edits)) {
        in.wrong_type(key, node, "a table");
        return;
    }
    for (const std::string& name : edits.remove) {
        if (!names_field(edits.set, name)) continue;
        in.error(node.find("remove")->place,
                 fmt::format("\"remove\" does nothing for {}, which is set", name),
                 "take it out of one of the two");
    }
    out = std::move(edits);
}

void load_error_pages(Loading& in, const KeyDoc& key, const Node& node,
                      std::optional<std::vector<ErrorPage>>& out) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    std::vector<ErrorPage> pages;
    for (const Entry& entry : node.children()) {
        ErrorPage page;
        page.place = entry.place;
        page.status = parse_status(entry.key);
        if (page.status == 0) {
            in.error(entry.place, fmt::format("\"{}\" is not the status of an error", entry.key),
                     "write one from 400 to 599, or \"4xx\" or \"5xx\"");
            continue;
        }
        const Node& value = *entry.node;
        if (value.kind == Node::Kind::Table) {
            read_table(in, kPageKeys, value, "an error page", page);
            if ((value.find("file") == nullptr) == (value.find("redirect") == nullptr)) {
                in.error(value.place, "an error page needs either \"file\" or \"redirect\"",
                         "for example: 404 = \"errors/404.html\"");
                continue;
            }
        } else if (value.kind == Node::Kind::String &&
                   (value.text.starts_with("http://") || value.text.starts_with("https://"))) {
            in.read({.name = entry.key, .type = Type::Template}, value, page.redirect);
        } else {
            page_file(in, {.name = entry.key, .type = Type::Path, .example = "\"errors/404.html\""}, value,
                      page);
        }
        const bool is_redirect = page.redirect.place.line != 0;
        if (is_redirect && !check_redirect(in, page.redirect)) continue;
        if (is_redirect || !page.file.empty()) pages.push_back(std::move(page));
    }
    // Of one scope the status itself comes before its class, in whatever order they were written.
    std::stable_partition(pages.begin(), pages.end(),
                          [](const ErrorPage& page) { return page.status >= 100; });
    out = std::move(pages);
}

void load_access_log(Loading& in, const KeyDoc& key, const Node& node, std::optional<AccessLog>& out) {
    AccessLog log;
    log.place = node.place;
    log.enabled = true;
    log.target = "stdout";
    if (node.kind == Node::Kind::Boolean) {
        log.enabled = node.integer != 0;
        if (!log.enabled) log.target.clear();
    } else if (node.kind == Node::Kind::String) {
        log_target(in, key, node, log);
    } else if (!read_table(in, kLogKeys, node, key.name, log)) {
        in.wrong_type(key, node, "false, a path or a table");
        return;
    }
    out = std::move(log);
}

Inherited inherit(const Inherited& around, Own own) {
    Inherited out = around;
    if (own.request_headers) out.request_headers = add_up(around.request_headers, *own.request_headers);
    if (own.response_headers) out.response_headers = add_up(around.response_headers, *own.response_headers);
    if (own.error_pages) {
        std::vector<ErrorPage> pages = std::move(*own.error_pages);
        pages.insert(pages.end(), around.error_pages->begin(), around.error_pages->end());
        out.error_pages = std::move(pages);
    }
    if (own.access_log) out.access_log = std::move(*own.access_log);
    return out;
}

std::vector<Scope> shared_scope_docs() {
    return {
        scope_of(
            {.name = "request_headers, response_headers",
             .path = "request_headers",
             .doc = "Changes to fields, in the order remove, set, add. Scopes add up; the nearer one has the "
                    "last word on a field.",
             .frame = "[server]\nresponse_headers = { @ }"},
            kFieldKeys),
        scope_of({.name = "error_pages.STATUS",
                  .path = "error_pages",
                  .doc = "One error page: a file, or where to send the client.",
                  .frame = "[host.\"www.example.com\"]\nerror_pages = { 404 = { @ } }",
                  .one_of = kPages},
                 kPageKeys),
        scope_of({.name = "access_log",
                  .path = "access_log",
                  .doc = "The access log: a line for each exchange.",
                  .frame = "[server]\naccess_log = { @ }"},
                 kLogKeys)};
}

}  // namespace gantry::conf
