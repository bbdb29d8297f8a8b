// gantry.metrics/1 of a fake host.
#pragma once

#include "gantry/fake/state.hpp"

#include <algorithm>
#include <memory>

namespace gantry::fake::detail {

// A series is its place among all series, plus one.
struct MetricsTable {
    static std::string text(const char* text) { return text == nullptr ? "" : text; }
    static bool is_name(const std::string& name) {
        return !name.empty() && name.size() <= 64 && (name[0] < '0' || name[0] > '9') &&
               name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == name.npos;
    }

    static std::vector<std::uint64_t> bounds_of(const gantry_metric_t& metric) {
        if (metric.bound_count > 0) return {metric.bounds, metric.bounds + metric.bound_count};
        std::vector<std::uint64_t> out;
        if (metric.least == 0 || metric.steps == 0 || metric.most > UINT64_MAX / 4) return out;
        for (std::uint64_t octave = metric.least; out.size() < 127; octave *= 2) {
            for (std::uint64_t step = 0; step < metric.steps; ++step) {
                out.push_back(octave + octave * step / metric.steps);
                if (out.back() >= metric.most) return out;
            }
        }
        return out;
    }

    static gantry_result_t declare(const gantry_host_t* raw, const gantry_metric_t* metric,
                                   std::uint32_t* number) noexcept {
        State& host = State::of(raw);
        if (host.step != Step::Opening &&
            !host.is_in_step(Step::Preparing, "declare()", "open() and prepare()"))
            return GANTRY_ERROR_STATE;
        MetricState given;
        given.name = text(metric->name);
        given.unit = text(metric->unit);
        given.help = text(metric->help);
        given.type = metric->type;
        given.per_unit = metric->per_unit == 0 ? 1 : metric->per_unit;
        given.most = metric->most_series == 0 ? 1000 : metric->most_series;
        for (const char* const* label = metric->labels; label != nullptr && *label != nullptr; ++label)
            given.labels.emplace_back(*label);
        if (given.type == GANTRY_HISTOGRAM) given.bounds = bounds_of(*metric);
        const bool is_sound =
            is_name(given.name) && !given.name.ends_with("_total") && !given.help.empty() &&
            given.type >= GANTRY_COUNTER && given.type <= GANTRY_HISTOGRAM && given.labels.size() <= 8 &&
            std::all_of(given.labels.begin(), given.labels.end(), &is_name) &&
            (given.type != GANTRY_HISTOGRAM || (!given.bounds.empty() && given.bounds.size() <= 126));
        if (!is_sound) {
            host.violation("declare(): the metric \"" + given.name + "\" is not sound");
            return GANTRY_ERROR_ARGUMENT;
        }
        const std::lock_guard lock{host.mutex};
        for (std::size_t index = 0; index < host.metrics.size(); ++index) {
            const MetricState& known = host.metrics[index];
            if (known.name != given.name) continue;
            const bool is_same = known.type == given.type && known.labels == given.labels &&
                                 known.unit == given.unit && known.bounds == given.bounds;
            *number = static_cast<std::uint32_t>(index);
            return is_same ? GANTRY_OK : GANTRY_ERROR_ARGUMENT;
        }
        *number = static_cast<std::uint32_t>(host.metrics.size());
        host.metrics.push_back(std::move(given));
        return GANTRY_OK;
    }

    static gantry_result_t series(const gantry_host_t* raw, std::uint32_t number,
                                  const gantry_bytes_t* values, std::uint32_t count,
                                  gantry_series_t* out) noexcept {
        State& host = State::of(raw);
        *out = 0;
        if (number >= host.metrics.size() || count != host.metrics[number].labels.size()) {
            host.violation("series(): no such metric, or as many values as it has labels");
            return GANTRY_ERROR_ARGUMENT;
        }
        std::vector<std::string> texts;
        for (std::uint32_t index = 0; index < count; ++index) texts.emplace_back(view(values[index]));
        const std::lock_guard lock{host.mutex};
        const auto of_metric = [&](const SeriesState& one) { return one.metric == number; };
        const auto is_wanted = [&](const SeriesState& one) { return of_metric(one) && one.values == texts; };
        auto found = std::find_if(host.series.begin(), host.series.end(), is_wanted);
        const auto known = std::count_if(host.series.begin(), host.series.end(), of_metric);
        if (found == host.series.end() && static_cast<std::uint64_t>(known) >= host.metrics[number].most) {
            texts.assign(count, "other");
            found = std::find_if(host.series.begin(), host.series.end(), is_wanted);
        }
        if (found == host.series.end()) {
            host.series.push_back({number, std::move(texts)});
            found = host.series.end() - 1;
            found->buckets.resize(host.metrics[number].bounds.size() + 1);
        }
        ++found->holders;
        *out = static_cast<std::uint64_t>(found - host.series.begin()) + 1;
        return GANTRY_OK;
    }

    static gantry_result_t release(const gantry_host_t* raw, gantry_series_t series) noexcept {
        State& host = State::of(raw);
        if (series == 0 || series > host.series.size() || host.series[series - 1].holders == 0) {
            host.violation("release(): nobody holds that series");
            return GANTRY_ERROR_STALE;
        }
        const std::lock_guard lock{host.mutex};
        --host.series[series - 1].holders;
        return GANTRY_OK;
    }

