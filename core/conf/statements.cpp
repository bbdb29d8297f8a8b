#include "core/conf/statements.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

// toml++ frees nested tables by recursion: a line of a million dots must not reach it.
constexpr int kMaxDots = 64;
constexpr int kMaxBrackets = 32;

}  // namespace

bool Statements::next(Statement& out) {
    while (at_ < text_.size()) {
        const std::size_t begin = at_;
        std::size_t i = at_;
        while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t')) ++i;
        const char first = i < text_.size() ? text_[i] : '\n';
        if (first == '\n' || first == '\r' || first == '#') {
            skip_line();
            continue;
        }
        out = {};
        out.begin = begin;
        out.line = line_;
        at_ = i;
        if (first == '[') {
            out.kind = Statement::Kind::Header;
            const std::size_t eol = std::min(text_.find('\n', at_), text_.size());
            out.too_deep = std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                      text_.begin() + static_cast<std::ptrdiff_t>(eol), '.') > 4 * kMaxDots;
            skip_line();
        } else {
            out.kind = Statement::Kind::Pair;
            skip_value(out);
        }
        out.end = at_;
        return true;
    }
    return false;
}

void Statements::skip_line() {
    const std::size_t eol = text_.find('\n', at_);
    at_ = eol == text_.npos ? text_.size() : eol + 1;
    ++line_;
}

// At a quote. Ends behind the closing one, or at the end of the line where a single-line string is not
// closed.
void Statements::skip_string(Statement& out) {
    const char quote = text_[at_];
    const bool multi = text_.substr(at_).starts_with(quote == '"' ? "\"\"\"" : "'''");
    at_ += multi ? 3 : 1;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '\n') {
            if (!multi) return;
            ++line_;
        } else if (c == '\\' && quote == '"') {
            if (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
        } else if (c == quote) {
            if (!multi) {
                ++at_;
                return;
            }
            std::size_t run = 0;
            while (at_ + run < text_.size() && text_[at_ + run] == quote) ++run;
            at_ += run;
            if (run >= 3) return;
            continue;
        }
        ++at_;
    }
    if (multi) out.unfinished = true;
}

// From the key to the end of the last line of the value.
void Statements::skip_value(Statement& out) {
    int depth = 0;
    int deepest = 0;
    int dots = 0;
    while (at_ < text_.size()) {
        switch (const char c = text_[at_]; c) {
            case '"':
            case '\'':
                skip_string(out);
                continue;
            case '#':
                at_ = std::min(text_.find('\n', at_), text_.size());
                continue;
            case '[':
            case '{':
                deepest = std::max(deepest, ++depth);
                break;
            case ']':
            case '}':
                depth = std::max(depth - 1, 0);
                break;
            case '.':
                ++dots;
                break;
            case '\n':
                ++at_;
                ++line_;
                if (dots > kMaxDots) out.too_deep = true;
                dots = 0;
                if (depth == 0 || looks_like_header(at_)) {
                    out.too_deep |= deepest > kMaxBrackets;
                    out.unfinished |= depth != 0;
                    return;
                }
                continue;
            default:
                break;
        }
        ++at_;
    }
    out.too_deep |= deepest > kMaxBrackets || dots > kMaxDots;
    out.unfinished |= depth != 0;
}

// Inside an array that was never closed: no TOML value begins with [ and a bare word at the margin, a header
// does.
bool Statements::looks_like_header(std::size_t at) const {
    if (at >= text_.size() || text_[at] != '[') return false;
    std::size_t end = at + 1;
    while (end < text_.size() && (is_alpha(text_[end]) || text_[end] == '_')) ++end;
    const std::string_view word = text_.substr(at + 1, end - at - 1);
    if (word.empty() || word == "true" || word == "false" || word == "inf" || word == "nan") return false;
    return end < text_.size() && (text_[end] == '.' || text_[end] == ']');
}

}  // namespace gantry::conf
