// A module that is loaded: its library, its keys, and the door that it was given to the host.
#pragma once

#include "core/base/task_queue.hpp"
#include "core/conf/module_keys.hpp"
#include "core/module/certificates.hpp"
#include "core/module/commands.hpp"
#include "core/module/control_calls.hpp"
#include "core/module/cost.hpp"
#include "core/module/cost_metrics.hpp"
#include "core/module/events.hpp"
#include "core/module/library.hpp"
#include "core/module/main_fetches.hpp"
#include "core/module/main_timers.hpp"
#include "core/module/watches.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/net/certificate_offers.hpp"
#include "core/server/server.hpp"
#include "core/store/service.hpp"
#include "core/upstream/upstream.hpp"

#include <deque>
#include <gantry/ext/tls.h>
#include <gantry/host.h>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::module {

// What the process has for modules. Members that are null are not there, as in gantry check.
struct Services {
    TaskQueue* main = nullptr;              // of the control thread
    net::BlockingPool* blocking = nullptr;  // for what modules have to wait for
    MainTimers* timers = nullptr;
    store::Service* store = nullptr;
    upstream::Registry* upstreams = nullptr;  // of what modules send requests to
    MainFetches fetches{*this};
    Watches watches{UINT32_MAX};  // of the main thread
    ControlCalls calls{*this};
    Events events{*this};
    Certificates certificates;
    net::CertificateOffers offers;
    const std::thread::id main_thread = std::this_thread::get_id();  // which makes this object

    // The workers, while there are any. [any]
    void set_server(server::Server* server) {
        const std::unique_lock lock(mutex_);
        server_ = server;
    }
    bool post_to_worker(unsigned worker, Task task) {
        const std::shared_lock lock(mutex_);
        return server_ != nullptr && server_->post_to_worker(worker, std::move(task));
    }
    // On each of them, and waits until all have done it. [main]
    void run_on_workers(const std::function<void()>& task) {
        const std::shared_lock lock(mutex_);
        if (server_ != nullptr) server_->run_on_workers(task);
    }

private:
    std::shared_mutex mutex_;
    server::Server* server_ = nullptr;
};

// Lives as long as the process.
struct Module {
    std::string name;
    Library library;
    gantry_host_t host{};   // its own: host.data is this module
    void* state = nullptr;  // what open() made
    conf::ModuleDoc doc;
    gantry_instance_1_t instances{};
    std::optional<gantry_certificate_source_1_t> source;  // none: it offers no certificates
    Services* services = nullptr;
    std::deque<std::vector<std::string_view>> choices;  // that keys of `doc` refer to
    std::string failure;                                // of declare(), for whoever opens it
    bool is_open = false;                               // keys can no longer be declared
    mutable Costs costs;
    std::optional<CostMetrics> shown_costs;  // once it is open
};

inline Module& module_of(const gantry_host_t* host) {
    return *static_cast<Module*>(host->data);
}

}  // namespace gantry::module
