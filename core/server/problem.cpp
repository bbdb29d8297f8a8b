#include "core/server/problem.hpp"

namespace gantry::server {
namespace {

// For what people mostly mean when PCRE2 says so.
std::string remedy_for(const std::string& message) {
    const auto says = [&](const char* what) { return message.find(what) != message.npos; };
    if (says("parenthes") || says("character class")) return "a plain ( or [ is written \\( or \\[";
    if (says("does not follow a repeatable item")) return "a plain * or + is written \\* or \\+";
    if (says("\\")) return "in \"double quotes\" a backslash is written twice, in 'single quotes' once";
    if (says("too large") || says("too big") || says("too long") || says("deeply")) return "make it simpler";
    if (says("same name")) return "give each group a name of its own";
    if (says("non-existent")) return "a group is counted by its opening (, from 1";
    return "expressions are those of Perl: https://www.pcre.org/current/doc/html/pcre2pattern.html";
}

}  // namespace

Problem problem_of(conf::Place place, const RegexError& error) {
    return {place, static_cast<std::uint32_t>(error.offset), "bad regular expression: " + error.message,
            remedy_for(error.message)};
}

}  // namespace gantry::server
