#include "core/server/server.hpp"

#include "core/base/crash.hpp"
#include "core/base/log.hpp"

#include <cstring>
#include <latch>
#include <pthread.h>
#include <sched.h>
#include <set>

namespace gantry::server {
namespace {

unsigned usable_processors() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
}

}  // namespace

Server::Server(const conf::Server& settings, net::SocketSource& sockets, LogThread& logs,
               net::CertificateStore& certificates, UniqueFd recent)
    : sockets_(sockets), logs_(logs), certificates_(certificates), blocking_(settings.blocking_threads) {
    certificates_.watch();
    const unsigned count = settings.workers != 0 ? settings.workers : usable_processors();
    recent_ = RecentRings::make(count, settings.recent_requests, std::move(recent));
    if (recent_ == nullptr && settings.recent_requests > 0)
        log::warn("requests are not remembered: {} while starting", std::strerror(errno));
    for (unsigned i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<WorkerContext>(i, count, blocking_, logs_.make_buffer()));
        if (recent_ != nullptr) workers_.back()->set_recent(recent_->ring(i));
    }
    for (const auto& worker : workers_) {
        threads_.emplace_back([&context = *worker] {
            crash::prepare_thread();
            context.run();
        });
        const std::string name = "worker-" + std::to_string(worker->net().index());
        ::pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
    std::vector<ServerMetrics::Worker> counted;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        auto& worker = counted.emplace_back();
        worker.context = workers_[i].get();
        ::pthread_getcpuclockid(threads_[i].native_handle(), &worker.clock);
    }
    metrics_ = std::make_unique<ServerMetrics>(std::move(counted), logs_);
}

Server::~Server() {
    drain();
    on_all_workers([](WorkerContext& worker) {
        worker.net().wheel().drain();  // also those that the first time gave a moment
        worker.shut_down();
    });
    for (const auto& worker : workers_) {
        // What shut_down() released completes behind it; the loop ends after that.
        worker->net().post([&net = worker->net()] { net.post([&net] { net.stop(); }); });
    }
    metrics_.reset();
    for (std::thread& thread : threads_) thread.join();
    blocking_.finish();  // its tasks post to the workers
    listeners_.clear();
    workers_.clear();
}

void Server::on_all_workers(const std::function<void(WorkerContext&)>& task) {
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (const auto& worker : workers_) {
        worker->net().post([&context = *worker, &task, &done] {
            task(context);
            done.count_down();
        });
    }
    done.wait();
}

bool Server::post_to_worker(unsigned worker, Task task) {
    if (worker >= workers_.size()) return false;
    workers_[worker]->net().post(std::move(task));
    return true;
}

void Server::post_to_workers(const std::function<void()>& task) {
    for (const auto& worker : workers_) worker->net().post(task);
}

std::vector<std::string> Server::apply(std::shared_ptr<const Generation> generation) {
    std::vector<std::string> errors;
    Opened opened;
    for (const conf::Listener& listener : generation->settings().listeners) {
        if (!listener.tls) continue;
        const std::string problem = net::TlsContext::check(*listener.tls);
        if (!problem.empty()) errors.push_back("listener \"" + listener.name + "\": " + problem);
    }
    if (!errors.empty() || !open_sockets(*generation, opened, errors)) return errors;
    const auto hosts = std::make_shared<const TlsHosts>(certificates_, generation);
    on_all_workers([&](WorkerContext& worker) { worker.set_generation(generation); });
    generation_ = generation;
    metrics_->set_generation(generation);
    start_listeners(*generation, hosts, std::move(opened));
    close_removed(*generation);
    return {};
}

bool Server::open_sockets(const Generation& generation, Opened& opened, std::vector<std::string>& errors) {
    for (const conf::Listener& listener : generation.settings().listeners) {
        for (const conf::Address& address : listener.addresses) {
            const std::string key = address_key(address);
            const auto known = bound_.find(key);
            // The same address under another name would mean moving sockets between listeners: they are
            // opened anew.
            if (known != bound_.end() && known->second.listener == listener.name) continue;
            auto sockets = sockets_.open(address, listener, workers());
            if (sockets) {
                opened[key] = std::move(*sockets);
                continue;
            }
            errors.push_back("listener \"" + listener.name + "\": cannot listen on " + key + ": " +
                             std::strerror(sockets.error().system) + " " + sockets.error().context);
        }
    }
    if (errors.empty()) return true;
    for (const conf::Listener& listener : generation.settings().listeners) {
        for (const conf::Address& address : listener.addresses) {
            if (opened.erase(address_key(address)) > 0 && !bound_.contains(address_key(address)))
                sockets_.close(address);
        }
    }
    return false;
}

