// Headers of the PROXY protocol, to be sent.
#pragma once

#include "header.hpp"

#include <string>
#include <string_view>

namespace proxy_protocol {

// Addresses that are not of IP, as those of unix sockets, are not told.
std::string version_1(const Endpoint& source, const Endpoint& destination);

class Version2 {
public:
    Version2(const Endpoint& source, const Endpoint& destination);
    // One of 64 KiB and more is left out, as is what would make the header larger than it can be.
    void add(std::uint8_t type, std::string_view value);
    std::string finish(bool with_checksum) &&;

    // One by itself, to stand in another's value.
    static std::string tlv(std::uint8_t type, std::string_view value);

private:
    std::string bytes_;
};

}  // namespace proxy_protocol
