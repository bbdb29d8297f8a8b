#include "core/server/server_metrics.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/time_buckets.hpp"
#include "core/base/version.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/traffic.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <cstdio>
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace gantry::server {
namespace {

using metrics::counter_family;
using metrics::Family;
using metrics::gauge_family;
using metrics::Group;
using metrics::GroupId;
using metrics::in_nanoseconds;
using metrics::Registry;

constexpr std::size_t kMostOfAll = 100'000;

Registry& registry() {
    return Registry::process();
}

GroupId declare(std::vector<std::string> labels, std::vector<Family> families) {
    Group group;
    group.labels = std::move(labels);
    group.most = kMostOfAll;
    group.families = std::move(families);
    return registry().declare(std::move(group)).value();
}

// Cells in the order of the families.
enum ProcessCell : std::uint32_t {
    kCpu,
    kResident,
    kVirtual,
    kOpenFds,
    kMostFds,
    kStart,
    kWorkers,
    kGeneration,
    kServing,
    kDisabled,
    kErrorsLost,
};

GroupId process_metrics() {
    auto hosts = gauge_family("gantry_hosts", "Hosts of the configuration that serves.");
    hosts.dimensions = {{"state", {"serving", "disabled"}}};
    static const GroupId id = declare(
        {}, {
                in_nanoseconds(
                    counter_family("process_cpu", "Time that processors worked for the process.", "seconds")),
                gauge_family("process_resident_memory", "Memory that the process has.", "bytes"),
                gauge_family("process_virtual_memory", "Address space that the process has.", "bytes"),
                gauge_family("process_open_fds", "Descriptors that are open."),
                gauge_family("process_max_fds", "Descriptors that may be open."),
                in_nanoseconds(
                    gauge_family("process_start_time", "When the process began, since 1970.", "seconds")),
                gauge_family("gantry_workers", "Threads that serve."),
                gauge_family("gantry_generation", "Number of the configuration that serves."),
                std::move(hosts),
                counter_family("gantry_error_log_lines_lost",
                               "Lines of the error log that could not be written."),
            });
    return id;
}

GroupId worker_metrics() {
    static const GroupId id = declare(
        {"worker"}, {
                        gauge_family("gantry_worker_connections", "Open connections of a worker."),
                        counter_family("gantry_worker_requests", "Requests that a worker answered."),
                        in_nanoseconds(counter_family(
                            "gantry_worker_cpu", "Time that a processor worked for a worker.", "seconds")),
                    });
    return id;
}

GroupId log_metrics() {
    static const GroupId id = declare(
        {"target"},
        {
            counter_family("gantry_log_lines_written", "Lines of access logs."),
            counter_family("gantry_log_lines_lost", "Lines of access logs that could not be written."),
        });
    return id;
}

GroupId certificate_metrics() {
    static const GroupId id =
        declare({"certificate", "name"},
                {gauge_family("gantry_certificate_expiry_timestamp",
                              "When a certificate that is served ends, since 1970.", "seconds")});
    return id;
}

GroupId placeholder_metrics() {
    static const GroupId id =
        declare({"module"}, {gauge_family("gantry_certificate_placeholders",
                                          "Names for which a module has offered no certificate.")});
    return id;
}

GroupId build_metrics() {
    static const GroupId id =
        declare({"version"}, {gauge_family("gantry_build_info", "1, and the version of gantry.")});
    return id;
}

std::int64_t nanos_of(clockid_t clock) {
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::int64_t open_descriptors() {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::int64_t count = -1;  // that of the folder itself
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] != '.') ++count;
    }
    ::closedir(folder);
    return count;
}

}  // namespace

ServerMetrics::ServerMetrics(std::vector<Worker> workers, const LogThread& logs)
    : workers_(std::move(workers)), logs_(logs), process_(registry().series(process_metrics(), {})) {
    registry().set(process_.cell() + kStart, wall_nanos());
    registry().set(process_.cell() + kWorkers, static_cast<std::int64_t>(workers_.size()));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        by_worker_.push_back(registry().series(worker_metrics(), {std::to_string(i)}));
    }
    static const metrics::Series build = registry().series(build_metrics(), {version()});
    registry().set(build.cell(), 1);
    collector_ = registry().add_collector([this] { collect(); });
}

ServerMetrics::~ServerMetrics() {
    registry().remove_collector(collector_);
}

void ServerMetrics::add_listener(const BoundListener& listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(&listener);
}

void ServerMetrics::set_generation(std::shared_ptr<const Generation> generation) {
    registry().set(process_.cell() + kGeneration, static_cast<std::int64_t>(generation->number()));
    const std::lock_guard lock(mutex_);
    generation_.swap(generation);
}

