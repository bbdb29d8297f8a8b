// Lists of addresses as files have them, and rates as operators write them.
#include "modules/limit/address_list.hpp"
#include "modules/limit/fields.hpp"
#include "modules/limit/rate.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace limit;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

// What is read as an address is written as one, and read again as the same.
void read_address(std::string_view text) {
    const auto address = parse_address(text);
    if (!address) return;
    expect(parse_address(address->text()) == address);
    for (const int bits : {0, 1, 24, 32}) expect(address->masked(bits, bits * 4) <= *address);
    expect(address->masked(32, 128) == *address);
}

void read_range(std::string_view text) {
    const ParsedRange parsed = parse_range(text);
    expect(parsed.range.has_value() == parsed.fault.empty());
    if (!parsed.range) return;
    expect(parsed.range->first <= parsed.range->last);
    expect(parsed.range->first.is_v6 == parsed.range->last.is_v6);
    AddressList list;
    list.add(*parsed.range);
    list.seal();
    expect(list.contains(parsed.range->first) && list.contains(parsed.range->last));
}

void read_rate(std::string_view text) {
    const ParsedRate parsed = parse_rate(text);
    expect(parsed.rate.has_value() == parsed.fault.empty());
    if (!parsed.rate) return;
    expect(parsed.rate->interval() >= kSecond / kMostPerSecond);
    policy_item("a", *parsed.rate, 20);
    const Gcra gcra = Gcra::of(*parsed.rate, 2);
    std::uint64_t paid = 0;
    for (int i = 0; i < 3; ++i) {
        const Gcra::Step step = gcra.step(paid, kSecond, 1);
        expect(step.passes);
        paid = step.paid;
    }
    expect(!gcra.step(paid, kSecond, 1).passes);
    expect(gcra.step(paid, kSecond + gcra.interval, 1).passes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_rate(text);
    read_address(text);
    read_range(text);
    const ParsedList parsed = parse_list(text);
    expect(parsed.faults.size() <= kMostFaults);
    expect(parsed.list.size() <= parsed.lines);
    char room[64];
    for (const char c : shown(text, room, sizeof room)) expect(c > 0x20 && c < 0x7f);
    return 0;
}
