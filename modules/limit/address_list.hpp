// Many ranges of addresses, as files have them, and whether an address is in one.
#pragma once

#include "address.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace limit {

// Sorted, and none touches another. Immutable once it is sealed. [any]
class AddressList {
public:
    void add(const Range& range) { ranges_.push_back(range); }
    // Sorts and joins what was added; before contains() is asked.
    void seal();

    bool contains(const Address& address) const;
    std::size_t size() const { return ranges_.size(); }  // after seal(): of what was joined

private:
    std::vector<Range> ranges_;
};

constexpr std::size_t kMostListBytes = 64 * 1024 * 1024;
constexpr std::size_t kMostFaults = 5;  // the first ones are told

// One address or range in each line, blanks around it, empty lines, and comments from # to the end of the
// line.
struct ParsedList {
    struct Fault {
        std::size_t line = 0;  // from 1
        std::string message;
    };
    AddressList list;  // sealed
    std::vector<Fault> faults = {};
    std::size_t lines = 0;  // with something on them
};
ParsedList parse_list(std::string_view text);

}  // namespace limit
