#include "health.hpp"

#include "exposition.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace metrics {
namespace {

std::string_view value_of(const Sample& sample, std::string_view name) {
    for (const Label& label : sample.labels) {
        if (label.name == name) return label.value;
    }
    return {};
}

void append_real(std::string& to, double number) {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "%.6g", number);
    to.append(text, static_cast<std::size_t>(std::max(size, 0)));
}

void append_member(std::string& to, std::string_view name, std::optional<double> value) {
    to.append(",\"").append(name).append("\":");
    value ? append_real(to, *value) : static_cast<void>(to += "null");
}

// The members from "requests" on.
void append_counts(std::string& to, const HostCounts& all, const HostCounts& recent, double seconds,
                   const std::vector<std::uint64_t>& bounds) {
    to.append("\"requests\":").append(std::to_string(all.requests));
    to.append(",\"errors\":").append(std::to_string(all.errors));
    const auto per_second = [seconds](std::uint64_t count) {
        return seconds > 0 ? std::optional(static_cast<double>(count) / seconds) : std::nullopt;
    };
    append_member(to, "requests_per_second", per_second(recent.requests));
    append_member(to, "errors_per_second", per_second(recent.errors));
    append_member(to, "error_share",
                  recent.requests > 0 ? std::optional(static_cast<double>(recent.errors) /
                                                      static_cast<double>(recent.requests))
                                      : std::nullopt);
    append_member(to, "p50_seconds", quantile_of(0.50, recent.durations, bounds));
    append_member(to, "p95_seconds", quantile_of(0.95, recent.durations, bounds));
    append_member(to, "p99_seconds", quantile_of(0.99, recent.durations, bounds));
}

}  // namespace

HostCounts& HostCounts::operator+=(const HostCounts& other) {
    requests += other.requests;
    errors += other.errors;
    durations.resize(std::max(durations.size(), other.durations.size()));
    for (std::size_t i = 0; i < other.durations.size(); ++i) durations[i] += other.durations[i];
    return *this;
}

HostCounts HostCounts::since(const HostCounts& before) const {
    if (before.requests > requests) return *this;  // it was forgotten, and began anew
    HostCounts out = *this;
    out.requests -= before.requests;
    out.errors -= std::min(before.errors, errors);
    for (std::size_t i = 0; i < std::min(durations.size(), before.durations.size()); ++i) {
        out.durations[i] -= std::min(before.durations[i], durations[i]);
    }
    return out;
}

void Reading::add_metric(const Metric& metric) {
    static constexpr std::pair<std::string_view, What> kAll[] = {
        {"gantry_requests", What::Requests},
        {"gantry_request_duration_seconds", What::Durations},
        {"process_resident_memory_bytes", What::Resident},
        {"process_start_time_seconds", What::Start},
        {"gantry_listener_connections", What::Connections},
        {"gantry_generation", What::Generation},
        {"gantry_hosts", What::Hosts},
        {"gantry_last_reload_applied", What::Reload},
        {"gantry_build_info", What::Build},
    };
    what_ = What::Nothing;
    for (const auto& [name, what] : kAll) {
        if (metric.name == name) what_ = what;
    }
    if (what_ == What::Durations) bounds.assign(metric.bounds.begin(), metric.bounds.end());
}

void Reading::add_sample(const Sample& sample) {
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(sample.value, 0));
    switch (what_) {
        case What::Requests: {
            HostCounts& host = hosts[std::string{value_of(sample, "host")}];
            host.requests += count;
            if (value_of(sample, "status") == "5xx") host.errors += count;
            break;
        }
        case What::Durations: {
            HostCounts one;
            one.durations.assign(sample.buckets.begin(), sample.buckets.end());
            hosts[std::string{value_of(sample, "host")}] += one;
            break;
        }
        case What::Resident:
            resident_bytes = sample.value;
            break;
        case What::Start:
            start = sample.value;
            break;
        case What::Connections:
            connections += sample.value;
            break;
        case What::Generation:
            generation = sample.value;
            break;
        case What::Hosts:
            if (value_of(sample, "state") == "disabled") disabled_hosts = sample.value;
            break;
        case What::Reload:
            is_last_reload_applied = sample.value != 0;
            break;
        case What::Build:
            version = value_of(sample, "version");
            break;
        case What::Nothing:
            break;
    }
}

std::optional<double> quantile_of(double quantile, const std::vector<std::uint64_t>& buckets,
                                  const std::vector<std::uint64_t>& bounds) {
    std::uint64_t count = 0;
    for (const std::uint64_t bucket : buckets) count += bucket;
    if (count == 0 || bounds.empty()) return std::nullopt;
    const double wanted = quantile * static_cast<double>(count);
    double below = 0;
    for (std::size_t i = 0; i < buckets.size() && i < bounds.size(); ++i) {
        const auto inside = static_cast<double>(buckets[i]);
        if (inside > 0 && below + inside >= wanted) {
            const double from = i == 0 ? 0 : static_cast<double>(bounds[i - 1]);
            const double size = static_cast<double>(bounds[i]) - from;
            return (from + size * std::max(wanted - below, 0.0) / inside) / 1e9;
        }
        below += inside;
    }
    return static_cast<double>(bounds.back()) / 1e9;
}

void append_json_string(std::string& to, std::string_view text) {
    // Of an escaped label value only quotes, backslashes and line ends are escaped so far, as JSON has them
    // too.
    std::string escaped;
    append_label_value(escaped, text);
    to += '"';
    for (const char c : escaped) {
        if (static_cast<unsigned char>(c) >= 0x20) {
            to += c;
            continue;
        }
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        to += code;
    }
    to += '"';
}

std::string health_json(const Reading& now, const Reading* before, std::int64_t wall) {
    static const Reading kBeginning;
    const Reading& earlier = before != nullptr ? *before : kBeginning;
    const double uptime = static_cast<double>(std::max<std::int64_t>(wall - now.start, 0)) / 1e9;
    const double window = before != nullptr ? static_cast<double>(now.taken - before->taken) / 1e9 : uptime;
    HostCounts all;
    HostCounts recent;
    std::string hosts;
    for (const auto& [name, counts] : now.hosts) {
        const auto known = earlier.hosts.find(name);
        const HostCounts late = known == earlier.hosts.end() ? counts : counts.since(known->second);
        all += counts;
        recent += late;
        hosts += hosts.empty() ? "\n{\"host\":" : ",\n{\"host\":";
        append_json_string(hosts, name);
        hosts += ',';
        append_counts(hosts, counts, late, window, now.bounds);
        hosts += '}';
    }
    std::string out = "{\"status\":";
    out += now.disabled_hosts == 0 && now.is_last_reload_applied ? "\"ok\"" : "\"degraded\"";
    out += ",\"version\":";
    append_json_string(out, now.version);
    append_member(out, "uptime_seconds", uptime);
    out.append(",\"memory_bytes\":").append(std::to_string(now.resident_bytes));
    out.append(",\"connections\":").append(std::to_string(now.connections));
    out.append(",\"generation\":").append(std::to_string(now.generation));
    out.append(",\"last_reload_applied\":").append(now.is_last_reload_applied ? "true" : "false");
    out.append(",\"disabled_hosts\":").append(std::to_string(now.disabled_hosts));
    append_member(out, "window_seconds", window);
    out += ',';
    append_counts(out, all, recent, window, now.bounds);
    out.append(",\"hosts\":[").append(hosts).append("]}\n");
    return out;
}

}  // namespace metrics
