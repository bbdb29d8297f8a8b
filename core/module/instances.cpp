#include "core/module/instances.hpp"

#include "core/module/contract.hpp"
#include "core/module/extensions.hpp"
#include "core/module/hooks.hpp"
#include "core/module/host_conn.hpp"
#include "core/module/host_tls.hpp"
#include "core/module/worker_watches.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry::module {
namespace {

// The keys of a module lie in one piece.
bool is_of(const conf::ModuleValue& value, const conf::ModuleDoc& doc) {
    return value.key >= doc.keys.data() && value.key < doc.keys.data() + doc.keys.size();
}

bool has_key_of(const conf::ModuleValues& values, const conf::ModuleDoc& doc) {
    return std::any_of(values.begin(), values.end(),
                       [&](const conf::ModuleValue& value) { return is_of(value, doc); });
}

bool is_for_places(const conf::ModuleKey& key) {
    return key.may_stand_in(conf::KeyScope::Host) || key.may_stand_in(conf::KeyScope::Location);
}

bool has_default(const conf::ModuleDoc& doc) {
    return std::any_of(doc.keys.begin(), doc.keys.end(), [](const conf::ModuleKey& key) {
        return is_for_places(key) && key.standard != nullptr;
    });
}

server::Problem problem_of_all(const Module& module, const char* what) {
    server::Problem problem;
    problem.place = {0, 0, 0};
    problem.message = fmt::format("the module {} could not {}, and did not say why", module.name, what);
    problem.hint = "the log may say more";
    return problem;
}

// Of a section: `settings` is what it says, `around` the scope that it stands in.
template <class Section>
gantry_scope within(const gantry_scope& around, std::uint32_t kind, const Section& settings) {
    gantry_scope scope = around;
    scope.kind = kind;
    scope.own = settings.module_values.get();
    scope.name = settings.name;
    scope.place = settings.place;
    scope.parent = &around;
    return scope;
}

gantry_scope host_scope(const gantry_scope& top, const conf::Host& host) {
    gantry_scope scope = within(top, GANTRY_IN_HOST, host);
    scope.encoded_slash = server::encoded_slash_of(host);
    return scope;
}

}  // namespace

std::shared_ptr<Instances> Instances::prepare(const Modules& modules, const conf::Settings& settings,
                                              const Instances* old, server::Problems& problems,
                                              conf::Diagnostics& diagnostics) {
    std::shared_ptr<Instances> out(new Instances);
    out->diagnostics_ = &diagnostics;
    for (const std::string& name : settings.modules) {
        Module* const module = modules.find(name);
        if (module == nullptr) continue;
        void* before = nullptr;
        if (old != nullptr) {
            for (const Instance& instance : old->instances_) {
                if (instance.module == module) before = instance.state;
            }
        }
        gantry_scope top = out->top_scope(*module, settings, problems);
        const std::size_t known = problems.size();
        void* state = nullptr;
        const contract::Lent lent(top);
        if (module->instances.prepare(module->state, &top, before, &state)) {
            out->instances_.push_back({module, state});
        } else if (problems.size() == known) {
            problems.push_back(problem_of_all(*module, "prepare"));
        }
    }
    return out;
}

Instances::~Instances() {
    if (!instances_.empty()) instances_.front().module->services->events.forget(*this);
    end_watches();
    for (auto at = instances_.rbegin(); at != instances_.rend(); ++at) {
        at->module->instances.retire(at->state);
    }
}

// Before anything is retired, and on each thread: what is called there belongs to the instances.
void Instances::end_watches() {
    if (kept_.watchers.empty()) return;
    bool is_on_workers = false;
    for (gantry_watcher& watcher : kept_.watchers) {
        watcher.is_over = true;
        if (watcher.is_on_workers) is_on_workers = true;
    }
    Services& services = *kept_.watchers.front().module->services;
    services.watches.end_of(kept_);
    if (!is_on_workers) return;
    services.run_on_workers([this] {
        if (Watches* const watches = WorkerWatches::here()) watches->end_of(kept_);
    });
}

gantry_scope Instances::top_scope(const Module& module, const conf::Settings& settings,
                                  server::Problems& problems) {
    gantry_scope top;
    top.module = &module;
    top.settings = &settings;
    top.own = settings.server.module_values.get();
    top.problems = &problems;
    top.diagnostics = diagnostics_;
    top.kept = &kept_;
    return top;
}

// It has a key there, or around it, or one with a default.
bool Instances::concerns(const Module& module, const conf::Settings& settings, const conf::Host& host,
                         const conf::Location* location) {
    if (has_default(module.doc)) return true;
    if (location != nullptr && has_key_of(*location->module_values, module.doc)) return true;
    if (has_key_of(*host.module_values, module.doc)) return true;
    const conf::ModuleValues& top = *settings.server.module_values;
    return std::any_of(top.begin(), top.end(), [&](const conf::ModuleValue& value) {
        return is_for_places(*value.key) && is_of(value, module.doc);
    });
}

