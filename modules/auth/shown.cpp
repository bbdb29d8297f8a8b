#include "shown.hpp"

#include <algorithm>

namespace auth {

std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 64;
    std::string out{text.substr(0, kMost)};
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c <= 0x20 || c >= 0x7f || c == '"' || c == '\\'; }, '?');
    return out;
}

}  // namespace auth
