// What a module counts, over gantry/ext/metrics.h.
//
//     struct Limits {                                                            // a State: module.hpp
//         gantry::Counters refusals;
//         static std::unique_ptr<Limits> prepare(gantry::Scope& scope, Limits*) {
//             auto self = std::make_unique<Limits>();
//             self->refusals = gantry::Counters::declare(scope.host(), {.name = "refusals",
//                                                                       .help = "Requests refused, by zone.",
//                                                                       .labels = {"zone"}});
//             return self;
//         }
//     };
//     const gantry::Counter refused = limits.refusals.series({"login"});         // where it is loaded, and kept
//     refused.add();                                                             // in a hook
//
// A Counter, Gauge or Histogram holds its series as long as it lives, so keep it in an object that lives as long as
// its place. Where gantry has no gantry.metrics/1, all of it does nothing.
#pragma once

#include "gantry/host.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace gantry::inline sdk {

// As gantry_metric_t, which says what each means. Texts are literals.
struct MetricDoc {
    const char* name = nullptr;  // "refusals"
    const char* help = nullptr;
    const char* unit = nullptr;
    const char* labels[9] = {};  // 8 at most
    std::uint32_t most_series = 0;
    std::uint64_t per_unit = 1;
    std::span<const std::uint64_t> bounds = {};  // of a histogram; or these:
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    std::uint32_t steps = 1;
};

namespace detail {

// A hold on a series; empty: nothing is counted.
class HeldSeries {
public:
    HeldSeries() = default;
    HeldSeries(const Host& host, gantry_series_t raw) noexcept : host_(&host), raw_(raw) {}
    HeldSeries(HeldSeries&& other) noexcept
        : host_(std::exchange(other.host_, nullptr)), raw_(std::exchange(other.raw_, 0)) {}
    HeldSeries& operator=(HeldSeries&& other) noexcept {
        std::swap(host_, other.host_);
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~HeldSeries() {
        if (raw_ != 0) host_->metrics()->release(host_->raw(), raw_);
    }

    gantry_series_t raw() const noexcept { return raw_; }
    explicit operator bool() const noexcept { return raw_ != 0; }

protected:
    const Host* host_ = nullptr;
    gantry_series_t raw_ = 0;
};

}  // namespace detail

// [any]
class Counter : public detail::HeldSeries {
public:
    static constexpr std::uint32_t kType = GANTRY_COUNTER;
    using HeldSeries::HeldSeries;
    void add(std::uint64_t amount = 1) const noexcept {
        if (raw_ != 0) host_->metrics()->add(host_->raw(), raw_, static_cast<std::int64_t>(amount));
    }
};

// [any] Either added to or set.
class Gauge : public detail::HeldSeries {
public:
    static constexpr std::uint32_t kType = GANTRY_GAUGE;
    using HeldSeries::HeldSeries;
    void add(std::int64_t amount) const noexcept {
        if (raw_ != 0) host_->metrics()->add(host_->raw(), raw_, amount);
    }
    void set(std::int64_t value) const noexcept {
        if (raw_ != 0) host_->metrics()->set(host_->raw(), raw_, value);
    }
};

// [any]
class Histogram : public detail::HeldSeries {
public:
    static constexpr std::uint32_t kType = GANTRY_HISTOGRAM;
    using HeldSeries::HeldSeries;
    void observe(std::uint64_t value) const noexcept {
        if (raw_ != 0) host_->metrics()->observe(host_->raw(), raw_, value);
    }
    // Of one that was declared with per_unit = 1'000'000'000 and unit = "seconds".
    void observe(std::chrono::nanoseconds time) const noexcept {
        observe(time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count()));
    }
};

// All series of one metric. A value.
template <class Series>
class Metric {
public:
    Metric() = default;

    // Again in each load: it is the same metric. A fault in `doc` is told in the log, and nothing is counted.
    // `host` is that of Scope::host(). [main] [loading]
    static Metric declare(const Host& host, const MetricDoc& doc) noexcept {
        gantry_metric_t raw{};
        raw.size = sizeof raw;
        raw.type = Series::kType;
        raw.name = doc.name;
        raw.unit = doc.unit;
        raw.help = doc.help;
        raw.labels = doc.labels;
        raw.per_unit = doc.per_unit;
        raw.most_series = doc.most_series;
        raw.bound_count = static_cast<std::uint32_t>(doc.bounds.size());
        raw.bounds = doc.bounds.data();
        raw.least = doc.least;
        raw.most = doc.most;
        raw.steps = doc.steps;
        Metric metric;
        if (host.metrics() != nullptr &&
            host.metrics()->declare(host.raw(), &raw, &metric.number_) == GANTRY_OK) {
            metric.host_ = &host;
        }
        return metric;
    }

    // The series with these values, one for each label. Takes a lock: keep it. [any]
    Series series(std::initializer_list<std::string_view> values = {}) const noexcept {
        gantry_bytes_t raw[8];
        if (host_ == nullptr || values.size() > 8) return {};
        std::uint32_t count = 0;
        for (const std::string_view value : values) raw[count++] = bytes(value);
        gantry_series_t series = 0;
        host_->metrics()->series(host_->raw(), number_, raw, count, &series);
        return Series{*host_, series};
    }

private:
    const Host* host_ = nullptr;
    std::uint32_t number_ = 0;
};
using Counters = Metric<Counter>;
using Gauges = Metric<Gauge>;
using Histograms = Metric<Histogram>;

}  // namespace gantry::inline sdk
