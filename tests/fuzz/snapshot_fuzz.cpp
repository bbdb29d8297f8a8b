// Snapshots come from another process: whatever the bytes are, reading ends, and what was read renders to
// something that reads the same.
#include "core/conf/snapshot.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = gantry::conf::parse_snapshot({reinterpret_cast<const char*>(data), size});
    if (read && gantry::conf::parse_snapshot(gantry::conf::render(*read)) != read) std::abort();
    return 0;
}
