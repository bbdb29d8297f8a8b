// Any bytes as a shared object: what is read of them is text for a terminal, or there is a sentence.
#include "core/module/elf.hpp"
#include "core/module/manifest.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace gantry::module;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool has_controls(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto manifest = parse_manifest(bytes, "/m/gantry-x.so");
    if (!manifest) {
        require(manifest.error().starts_with("/m/gantry-x.so ") && !has_controls(manifest.error()));
        if (const auto elf = Elf::parse(bytes)) {
            (void)elf->find_export("gantry_module_entry");
            (void)elf->needed();
        }
        return 0;
    }
    require(is_module_name(manifest->name));
    require(!manifest->version.empty() && !has_controls(manifest->version));
    require(!has_controls(manifest->description));
    for (const auto& [key, value] : manifest->more) require(!has_controls(key) && !has_controls(value));
    for (const std::string& library : manifest->needed) require(!has_controls(library));
    require(!has_controls(why_refused(*manifest)));
    return 0;
}
