// How a field name is found among the known ones: header_id() for the parser's inner loop. Internal to http/.
#pragma once

#include "core/base/text.hpp"
#include "core/http/header_names.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace gantry::http::header_lookup {

// In the order of HeaderId, which starts with Other.
inline constexpr std::string_view kNames[kHeaderIds] = {
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

inline constexpr std::size_t kLongest = 32;

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

// A name of 1 to 32 bytes as words that overlap where its length is no multiple of eight: two names of one
// length are equal if and only if their ends and, above 16 bytes, their middles are. Names below eight bytes
// are all in `front`.
struct Words {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
};

constexpr Words ends_of(const char* at, std::size_t size) {
    if (size >= 8) return {load<std::uint64_t>(at), load<std::uint64_t>(at + size - 8)};
    if (size >= 4) return {load<std::uint32_t>(at) | load<std::uint32_t>(at + size - 4) << 8 * (size - 4), 0};
    return {load<std::uint8_t>(at) | load<std::uint8_t>(at + size / 2) << 8 * (size / 2) |
                load<std::uint8_t>(at + size - 1) << 8 * (size - 1),
            0};
}

// The same where at least eight bytes can be read at `at`, on little-endian machines: without a branch, as
// the lengths of names that follow each other cannot be foretold.
inline Words ends_of_roomy(const char* at, std::size_t size) {
    const bool is_long = size >= 8;
    const std::uint64_t front = load<std::uint64_t>(at);
    const std::uint64_t back = load<std::uint64_t>(at + (is_long ? size - 8 : 0));
    return {is_long ? front : front & ~(~std::uint64_t{0} << 8 * (size & 7)), is_long ? back : 0};
}

constexpr Words middle_of(const char* at, std::size_t size) {
    return {load<std::uint64_t>(at + 8), load<std::uint64_t>(at + size - 16)};
}

inline constexpr std::uint64_t kFold = 0x2020202020202020;
// Found by trying random multipliers until the 60 names fell into 60 slots; the assertion below keeps it so.
inline constexpr std::uint64_t kMultiplier = 0xc7a2ea20b2f14c95;

constexpr std::size_t slot_of(const Words& ends, std::size_t size) {
    const std::uint64_t mixed = ((ends.front | kFold) ^ ((ends.back | kFold) * 3)) + size;
    return static_cast<std::size_t>((mixed * kMultiplier) >> 56);
}

// Lower case, and 0x20 where there is a letter: what case folding may set, and nothing else.
struct Pattern {
    Words lower;
    Words letters;

    constexpr bool matches(const Words& words) const {
        return (((words.front | letters.front) ^ lower.front) | ((words.back | letters.back) ^ lower.back)) ==
               0;
    }
};

struct Known {
    Pattern ends;
    Pattern middle;
};

inline constexpr std::array<Known, kHeaderIds> kKnown = [] {
    std::array<Known, kHeaderIds> known{};
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        char lower[kLongest] = {};
        char letters[kLongest] = {};
        const std::string_view name = kNames[id];
        for (std::size_t i = 0; i < name.size(); ++i) {
            lower[i] = to_lower(name[i]);
            letters[i] = is_alpha(name[i]) ? 0x20 : 0;
        }
        known[id].ends = {ends_of(lower, name.size()), ends_of(letters, name.size())};
        if (name.size() > 16)
            known[id].middle = {middle_of(lower, name.size()), middle_of(letters, name.size())};
    }
    return known;
}();

struct Slot {
    std::uint8_t id = 0;
    std::uint8_t size = 0;
};

inline constexpr std::array<Slot, 256> kSlots = [] {
    std::array<Slot, 256> slots{};
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        const std::size_t size = kNames[id].size();
        slots[slot_of(kKnown[id].ends.lower, size)] = {static_cast<std::uint8_t>(id),
                                                       static_cast<std::uint8_t>(size)};
    }
    return slots;
}();

constexpr bool every_name_has_its_slot() {
    for (std::size_t id = 1; id < kHeaderIds; ++id) {
        if (kSlots[slot_of(kKnown[id].ends.lower, kNames[id].size())].id != id) return false;
    }
    return true;
}
static_assert(every_name_has_its_slot(), "two names share a slot: choose another multiplier");

[[gnu::always_inline]] inline HeaderId find(const char* at, std::size_t size, const Words& ends) {
    const Slot slot = kSlots[slot_of(ends, size)];
    if (slot.size != size) return HeaderId::Other;
    const Known& known = kKnown[slot.id];
    if (!known.ends.matches(ends)) return HeaderId::Other;
    if (size > 16 && !known.middle.matches(middle_of(at, size))) return HeaderId::Other;
    return static_cast<HeaderId>(slot.id);
}

[[gnu::always_inline]] inline HeaderId find(std::string_view name) {
    if (name.empty() || name.size() > kLongest) return HeaderId::Other;
    return find(name.data(), name.size(), ends_of(name.data(), name.size()));
}

// `name` has 1 to 32 bytes, and eight can be read there. Little-endian machines only.
[[gnu::always_inline]] inline HeaderId find_roomy(std::string_view name) {
    return find(name.data(), name.size(), ends_of_roomy(name.data(), name.size()));
}

}  // namespace gantry::http::header_lookup
