#include "core/base/metrics.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

namespace gantry::metrics {
namespace {

constexpr GroupId kLossGroup = 0;

bool is_name(std::string_view name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && name.size() <= 128 && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

Group loss_group() {
    Group group;
    group.labels = {"metric"};
    group.most = Registry::kMostGroups;
    group.families.push_back(
        {.name = "gantry_metric_overflows",
         .unit = "",
         .help =
             "Times that a series was wanted beyond the most that a metric may have, and \"other\" given.",
         .bounds = {},
         .dimensions = {}});
    return group;
}

}  // namespace

constinit thread_local Cells* Registry::here_ = nullptr;

bool operator==(const Dimension& a, const Dimension& b) {
    return a.label == b.label && a.values == b.values;
}

bool Family::operator==(const Family& other) const {
    return name == other.name && unit == other.unit && type == other.type && per_unit == other.per_unit &&
           bounds == other.bounds && dimensions == other.dimensions && hides_zero == other.hides_zero;
}

std::size_t Family::cells() const {
    if (bounds) return bounds->buckets() + 1;
    std::size_t cells = 1;
    for (const Dimension& dimension : dimensions) cells *= dimension.values.size();
    return cells;
}

std::size_t Group::cells() const {
    std::size_t cells = 0;
    for (const Family& family : families) cells += family.cells();
    return cells;
}

Series::~Series() {
    if (registry_ != nullptr) registry_->release(group_, slot_);
}

void Series::swap(Series& other) noexcept {
    std::swap(registry_, other.registry_);
    std::swap(group_, other.group_);
    std::swap(slot_, other.slot_);
    std::swap(cell_, other.cell_);
}

// ---- families

Registry& Registry::process() {
    static Registry* const registry = new Registry;  // threads count in it until the very end
    return *registry;
}

Registry::Registry() {
    static_cast<void>(shared_.make_room(used_));
    static_cast<void>(declare(loss_group()));
}

std::string Registry::fault_in(const Group& group) const {
    if (group.families.empty() || group.cells() > kMostCells) return "it has no cells, or too many";
    if (group.most == 0 || group.most >= kMostSeries) return "it may have no series, or too many";
    if (groups_.size() >= kMostGroups) return "there are too many metrics";
    for (const std::string& label : group.labels) {
        if (!is_name(label) || label == "le" || label.starts_with("__"))
            return fmt::format("\"{}\" is not the name of a label", label);
        if (std::count(group.labels.begin(), group.labels.end(), label) > 1)
            return fmt::format("the label \"{}\" is there twice", label);
    }
    for (const Family& family : group.families) {
        const std::string_view name = family.name;
        if (!is_name(name) || name.ends_with("_total") || name.ends_with("_bucket") ||
            name.ends_with("_count") || name.ends_with("_sum"))
            return fmt::format("\"{}\" is not the name of a metric", name);
        if (!family.unit.empty() && (!is_name(family.unit) || !name.ends_with("_" + family.unit)))
            return fmt::format("\"{}\" does not end with its unit, \"{}\"", name, family.unit);
        if (family.help.empty()) return fmt::format("\"{}\" has no help", name);
        if ((family.type == Type::Histogram) != family.bounds.has_value())
            return fmt::format("\"{}\" needs bounds if it is a histogram, and only then", name);
        std::uint64_t unit = family.per_unit;
        while (unit > 1 && unit % 10 == 0) unit /= 10;
        if (unit != 1) return fmt::format("per_unit of \"{}\" is no power of ten", name);
        for (const GroupState& other : groups_) {
            for (const Family& known : other.group.families) {
                if (known.name == name) return fmt::format("there is another metric \"{}\"", name);
            }
        }
    }
    return {};
}

tl::expected<GroupId, std::string> Registry::declare(Group group) {
    const std::lock_guard lock(mutex_);
    for (GroupId id = 0; id < groups_.size(); ++id) {
        const Group& known = groups_[id].group;
        if (known.labels == group.labels && known.families == group.families) {
            groups_[id].group.most = std::max(known.most, group.most);
            return id;
        }
    }
    if (std::string fault = fault_in(group); !fault.empty()) return tl::unexpected(std::move(fault));
    GroupState& state = groups_.emplace_back();
    std::size_t offset = 0;
    for (const Family& family : group.families) {
        state.offsets.push_back(static_cast<std::uint32_t>(offset));
        offset += family.cells();
    }
    state.group = std::move(group);
    return static_cast<GroupId>(groups_.size() - 1);
}

const Group& Registry::group(GroupId id) const {
    const std::lock_guard lock(mutex_);
    return groups_[id].group;
}

// ---- series

// Each value with its size before it: any bytes may stand in a value.
std::string Registry::key_of(std::span<const std::string_view> values) {
    std::string key;
    for (const std::string_view value : values) {
        const auto size = static_cast<std::uint32_t>(value.size());
        key.append(reinterpret_cast<const char*>(&size), sizeof size);
        key.append(value);
    }
    return key;
}

void Registry::split(std::string_view key, std::vector<std::string_view>& values) {
    values.clear();
    while (!key.empty()) {
        std::uint32_t size = 0;
        std::memcpy(&size, key.data(), sizeof size);
        values.push_back(key.substr(sizeof size, size));
        key.remove_prefix(sizeof size + size);
    }
}

Series Registry::series(GroupId group, std::span<const std::string_view> values) {
    const Held held = hold(group, values);
    Series series;
    if (held.cell == 0) return series;
    series.registry_ = this;
    series.group_ = group;
    series.slot_ = held.slot;
    series.cell_ = held.cell;
    return series;
}

Registry::Held Registry::hold(GroupId group, std::span<const std::string_view> values) {
    const std::lock_guard lock(mutex_);
    if (group >= groups_.size() || values.size() != groups_[group].group.labels.size()) return {};
    return hold_locked(group, values);
}

Registry::Held Registry::hold_locked(GroupId id, std::span<const std::string_view> values) {
    GroupState& group = groups_[id];
    std::string key = key_of(values);
    auto found = group.known.find(key);
    if (found == group.known.end() && group.known.size() >= group.group.most) {
        // Room for the living comes before the memory of the dead.
        if (group.unheld > 0) sweep_locked(group, monotonic_millis());
        if (group.known.size() >= group.group.most) {
            count_loss(group);
            const std::vector<std::string_view> other(values.size(), "other");
            key = key_of(other);
            found = group.known.find(key);
        }
    }
    if (found == group.known.end()) {
        const auto slot = make_slot(group);
        if (!slot) return {};
        found = group.known.emplace(std::move(key), *slot).first;
        group.slots[*slot].key = &found->first;
        group.slots[*slot].born = ++born_;
        ++group.unheld;
    }
    Slot& slot = group.slots[found->second];
    if (slot.holders++ == 0) --group.unheld;
    return {found->second, slot.cell};
}

// Nothing: there is no memory for it.
std::optional<std::uint32_t> Registry::make_slot(GroupState& group) {
    if (!group.free.empty()) {
        const std::uint32_t slot = group.free.back();
        group.free.pop_back();
        return slot;
    }
    const std::size_t cells = group.group.cells();
    bool has_room = shared_.make_room(used_ + cells);
    for (const auto* list : {&leased_, &free_}) {
        for (const auto& one : *list) has_room = has_room && one->make_room(used_ + cells);
    }
    if (!has_room || group.slots.size() >= kMostSeries) return std::nullopt;
    group.slots.push_back({nullptr, static_cast<std::uint32_t>(used_), 0, 0, 0});
    used_ += cells;
    return static_cast<std::uint32_t>(group.slots.size() - 1);
}

void Registry::count_loss(const GroupState& group) {
    if (&group == &groups_[kLossGroup]) return;
    const std::string_view name = group.group.families[0].name;
    const Held held = hold_locked(kLossGroup, std::span(&name, 1));
    if (held.cell != 0) shared_.add_shared(held.cell, 1);
}

bool Registry::release(GroupId id, std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    if (id >= groups_.size() || number >= groups_[id].slots.size()) return false;
    Slot& slot = groups_[id].slots[number];
    if (slot.holders == 0) return false;
    if (--slot.holders > 0) return true;
    slot.released = monotonic_millis();
    ++groups_[id].unheld;
    return true;
}

void Registry::drop(GroupState& group, std::uint32_t number) {
    Slot& slot = group.slots[number];
    for (std::size_t i = 0; i < group.group.cells(); ++i) {
        // Nobody holds it, so nobody writes.
        shared_.at(slot.cell + i)->store(0, std::memory_order_relaxed);
        for (const auto& cells : leased_) {
            if (cells->read(slot.cell + i) != 0)
                cells->at(slot.cell + i)->store(0, std::memory_order_relaxed);
        }
    }
    group.known.erase(group.known.find(*slot.key));
    slot.key = nullptr;
    --group.unheld;
    group.free.push_back(number);
}

void Registry::sweep_locked(GroupState& group, Millis before) {
    if (&group == &groups_[kLossGroup]) return;
    for (std::uint32_t i = 0; i < group.slots.size(); ++i) {
        const Slot& slot = group.slots[i];
        if (slot.key != nullptr && slot.holders == 0 && slot.released <= before) drop(group, i);
    }
}

void Registry::sweep(Millis now) {
    const std::lock_guard lock(mutex_);
    for (GroupState& group : groups_) sweep_locked(group, now - kForgetAfter);
}

// ---- numbers

std::shared_ptr<Cells> Registry::lease() {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Cells> cells;
    if (free_.empty()) {
        cells = std::make_shared<Cells>();
    } else {
        cells = std::move(free_.back());
        free_.pop_back();
    }
    static_cast<void>(cells->make_room(used_));
    leased_.push_back(cells);
    Cells* const raw = cells.get();
    return {raw, [this, cells = std::move(cells)](Cells*) mutable { give_back(std::move(cells)); }};
}

void Registry::give_back(std::shared_ptr<Cells> cells) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < used_; ++i) {
        const std::uint64_t counted = cells->read(i);
        if (counted == 0) continue;
        shared_.add_shared(i, counted);
        cells->at(i)->store(0, std::memory_order_relaxed);
    }
    std::erase(leased_, cells);
    free_.push_back(std::move(cells));
}

