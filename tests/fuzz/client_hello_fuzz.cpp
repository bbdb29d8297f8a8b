// Extensions of a ClientHello: what is found lies within them, and protocols are as many as their list says.
// Input: the bytes of an extension.
#include "core/net/client_hello.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

using namespace gantry::net;

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

bool lies_in(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> order;
    return part.empty() || (order(whole.data(), part.data()) &&
                            order(part.data() + part.size(), whole.data() + whole.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view extension(reinterpret_cast<const char*>(data), size);
    check(lies_in(server_name_in(extension), extension), "the name within the extension");
    const std::string_view list = protocols_in(extension);
    check(lies_in(list, extension), "the protocols within the extension");
    std::size_t total = 0;
    for (std::size_t index = 0;; ++index) {
        const std::string_view protocol = protocol_at(list, index);
        if (protocol.empty()) break;
        check(lies_in(protocol, list), "each protocol within the list");
        check(has_protocol(list, protocol), "each protocol is found");
        total += protocol.size() + 1;
    }
    check(total == list.size(), "all of the list is protocols");
    return 0;
}
