#include "core/conf/document.hpp"

#include "core/conf/interpolate.hpp"
#include "core/conf/toml_text.hpp"
#include "core/conf/utf8.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace gantry::conf {
namespace {

constexpr std::size_t kMaxFileBytes = 64u << 20;
constexpr std::size_t kMaxFiles = 100'000;
constexpr std::size_t kMaxDepth = 16;

// The first [ of a file pattern that no ] closes, or npos. As glob(7) reads it: a list ends with its part of
// the path, a ] in front stands for itself, \ takes the meaning of what follows.
std::size_t find_unclosed(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') ++i;
        if (i >= pattern.size() || pattern[i] != '[') continue;
        std::size_t end = i + 1;
        if (end < pattern.size() && (pattern[end] == '!' || pattern[end] == '^')) ++end;
        if (end < pattern.size() && pattern[end] == ']') ++end;
        while (end < pattern.size() && pattern[end] != ']' && pattern[end] != '/') {
            // [:alpha:] has a ] of its own.
            const auto inner = pattern.substr(end, 2) == "[:" ? pattern.find(":]", end + 2) : pattern.npos;
            end = inner != pattern.npos ? inner + 2 : end + 1;
        }
        if (end >= pattern.size() || pattern[end] == '/') return i;
        i = end;
    }
    return pattern.npos;
}

