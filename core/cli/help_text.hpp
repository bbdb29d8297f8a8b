// How what `gantry help` says is set: in lines of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::cli {

// `text` in lines of at most 80 cells, each after `indent` spaces.
std::string wrapped(std::string_view text, std::size_t indent);
std::string first_sentence(std::string_view text);
// A name, and behind it in a column of its own what it is.
void append_row(std::string& out, std::string_view name, std::string_view text);
// "Default:    text"; nothing where there is no text.
void append_fact(std::string& out, std::string_view name, std::string_view text);
// "Example:" and lines below it.
void append_example(std::string& out, std::string_view lines);

}  // namespace gantry::cli
