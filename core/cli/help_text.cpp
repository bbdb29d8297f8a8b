#include "core/cli/help_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {
constexpr std::size_t kWidth = 80;
}

std::string wrapped(std::string_view text, std::size_t indent) {
    std::string out;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (column != 0 && column + 1 + word.size() > kWidth) {
            out.push_back('\n');
            column = 0;
        }
        if (column == 0) {
            out.append(indent, ' ');
            column = indent;
        } else {
            out.push_back(' ');
            ++column;
        }
        out.append(word);
        column += word.size();
    }
    return out.append("\n");
}

std::string first_sentence(std::string_view text) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if ((text[i] == '.' || text[i] == ';' || text[i] == ':') && text[i + 1] == ' ') {
            return std::string(text.substr(0, i)) + ".";
        }
    }
    return std::string(text);
}

void append_row(std::string& out, std::string_view name, std::string_view text) {
    static constexpr std::size_t kColumn = 24;
    if (name.size() + 4 > kColumn) {
        fmt::format_to(std::back_inserter(out), "  {}\n{}", name, wrapped(text, kColumn));
        return;
    }
    std::string lines = wrapped(text, kColumn);
    lines.replace(2, name.size(), name);
    out.append(lines);
}

void append_fact(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    std::string lines = wrapped(text, 12);
    lines.replace(0, name.size(), name);
    out.append(lines);
}

void append_example(std::string& out, std::string_view lines) {
    append_fact(out, "Example:", " ");
    std::string text(lines);
    for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 5) text.replace(at, 1, "\n    ");
    fmt::format_to(std::back_inserter(out), "    {}\n", text);
}

}  // namespace gantry::cli