// What stands in a path, so that a pattern takes it as it is.
std::string escape_pattern(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

class DocumentReader {
public:
    DocumentReader(Inputs& inputs, Document& document, Diagnostics& diagnostics)
        : inputs_(inputs),
          document_(document),
          diagnostics_(diagnostics),
          toml_(document.tree, diagnostics) {}

    void read_main(const std::string& path) {
        Snapshot::File read = inputs_.read_file(path, Pipes::Allowed, kMaxFileBytes);
        if (!read.error.empty()) {
            const std::uint32_t file = document_.sources.add(path, {});
            diagnostics_.error({file, 0, 0}, fmt::format("cannot be read: {}", read.error),
                               "name another file with -c FILE");
            return;
        }
        read_text(path, std::move(read.text));
    }

    // Behind everything else.
    void read_overlay(const std::string& text) {
        const std::uint32_t file = document_.sources.add("the command line", text);
        toml_.sections().overlay = file;
        if (check_encoding(file, document_.sources.text(file)))
            toml_.read(file, document_.sources.text(file));
    }

    // Once everything is read.
    Sections take_sections() {
        Sections sections = std::move(toml_.sections());
        for (const Diagnostic& one : diagnostics_.list()) {
            const bool is_broken = one.severity == Severity::Error && one.cause == Cause::Text &&
                                   one.place.file != 0 && !sections.is_broken(one.place.file);
            if (is_broken) sections.broken.push_back(one.place.file);
        }
        return sections;
    }

    void read_text(const std::string& name, std::string text) {
        const std::uint32_t file = document_.sources.add(name, std::move(text));
        first_included_[inputs_.identity(name)] = {};
        active_.push_back(inputs_.identity(name));
        std::string_view view = document_.sources.text(file);
        if (view.starts_with("\xEF\xBB\xBF")) view.remove_prefix(3);
        if (!check_encoding(file, view)) {
            document_.tree.root().broken = true;
            active_.pop_back();
            return;
        }
        const std::size_t before = toml_.includes().size();
        toml_.read(file, view);
        const std::size_t after = toml_.includes().size();
        for (std::size_t i = before; i < after; ++i) {
            const Entry include = toml_.includes()[i];  // a copy: the list grows while we read
            if (i > before) {
                diagnostics_.error(include.place, "\"include\" is set twice",
                                   "put all patterns into one list",
                                   Related{toml_.includes()[before].place, "first set here", {}});
                continue;
            }
            read_includes(include);
        }
        active_.pop_back();
    }

private:
    // What is not text is not worth a hundred syntax errors.
    bool check_encoding(std::uint32_t file, std::string_view text) {
        if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
            diagnostics_.error({file, 1, 1}, "this file is UTF-16", "save it as UTF-8");
            return false;
        }
        const std::size_t at = std::min(find_non_utf8(text), text.find('\0'));
        if (at == text.npos) return true;
        const std::string_view before = text.substr(0, at);
        const std::size_t begin = before.rfind('\n') + 1;  // 0 on the first line
        Place place{file, 1 + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')), 1};
        for (std::size_t i = begin; i < at; i += utf8_step(text.substr(i))) ++place.column;
        if (text[at] == '\0') {
            diagnostics_.error(place, "there is a NUL byte here, so this is not a text file",
                               "take it out, or name another file");
        } else {
            diagnostics_.error(place, "this is not UTF-8",
                               "save the file as UTF-8; where it is not a text at all, name another one");
        }
        return false;
    }

    void read_includes(const Entry& include) {
        const Node& node = *include.node;
        if (node.kind == Node::Kind::String) return read_pattern(node);
        if (node.kind != Node::Kind::Array) {
            diagnostics_.error(node.place, "\"include\" must be a list of file names",
                               "for example: include = [\"conf.d/*.toml\"]");
            return;
        }
        for (const Entry& item : node.children()) {
            if (item.node->kind == Node::Kind::String) {
                read_pattern(*item.node);
            } else {
                diagnostics_.error(item.node->place, "\"include\" must be a list of file names",
                                   "for example: include = [\"conf.d/*.toml\"]");
            }
        }
    }

    void read_pattern(const Node& node) {
        const auto text = interpolate(node.text, node.place, StringKind::Plain, inputs_, diagnostics_);
        if (!text) return;
        std::string pattern = *text;
        if (pattern.empty()) {
            diagnostics_.error(node.place, "\"include\" has an empty name",
                               "for example: include = [\"conf.d/*.toml\"]");
            return;
        }
        if (pattern.starts_with("~/")) {
            diagnostics_.error(node.place,
                               fmt::format("the ~ in \"{}\" is not replaced: only shells do that", pattern),
                               "write the full path");
            return;
        }
        const bool is_plain = pattern.find_first_of("*?[") == pattern.npos;
        if (const std::size_t open = find_unclosed(pattern); open != pattern.npos) {
            const std::size_t offset = pattern == node.text ? open : 0;
            diagnostics_.error_within(
                node.place, static_cast<std::uint32_t>(offset),
                fmt::format("no ] closes the [ in \"{}\", so it could match nothing", pattern),
                "close it: * stands for anything, ? for one character, [a-z] for one of these, [[] for a [");
            return;
        }
        const std::string& from = document_.sources.names()[node.place.file];
        if (const auto slash = from.rfind('/'); pattern[0] != '/' && slash != from.npos) {
            const std::string_view folder = std::string_view(from).substr(0, slash + 1);
            pattern.insert(0, is_plain ? std::string(folder) : escape_pattern(folder));
        }
        if (is_plain) return read_included(pattern, node.place);
        for (const std::string& path : matches(pattern, node.place)) read_included(path, node.place);
    }

    std::vector<std::string> matches(const std::string& pattern, Place place) {
        auto found = inputs_.match(pattern);
        if (!found) {
            diagnostics_.error(place, fmt::format("the folder of \"{}\" cannot be read", pattern),
                               "give the user that runs gantry the right to read and enter it");
            return {};
        }
        return std::move(*found);
    }

    void read_included(const std::string& path, Place place) {
        const std::string id = inputs_.identity(path);
        if (std::find(active_.begin(), active_.end(), id) != active_.end()) {
            diagnostics_.error(place, fmt::format("\"{}\" includes itself", path),
                               "take it out of the list, or write a pattern that does not match it");
            return;
        }
        if (const auto first = first_included_.find(id); first != first_included_.end()) {
            diagnostics_.error(place, fmt::format("\"{}\" is included twice", path), "remove one of the two",
                               Related{first->second, "first included here", {}});
            return;
        }
        if (active_.size() >= kMaxDepth) {
            diagnostics_.error(place,
                               fmt::format("\"{}\" is not read: files include one another too deeply", path),
                               "include it from the main file");
            return;
        }
        if (first_included_.size() >= kMaxFiles) {
            diagnostics_.error(place, fmt::format("\"{}\" is not read: there are too many files", path),
                               "put several hosts into one file");
            return;
        }
        Snapshot::File read = inputs_.read_file(path, Pipes::Refused, kMaxFileBytes);
        if (!read.error.empty()) {
            std::error_code ignored;
            const auto status = std::filesystem::status(path, ignored);
            toml_.sections().unread.push_back({path, place});
            diagnostics_.environment_error(place, fmt::format("\"{}\" cannot be read: {}", path, read.error),
                                           !std::filesystem::exists(status)
                                               ? "only a pattern such as \"conf.d/*.toml\" may match nothing"
                                           : std::filesystem::is_directory(status)
                                               ? "the files in it are a pattern: \"conf.d/*.toml\""
                                               : "name a file that gantry has the right to read");
            return;
        }
        read_text(path, std::move(read.text));
        first_included_[id] = place;
    }

    Inputs& inputs_;
    Document& document_;
    Diagnostics& diagnostics_;
    TomlReader toml_;
    std::vector<std::string> active_;
    std::unordered_map<std::string, Place> first_included_;
};

}  // namespace

void read_document(const std::string& path, const std::string& overlay, Inputs& inputs, Document& out,
                   Diagnostics& diagnostics) {
    DocumentReader reader(inputs, out, diagnostics);
    reader.read_main(path);
    if (!overlay.empty()) reader.read_overlay(overlay);
    out.sections = reader.take_sections();
}

void read_document_text(const std::string& name, std::string text, Inputs& inputs, Document& out,
                        Diagnostics& diagnostics) {
    DocumentReader reader(inputs, out, diagnostics);
    reader.read_text(name, std::move(text));
    out.sections = reader.take_sections();
}

}  // namespace gantry::conf
