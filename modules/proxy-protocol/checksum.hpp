// CRC-32C (RFC 3720, appendix B.4).
#pragma once

#include <cstdint>
#include <string_view>

namespace proxy_protocol {

class Checksum {
public:
    void add(std::string_view bytes);
    std::uint32_t value() const { return ~state_; }

private:
    std::uint32_t state_ = 0xffffffff;
};

}  // namespace proxy_protocol
