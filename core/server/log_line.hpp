// One line of an access log while it is written: copies and escapes values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gantry::server {

enum class LogEscape : std::uint8_t {
    Text,  // `"`, `\`, control bytes and bytes above 0x7e become \xHH
    Json,  // as inside a JSON string; what is not UTF-8 becomes U+FFFD
};

// Literals always fit; values share the room that is left, and are cut where it ends. Written once per
// request: the ordinary cases are inline, and short texts are copied without a call.
class LogLine {
public:
    // So many bytes may be written behind the end of the line, and read behind that of a literal.
    static constexpr std::size_t kSlack = 16;

    // `room`: for all values together.
    LogLine(char* to, std::size_t room, LogEscape escape)
        : begin_(to), at_(to), room_(room), escape_(escape) {}

    void literal(std::string_view text) {
        const char* from = text.data();
        char* to = at_;
        char* const end = to + text.size();
        at_ = end;
        for (;; to += kSlack, from += kSlack) {
            std::memcpy(to, from, kSlack);
            if (end - to <= static_cast<std::ptrdiff_t>(kSlack)) return;
        }
    }

    // Room is taken for what is written with fixed() then. False: there is not that much.
    bool take(std::size_t bytes) {
        if (bytes > room_) return false;
        room_ -= bytes;
        return true;
    }
    void fixed(std::string_view text) {
        copy(at_, text.data(), text.size());
        at_ += text.size();
    }

    // All of it or nothing, and then no more values.
    bool whole(std::string_view text) {
        if (!take(text.size())) {
            room_ = 0;
            return false;
        }
        fixed(text);
        return true;
    }

    // As it is.
    void plain(std::string_view text) {
        const std::size_t fits = std::min(text.size(), room_);
        fixed(text.substr(0, fits));
        room_ = fits < text.size() ? 0 : room_ - fits;
    }

    // Escaped where it has to be.
    void value(std::string_view text) {
        if (!clean_without<'"'>(text)) escaped(text);
    }

    // The same, unless `kStop` is in it: then nothing is written, and the answer is false. So it may be where
    // something is to be escaped.
    template <char kStop>
    bool clean_without(std::string_view text) {
        const std::size_t size = text.size();
        const char* const from = text.data();
        char* const to = at_;
        if (size > room_) return false;
        if (size <= kSlack) {
            if (!is_clean<kStop>(short_text(from, size))) return false;
            copy(to, from, size);
        } else {
            for (std::size_t i = 0; i + kSlack < size; i += kSlack) {
                if (!move_clean<kStop>(from + i, to + i)) return false;
            }
            if (!move_clean<kStop>(from + size - kSlack, to + size - kSlack)) return false;
        }
        at_ = to + size;
        room_ -= size;
        return true;
    }

    std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }

private:
    using Bytes [[gnu::vector_size(kSlack)]] = signed char;
    using Words [[gnu::vector_size(kSlack)]] = std::uint64_t;

    // Whether all are printable ASCII and none is `"`, `\` or kStop.
    template <char kStop>
    static bool is_clean(Words words) {
        const auto bytes = reinterpret_cast<Bytes>(words);  // above 0x7f is below 0
        const auto bad = reinterpret_cast<Words>((bytes < 0x20) | (bytes == 0x7f) | (bytes == '"') |
                                                 (bytes == '\\') | (bytes == kStop));
        return (bad[0] | bad[1]) == 0;
    }

    template <char kStop>
    static bool move_clean(const char* from, char* to) {
        const auto words = load<Words>(from);
        std::memcpy(to, &words, sizeof words);
        return is_clean<kStop>(words);
    }

    // All bytes of a text that fits, some twice, and blanks for what is missing.
    static Words short_text(const char* from, std::size_t size) {
        constexpr std::uint64_t kBlanks = 0x2020202020202020;
        const auto byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(from[at])}; };
        if (size >= 8) return Words{load<std::uint64_t>(from), load<std::uint64_t>(from + size - 8)};
        if (size >= 4)
            return Words{
                load<std::uint32_t>(from) | std::uint64_t{load<std::uint32_t>(from + size - 4)} << 32,
                kBlanks};
        if (size == 0) return Words{kBlanks, kBlanks};
        return Words{byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16 | kBlanks << 24, kBlanks};
    }

    template <class T>
    static T load(const char* from) {
        T value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }

    static void copy(char* to, const char* from, std::size_t size) {
        if (size > 64) {
            std::memcpy(to, from, size);
        } else if (size >= 16) {
            for (std::size_t i = 0; i + 16 < size; i += 16) std::memcpy(to + i, from + i, 16);
            std::memcpy(to + size - 16, from + size - 16, 16);
        } else if (size >= 8) {
            std::memcpy(to, from, 8);
            std::memcpy(to + size - 8, from + size - 8, 8);
        } else if (size >= 4) {
            std::memcpy(to, from, 4);
            std::memcpy(to + size - 4, from + size - 4, 4);
        } else if (size > 0) {
            to[0] = from[0];
            to[size / 2] = from[size / 2];
            to[size - 1] = from[size - 1];
        }
    }

    void escaped(std::string_view text);
    std::size_t escape_text(char c);
    std::size_t escape_json(std::string_view text);

    char* begin_;
    char* at_;
    std::size_t room_;
    LogEscape escape_;
};

}  // namespace gantry::server
