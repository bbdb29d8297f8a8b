// Pages for the program man: roff with the macros of man(7).
#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

// Text that stands as it is: no macro at the beginning of a line, no quote or hyphen that becomes another
// character.
std::string roff(std::string_view text);
// The argument of a macro.
std::string roff_argument(std::string_view text);
// A new line for each sentence, as roff has it, and none too long.
std::string roff_sentences(std::string_view text);
// The date in it is that of SOURCE_DATE_EPOCH where it is set, as packages do, else today's.
std::string roff_header(std::string_view title, int section);
std::string roff_example(std::string_view lines);

}  // namespace gantry::cli
