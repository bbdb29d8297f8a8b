#include "core/conf/as_written.hpp"

#include <fmt/format.h>
#include <iterator>

namespace gantry::conf {

std::string as_written(const HostName& name) {
    switch (name.kind) {
        case HostName::Kind::Wildcard:
            return "*." + name.text;
        case HostName::Kind::Regex:
            return "~" + name.text;
        case HostName::Kind::Exact:
            break;
    }
    return name.text;
}

std::string as_written(const Pattern& pattern) {
    switch (pattern.kind) {
        case Pattern::Kind::Exact:
            return "= " + pattern.text;
        case Pattern::Kind::Regex:
            return (pattern.ignore_case ? "~*" : "~") + pattern.text;
        case Pattern::Kind::Prefix:
            break;
    }
    return pattern.text;
}

std::string as_written(const Condition& condition) {
    constexpr std::string_view kSources[] = {"header", "query", "cookie"};
    const std::string name =
        fmt::format("{} {}", kSources[static_cast<std::size_t>(condition.source)], condition.name);
    switch (condition.test) {
        case Condition::Test::Present:
            return name + " is there";
        case Condition::Test::Absent:
            return name + " is not there";
        case Condition::Test::Regex:
            return fmt::format("{} matches {}", name, in_quotes(condition.value));
        case Condition::Test::Equals:
            break;
    }
    return fmt::format("{} is {}", name, in_quotes(condition.value));
}

std::string_view as_written(Expectation::What what) {
    constexpr std::string_view kNames[] = {"host",     "location", "path",   "handler",
                                           "upstream", "file",     "status", "header"};
    return kNames[static_cast<std::size_t>(what)];
}

// Not "quoted": with g++ 14 std::quoted would be found for a std::string as well.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (c == '\n') {
            out.append("\\n");
        } else if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out.append("\"");
}

}  // namespace gantry::conf
