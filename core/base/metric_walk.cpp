#include "core/base/metric_walk.hpp"

#include <algorithm>

namespace gantry::metrics {

Walk::Walk(Registry& registry) : registry_(registry) {
    begin();
}

void Walk::begin() {
    registry_.sweep(monotonic_millis());
    registry_.collect();
    const std::lock_guard lock(registry_.mutex_);
    last_born_ = registry_.born_;
}

bool Walk::next(std::size_t most, WalkVisitor& visitor) {
    while (most > 0) {
        if (!read_batch(std::min(most, kBatch))) return false;
        for (std::size_t i = 0; i < used_; ++i) show(*of_, reads_[i], visitor);
        most -= std::min(most, kBatch);
    }
    return true;
}

// False: there is nothing left.
bool Walk::read_batch(std::size_t most) {
    const std::lock_guard lock(registry_.mutex_);
    used_ = 0;
    numbers_.clear();
    if (group_ >= registry_.groups_.size()) return false;
    const Registry::GroupState& group = registry_.groups_[group_];
    of_ = &group.group.families[family_];
    labels_.assign(group.group.labels.begin(), group.group.labels.end());
    for (const Dimension& dimension : of_->dimensions) labels_.push_back(dimension.label);
    const std::size_t cells = of_->cells();
    for (; most > 0 && slot_ < group.slots.size(); --most, ++slot_) {
        const Registry::Slot& slot = group.slots[slot_];
        // One that came since may have been here already, and gone: nobody may be shown it twice.
        if (slot.key == nullptr || slot.born > last_born_) continue;
        if (reads_.size() == used_) reads_.emplace_back();
        Read& read = reads_[used_++];
        read.key = *slot.key;
        read.number = numbers_.size();
        const std::uint32_t first = slot.cell + group.offsets[family_];
        for (std::size_t i = 0; i < cells; ++i) {
            numbers_.push_back(registry_.read_locked(first + static_cast<std::uint32_t>(i)));
        }
    }
    if (slot_ < group.slots.size()) return true;
    slot_ = 0;
    if (++family_ < group.group.families.size()) return true;
    family_ = 0;
    ++group_;
    return true;
}

void Walk::show(const Family& family, const Read& read, WalkVisitor& visitor) {
    const std::span<const std::uint64_t> cells(&numbers_[read.number], family.cells());
    const bool is_zero = std::all_of(cells.begin(), cells.end(), [](std::uint64_t n) { return n == 0; });
    if (is_zero && family.hides_zero) return;
    Registry::split(read.key, values_);
    show_cells(family, cells, visitor);
}

void Walk::show_cells(const Family& family, std::span<const std::uint64_t> cells, WalkVisitor& visitor) {
    if (announced_ != &family) visitor.on_family(family);
    announced_ = &family;
    if (family.bounds) {
        visitor.on_sample({labels_, values_, 0, cells.first(cells.size() - 1), cells.back()});
        return;
    }
    const std::size_t own = values_.size();
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        if (cells[cell] == 0 && family.hides_zero) continue;
        values_.resize(own + family.dimensions.size());
        std::size_t rest = cell;
        for (std::size_t i = family.dimensions.size(); i-- > 0;) {
            const std::vector<std::string>& words = family.dimensions[i].values;
            values_[own + i] = words[rest % words.size()];
            rest /= words.size();
        }
        visitor.on_sample({labels_, values_, static_cast<std::int64_t>(cells[cell]), {}, 0});
    }
    values_.resize(own);
}

}  // namespace gantry::metrics
