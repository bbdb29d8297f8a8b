// The server process: workers on their threads, the listeners they share, the log thread, and the current
// generation.
#pragma once

#include "core/conf/settings.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/net/certificate_store.hpp"
#include "core/net/socket_source.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/generation.hpp"
#include "core/server/log_writer.hpp"
#include "core/server/server_metrics.hpp"
#include "core/server/tls_hosts.hpp"
#include "core/server/worker_context.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace gantry::server {

// [main], unless a method says otherwise.
class Server {
public:
    // Starts the workers. Their number does not change in a reload; it takes a new process.
    // `logs` and `certificates`, which it has watch its files, outlive it.
    // `recent`: the memory in which requests are remembered; empty: its own.
    Server(const conf::Server& settings, net::SocketSource& sockets, LogThread& logs,
           net::CertificateStore& certificates, UniqueFd recent = {});
    // As drain(). Of connections that are busy still nothing is released, for a process that ends.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
    std::shared_ptr<const Generation> generation() const { return generation_; }

    // Makes `generation` the current one: opens sockets for new addresses, then moves every worker over, then
    // closes what is no longer configured. On errors (one sentence each) nothing has changed.
    std::vector<std::string> apply(std::shared_ptr<const Generation> generation);

    // Accepts no more and ends idle connections; the others end with what they are at. See
    // open_connections().
    void drain();

    std::uint64_t open_connections() const;

    // Runs `task` on every worker, soon. [any] thread, until the destructor begins.
    void post_to_workers(const std::function<void()>& task);
    // On one of them, soon; false: there is none of that number. [any] thread, as above.
    bool post_to_worker(unsigned worker, Task task);
    // On every worker, and waits until all have done it.
    void run_on_workers(const std::function<void()>& task) {
        on_all_workers([&task](WorkerContext&) { task(); });
    }
    struct WorkerStatus {
        std::uint32_t connections = 0;
        std::uint64_t requests = 0;
    };
    std::vector<WorkerStatus> worker_status() const;

    // Null: requests are not remembered. [any]
    const RecentRings* recent() const { return recent_.get(); }

    struct ListenerStatus {
        std::string name;
        bool is_removed = false;  // not configured any more, but connections of it go on
        std::vector<std::string> addresses;
        std::uint64_t connections = 0;
        std::uint64_t refused = 0;  // times that accepting paused: the limit, or no descriptors
    };
    std::vector<ListenerStatus> listener_status() const;

private:
    struct Address {
        conf::Address address;
        std::string listener;
        std::string shown;  // with the port that the kernel chose
    };
    using Opened = std::map<std::string, std::vector<UniqueFd>>;

    void on_all_workers(const std::function<void(WorkerContext&)>& task);
    bool open_sockets(const Generation& generation, Opened& opened, std::vector<std::string>& errors);
    void start_listeners(const Generation& generation, const std::shared_ptr<const TlsHosts>& hosts,
                         Opened opened);
    void close_removed(const Generation& generation);

    net::SocketSource& sockets_;
    LogThread& logs_;
    net::CertificateStore& certificates_;  // and ticket keys: they outlive generations
    net::BlockingPool blocking_;
    std::unique_ptr<RecentRings> recent_;  // the workers write to it
    std::vector<std::unique_ptr<WorkerContext>> workers_;
    std::vector<std::thread> threads_;
    std::unique_ptr<ServerMetrics> metrics_;                           // looks at all that stands here
    std::map<std::string, std::unique_ptr<BoundListener>> listeners_;  // by name; removed ones stay
    std::map<std::string, Address> bound_;                             // by address_key
    std::shared_ptr<const Generation> generation_;
};

}  // namespace gantry::server
