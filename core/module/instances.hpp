// The instances of all modules in one generation: made with it, retired after its last exchange.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/module/modules.hpp"
#include "core/module/scope.hpp"

#include <memory>
#include <vector>

namespace gantry::module {

// [main], the destructor as well.
class Instances {
public:
    // What the modules of `settings` prepare; `old` is what serves so far, and may be null. What is wrong
    // goes to `problems`.
    static std::shared_ptr<Instances> prepare(const Modules& modules, const conf::Settings& settings,
                                              const Instances* old, server::Problems& problems,
                                              conf::Diagnostics& diagnostics);
    ~Instances();
    Instances(const Instances&) = delete;
    Instances& operator=(const Instances&) = delete;

    // Asks every module that has to do with it what it does in a location: its hooks, in order, are put into
    // scope.added.
    void configure(const server::HandlerScope& scope);

    // The same for the answers of a host outside every location, which header filters alone may change.
    void configure_host(const server::HostScope& scope);

    // The same for connections of a listener.
    void configure_listener(const server::ListenerScope& scope);

    // Tells the module that offers certificates for a host, and what it has offered so far. Null: it is
    // not there, which is a problem.
    std::shared_ptr<const server::OfferedCertificates> certificates(const server::HostScope& scope);

    // The same for an upstream: who finds its peers, and who chooses among them.
    void configure_upstream(const server::UpstreamScope& scope);

    // The generation serves.
    void commit();

    const std::deque<BoundSubscription>& subscriptions() const { return kept_.subscriptions; }
    std::size_t count() const { return instances_.size(); }
    bool has(std::string_view module) const;
    // Of the control API, of all modules.
    const std::deque<BoundRoute>& routes() const { return kept_.routes; }

private:
    struct Instance {
        Module* module;
        void* state;
    };
    Instances() = default;
    static bool concerns(const Module& module, const conf::Settings& settings, const conf::Host& host,
                         const conf::Location* location);
    gantry_scope top_scope(const Module& module, const conf::Settings& settings, server::Problems& problems);
    template <class Configure>
    static void ask(const Instance& instance, gantry_scope& scope, Configure&& configure);
    void serve_peers();
    void end_watches();
    static void add_in_order(const server::HandlerScope& scope, const Added& added);

    std::vector<Instance> instances_;
    Kept kept_;
    conf::Diagnostics* diagnostics_ = nullptr;  // while they are prepared
};

// As a generation keeps it: `instances` are retired on the control thread, whoever lets go of them last.
std::shared_ptr<void> keep(std::shared_ptr<Instances> instances, TaskQueue* main);
// Of such a one; null: it keeps none.
Instances* instances_of(const std::shared_ptr<void>& kept);

}  // namespace gantry::module
