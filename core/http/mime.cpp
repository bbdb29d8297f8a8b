#include "core/http/mime.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace gantry::http {

namespace {

constexpr std::size_t kLongest = 16;

struct Row {
    std::string_view extension;
    std::string_view type;
};
constexpr Row kRows[] = {
#include "core/http/mime_table.inc"
};
constexpr std::size_t kCount = std::size(kRows);

// Extensions as numbers that sort like the text: comparing two is comparing two words.
struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend constexpr bool operator<(const Key& a, const Key& b) {
        return a.high != b.high ? a.high < b.high : a.low < b.low;
    }
    friend constexpr bool operator==(const Key& a, const Key& b) = default;
};

constexpr Key key_of(std::string_view extension) {
    Key key;
    for (std::size_t i = 0; i < extension.size(); ++i) {
        const std::uint64_t byte = static_cast<unsigned char>(to_lower(extension[i]));
        (i < 8 ? key.high : key.low) |= byte << (56 - 8 * (i % 8));
    }
    return key;
}

constexpr std::array<Key, kCount> kKeys = [] {
    std::array<Key, kCount> keys;
    for (std::size_t i = 0; i < kCount; ++i) keys[i] = key_of(kRows[i].extension);
    return keys;
}();

constexpr bool is_sorted() {
    for (std::size_t i = 1; i < kCount; ++i) {
        if (!(kKeys[i - 1] < kKeys[i])) return false;
    }
    return true;
}
static_assert(is_sorted(), "make the table with contrib/gen/mime.py");

}  // namespace

std::string_view mime_type(std::string_view extension) {
    if (extension.empty() || extension.size() > kLongest) return "";
    const Key key = key_of(extension);
    const auto* const at = std::lower_bound(kKeys.begin(), kKeys.end(), key);
    if (at == kKeys.end() || !(*at == key)) return "";
    const Row& row = kRows[static_cast<std::size_t>(at - kKeys.begin())];
    // An extension with a NUL at its end has the same key as the one without.
    return row.extension.size() == extension.size() ? row.type : "";
}

bool is_text_type(std::string_view type) {
    type = trim(type.substr(0, type.find(';')));
    if (starts_with_ignore_case(type, "text/")) return true;
    constexpr std::string_view kXml = "+xml";
    if (type.size() > kXml.size() && equals_ignore_case(type.substr(type.size() - kXml.size()), kXml)) {
        return true;
    }
    // JSON is UTF-8 by definition and has no charset parameter (RFC 8259 11).
    return equals_ignore_case(type, "application/xml") || equals_ignore_case(type, "application/javascript");
}

}  // namespace gantry::http
