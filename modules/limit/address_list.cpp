#include "address_list.hpp"

#include <algorithm>

namespace limit {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// For a line of a log: what is no printable ASCII becomes a question mark.
std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 60;
    std::string out;
    for (const char c : text.substr(0, kMost)) out += c >= 0x20 && c < 0x7f ? c : '?';
    return text.size() > kMost ? out + "..." : out;
}

// The one behind `address`; of the last one of its kind nothing.
bool follows(const Address& address, const Address& next) {
    if (address.is_v6 != next.is_v6) return false;
    const std::uint64_t low = address.low + 1;
    return next.low == low && next.high == address.high + (low == 0 ? 1 : 0) && next > address;
}

}  // namespace

void AddressList::seal() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
        return a.first != b.first ? a.first < b.first : a.last < b.last;
    });
    std::size_t kept = 0;
    for (const Range& range : ranges_) {
        if (kept > 0) {
            Range& before = ranges_[kept - 1];
            if (range.first <= before.last || follows(before.last, range.first)) {
                before.last = std::max(before.last, range.last);
                continue;
            }
        }
        ranges_[kept++] = range;
    }
    ranges_.resize(kept);
    ranges_.shrink_to_fit();
}

bool AddressList::contains(const Address& address) const {
    const auto behind =
        std::upper_bound(ranges_.begin(), ranges_.end(), address,
                         [](const Address& wanted, const Range& range) { return wanted < range.first; });
    return behind != ranges_.begin() && address <= (behind - 1)->last;
}

ParsedList parse_list(std::string_view text) {
    ParsedList parsed;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line = trimmed(line.substr(0, line.find('#')));
        if (line.empty()) continue;
        ++parsed.lines;
        ParsedRange range = parse_range(line);
        if (range.range) {
            parsed.list.add(*range.range);
        } else if (parsed.faults.size() < kMostFaults) {
            parsed.faults.push_back({number, "\"" + shown(line) + "\": " + range.fault});
        }
    }
    parsed.list.seal();
    return parsed;
}

}  // namespace limit
