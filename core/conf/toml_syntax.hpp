// Words for syntax errors: what toml++ says, and what a person who is used to other formats probably meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::conf {

struct SyntaxAdvice {
    std::string message;
    std::string hint;
    std::uint32_t column =
        0;  // in the first line of the statement, where it knows better than toml++; else 0
};

// "Error while parsing key-value pair: expected …" without the preamble.
std::string plain_description(std::string_view description);

SyntaxAdvice advise_on_header(std::string_view line, std::string_view description);

// `unfinished`: a bracket or a multi-line string of the statement is never closed.
SyntaxAdvice advise_on_pair(std::string_view statement, std::string_view description, bool unfinished);

}  // namespace gantry::conf