// A module that says no has to say why.
template <class Configure>
void Instances::ask(const Instance& instance, gantry_scope& scope, Configure&& configure) {
    const contract::Lent lent(scope);
    server::Problems& problems = *scope.problems;
    const std::size_t known = problems.size();
    if (configure(instance.state, &scope) || problems.size() > known) return;
    server::Problem problem = problem_of_all(*instance.module, "be configured");
    problem.place = scope.place;
    problems.push_back(std::move(problem));
}

void Instances::configure(const server::HandlerScope& scope) {
    Added added;
    for (const Instance& instance : instances_) {
        if (instance.module->instances.configure == nullptr) continue;
        if (!concerns(*instance.module, scope.settings, scope.host, &scope.location)) continue;
        const gantry_scope top = top_scope(*instance.module, scope.settings, scope.problems);
        const gantry_scope host = host_scope(top, scope.host);
        gantry_scope location = within(host, GANTRY_IN_LOCATION, scope.location);
        location.captures = &scope.captures;
        location.added = &added;
        ask(instance, location, instance.module->instances.configure);
    }
    add_in_order(scope, added);
}

namespace {

// What `orders` come to; a circle is a problem.
std::vector<std::size_t> sorted(const std::vector<Ordered>& orders, std::string_view of,
                                const conf::Place& place, server::Problems& problems) {
    auto order = in_order(orders);
    if (!order) {
        problems.push_back({place, 0,
                            fmt::format("hooks of modules in {} wait for each other: {}", of, order.error()),
                            "take one of their modules out"});
    }
    return order.value_or(std::vector<std::size_t>());
}

void add_filters(const Added& added, const conf::Place& place, server::Problems& problems,
                 std::vector<server::HeaderFilter>& to) {
    std::vector<Ordered> orders;
    for (const Added::Filter& filter : added.filters) orders.push_back(filter.order);
    for (const std::size_t index : sorted(orders, "header_filter", place, problems))
        to.push_back({&run_filter, added.filters[index].bound, added.filters[index].bound->name});
}

// Of those that may stand in a listener: it has a key there, or in [server], or one with a default.
bool concerns_listener(const conf::ModuleDoc& doc, const conf::Settings& settings,
                       const conf::Listener& listener) {
    const auto is_for_listeners = [&](const conf::ModuleValue& value) {
        return value.key->may_stand_in(conf::KeyScope::Listener) && is_of(value, doc);
    };
    const conf::ModuleValues& top = *settings.server.module_values;
    return has_key_of(*listener.module_values, doc) ||
           std::any_of(top.begin(), top.end(), is_for_listeners) ||
           std::any_of(doc.keys.begin(), doc.keys.end(), [](const conf::ModuleKey& key) {
               return key.may_stand_in(conf::KeyScope::Listener) && key.standard != nullptr;
           });
}

}  // namespace

void Instances::configure_host(const server::HostScope& scope) {
    Added added;
    for (const Instance& instance : instances_) {
        if (instance.module->instances.configure_host == nullptr) continue;
        if (!concerns(*instance.module, scope.settings, scope.host, nullptr)) continue;
        const gantry_scope top = top_scope(*instance.module, scope.settings, scope.problems);
        gantry_scope host = host_scope(top, scope.host);
        host.added = &added;
        ask(instance, host, instance.module->instances.configure_host);
    }
    add_filters(added, scope.host.place, scope.problems, scope.header_filters);
}

std::shared_ptr<const server::OfferedCertificates> Instances::certificates(const server::HostScope& scope) {
    const std::string& name = scope.host.certificate_module;
    const auto found = std::find_if(instances_.begin(), instances_.end(), [&](const Instance& instance) {
        return instance.module->name == name && instance.module->source;
    });
    if (found == instances_.end()) {
        if (!scope.problems.empty()) return nullptr;  // its own, as a rule
        scope.problems.push_back({scope.host.certificate_place, 0,
                                  fmt::format("the module \"{}\" is not there to offer certificates", name),
                                  "the log may say more"});
        return nullptr;
    }
    // Held before the module is asked, which may have something to offer at once.
    std::vector<server::OfferedCertificates::Named> names;
    std::vector<gantry_bytes_t> shown;
    for (std::string& one : server::certified_names(scope.host)) {
        auto set = found->module->services->offers.acquire(name, one);
        names.emplace_back(std::move(one), std::move(set));
    }
    for (const auto& [one, set] : names) shown.push_back(bytes_of(one));
    if (names.empty()) return nullptr;  // all are expressions, which was reported
    const gantry_scope top = top_scope(*found->module, scope.settings, scope.problems);
    gantry_scope host = host_scope(top, scope.host);
    ask(*found, host, [&](void* instance, gantry_scope* asked) {
        return found->module->source->want(instance, asked, shown.data(),
                                           static_cast<std::uint32_t>(shown.size()));
    });
    // Also where it said no: a host that is disabled shows what it has.
    return std::make_shared<const server::OfferedCertificates>(std::move(names));
}

