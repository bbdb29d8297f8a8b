// Any text as a condition on finished requests; what compiles is held against requests of all kinds.
#include "core/server/where.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace gantry::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto where = Where::compile(text);
    if (!where) {
        if (where.error().offset > text.size() || where.error().message.empty() || where.error().hint.empty())
            std::abort();
        return 0;
    }
    RecentRequest request;
    where->fits(request);
    request.status = 503;
    request.method = "GET";
    request.host = request.path = text;
    request.duration_nanos = request.handler_nanos = 1'500'000'000;
    const bool first = where->fits(request);
    if (where->fits(request) != first) std::abort();
    return 0;
}
