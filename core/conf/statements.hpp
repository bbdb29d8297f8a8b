// Cuts the text of a TOML file into its statements, without judging them: [headers] and key = value, each
// with the lines that it spans. It lets one broken statement be reported without hiding the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gantry::conf {

struct Statement {
    enum class Kind : std::uint8_t { Header, Pair };
    Kind kind = Kind::Pair;
    std::size_t begin = 0;    // of its first line
    std::size_t end = 0;      // behind its last line's line feed
    std::uint32_t line = 0;   // 1-based
    bool too_deep = false;    // dotted or nested beyond what any configuration has
    bool unfinished = false;  // a bracket or a """ string was still open at the end
};

// Keeps a view of the text; the text must outlive it.
class Statements {
public:
    explicit Statements(std::string_view text, std::uint32_t first_line = 1)
        : text_(text), line_(first_line) {}

    // The next statement; blank lines and comments between statements belong to none. False at the end.
    bool next(Statement& out);

private:
    void skip_line();
    void skip_string(Statement& out);
    void skip_value(Statement& out);
    bool looks_like_header(std::size_t at) const;

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_;
};

}  // namespace gantry::conf
