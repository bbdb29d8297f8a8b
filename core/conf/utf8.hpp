// Just enough UTF-8 to tell whether a file is written in it, and to put a caret under the right character of
// a source line.
#pragma once

#include <cstddef>
#include <string_view>

namespace gantry::conf {

// Bytes of the character that begins `text` (which is not empty); 1 where it is not valid UTF-8.
std::size_t utf8_step(std::string_view text);

// Where the first byte stands that is not UTF-8; npos: nowhere.
std::size_t find_non_utf8(std::string_view text);

// Cells that one character takes in a terminal: 0, 1 or 2; -1 where it must not be written to one (a control
// character or invalid UTF-8). A tab counts as 1.
int utf8_width(std::string_view character);

}  // namespace gantry::conf
