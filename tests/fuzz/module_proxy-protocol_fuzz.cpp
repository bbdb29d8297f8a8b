// Headers of the PROXY protocol, and whose they are believed to be.
#include "modules/proxy-protocol/facts.hpp"
#include "modules/proxy-protocol/header.hpp"
#include "modules/proxy-protocol/sources.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace proxy_protocol;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

void read_header(std::string_view bytes) {
    const Parsed parsed = parse(bytes);
    if (parsed.outcome == Outcome::Broken) expect(*parsed.fault != '\0');
    if (parsed.outcome != Outcome::Complete) return;
    expect(parsed.header.size > 0 && parsed.header.size <= bytes.size() && parsed.header.size <= kMostBytes);
    for (const auto& [name, value] : facts_of(parsed.header.tlvs, 4096)) {
        expect(!name.empty() && value.size() <= 4096);
        for (const char c : value) expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
    // What is whole is so by itself, and nothing shorter is.
    const Parsed alone = parse(bytes.substr(0, parsed.header.size));
    expect(alone.outcome == Outcome::Complete && alone.header.source == parsed.header.source);
    expect(parse(bytes.substr(0, parsed.header.size - 1)).outcome == Outcome::Incomplete);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_header(bytes);
    Sources sources;
    if (sources.add(bytes)) static_cast<void>(sources.include(Endpoint{}));
    return 0;
}
