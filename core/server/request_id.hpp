// Identifiers of requests: 128 bits as 32 hexadecimal digits, usable as a trace id (W3C Trace Context).
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::server {

inline constexpr std::size_t kRequestIdBytes = 32;

// One per worker, seeded from the kernel. Unique, not secret: do not use them as tokens. [worker]
class RequestIds {
public:
    RequestIds();

    // Writes 32 lower-case digits to `to`; never all zero.
    void next(char* to);

private:
    std::uint64_t random();
    std::uint64_t state_[4];
};

}  // namespace gantry::server
