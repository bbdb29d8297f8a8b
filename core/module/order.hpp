// The order of hooks that say which others they come before or after.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::module {

struct Ordered {
    std::string name;
    std::string before;  // names, with commas between; those that are not there do no harm
    std::string after;
};

// Indexes into `items`, each once, so that every wish is met; of several such orders the one that keeps
// closest to that of `items`. The error names those that would have to come before themselves: "a, b".
tl::expected<std::vector<std::size_t>, std::string> in_order(const std::vector<Ordered>& items);

}  // namespace gantry::module
