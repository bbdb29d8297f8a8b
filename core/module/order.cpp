#include "core/module/order.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cstdint>

namespace gantry::module {
namespace {

bool names(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        std::string_view name = list.substr(0, comma);
        while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
        while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
        if (name == wanted) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

// Whether `first` has to come before `second`.
bool precedes(const Ordered& first, const Ordered& second) {
    return names(first.before, second.name) || names(second.after, first.name);
}

}  // namespace

// They are few: a handful in a phase of a location.
tl::expected<std::vector<std::size_t>, std::string> in_order(const std::vector<Ordered>& items) {
    std::vector<std::size_t> out;
    std::vector<std::uint8_t> placed(items.size(), 0);
    while (out.size() < items.size()) {
        const auto is_free = [&](std::size_t candidate) {
            for (std::size_t other = 0; other < items.size(); ++other) {
                if (placed[other] == 0 && precedes(items[other], items[candidate])) return false;
            }
            return true;
        };
        std::size_t next = 0;
        while (next < items.size() && (placed[next] != 0 || !is_free(next))) ++next;
        if (next == items.size()) {
            std::string stuck;
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (placed[i] == 0) stuck.append(stuck.empty() ? "" : ", ").append(items[i].name);
            }
            return tl::unexpected(stuck);
        }
        placed[next] = 1;
        out.push_back(next);
    }
    return out;
}

}  // namespace gantry::module