    // What `series` may be counted in, or nullptr.
    static SeriesState* counted(State& host, gantry_series_t series, const char* function,
                                std::initializer_list<std::uint32_t> types) {
        if (series == 0) return nullptr;
        const bool is_held = series <= host.series.size() && host.series[series - 1].holders > 0;
        if (is_held) {
            const std::uint32_t type = host.metrics[host.series[series - 1].metric].type;
            if (std::find(types.begin(), types.end(), type) != types.end()) return &host.series[series - 1];
        }
        host.violation(std::string{function} +
                       (is_held ? ": not for this type" : ": that series is not held"));
        return nullptr;
    }
    static void add(const gantry_host_t* raw, gantry_series_t series, std::int64_t amount) noexcept {
        State& host = State::of(raw);
        SeriesState* to = counted(host, series, "add()", {GANTRY_COUNTER, GANTRY_GAUGE});
        if (to == nullptr) return;
        if (amount < 0 && host.metrics[to->metric].type == GANTRY_COUNTER)
            return host.violation("add(): a counter does not get less");
        const std::lock_guard lock{host.mutex};
        to->value += amount;
    }
    static void set(const gantry_host_t* raw, gantry_series_t series, std::int64_t value) noexcept {
        State& host = State::of(raw);
        SeriesState* to = counted(host, series, "set()", {GANTRY_GAUGE});
        const std::lock_guard lock{host.mutex};
        if (to != nullptr) to->value = value;
    }
    static void observe(const gantry_host_t* raw, gantry_series_t series, std::uint64_t value) noexcept {
        State& host = State::of(raw);
        SeriesState* to = counted(host, series, "observe()", {GANTRY_HISTOGRAM});
        if (to == nullptr) return;
        const std::vector<std::uint64_t>& bounds = host.metrics[to->metric].bounds;
        const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
        const std::lock_guard lock{host.mutex};
        ++to->buckets[static_cast<std::size_t>(bucket)];
        to->sum += value;
        ++to->value;
    }

    // Metric by metric, like the host's; a copy, so that the visitor may count itself.
    struct Walk {
        std::vector<MetricState> metrics;
        std::vector<SeriesState> series;
        std::size_t metric = 0;
        std::size_t at = 0;
        bool is_announced = false;
    };

    static gantry_walk_t* begin_walk(const gantry_host_t* raw) noexcept {
        State& host = State::of(raw);
        const std::lock_guard lock{host.mutex};
        return reinterpret_cast<gantry_walk_t*>(
            new Walk{{host.metrics.begin(), host.metrics.end()}, {host.series.begin(), host.series.end()}});
    }

    static bool walk(gantry_walk_t* raw, std::uint32_t most, const gantry_metric_visitor_t* visitor,
                     void* state) noexcept {
        auto& self = *reinterpret_cast<Walk*>(raw);
        for (; most > 0; --most) {
            if (self.metric == self.metrics.size()) return false;
            if (self.at == self.series.size()) {
                self.at = 0;
                ++self.metric;
                self.is_announced = false;
                continue;
            }
            const SeriesState& series = self.series[self.at++];
            if (series.metric != self.metric) continue;
            if (!self.is_announced) show(self.metrics[self.metric], *visitor, state);
            self.is_announced = true;
            show(self.metrics[self.metric], series, *visitor, state);
        }
        return true;
    }
    static void show(const MetricState& metric, const gantry_metric_visitor_t& visitor, void* state) {
        const std::string name = (metric.is_foreign ? "" : "gantry_test_") + metric.name +
                                 (metric.unit.empty() ? "" : "_" + metric.unit);
        const gantry_metric_view_t shown{sizeof(gantry_metric_view_t),
                                         metric.type,
                                         bytes(name),
                                         bytes(metric.unit),
                                         bytes(metric.help),
                                         metric.per_unit,
                                         metric.bounds.data(),
                                         static_cast<std::uint32_t>(metric.bounds.size()),
                                         0};
        visitor.on_metric(state, &shown);
    }
    static void show(const MetricState& metric, const SeriesState& series,
                     const gantry_metric_visitor_t& visitor, void* state) {
        std::vector<gantry_bytes_t> texts;
        for (const std::string& label : metric.labels) texts.push_back(bytes(label));
        for (const std::string& value : series.values) texts.push_back(bytes(value));
        const bool is_histogram = metric.type == GANTRY_HISTOGRAM;
        const gantry_sample_t shown{sizeof(gantry_sample_t),
                                    static_cast<std::uint32_t>(metric.labels.size()),
                                    texts.data(),
                                    texts.data() + metric.labels.size(),
                                    is_histogram ? 0 : series.value,
                                    is_histogram ? series.buckets.data() : nullptr,
                                    series.sum};
        visitor.on_sample(state, &shown);
    }
    static void end_walk(gantry_walk_t* raw) noexcept { delete reinterpret_cast<Walk*>(raw); }

    static constexpr gantry_metrics_1_t kTable{sizeof(gantry_metrics_1_t),
                                               &declare,
                                               &series,
                                               &release,
                                               &add,
                                               &set,
                                               &observe,
                                               &begin_walk,
                                               &walk,
                                               &end_walk};
};

}  // namespace gantry::fake::detail
