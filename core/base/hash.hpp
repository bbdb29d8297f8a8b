// A fast 64-bit hash of short strings for the tables of the request path, seeded per process.
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry {

// Not cryptographic. Every bit of the result is good enough to index and to tag. [any]
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed);

// Random, the same for the whole life of the process: keeps table layouts from being predicted. [any]
std::uint64_t process_hash_seed();

}  // namespace gantry
