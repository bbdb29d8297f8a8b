// Content codings, and which of them a client wants (RFC 9110 12.5.3).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace compression {

enum class Coding : std::uint8_t { Zstd, Brotli, Gzip };
inline constexpr std::size_t kCodings = 3;

// As in Content-Encoding: "zstd", "br", "gzip".
std::string_view name_of(Coding coding);
std::optional<Coding> coding_of(std::string_view name);

// What the Accept-Encoding fields of a request say. A value. [any]
class Accepted {
public:
    // One field; several of them add up.
    void add(std::string_view field);

    struct Choice {
        std::optional<Coding> coding;      // nothing: the body goes as it is
        bool is_identity_refused = false;  // the body may not go as it is, where that can be helped
    };
    // `offered`: in the order of our preference, which decides where the client has none.
    template <class Codings>
    Choice choose(const Codings& offered) const {
        Choice choice{std::nullopt, weight(kIdentity) == 0};
        int best = 0;
        for (const Coding coding : offered) {
            const int its = weight(static_cast<std::size_t>(coding));
            // A client may rather have the body as it is.
            if (its > best && its >= std::max(given_[kIdentity], 0)) {
                best = its;
                choice.coding = coding;
            }
        }
        return choice;
    }

private:
    static constexpr std::size_t kIdentity = kCodings;
    static constexpr int kUnsaid = -1;

    int weight(std::size_t which) const;

    std::array<int, kCodings + 1> given_{kUnsaid, kUnsaid, kUnsaid, kUnsaid};  // in thousandths
    int others_ = kUnsaid;                                                     // "*"
};

}  // namespace compression
