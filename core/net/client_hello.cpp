#include "core/net/client_hello.hpp"

namespace gantry::net {
namespace {

// Takes a number of two bytes away; false: there are less.
bool take_size(std::string_view& from, std::size_t& size) {
    if (from.size() < 2) return false;
    size = (static_cast<std::size_t>(static_cast<unsigned char>(from[0])) << 8) |
           static_cast<unsigned char>(from[1]);
    from.remove_prefix(2);
    return true;
}

}  // namespace

std::string_view server_name_in(std::string_view extension) {
    std::size_t size = 0;
    if (!take_size(extension, size) || size != extension.size()) return {};
    while (!extension.empty()) {
        const bool is_host = extension[0] == 0;
        extension.remove_prefix(1);
        if (!take_size(extension, size) || size > extension.size()) return {};
        if (is_host) return extension.substr(0, size);
        extension.remove_prefix(size);
    }
    return {};
}

std::string_view protocols_in(std::string_view extension) {
    std::size_t size = 0;
    if (!take_size(extension, size) || size != extension.size()) return {};
    std::string_view rest = extension;
    while (!rest.empty()) {
        const std::size_t one = static_cast<unsigned char>(rest[0]);
        if (one == 0 || one >= rest.size()) return {};
        rest.remove_prefix(one + 1);
    }
    return extension;
}

std::string_view protocol_at(std::string_view list, std::size_t index) {
    while (!list.empty()) {
        const std::string_view one = list.substr(1, static_cast<unsigned char>(list[0]));
        if (index == 0) return one;
        --index;
        list.remove_prefix(one.size() + 1);
    }
    return {};
}

bool has_protocol(std::string_view list, std::string_view protocol) {
    for (std::size_t index = 0;; ++index) {
        const std::string_view one = protocol_at(list, index);
        if (one.empty()) return false;
        if (one == protocol) return true;
    }
}

}  // namespace gantry::net
