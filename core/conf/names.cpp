// Names of hosts and patterns of locations.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    std::size_t label = 0;
    for (const char c : name) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return false;
        if (++label > 63) return false;
    }
    return label != 0;
}

std::string remedy_for_name(std::string_view text) {
    if (text == "*" || text == "_" || text.empty()) {
        return "a host for all other names has any name and default = true";
    }
    if (text.find("://") != text.npos) return "a name has no http:// and no path: \"www.example.com\"";
    if (text.starts_with('.')) return fmt::format("names below one are written \"*{}\"", text);
    if (text.find('/') != text.npos)
        return "paths belong to locations: [host.\"www.example.com\".location.\"/path/\"]";
    if (is_ip_address(std::string(text)))
        return fmt::format("an IPv6 address stands in brackets: \"[{}]\"", text);
    if (text.starts_with('[')) return "an IPv6 address in brackets is written \"[2001:db8::1]\"";
    if (text.find(':') != text.npos) return "the port belongs to the listener";
    if (text.find('*') != text.npos) {
        return "a * can only be the whole first part: \"*.example.com\"; for more there are expressions: "
               "\"~^shop-.*\\\\.example\\\\.com$\"";
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        return "write it as clients send it, in the form that begins with xn--";
    }
    if (text.find("${") != text.npos)
        return "nothing is replaced in keys, but in values: names = [\"${NAME}\"] beside a key of your "
               "choice";
    if (text.find_first_of(" ,") != text.npos)
        return "further names have a list: names = [\"b.example.com\"]";
    if (text.size() > 63) return "a part between dots has 63 characters at most, a name 253";
    return "names are made of letters, digits, - and dots";
}

bool has_dot_segment(std::string_view path) {
    for (std::size_t at = 0; at != path.npos;) {
        const std::size_t end = path.find('/', at);
        const std::string_view segment = path.substr(at, end == path.npos ? path.npos : end - at);
        if (segment == "." || segment == "..") return true;
        at = end == path.npos ? path.npos : end + 1;
    }
    return false;
}

// What would keep a path pattern from ever matching a normalised path.
bool check_path(Loading& in, std::string_view text, Place place) {
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(place, std::move(message), std::move(hint));
        return false;
    };
    if (const auto mark = text.find_first_of("?#"); mark != text.npos) {
        return wrong(fmt::format("the pattern \"{}\" can never match: paths have no {}", text, text[mark]),
                     "the query is a condition: when = { query = { name = \"value\" } }");
    }
    if (text.find("${") != text.npos) {
        return wrong(
            fmt::format("the ${{ in \"{}\" is not replaced: patterns know nothing of the request", text),
            "a part that changes is an expression: '~^/users/(?<name>[^/]+)$'");
    }
    if (text.find('\0') != text.npos) {
        return wrong("this pattern can never match: paths have no NUL", "take it out");
    }
    if (has_dot_segment(text)) {
        return wrong(fmt::format("the pattern \"{}\" can never match: . and .. are resolved before", text),
                     "write the path without them");
    }
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
        if (text[i] != '%' || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) continue;
        const int value = hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]);
        if (value == '/' || value == '%') continue;  // may stay as they are
        return wrong(fmt::format("the pattern \"{}\" can never match: paths are decoded before", text),
                     "write the characters themselves instead of %XX");
    }
    return true;
}

}  // namespace

bool parse_host_name(Loading& in, std::string_view text, Place place, HostName& out) {
    out.place = place;
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(place, std::move(message), std::move(hint));
        return false;
    };
    if (text.starts_with('~')) {
        out.kind = HostName::Kind::Regex;
        out.text = text.substr(1);
        if (out.text.empty())
            return wrong("this regular expression is empty",
                         "for example: '~^(?<user>\\w+)\\.example\\.com$'");
        if (out.text.starts_with('*')) {
            return wrong(
                "\"~*\" does not begin an expression for names, which are compared without case anyway",
                fmt::format("write \"~{}\"", out.text.substr(1)));
        }
        return true;
    }
    // An IPv6 address, as clients send it.
    if (text.starts_with('[') && text.ends_with(']') &&
        is_ip_address(std::string(text.substr(1, text.size() - 2)))) {
        out.text = lower_case(text);
        return true;
    }
    std::string_view name = text;
    if (name.starts_with("*.")) {
        out.kind = HostName::Kind::Wildcard;
        name.remove_prefix(2);
    }
    if (name.ends_with('.')) name.remove_suffix(1);
    const bool numeric = name.find('.') != name.npos && name.find_first_not_of("0123456789.") == name.npos;
    if (numeric && (out.kind == HostName::Kind::Wildcard || !is_ip_address(std::string(name)))) {
        return wrong(fmt::format("\"{}\" is neither a name nor an address", text),
                     "an address is written \"192.0.2.1\"");
    }
    if (!is_dns_name(name) || name == "_") {
        return wrong(fmt::format("\"{}\" cannot be the name of a host", text), remedy_for_name(text));
    }
    out.text = lower_case(name);
    return true;
}

bool is_pattern(std::string_view text) {
    return text.starts_with('/') || text.starts_with('=') || text.starts_with('~') || text.starts_with("^~");
}

bool parse_pattern(Loading& in, std::string_view text, Place place, Pattern& out) {
    out.place = place;
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(place, std::move(message), std::move(hint));
        return false;
    };
    if (text.starts_with('~')) {
        out.kind = Pattern::Kind::Regex;
        text.remove_prefix(1);
        out.ignore_case = text.starts_with('*');
        if (out.ignore_case) text.remove_prefix(1);
        text = trim(text);
        if (text.empty()) return wrong("this regular expression is empty", "for example: '~\\.php$'");
        out.text = text;
        return true;
    }
    if (text.starts_with('=')) {
        out.kind = Pattern::Kind::Exact;
        text = trim(text.substr(1));
    }
    if (!text.starts_with('/')) {
        return wrong(fmt::format("\"{}\" is not a pattern for paths", text),
                     text.starts_with("^~")
                         ? "a prefix is written \"/path/\"; to prefer it to expressions add priority = 1"
                         : "patterns are \"/prefix\", \"= /exact\" and \"~expression\"");
    }
    out.text = text;
    if (!check_path(in, text, place)) return false;
    if (const auto star = text.find('*'); star != text.npos) {
        in.warning(place, fmt::format("the * in \"{}\" is an ordinary character", text),
                   out.kind == Pattern::Kind::Prefix && star + 1 == text.size()
                       ? fmt::format("\"{}\" covers everything that begins so", text.substr(0, star))
                       : std::string("patterns with wildcards are expressions: '~^/a/[^/]*/b$'"));
    }
    return true;
}

}  // namespace gantry::conf