std::uint64_t Registry::read(std::uint32_t cell) const {
    const std::lock_guard lock(mutex_);
    return read_locked(cell);
}

std::uint64_t Registry::read_locked(std::uint32_t cell) const {
    std::uint64_t sum = shared_.read(cell);
    for (const auto& cells : leased_) sum += cells->read(cell);
    return sum;
}

void Registry::each(GroupId id, std::size_t cells, const See& see) const {
    constexpr std::size_t kBatch = 32;
    std::vector<std::string_view> values;
    std::vector<std::uint64_t> numbers(cells);
    for (std::size_t next = 0;;) {
        const std::lock_guard lock(mutex_);
        const std::vector<Slot>& slots = groups_[id].slots;
        for (std::size_t i = 0; i < kBatch && next < slots.size(); ++i, ++next) {
            const Slot& slot = slots[next];
            if (slot.key == nullptr) continue;
            split(*slot.key, values);
            for (std::size_t cell = 0; cell < cells; ++cell) {
                numbers[cell] = read_locked(slot.cell + static_cast<std::uint32_t>(cell));
            }
            see(values, numbers);
        }
        if (next == slots.size()) return;
    }
}

// ---- collectors

std::uint64_t Registry::add_collector(std::function<void()> collect) {
    const std::lock_guard lock(collector_mutex_);
    collectors_.emplace_back(next_collector_, std::move(collect));
    return next_collector_++;
}

void Registry::remove_collector(std::uint64_t number) {
    const std::lock_guard lock(collector_mutex_);
    collectors_.remove_if([number](const auto& one) { return one.first == number; });
}

void Registry::collect() {
    const std::lock_guard lock(collector_mutex_);
    for (const auto& [number, collect] : collectors_) collect();
}

}  // namespace gantry::metrics