void Server::start_listeners(const Generation& generation, const std::shared_ptr<const TlsHosts>& hosts,
                             Opened opened) {
    std::vector<WorkerContext*> workers;
    for (const auto& worker : workers_) workers.push_back(worker.get());
    for (const conf::Listener& settings : generation.settings().listeners) {
        auto& listener = listeners_[settings.name];
        if (!listener) {
            listener = std::make_unique<BoundListener>(settings.name, workers);
            metrics_->add_listener(*listener);
        }
        auto keys =
            settings.tls ? certificates_.ticket_keys(settings.name, settings.tls->ticket_rotation) : nullptr;
        listener->configure(settings, generation.settings().server.server_header, hosts, std::move(keys));
        for (const conf::Address& address : settings.addresses) {
            const std::string key = address_key(address);
            const auto sockets = opened.find(key);
            if (sockets == opened.end()) continue;
            const net::PeerAddress local = net::PeerAddress::of_local(sockets->second.front().get());
            std::string shown = local.family == 0 ? key : local.to_string();
            log::info("listening listener={} address={}", settings.name, shown);
            if (const auto old = bound_.find(key); old != bound_.end()) {
                listeners_[old->second.listener]->remove_sockets(address);
            }
            listener->add_sockets(address, std::move(sockets->second));
            bound_[key] = {address, settings.name, std::move(shown)};
        }
    }
}

void Server::close_removed(const Generation& generation) {
    std::set<std::string> wanted;
    for (const conf::Listener& listener : generation.settings().listeners) {
        for (const conf::Address& address : listener.addresses) wanted.insert(address_key(address));
    }
    for (auto entry = bound_.begin(); entry != bound_.end();) {
        if (wanted.contains(entry->first)) {
            ++entry;
            continue;
        }
        log::info("closed listener={} address={}", entry->second.listener, entry->first);
        listeners_[entry->second.listener]->remove_sockets(entry->second.address);
        sockets_.close(entry->second.address);
        entry = bound_.erase(entry);
    }
    for (const auto& [name, listener] : listeners_) {
        if (generation.listener_index(name) < 0) listener->drain();
    }
}

void Server::drain() {
    for (const auto& [key, bound] : bound_) listeners_[bound.listener]->remove_sockets(bound.address);
    bound_.clear();
    for (const auto& [name, listener] : listeners_) listener->drain();
    // Nobody listens any more behind the first, so nobody hands a connection over behind the second.
    on_all_workers([](WorkerContext&) {});
    on_all_workers([](WorkerContext& worker) { worker.net().wheel().drain(); });
}

std::uint64_t Server::open_connections() const {
    std::uint64_t open = 0;
    for (const auto& [name, listener] : listeners_) open += listener->open_connections();
    return open;
}

std::vector<Server::WorkerStatus> Server::worker_status() const {
    std::vector<WorkerStatus> out;
    for (const auto& worker : workers_) {
        out.push_back({worker->net().connections.load(std::memory_order_relaxed),
                       worker->requests.load(std::memory_order_relaxed)});
    }
    return out;
}

std::vector<Server::ListenerStatus> Server::listener_status() const {
    std::vector<ListenerStatus> out;
    for (const auto& [name, listener] : listeners_) {
        ListenerStatus status;
        status.name = name;
        status.connections = listener->open_connections();
        status.refused = listener->refused();
        for (const auto& [key, bound] : bound_) {
            if (bound.listener == name) status.addresses.push_back(bound.shown);
        }
        status.is_removed = generation_ == nullptr || generation_->listener_index(name) < 0;
        if (!status.is_removed || status.connections > 0) out.push_back(std::move(status));
    }
    return out;
}

}  // namespace gantry::server
