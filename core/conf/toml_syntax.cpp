#include "core/conf/toml_syntax.hpp"

#include "core/base/text.hpp"
#include "core/conf/utf8.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::conf {
namespace {

bool is_bare(char c) {
    return is_alpha(c) || is_digit(c) || c == '_' || c == '-';
}

std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find_first_of("\r\n"));
}

// Without a comment at the end. A # inside quotes is rare enough in a statement that is broken anyway.
std::string_view without_comment(std::string_view line) {
    if (line.find_first_of("\"'") != line.npos) return line;
    return line.substr(0, line.find('#'));
}

std::uint32_t column_of(std::string_view line, std::size_t byte) {
    std::uint32_t column = 1;
    for (std::size_t i = 0; i < byte && i < line.size(); i += utf8_step(line.substr(i))) ++column;
    return column;
}

std::string_view trim_semicolon(std::string_view text) {
    text = trim(text);
    while (text.ends_with(';') || text.ends_with(',')) text = trim(text.substr(0, text.size() - 1));
    return text;
}

// How a bare value should have been written.
std::string in_quotes(std::string_view value) {
    if (equals_ignore_case(value, "yes") || equals_ignore_case(value, "on") ||
        equals_ignore_case(value, "true")) {
        return "true";
    }
    if (equals_ignore_case(value, "no") || equals_ignore_case(value, "off") ||
        equals_ignore_case(value, "false")) {
        return "false";
    }
    return fmt::format("\"{}\"", value);
}

}  // namespace

std::string plain_description(std::string_view description) {
    static constexpr std::string_view kPreamble = "Error while parsing ";
    if (!description.starts_with(kPreamble)) return fmt::format("syntax error: {}", description);
    description.remove_prefix(kPreamble.size());
    const auto colon = description.find(": ");
    if (colon == description.npos) return fmt::format("syntax error in {}", description);
    return fmt::format("syntax error in {}: {}", description.substr(0, colon), description.substr(colon + 2));
}

SyntaxAdvice advise_on_header(std::string_view line, std::string_view description) {
    const std::string_view text = trim(without_comment(first_line(line)));
    if (text.find(']') == text.npos) {
        return {"this table header has no closing ]", "a header is one line: [host.\"www.example.com\"]", 0};
    }
    if (text.find_first_of("*/~:$") != text.npos || text.find("[host.") != text.npos) {
        return {plain_description(description),
                "quote names that have other characters than letters, digits, _ and -: "
                "[host.\"*.example.com\".location.\"/api/\"]",
                0};
    }
    return {plain_description(description), {}, 0};
}

SyntaxAdvice advise_on_pair(std::string_view statement, std::string_view description, bool unfinished) {
    const std::string_view line = without_comment(first_line(statement));
    std::size_t at = line.find_first_not_of(" \t");
    if (at == line.npos) return {plain_description(description), {}, 0};
    const std::size_t key_begin = at;
    while (at < line.size() && (is_bare(line[at]) || line[at] == '.')) ++at;
    const std::string_view key = line.substr(key_begin, at - key_begin);
    const std::string_view rest = trim(line.substr(at));

    const bool goes_on = at < line.size() && static_cast<unsigned char>(line[at]) >= 0x80;
    if (!key.empty() && goes_on) {
        return {plain_description(description),
                "quote keys that have other characters than letters, digits, _ and -", 0};
    }
    if (!key.empty() && !rest.starts_with('=')) {
        const std::uint32_t column = column_of(line, key_begin);
        if (rest.ends_with('{')) {
            return {"this is not TOML: sections are not written with braces",
                    "a section is a header in brackets: [server], [listener.web], [host.\"www.example.com\"]",
                    column};
        }
        std::string_view value = rest;
        if (value.starts_with(':')) value = trim(value.substr(1));
        value = trim_semicolon(value);
        if (value.empty()) {
            return {fmt::format("\"{}\" has no value", key), fmt::format("write {} = value", key), column};
        }
        const bool as_it_is = value[0] == '"' || value[0] == '[' || value[0] == '{' || value[0] == '\'' ||
                              value.find_first_not_of("0123456789") == value.npos;
        return {fmt::format("there is no = behind \"{}\"", key),
                fmt::format("write {} = {}", key, as_it_is ? std::string(value) : in_quotes(value)), column};
    }
    const std::size_t equals = line.find('=', at);
    if (key.empty() || equals == line.npos) return {plain_description(description), {}, 0};
    const std::size_t value_at = line.find_first_not_of(" \t", equals + 1);
    if (value_at == line.npos) {
        return {fmt::format("\"{}\" has no value", key), {}, column_of(line, equals)};
    }
    const std::uint32_t value_column = column_of(line, value_at);
    if (unfinished) {
        return {"what opens here is never closed", "close it with the matching ], } or quotes", value_column};
    }
    const std::string_view value = trim_semicolon(line.substr(value_at));
    const char first = value.empty() ? '\0' : value[0];
    if (value.empty()) return {fmt::format("\"{}\" has no value", key), {}, value_column};
    if (first == '"' || first == '\'') {
        if (value.find(first, 1) == value.npos) {
            return {"this string is never closed",
                    "a string ends on its line with the quote that it began with", value_column};
        }
        if (trim(line).ends_with(';')) {
            return {"there is a semicolon behind the value", "lines end without one", 0};
        }
        if (first == '"' && description.find("escape") != description.npos) {
            return {plain_description(description),
                    "write a backslash twice, or the string in single quotes: '\\.php$'", 0};
        }
        return {plain_description(description), {}, 0};
    }
    if (first == '[' || first == '{') {
        const bool comma = description.find("comma") != description.npos;
        return {plain_description(description), comma ? "put a comma between two elements" : "", 0};
    }
    if (std::none_of(value.begin(), value.end(), [](char c) { return is_alpha(c) || is_digit(c); })) {
        return {plain_description(description), {}, 0};
    }
    return {"this value is neither a number, true, false nor a quoted string",
            fmt::format("write {} = {}", key, in_quotes(value)), value_column};
}

}  // namespace gantry::conf
