// Whether a text is JSON (RFC 8259), for what a fake host is answered.
#pragma once

#include "gantry/json.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gantry::fake::detail {

class JsonCheck {
public:
    explicit JsonCheck(std::string_view text) : rest_(text) {}

    bool is_object() {
        blanks();
        return rest_.starts_with('{') && value(0) && (blanks(), rest_.empty());
    }

    // Whether the object, which is one, has a string of that name that is not empty.
    static bool has_text(std::string_view object, std::string_view name) {
        JsonCheck check{object};
        check.wanted_ = name;
        return check.is_object() && check.has_wanted_;
    }

private:
    static constexpr int kDeepest = 32;

    void blanks() {
        while (!rest_.empty() && std::string_view{" \t\r\n"}.find(rest_[0]) != rest_.npos)
            rest_.remove_prefix(1);
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view wanted) {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(wanted.size());
        return true;
    }

    bool value(int depth) {
        blanks();
        if (depth > kDeepest || rest_.empty()) return false;
        switch (rest_[0]) {
            case '{':
                return object(depth);
            case '[':
                return list(depth);
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }

    bool object(int depth) {
        take('{');
        blanks();
        if (take('}')) return true;
        do {
            blanks();
            const std::string_view from = rest_;
            if (!string()) return false;
            const std::string_view name = from.substr(0, from.size() - rest_.size());
            blanks();
            if (!take(':')) return false;
            blanks();
            const bool is_wanted =
                depth == 0 && name.size() == wanted_.size() + 2 && name.substr(1, wanted_.size()) == wanted_;
            if (is_wanted) has_wanted_ = rest_.starts_with('"') && !rest_.starts_with("\"\"");
            if (!value(depth + 1)) return false;
            blanks();
        } while (take(','));
        return take('}');
    }
    bool list(int depth) {
        take('[');
        blanks();
        if (take(']')) return true;
        do {
            if (!value(depth + 1)) return false;
            blanks();
        } while (take(','));
        return take(']');
    }

    bool string() {
        if (!take('"')) return false;
        while (!rest_.empty()) {
            if (take('"')) return true;
            if (rest_[0] == '\\') {
                if (!escape()) return false;
                continue;
            }
            const std::size_t size = json::detail::utf8_size(rest_);
            if (size == 0 || static_cast<unsigned char>(rest_[0]) < 0x20U) return false;
            rest_.remove_prefix(size);
        }
        return false;
    }
    bool escape() {
        take('\\');
        if (rest_.empty()) return false;
        if (!take('u')) {
            const bool is_known = std::string_view{"\"\\/bfnrt"}.find(rest_[0]) != rest_.npos;
            rest_.remove_prefix(1);
            return is_known;
        }
        if (rest_.size() < 4 || rest_.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") != rest_.npos)
            return false;
        rest_.remove_prefix(4);
        return true;
    }

    bool digits() {
        const std::size_t size = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        rest_.remove_prefix(size);
        return size > 0;
    }
    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (!take('e') && !take('E')) return true;
        if (!take('+')) take('-');
        return digits();
    }

    std::string_view rest_;
    std::string_view wanted_;
    bool has_wanted_ = false;
};

}  // namespace gantry::fake::detail
