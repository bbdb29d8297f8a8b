#include "core/http/header_names.hpp"

#include "core/base/text.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace gantry::http {

namespace {

// In the order of HeaderId, which starts with Other.
constexpr std::string_view kNames[kHeaderIds] = {
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Link",
    "Location",
    "Origin",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "X-Accel-Buffering",
    "X-Content-Type-Options",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
};
static_assert(kNames[static_cast<std::size_t>(HeaderId::SecWebsocketProtocol)] == "Sec-WebSocket-Protocol");

constexpr std::size_t kLongest = 32;

template <class Word>
constexpr std::uint64_t load(const char* from) {
    if (std::is_constant_evaluated()) {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < sizeof(Word); ++i) {
            const std::size_t shift = std::endian::native == std::endian::little ? i : sizeof(Word) - 1 - i;
            word |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * shift);
        }
        return word;
    }
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

// A name of up to 32 bytes as words that overlap where its length is no multiple of eight: two names of one
// length are equal if and only if their words are.
struct Words {
    std::uint64_t word[4] = {};
};

constexpr Words words_of(std::string_view name) {
    const char* const at = name.data();
    const std::size_t size = name.size();
    Words words;
    if (size >= 8) {
        words.word[0] = load<std::uint64_t>(at);
        words.word[1] = load<std::uint64_t>(at + size - 8);
        if (size > 16) {
            words.word[2] = load<std::uint64_t>(at + 8);
            words.word[3] = load<std::uint64_t>(at + size - 16);
        }
    } else if (size >= 4) {
        words.word[0] = load<std::uint32_t>(at);
        words.word[1] = load<std::uint32_t>(at + size - 4);
    } else if (size > 0) {
        words.word[0] = static_cast<unsigned char>(at[0]);
        words.word[1] = static_cast<unsigned char>(at[size - 1]);
        words.word[2] = static_cast<unsigned char>(at[size / 2]);
    }
    return words;
}

constexpr std::uint64_t kFold = 0x2020202020202020;
// Found by trying random multipliers until the 60 names fell into 60 slots; the assertion below keeps it so.
constexpr std::uint64_t kMultiplier = 0x0fd3df609c821093;

constexpr std::size_t slot_of(const Words& words, std::size_t size) {
    const std::uint64_t mixed = ((words.word[0] | kFold) ^ ((words.word[1] | kFold) * 3)) + size;
    return static_cast<std::size_t>((mixed * kMultiplier) >> 56);
}

struct Known {
    Words lower;
    Words letters;  // 0x20 where the name has a letter: what case folding may set, and nothing else
    std::uint8_t size = 0;
};

constexpr std::array<Known, kHeaderIds> kKnown = [] {
    std::array<Known, kHeaderIds> known{};
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        char lower[kLongest] = {};
        char letters[kLongest] = {};
        const std::string_view name = kNames[id];
        for (std::size_t i = 0; i < name.size(); ++i) {
            lower[i] = to_lower(name[i]);
            letters[i] = is_alpha(name[i]) ? 0x20 : 0;
        }
        known[id].lower = words_of({lower, name.size()});
        known[id].letters = words_of({letters, name.size()});
        known[id].size = static_cast<std::uint8_t>(name.size());
    }
    return known;
}();

constexpr std::array<std::uint8_t, 256> kSlots = [] {
    std::array<std::uint8_t, 256> slots{};
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        slots[slot_of(kKnown[id].lower, kKnown[id].size)] = static_cast<std::uint8_t>(id);
    }
    return slots;
}();

constexpr bool every_name_has_its_slot() {
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        if (kSlots[slot_of(kKnown[id].lower, kKnown[id].size)] != id) return false;
    }
    return true;
}
static_assert(every_name_has_its_slot(), "two names share a slot: choose another multiplier");

}  // namespace

HeaderId header_id(std::string_view name) {
    if (name.size() > kLongest) return HeaderId::Other;
    const Words words = words_of(name);
    const std::uint8_t id = kSlots[slot_of(words, name.size())];
    const Known& known = kKnown[id];
    if (known.size != name.size()) return HeaderId::Other;
    std::uint64_t differs = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        differs |= (words.word[i] | known.letters.word[i]) ^ known.lower.word[i];
    }
    return differs == 0 ? static_cast<HeaderId>(id) : HeaderId::Other;
}

std::string_view canonical_name(HeaderId id) {
    return kNames[static_cast<std::size_t>(id)];
}

}  // namespace gantry::http
