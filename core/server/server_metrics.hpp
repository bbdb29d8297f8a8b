// What is known of the server process as numbers: connections, workers, memory, hosts, certificates, logs.
// Set when somebody reads them.
#pragma once

#include "core/base/metrics.hpp"
#include "core/server/generation.hpp"
#include "core/server/log_writer.hpp"

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::server {

class BoundListener;
class WorkerContext;

// Made, changed and destroyed by the control thread; what it refers to outlives it.
class ServerMetrics {
public:
    struct Worker {
        const WorkerContext* context = nullptr;
        clockid_t clock = 0;  // of its thread
    };
    ServerMetrics(std::vector<Worker> workers, const LogThread& logs);
    ~ServerMetrics();
    ServerMetrics(const ServerMetrics&) = delete;
    ServerMetrics& operator=(const ServerMetrics&) = delete;

    void add_listener(const BoundListener& listener);
    void set_generation(std::shared_ptr<const Generation> generation);

private:
    // On the thread of whoever reads.
    void collect();
    void collect_process();
    void collect_workers();
    void collect_listeners();
    void collect_logs();
    void collect_hosts(const Generation& generation);
    void collect_certificates(const Generation& generation);
    void collect_placeholders(const Generation& generation);

    const std::vector<Worker> workers_;
    const LogThread& logs_;
    metrics::Series process_;
    std::vector<metrics::Series> by_worker_;
    std::map<std::string, metrics::Series> by_log_;
    std::map<std::string, metrics::Series> by_certificate_;
    std::map<std::string, metrics::Series> by_source_;  // modules that offer certificates

    std::mutex mutex_;  // what follows
    std::vector<const BoundListener*> listeners_;
    std::shared_ptr<const Generation> generation_;
    std::uint64_t collector_ = 0;  // last: it begins when all else is there
};

}  // namespace gantry::server
