// What is wrong with a setting, found while a generation is built (regular expressions, templates, address
// ranges, error pages): a sentence, its place, and a remedy.
#pragma once

#include "core/conf/settings.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace gantry::server {

struct Problem {
    conf::Place place;         // of the value
    std::uint32_t offset = 0;  // bytes into the value where it goes wrong
    std::string message;       // "unknown variable \"hots\""
    std::string hint;          // "did you mean \"host\"?"; may be empty
};

// Every problem of one build is collected; empty means that it succeeded.
using Problems = std::vector<Problem>;

// An expression at `place` that does not compile.
Problem problem_of(conf::Place place, const RegexError& error);

}  // namespace gantry::server
