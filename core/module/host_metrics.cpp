// gantry.metrics/1
#include "core/base/log.hpp"
#include "core/base/metric_walk.hpp"
#include "core/module/extensions.hpp"
#include "core/module/sized.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>

// What a reader is given to hold.
struct gantry_walk {
    gantry::metrics::Walk walk;
};

namespace gantry::module {
namespace {

using metrics::Registry;

constexpr std::size_t kMostLabels = 8;
constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kUsualSeries = 1000;

// ---- handles: everything that counting needs, so that it looks nothing up

constexpr unsigned kCellBits = 26;
constexpr unsigned kSlotBits = 24;
constexpr unsigned kGroupBits = 12;
static_assert(metrics::Cells::kMost <= std::uint64_t{1} << kCellBits);
static_assert(Registry::kMostSeries <= std::uint64_t{1} << kSlotBits);
static_assert(Registry::kMostGroups <= std::uint64_t{1} << kGroupBits);

std::uint32_t bits_of(gantry_series_t series, unsigned from, unsigned count) {
    return static_cast<std::uint32_t>((series >> from) & ((std::uint64_t{1} << count) - 1));
}
std::uint32_t cell_of(gantry_series_t series) {
    return bits_of(series, 0, kCellBits);
}
std::uint32_t slot_of(gantry_series_t series) {
    return bits_of(series, kCellBits, kSlotBits);
}
std::uint32_t group_of(gantry_series_t series) {
    return bits_of(series, kCellBits + kSlotBits, kGroupBits);
}
std::uint32_t type_of(gantry_series_t series) {
    return bits_of(series, kCellBits + kSlotBits + kGroupBits, 2);
}

struct Known {
    std::uint32_t type = 0;  // 0: not of a module
    const metrics::Bounds* bounds = nullptr;
};
// Of what modules declared, by group. Written once each, before anybody has the number.
std::array<Known, Registry::kMostGroups>& known() {
    static std::array<Known, Registry::kMostGroups> all;
    return all;
}

// ---- declaring

tl::expected<metrics::Bounds, std::string> bounds_of(const gantry_metric_t& metric) {
    const bool is_given = metric.bound_count > 0 && metric.bounds != nullptr;
    auto bounds = is_given ? metrics::Bounds::of({metric.bounds, metric.bounds + metric.bound_count})
                           : metrics::Bounds::log_linear(metric.least, metric.most, metric.steps);
    if (!bounds) return tl::unexpected(std::string("its bounds are not ascending, or are too many"));
    return *std::move(bounds);
}

tl::expected<metrics::Group, std::string> group_of(const Module& module, const gantry_metric_t& metric) {
    metrics::Group group;
    for (const char* const* label = metric.labels; label != nullptr && *label != nullptr; ++label) {
        if (group.labels.size() == kMostLabels) return tl::unexpected(std::string("it has too many labels"));
        group.labels.emplace_back(*label);
    }
    group.most = metric.most_series == 0 ? kUsualSeries : metric.most_series;
    metrics::Family family;
    const std::string_view name = view_of(metric.name);
    if (name.empty() || name.size() > kLongestName)
        return tl::unexpected(std::string("its name is too long, or missing"));
    family.name = fmt::format("gantry_{}_{}", module.name, name);
    std::replace(family.name.begin(), family.name.end(), '-', '_');
    if (name.find('-') != name.npos) return tl::unexpected(std::string("names have no \"-\""));
    family.unit = view_of(metric.unit);
    if (!family.unit.empty()) family.name += "_" + family.unit;
    family.help = view_of(metric.help);
    family.per_unit = metric.per_unit == 0 ? 1 : metric.per_unit;
    switch (metric.type) {
        case GANTRY_COUNTER:
            break;
        case GANTRY_GAUGE:
            family.type = metrics::Type::Gauge;
            break;
        case GANTRY_HISTOGRAM: {
            family.type = metrics::Type::Histogram;
            auto bounds = bounds_of(metric);
            if (!bounds) return tl::unexpected(std::move(bounds.error()));
            family.bounds = *std::move(bounds);
            break;
        }
        default:
            return tl::unexpected(std::string("its type is not known"));
    }
    group.families.push_back(std::move(family));
    return group;
}

gantry_result_t declare(const gantry_host_t* host, const gantry_metric_t* given,
                        std::uint32_t* number) noexcept {
    const auto metric = whole(given);
    if (!metric || number == nullptr) return GANTRY_ERROR_ARGUMENT;
    const Module& module = module_of(host);
    auto id = group_of(module, *metric).and_then([](metrics::Group group) {
        return Registry::process().declare(std::move(group));
    });
    if (!id) {
        log::error("metric refused module={} metric={}: {}", module.name, view_of(metric->name), id.error());
        return GANTRY_ERROR_ARGUMENT;
    }
    const metrics::Family& family = Registry::process().group(*id).families[0];
    if (known()[*id].type == 0) known()[*id] = {metric->type, family.bounds ? &*family.bounds : nullptr};
    *number = *id;
    return GANTRY_OK;
}

// ---- series

gantry_result_t series(const gantry_host_t* /*host*/, std::uint32_t number, const gantry_bytes_t* values,
                       std::uint32_t count, gantry_series_t* series) noexcept {
    if (series == nullptr) return GANTRY_ERROR_ARGUMENT;
    *series = 0;
    if (number >= known().size() || known()[number].type == 0 || count > kMostLabels ||
        (count > 0 && values == nullptr) || count != Registry::process().group(number).labels.size())
        return GANTRY_ERROR_ARGUMENT;
    std::array<std::string_view, kMostLabels> texts;
    for (std::uint32_t i = 0; i < count; ++i) texts[i] = view_of(values[i]);
    const Registry::Held held = Registry::process().hold(number, std::span(texts.data(), count));
    if (held.cell == 0) return GANTRY_ERROR_LIMIT;
    *series = (std::uint64_t{known()[number].type} << (kCellBits + kSlotBits + kGroupBits)) |
              (std::uint64_t{number} << (kCellBits + kSlotBits)) | (std::uint64_t{held.slot} << kCellBits) |
              held.cell;
    return GANTRY_OK;
}

gantry_result_t release(const gantry_host_t* /*host*/, gantry_series_t series) noexcept {
    if (series == 0) return GANTRY_ERROR_STALE;
    return Registry::process().release(group_of(series), slot_of(series)) ? GANTRY_OK : GANTRY_ERROR_STALE;
}

// ---- counting

void add(const gantry_host_t* /*host*/, gantry_series_t series, std::int64_t amount) noexcept {
    const std::uint32_t type = type_of(series);
    if (type != GANTRY_GAUGE && (type != GANTRY_COUNTER || amount < 0)) return;
    Registry::process().add(cell_of(series), static_cast<std::uint64_t>(amount));
}

void set(const gantry_host_t* /*host*/, gantry_series_t series, std::int64_t value) noexcept {
    if (type_of(series) == GANTRY_GAUGE) Registry::process().set(cell_of(series), value);
}

void observe(const gantry_host_t* /*host*/, gantry_series_t series, std::uint64_t value) noexcept {
    if (type_of(series) != GANTRY_HISTOGRAM) return;
    Registry::process().observe(cell_of(series), *known()[group_of(series)].bounds, value);
}

// ---- reading

class Visitor final : public metrics::WalkVisitor {
public:
    Visitor(const gantry_metric_visitor_t& visitor, void* state) : visitor_(visitor), state_(state) {}

