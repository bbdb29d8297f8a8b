#include "core/base/text.hpp"
#include "core/conf/diagnostic.hpp"
#include "core/conf/json_text.hpp"
#include "core/conf/utf8.hpp"

#include <fmt/format.h>

namespace gantry::conf {
namespace {

// The part of a source line that is shown, with the column that the caret goes to.
struct Excerpt {
    std::string text;    // control bytes replaced, so that a file cannot write to the terminal
    std::string marker;  // spaces, tabs where the text has tabs, then ^~~~
};

// How many bytes of `text` belong to the thing that begins it: a quoted string, a bare key or number, or one
// character.
std::size_t token_length(std::string_view text) {
    if (text.empty()) return 0;
    const char first = text[0];
    if (first == '"' || first == '\'') {
        for (std::size_t i = 1; i < text.size(); ++i) {
            if (first == '"' && text[i] == '\\') {
                ++i;
            } else if (text[i] == first) {
                return i + 1;
            }
        }
        return text.size();
    }
    std::size_t length = 0;
    while (length < text.size() && (is_alpha(text[length]) || is_digit(text[length]) ||
                                    std::string_view("_-.:/").find(text[length]) != std::string_view::npos)) {
        ++length;
    }
    return length == 0 ? utf8_step(text) : length;
}

Excerpt excerpt_of(std::string_view line, std::uint32_t column) {
    static constexpr std::size_t kWidth = 120;
    static constexpr std::size_t kLead = 60;  // of a long line, how much is shown before the caret
    std::size_t at = 0;
    for (std::uint32_t c = 1; c < column && at < line.size(); ++c) at += utf8_step(line.substr(at));
    std::size_t length = token_length(line.substr(at));

    Excerpt out;
    std::size_t begin = 0;
    if (line.size() > kWidth && at > kLead) {
        begin = at - kLead;
        while (begin < at && (static_cast<unsigned char>(line[begin]) & 0xC0) == 0x80) ++begin;
        out.text = "…";
        out.marker = " ";
    }
    std::size_t shown = 0;
    std::size_t i = begin;
    std::size_t marks = 0;
    while (i < line.size() && shown < kWidth) {
        const std::size_t step = utf8_step(line.substr(i));
        const std::string_view character = line.substr(i, step);
        const int width = utf8_width(character);
        if (width < 0) {
            out.text.append("\xEF\xBF\xBD");  // U+FFFD
        } else {
            out.text.append(character);
        }
        const std::size_t cells = width < 0 ? 1 : static_cast<std::size_t>(width);
        if (i < at) {
            if (character == "\t") {
                out.marker.push_back('\t');
            } else {
                out.marker.append(cells, ' ');
            }
        } else if (i < at + length) {
            marks += cells;
        }
        i += step;
        ++shown;
    }
    if (i < line.size()) out.text.append("…");
    out.marker.push_back('^');
    if (marks > 1) out.marker.append(marks - 1, '~');
    return out;
}

void append_excerpt(std::string& out, Place place, std::string_view line) {
    if (place.line == 0 || line.empty()) return;
    const Excerpt excerpt = excerpt_of(line, place.column);
    fmt::format_to(std::back_inserter(out), "{:>5} | {}\n", place.line, excerpt.text);
    fmt::format_to(std::back_inserter(out), "      | {}\n", excerpt.marker);
}

void append_place(std::string& out, const std::vector<std::string>& names, Place place) {
    out.append(place.file < names.size() ? names[place.file] : "configuration");
    if (place.line != 0) fmt::format_to(std::back_inserter(out), ":{}:{}", place.line, place.column);
}

// Names and values of the file are quoted in messages: nothing in them may write to the terminal.
void append_printable(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
    out.push_back('"');
    while (!text.empty()) {
        const std::size_t step = utf8_step(text);
        const std::string_view character = text.substr(0, step);
        const auto byte = static_cast<unsigned char>(character[0]);
        if (byte == '"' || byte == '\\') {
            out.push_back('\\');
            out.push_back(character[0]);
        } else if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else if (step == 1 && byte >= 0x80) {
            out.append("\\ufffd");
        } else {
            out.append(character);
        }
        text.remove_prefix(step);
    }
    out.push_back('"');
}

namespace {

void append_json_place(std::string& out, const std::vector<std::string>& names, Place place) {
    out.append("\"file\": ");
    append_json(out, place.file < names.size() ? names[place.file] : "");
    fmt::format_to(std::back_inserter(out), ", \"line\": {}, \"column\": {}", place.line, place.column);
}

// "disables the host "a.test" only", with at most a handful of names.
std::string disables_text(const std::vector<std::string>& hosts) {
    constexpr std::size_t kNamed = 5;
    std::string out = hosts.size() == 1 ? "disables only the host" : "disables only the hosts";
    for (std::size_t i = 0; i < hosts.size() && i < kNamed; ++i) {
        fmt::format_to(std::back_inserter(out), "{} \"{}\"", i == 0 ? "" : ",", hosts[i]);
    }
    if (hosts.size() > kNamed) fmt::format_to(std::back_inserter(out), " and {} more", hosts.size() - kNamed);
    return out;
}

}  // namespace

std::string Diagnostics::render_text() const {
    std::string out;
    for (const Diagnostic& diagnostic : list_) {
        append_place(out, names_, diagnostic.place);
        out.append(diagnostic.severity == Severity::Error ? ": error: " : ": warning: ");
        append_printable(out, diagnostic.message);
        out.push_back('\n');
        append_excerpt(out, diagnostic.place, diagnostic.line);
        if (!diagnostic.hint.empty()) {
            out.append("      = ");
            append_printable(out, diagnostic.hint);
            out.push_back('\n');
        }
        if (!diagnostic.disables.empty()) {
            out.append("      = ");
            append_printable(out, disables_text(diagnostic.disables));
            out.push_back('\n');
        }
        if (diagnostic.related) {
            append_place(out, names_, diagnostic.related->place);
            out.append(": note: ");
            append_printable(out, diagnostic.related->text);
            out.push_back('\n');
            append_excerpt(out, diagnostic.related->place, diagnostic.related->line);
        }
    }
    const std::size_t all = errors_ + contained_ + warnings_;
    if (all > list_.size()) {
        fmt::format_to(std::back_inserter(out), "… and {} more that are not shown\n", all - list_.size());
    }
    return out;
}

std::string Diagnostics::render_json() const {
    std::string out = "[";
    for (std::size_t i = 0; i < list_.size(); ++i) {
        const Diagnostic& diagnostic = list_[i];
        out.append(i == 0 ? "\n  {" : ",\n  {");
        append_json_place(out, names_, diagnostic.place);
        out.append(diagnostic.severity == Severity::Error ? ", \"severity\": \"error\""
                                                          : ", \"severity\": \"warning\"");
        out.append(", \"message\": ");
        append_json(out, diagnostic.message);
        out.append(", \"hint\": ");
        append_json(out, diagnostic.hint);
        fmt::format_to(std::back_inserter(out), ", \"contained\": {}, \"disables\": [",
                       diagnostic.is_contained);
        for (const std::string& host : diagnostic.disables) {
            if (&host != &diagnostic.disables.front()) out.append(", ");
            append_json(out, host);
        }
        out.append("], \"related\": ");
        if (diagnostic.related) {
            out.push_back('{');
            append_json_place(out, names_, diagnostic.related->place);
            out.append(", \"message\": ");
            append_json(out, diagnostic.related->text);
            out.push_back('}');
        } else {
            out.append("null");
        }
        out.push_back('}');
    }
    out.append(list_.empty() ? "]\n" : "\n]\n");
    return out;
}

}  // namespace gantry::conf
