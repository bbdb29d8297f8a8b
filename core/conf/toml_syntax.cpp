#include "core/conf/toml_syntax.hpp"

#include "core/base/text.hpp"
#include "core/conf/utf8.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

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

// Curly quotes come from word processors and web pages. Empty: there are none.
std::string with_straight_quotes(std::string_view value) {
    static constexpr std::string_view kCurly[] = {"\u201C", "\u201D", "\u201E", "\u201F",
                                                  "\u00AB", "\u00BB", "\u2018", "\u2019"};
    std::string out;
    bool found = false;
    while (!value.empty()) {
        const std::size_t step = utf8_step(value);
        const bool curly =
            std::find(std::begin(kCurly), std::end(kCurly), value.substr(0, step)) != std::end(kCurly);
        if (!curly && value[0] != '"') out.append(value.substr(0, step));
        found |= curly;
        value.remove_prefix(step);
    }
    return found ? fmt::format("\"{}\"", out) : std::string();
}

// `rest`: what stands behind the first word of a line.
SyntaxAdvice advise_on_missing_equals(std::string_view key, std::string_view rest, std::uint32_t column) {
    static constexpr std::string_view kSections =
        "a section is a header in brackets: [server], [listener.web], [host.\"www.example.com\"]";
    if (rest.ends_with('{')) {
        return {"this is not TOML: sections are not written with braces", std::string(kSections), column};
    }
    if (rest == ":") {
        return {"this is not TOML: sections are not written with a colon", std::string(kSections), column};
    }
    const auto equals = rest.find('=');
    const std::string_view words = trim(rest.substr(0, equals));
    if (equals != rest.npos && !words.empty() &&
        std::all_of(words.begin(), words.end(), [](char c) { return is_bare(c) || c == ' '; })) {
        std::string name = fmt::format("{}_{}", key, words);
        std::replace(name.begin(), name.end(), ' ', '_');
        return {fmt::format("the key \"{} {}\" has a blank in it", key, words),
                fmt::format("keys have none: {} {}", name, rest.substr(equals)), column};
    }
    if (key == "-") {
        return {"this is not TOML: lists are not written with dashes",
                "a list stands in brackets: peers = [\"127.0.0.1:3000\", \"127.0.0.1:3001\"]", column};
    }
    std::string_view value = rest;
    while (value.starts_with(':') || value.starts_with('=')) value = trim(value.substr(1));
    value = trim_semicolon(value);
    if (value.empty()) {
        return {fmt::format("\"{}\" has no value", key), fmt::format("write {} = value", key), column};
    }
    const bool as_it_is = value[0] == '"' || value[0] == '[' || value[0] == '{' || value[0] == '\'' ||
                          value.find_first_not_of("0123456789") == value.npos;
    return {fmt::format("there is no = behind \"{}\"", key),
            fmt::format("write {} = {}", key, as_it_is ? std::string(value) : in_quotes(value)), column};
}

SyntaxAdvice advise_on_number(std::string_view key, std::string_view value, std::uint32_t column) {
    std::string_view digits = value;
    while (!digits.empty() && (digits[0] == '0' || digits[0] == '+' || digits[0] == '-')) {
        digits.remove_prefix(1);
    }
    if (value.find('_') != value.npos) {
        return {"this is not a number", "an underscore stands between two digits: 10_000", column};
    }
    if (value[0] == '0' && digits.size() + 1 >= value.size() - 1 && !digits.empty()) {
        return {"numbers do not begin with 0",
                fmt::format("write {} = {}, or 0o{} if it is meant to be octal", key, digits, digits),
                column};
    }
    if (digits.size() < 19 || digits.find_first_not_of("0123456789") != digits.npos) {
        return {"this is not a number", fmt::format("text stands in quotes: {} = \"{}\"", key, value),
                column};
    }
    return {"this number is larger than any number can be here",
            "numbers go up to 9223372036854775807; sizes and times have units in quotes: \"10MiB\", \"30s\"",
            column};
}

// They come from web pages and word processors. Empty: what begins `text` is none.
std::string_view name_of_invisible(std::string_view text) {
    struct Name {
        std::string_view character;
        std::string_view name;
    };
    static constexpr Name kNames[] = {{"\u00A0", "U+00A0"}, {"\u200B", "U+200B"}, {"\u200E", "U+200E"},
                                      {"\u200F", "U+200F"}, {"\u2028", "U+2028"}, {"\u202F", "U+202F"},
                                      {"\u3000", "U+3000"}, {"\uFEFF", "U+FEFF"}};
    for (const Name& known : kNames) {
        if (text.starts_with(known.character)) return known.name;
    }
    return {};
}