    void on_family(const metrics::Family& family) override {
        gantry_metric_view_t view{};
        view.size = sizeof view;
        view.type = family.type == metrics::Type::Counter ? GANTRY_COUNTER
                    : family.type == metrics::Type::Gauge ? GANTRY_GAUGE
                                                          : GANTRY_HISTOGRAM;
        view.name = bytes_of(family.name);
        view.unit = bytes_of(family.unit);
        view.help = bytes_of(family.help);
        view.per_unit = family.per_unit;
        if (family.bounds) {
            view.bounds = family.bounds->data();
            view.bound_count = static_cast<std::uint32_t>(family.bounds->buckets() - 1);
        }
        visitor_.on_metric(state_, &view);
    }

    void on_sample(const metrics::Sample& sample) override {
        texts_.clear();
        for (const std::string_view label : sample.labels) texts_.push_back(bytes_of(label));
        for (const std::string_view value : sample.values) texts_.push_back(bytes_of(value));
        gantry_sample_t view{};
        view.size = sizeof view;
        view.label_count = static_cast<std::uint32_t>(sample.labels.size());
        view.labels = texts_.data();
        view.values = texts_.data() + sample.labels.size();
        view.value = sample.value;
        view.buckets = sample.buckets.empty() ? nullptr : sample.buckets.data();
        view.sum = sample.sum;
        visitor_.on_sample(state_, &view);
    }

private:
    const gantry_metric_visitor_t& visitor_;
    void* state_;
    std::vector<gantry_bytes_t> texts_;
};

gantry_walk_t* begin_walk(const gantry_host_t* /*host*/) noexcept {
    return new gantry_walk{metrics::Walk(Registry::process())};
}

bool walk(gantry_walk_t* walk, std::uint32_t most, const gantry_metric_visitor_t* given,
          void* state) noexcept {
    const auto visitor = whole(given);
    if (walk == nullptr || !visitor || visitor->on_metric == nullptr || visitor->on_sample == nullptr)
        return false;
    Visitor shown(*visitor, state);
    return walk->walk.next(most, shown);
}

void end_walk(gantry_walk_t* walk) noexcept {
    delete walk;
}

}  // namespace

const gantry_metrics_1_t kMetrics = {
    sizeof(gantry_metrics_1_t),
    &declare,
    &series,
    &release,
    &add,
    &set,
    &observe,
    &begin_walk,
    &walk,
    &end_walk,
};

}  // namespace gantry::module