void Instances::configure_listener(const server::ListenerScope& scope) {
    Added added;
    added.hellos = kept_.hellos_everywhere;
    for (const Instance& instance : instances_) {
        if (instance.module->instances.configure_listener == nullptr) continue;
        if (!concerns_listener(instance.module->doc, scope.settings, scope.listener)) continue;
        const gantry_scope top = top_scope(*instance.module, scope.settings, scope.problems);
        gantry_scope listener = within(top, GANTRY_IN_LISTENER, scope.listener);
        listener.added = &added;
        ask(instance, listener, instance.module->instances.configure_listener);
    }
    std::vector<Ordered> orders;
    for (const Added::ConnFilter& filter : added.conn_filters) orders.push_back(filter.order);
    for (const std::size_t index : sorted(orders, "connections", scope.listener.place, scope.problems))
        scope.filters.push_back(conn_filter(*added.conn_filters[index].bound));
    if (!scope.listener.tls) return;
    orders.clear();
    for (const Added::Hello& hello : added.hellos) orders.push_back(hello.order);
    for (const std::size_t index : sorted(orders, "hellos", scope.listener.place, scope.problems))
        scope.hello_hooks.push_back(hello_hook(*added.hellos[index].bound));
}

void Instances::configure_upstream(const server::UpstreamScope& scope) {
    for (const Instance& instance : instances_) {
        if (instance.module->instances.configure_upstream == nullptr) continue;
        if (!has_key_of(*scope.upstream.module_values, instance.module->doc)) continue;
        const gantry_scope top = top_scope(*instance.module, scope.settings, scope.problems);
        gantry_scope upstream = within(top, GANTRY_IN_UPSTREAM, scope.upstream);
        upstream.choice = &scope.choice;
        ask(instance, upstream, instance.module->instances.configure_upstream);
    }
}

void Instances::add_in_order(const server::HandlerScope& scope, const Added& added) {
    add_filters(added, scope.location.place, scope.problems, scope.added.header_filters);
    for (const server::Phase phase :
         {server::Phase::Rewrite, server::Phase::Preaccess, server::Phase::Access, server::Phase::Precontent,
          server::Phase::Content, server::Phase::Log}) {
        std::vector<const Added::Hook*> hooks;
        std::vector<Ordered> orders;
        for (const Added::Hook& hook : added.hooks) {
            if (hook.phase != phase) continue;
            hooks.push_back(&hook);
            orders.push_back(hook.order);
        }
        for (const std::size_t index :
             sorted(orders, server::name_of(phase), scope.location.place, scope.problems)) {
            const BoundHook* const bound = hooks[index]->bound;
            auto& to = phase == server::Phase::Log ? scope.added.log_hooks : scope.added.hooks;
            to.push_back({phase, phase == server::Phase::Log ? &run_log_hook : &run_hook, bound, bound->name,
                          true, bound->takes_preflights});
        }
    }
}

bool Instances::has(std::string_view module) const {
    return std::any_of(instances_.begin(), instances_.end(),
                       [&](const Instance& instance) { return instance.module->name == module; });
}

void Instances::commit() {
    diagnostics_ = nullptr;
    serve_peers();
    for (const Instance& instance : instances_) {
        if (instance.module->instances.commit != nullptr) instance.module->instances.commit(instance.state);
    }
}

// What a module finds from now on is believed, and what those found that no longer look is forgotten.
void Instances::serve_peers() {
    static std::uint64_t last_serial = 0;
    ++last_serial;
    std::vector<std::pair<std::string, std::string>> finders;
    for (gantry_peers& peers : kept_.peers) {
        peers.serial.store(last_serial, std::memory_order_release);
        finders.emplace_back(peers.upstream, peers.module->name);
    }
    upstream::Registry* const registry =
        instances_.empty() ? nullptr : instances_.front().module->services->upstreams;
    if (registry != nullptr) registry->keep_finders(finders);
}

std::shared_ptr<void> keep(std::shared_ptr<Instances> instances, TaskQueue* main) {
    if (instances == nullptr || instances->count() == 0) return nullptr;
    if (main == nullptr) return instances;
    Instances* const held = instances.get();
    return {held, [instances = std::move(instances), main](void*) mutable {
                main->post([instances = std::move(instances)]() mutable { instances.reset(); });
            }};
}

Instances* instances_of(const std::shared_ptr<void>& kept) {
    return static_cast<Instances*>(kept.get());
}

}  // namespace gantry::module