// A list or a table in braces.
SyntaxAdvice advise_on_brackets(std::string_view statement, char first, std::string_view description) {
    std::string message = plain_description(description);
    const auto says = [description](std::string_view what) {
        return description.find(what) != description.npos;
    };
    if (says("cannot redefine")) return {std::move(message), "take one of the two out", 0};
    if (says("dangling comma")) return {std::move(message), "take the last comma out", 0};
    if (first == '{' && first_line(statement).size() + 2 < statement.size() && says("\\n")) {
        return {"a table in braces goes on behind the end of its line",
                "write it on one line, or as a section: [listener.web.tls]", 0};
    }
    if (says("expected a comment or whitespace")) {
        return {"something stands behind the value", "take it out, or begin a new line", 0};
    }
    if (says("comma")) return {std::move(message), "put a comma between two elements", 0};
    if (says("could not determine value type")) {
        return {std::move(message), "strings stand in quotes, also in lists: [\"a\", \"b\"]", 0};
    }
    if (says("escape sequence")) {
        return {std::move(message), "write a backslash twice, or the string in single quotes: '\\.php$'", 0};
    }
    return {std::move(message), "for example: [\"a\", \"b\"], { name = \"value\" }", 0};
}

SyntaxAdvice advise_on_string(std::string_view line, std::string_view value, std::string_view description,
                              std::uint32_t column) {
    std::string message = plain_description(description);
    const auto close = value.find(value[0], 1);
    if (close == value.npos) {
        return {"this string is never closed", "a string ends on its line with the quote that it began with",
                column};
    }
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7F; };
    if (const auto control = std::find_if(value.begin(), value.end(), is_control);
        control != value.end() && description.find("control character") != description.npos) {
        return {
            "there is a control character in this string",
            fmt::format("take it out, or write it as \"\\u{:04X}\"", static_cast<unsigned char>(*control)),
            0};
    }
    if (const char last = trim(line).back(); last == ';' || last == ',') {
        return {fmt::format("there is a {} behind the value", last == ';' ? "semicolon" : "comma"),
                "lines end without one", 0};
    }
    if (description.find("unicode scalar") != description.npos) {
        return {std::move(message), "write \\u and four digits, which name a character: \"\\u00E4\"", 0};
    }
    if (value[0] == '"' && description.find("escape") != description.npos) {
        return {std::move(message), "write a backslash twice, or the string in single quotes: '\\.php$'", 0};
    }
    if (value.find('=', close) != value.npos) {
        return {"there are two settings on this line", "begin a new line for the second one", 0};
    }
    return {std::move(message), "write one value behind the =, on one line", 0};
}

// What is no setting at all, or has a character in front of its value that nobody sees.
std::optional<SyntaxAdvice> advise_on_beginning(std::string_view line, std::size_t at,
                                                std::string_view description) {
    if (description.find("prohibited in comments") != description.npos) {
        return SyntaxAdvice{"there is a control character in this comment", "take it out", 0};
    }
    if (line[at] == '{' || line[at] == '}') {
        return SyntaxAdvice{
            "this is not TOML: a line begins with a key or a header",
            "a section is a header in brackets, [listener.web], and a setting is name = value", 0};
    }
    if (line[at] == ';' || line.substr(at).starts_with("//") || line.substr(at).starts_with("--")) {
        return SyntaxAdvice{"this line is neither a setting nor a comment", "comments begin with #", 0};
    }
    for (std::size_t i = at; i < line.size() && line[i] != '"' && line[i] != '\'';
         i += utf8_step(line.substr(i))) {
        const std::string_view name = name_of_invisible(line.substr(i));
        if (name.empty()) continue;
        return SyntaxAdvice{fmt::format("there is a character here that is not to be seen: {}", name),
                            "take it out, or write a plain blank", column_of(line, i)};
    }
    return std::nullopt;
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
    if (text.starts_with("[") && trim(text.substr(1)).starts_with("[")) {
        return {"arrays of tables are not used in this configuration",
                "write each one as a table with its own name: [listener.web], [upstream.app]", 0};
    }
    if (description.find("escape sequence") != description.npos) {
        return {plain_description(description),
                "write a backslash twice, or the name in single quotes: "
                "[host.\"www.example.com\".location.'~\\.php$']",
                0};
    }
    if (description.find("after '\\r'") != description.npos) {
        return {"a line ends with a carriage return alone", "end lines with a line feed", 0};
    }
    if (description.find("expected a comment or whitespace") != description.npos) {
        return {"something stands behind the table header", "begin a new line behind the ]", 0};
    }
    if (text.find_first_of("*/~:$") != text.npos || text.find("[host.") != text.npos) {
        return {plain_description(description),
                "quote names that have other characters than letters, digits, _ and -: "
                "[host.\"*.example.com\".location.\"/api/\"]",
                0};
    }
    return {plain_description(description),
            "a header is made of names with dots between them: [listener.web], [host.\"www.example.com\"]",
            0};
}

