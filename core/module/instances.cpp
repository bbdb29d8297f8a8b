#include "core/module/instances.hpp"

#include "core/module/extensions.hpp"
#include "core/module/hooks.hpp"

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
        if (module->instances->prepare(module->state, &top, before, &state)) {
            out->instances_.push_back({module, state});
        } else if (problems.size() == known) {
            problems.push_back(problem_of_all(*module, "prepare"));
        }
    }
    return out;
}

Instances::~Instances() {
    for (auto at = instances_.rbegin(); at != instances_.rend(); ++at) {
        at->module->instances->retire(at->state);
    }
}

gantry_scope Instances::top_scope(const Module& module, const conf::Settings& settings,
                                  server::Problems& problems) {
    gantry_scope top;
    top.module = &module;
    top.own = settings.server.module_values.get();
    top.problems = &problems;
    top.diagnostics = diagnostics_;
    top.kept = &kept_;
    return top;
}

// It has a key there, or around it, or one with a default.
bool Instances::concerns(const Module& module, const server::HandlerScope& scope) {
    if (GANTRY_HAS(module.instances, configure) && has_default(module.doc)) return true;
    if (has_key_of(*scope.location.module_values, module.doc)) return true;
    if (has_key_of(*scope.host.module_values, module.doc)) return true;
    const conf::ModuleValues& top = *scope.settings.server.module_values;
    return std::any_of(top.begin(), top.end(), [&](const conf::ModuleValue& value) {
        return is_for_places(*value.key) && is_of(value, module.doc);
    });
}

void Instances::configure(const server::HandlerScope& scope) {
    Added added;
    for (const Instance& instance : instances_) {
        if (!GANTRY_HAS(instance.module->instances, configure)) continue;
        if (!concerns(*instance.module, scope)) continue;
        const gantry_scope top = top_scope(*instance.module, scope.settings, scope.problems);
        gantry_scope host = top;
        host.kind = GANTRY_IN_HOST;
        host.own = scope.host.module_values.get();
        host.name = scope.host.name;
        host.place = scope.host.place;
        host.parent = &top;
        gantry_scope location = host;
        location.kind = GANTRY_IN_LOCATION;
        location.own = scope.location.module_values.get();
        location.name = scope.location.name;
        location.place = scope.location.place;
        location.parent = &host;
        location.captures = &scope.captures;
        location.encoded_slash = server::encoded_slash_of(scope.host);
        location.added = &added;
        const std::size_t known = scope.problems.size();
        if (instance.module->instances->configure(instance.state, &location)) continue;
        if (scope.problems.size() > known) continue;
        server::Problem problem = problem_of_all(*instance.module, "be configured");
        problem.place = location.place;
        scope.problems.push_back(std::move(problem));
    }
    add_in_order(scope, added);
}

void Instances::add_in_order(const server::HandlerScope& scope, const Added& added) {
    const auto sorted = [&](const std::vector<Ordered>& orders, std::string_view of) {
        auto order = in_order(orders);
        if (!order) {
            scope.problems.push_back(
                {scope.location.place, 0,
                 fmt::format("hooks of modules in {} wait for each other: {}", of, order.error()),
                 "take one of their modules out"});
        }
        return order.value_or(std::vector<std::size_t>());
    };
    std::vector<Ordered> orders;
    for (const Added::Filter& filter : added.filters) orders.push_back(filter.order);
    for (const std::size_t index : sorted(orders, "header_filter")) {
        scope.added.header_filters.push_back(
            {&run_filter, added.filters[index].bound, added.filters[index].order.name});
    }
    for (const server::Phase phase :
         {server::Phase::Rewrite, server::Phase::Preaccess, server::Phase::Access, server::Phase::Precontent,
          server::Phase::Content, server::Phase::Log}) {
        std::vector<const Added::Hook*> hooks;
        orders.clear();
        for (const Added::Hook& hook : added.hooks) {
            if (hook.phase != phase) continue;
            hooks.push_back(&hook);
            orders.push_back(hook.order);
        }
        for (const std::size_t index : sorted(orders, server::name_of(phase))) {
            const BoundHook* const bound = hooks[index]->bound;
            auto& to = phase == server::Phase::Log ? scope.added.log_hooks : scope.added.hooks;
            to.push_back(
                {phase, phase == server::Phase::Log ? &run_log_hook : &run_hook, bound, bound->name, true});
        }
    }
}

void Instances::commit() {
    diagnostics_ = nullptr;
    for (const Instance& instance : instances_) {
        if (GANTRY_HAS(instance.module->instances, commit))
            instance.module->instances->commit(instance.state);
    }
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
