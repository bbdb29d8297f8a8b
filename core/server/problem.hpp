// What is wrong with a setting, found while a generation is built (regular expressions, templates, address
// ranges, error pages): a sentence, its place, and a remedy.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/settings.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::server {

struct Problem {
    conf::Place place;         // of the value
    std::uint32_t offset = 0;  // bytes into the value where it goes wrong
    std::string message;       // "unknown variable \"hots\""
    std::string hint;          // "did you mean \"host\"?"; may be empty
    conf::Cause cause = conf::Cause::Text;
    // Of hosts alone, these; filled in when the build is over. Nothing: it is one of the whole configuration.
    std::optional<std::vector<std::uint32_t>> hosts = {};
};

// Every problem of one build is collected; empty means that it succeeded.
using Problems = std::vector<Problem>;

// An expression at `place` that does not compile.
Problem problem_of(conf::Place place, const RegexError& error);

}  // namespace gantry::server