SyntaxAdvice advise_on_pair(std::string_view statement, std::string_view description, bool unfinished) {
    const std::string_view line = without_comment(first_line(statement));
    std::size_t at = line.find_first_not_of(" \t");
    if (at == line.npos) return {plain_description(description), "take this line out", 0};
    const std::size_t key_begin = at;
    if (auto advice = advise_on_beginning(line, at, description)) return std::move(*advice);
    while (at < line.size() && (is_bare(line[at]) || line[at] == '.')) ++at;
    const std::string_view key = line.substr(key_begin, at - key_begin);
    const std::string_view rest = trim(line.substr(at));

    const bool goes_on = at < line.size() && static_cast<unsigned char>(line[at]) >= 0x80;
    if (!key.empty() && goes_on) {
        return {plain_description(description),
                "quote keys that have other characters than letters, digits, _ and -", 0};
    }
    if (!key.empty() && !rest.starts_with('=')) {
        return advise_on_missing_equals(key, rest, column_of(line, key_begin));
    }
    const std::size_t equals = line.find('=', at);
    if (key.empty() || equals == line.npos) {
        return {plain_description(description), "a setting is name = value", 0};
    }
    const std::size_t value_at = line.find_first_not_of(" \t", equals + 1);
    const std::string_view value =
        value_at == line.npos ? std::string_view() : trim_semicolon(line.substr(value_at));
    if (value.empty()) {
        return {fmt::format("\"{}\" has no value", key), fmt::format("write {} = value", key),
                column_of(line, value_at == line.npos ? equals : value_at)};
    }
    const std::uint32_t column = column_of(line, value_at);
    if (unfinished) {
        return {"what opens here is never closed", "close it with the matching ], } or quotes", column};
    }
    if (value[0] == '=') {
        const std::size_t meant = value.find_first_not_of("= \t");
        return {"there is one = too many",
                fmt::format("write {} = {}", key, meant == value.npos ? "value" : trim(value.substr(meant))),
                column};
    }
    const char first = value[0];
    if (first == '"' || first == '\'') return advise_on_string(line, value, description, column);
    if (first == '[' || first == '{') return advise_on_brackets(statement, first, description);
    if (const char last = trim(line).back(); last == ';' || last == ',') {
        return {fmt::format("there is a {} behind the value", last == ';' ? "semicolon" : "comma"),
                "lines end without one", column};
    }
    if (std::none_of(value.begin(), value.end(), [](char c) { return is_alpha(c) || is_digit(c); })) {
        return {plain_description(description), fmt::format("write {} = value", key), 0};
    }
    if (value.find_first_not_of("0123456789_+-") == value.npos) return advise_on_number(key, value, column);
    if (value.find('=') != value.npos) {
        return {"there are two settings on this line", "begin a new line for the second one", column};
    }
    if (equals_ignore_case(value, "null") || equals_ignore_case(value, "none") ||
        equals_ignore_case(value, "nil")) {
        return {fmt::format("there is no {} in TOML", value), fmt::format("leave {} out", key), column};
    }
    if (const std::string straight = with_straight_quotes(value); !straight.empty()) {
        return {"these quotes are curly ones", fmt::format("write {} = {}", key, straight), column};
    }
    return {"this value is neither a number, true, false nor a quoted string",
            fmt::format("write {} = {}", key, in_quotes(value)), column};
}

}  // namespace gantry::conf
