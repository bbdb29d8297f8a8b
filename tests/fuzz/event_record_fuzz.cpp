// Any bytes as an event in the store, and as a list of types: what is taken is what was meant.
#include "core/module/event_record.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace gantry::module;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto event = decode(bytes)) {
        require(is_event_type(event->type));
        require(encode(*event) == bytes);
    }
    if (const auto families = parse_event_types(bytes)) {
        require(!families->empty());
        for (const EventFamily& family : *families) {
            require(is_event_type(family.name + ".x"));
            for (const std::string& type : family.types) {
                require(is_event_type(type) && family_of(type) == family.name && family.has(type));
            }
        }
    }
    return 0;
}