void ServerMetrics::collect() {
    collect_process();
    collect_workers();
    collect_listeners();
    collect_logs();
    std::shared_ptr<const Generation> generation;
    {
        const std::lock_guard lock(mutex_);
        generation = generation_;
    }
    if (generation == nullptr) return;
    collect_hosts(*generation);
    collect_certificates(*generation);
    collect_placeholders(*generation);
}

void ServerMetrics::collect_process() {
    const std::uint32_t first = process_.cell();
    registry().set(first + kCpu, nanos_of(CLOCK_PROCESS_CPUTIME_ID));
    long pages = 0;
    long resident = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "re")) {
        if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) pages = resident = 0;
        std::fclose(file);
    }
    const long page = ::sysconf(_SC_PAGESIZE);
    registry().set(first + kResident, resident * page);
    registry().set(first + kVirtual, pages * page);
    registry().set(first + kOpenFds, open_descriptors());
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        registry().set(first + kMostFds, static_cast<std::int64_t>(limit.rlim_cur));
    }
    registry().set(first + kErrorsLost, static_cast<std::int64_t>(log::lost_lines()));
}

void ServerMetrics::collect_workers() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        const std::uint32_t first = by_worker_[i].cell();
        WorkerContext& context = const_cast<WorkerContext&>(*workers_[i].context);
        registry().set(first, context.net().connections.load(std::memory_order_relaxed));
        registry().set(first + 1,
                       static_cast<std::int64_t>(context.requests.load(std::memory_order_relaxed)));
        registry().set(first + 2, nanos_of(workers_[i].clock));
    }
}

// What was read of a request that is about to end may be of before and after: never less than nothing.
void ServerMetrics::collect_listeners() {
    const std::lock_guard lock(mutex_);
    for (const BoundListener* const listener : listeners_) {
        const std::uint32_t first = listener->counted();
        std::uint64_t finished = 0;
        for (std::uint32_t i = 0; i < http::kAnswerCells; ++i) {
            finished += registry().read(first + TrafficCells::kAnswers + i);
        }
        const std::uint64_t started = registry().read(first + TrafficCells::kStarted);
        const std::uint64_t open = listener->open_connections();
        const std::uint64_t active = std::min(started - std::min(finished, started), open);
        registry().set(first + TrafficCells::kConnections, static_cast<std::int64_t>(active));
        registry().set(first + TrafficCells::kConnections + 1, static_cast<std::int64_t>(open - active));
        registry().set(first + TrafficCells::kPaused, static_cast<std::int64_t>(listener->refused()));
    }
}

void ServerMetrics::collect_logs() {
    for (const auto& [name, written, lost] : logs_.status()) {
        auto& series = by_log_[name];
        if (series.cell() == 0) series = registry().series(log_metrics(), {name});
        registry().set(series.cell(), static_cast<std::int64_t>(written));
        registry().set(series.cell() + 1, static_cast<std::int64_t>(lost));
    }
}

void ServerMetrics::collect_hosts(const Generation& generation) {
    const auto disabled = std::count_if(generation.hosts().begin(), generation.hosts().end(),
                                        [](const HostEntry& host) { return host.is_disabled(); });
    registry().set(process_.cell() + kDisabled, disabled);
    registry().set(process_.cell() + kServing, static_cast<std::int64_t>(generation.host_count()) - disabled);
}

void ServerMetrics::collect_certificates(const Generation& generation) {
    std::map<std::string, metrics::Series> now;
    const auto show = [&](const net::CertificateSet& set) {
        for (const net::CertificatePtr& certificate : set.current()) {
            const std::string& name =
                certificate->names.empty() ? certificate->subject : certificate->names[0];
            auto& series = now[certificate->source + '\n' + name];
            if (series.cell() == 0)
                series = registry().series(certificate_metrics(), {certificate->source, name});
            registry().set(series.cell(), certificate->not_after);
        }
    };
    for (const net::CertificateSetPtr& set : generation.certificates()) show(*set);
    for (const HostEntry& host : generation.hosts()) {
        if (!host.offered) continue;
        for (const auto& [name, set] : host.offered->names()) show(*set);
    }
    by_certificate_.swap(now);
}

void ServerMetrics::collect_placeholders(const Generation& generation) {
    std::map<std::string, std::int64_t> missing;
    for (const HostEntry& host : generation.hosts()) {
        if (!host.offered) continue;
        auto& count = missing[host.settings->certificate_module];
        for (const auto& [name, set] : host.offered->names()) count += set->is_empty() ? 1 : 0;
    }
    std::map<std::string, metrics::Series> now;
    for (const auto& [module, count] : missing) {
        now[module] = registry().series(placeholder_metrics(), {module});
        registry().set(now[module].cell(), count);
    }
    by_source_.swap(now);
}

}  // namespace gantry::server
