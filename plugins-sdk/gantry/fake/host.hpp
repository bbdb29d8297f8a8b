// The functions of gantry::fake::Host. Included by gantry/fake_host.hpp, which is what tests include.
#pragma once

#include "gantry/fake_host.hpp"

namespace gantry::fake {

inline Host::Host() {
    state_.raw = {sizeof(gantry_host_t), GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR, 0, "fake", &state_,
                  &get_extension};
    detail::TimerTable::latest = &state_;
    forget_configuration();
}

inline Host::~Host() {
    for (const auto& exchange : state_.exchanges) Exchange{*exchange}.leave();
    run();
    for (detail::CallState& call : state_.calls) {
        if (call.status != 0) continue;
        state_.violation("a call of the control API was not answered");
        detail::ControlTable::end(state_, call, 503, R"({"error": "gantry ends"})");
    }
    run();
    state_.generations.clear();
    run_posted();  // by what was told that it ends
    while (!state_.fetches.empty())
        detail::ClientTable::cancel(&state_.raw, {1, state_.fetches.begin()->first});
    if (state_.module != nullptr && state_.entry->close != nullptr) state_.entry->close(state_.module);
    for (const detail::SeriesState& series : state_.series) {
        if (series.holders > 0)
            state_.violation("a series of \"" + state_.metrics[series.metric].name + "\" was not released");
    }
    for (const detail::Timer& timer : state_.timers) {
        if (timer.interval != 0) state_.violation("a timer of every() was not cancelled");
    }
    if (!state_.certificates.empty()) state_.violation("a certificate was not released");
    if (detail::TimerTable::latest == &state_) detail::TimerTable::latest = nullptr;
}

inline const void* Host::get_extension(const gantry_host_t*, const char* id) noexcept {
    const std::string_view wanted{id};
    if (wanted == GANTRY_LOG_1) return &detail::LogTable::kTable;
    if (wanted == GANTRY_CONF_1) return &detail::ConfTable::kTable;
    if (wanted == GANTRY_HTTP_1) return &detail::HttpTable::kTable;
    if (wanted == GANTRY_PHASE_1) return &detail::PhaseTable::kTable;
    if (wanted == GANTRY_FILTER_1) return &detail::FilterTable::kTable;
    if (wanted == GANTRY_ASYNC_1) return &detail::AsyncTable::kTable;
    if (wanted == GANTRY_TIMER_1) return &detail::TimerTable::kTable;
    if (wanted == GANTRY_METRICS_1) return &detail::MetricsTable::kTable;
    if (wanted == GANTRY_STORE_1) return &detail::StoreTable::kTable;
    if (wanted == GANTRY_CONN_1) return &detail::ConnTable::kTable;
    if (wanted == GANTRY_UPSTREAM_1) return &detail::UpstreamTable::kTable;
    if (wanted == GANTRY_CLIENT_1) return &detail::ClientTable::kTable;
    if (wanted == GANTRY_EVENTS_1) return &detail::EventsTable::kTable;
    if (wanted == GANTRY_TLS_1) return &detail::TlsTable::kTable;
    if (wanted == GANTRY_CONTROL_1) return &detail::ControlTable::kTable;
    if (wanted == GANTRY_FD_1) return &detail::FdTable::kTable;
    return nullptr;
}

inline bool Host::load(const char* path) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);  // stays mapped, as it does in gantry
    const void* symbol = library == nullptr ? nullptr : dlsym(library, "gantry_module_entry");
    if (symbol != nullptr) return load(*static_cast<const gantry_module_entry_t*>(symbol));
    std::fprintf(stderr, "%s\n", dlerror());
    return false;
}

inline bool Host::load(const gantry_module_entry_t& entry) {
    if (entry.abi_major != GANTRY_ABI_MAJOR || entry.abi_minor > GANTRY_ABI_MINOR) return false;
    if (entry.size < sizeof(gantry_module_entry_t) || entry.open == nullptr ||
        entry.get_extension == nullptr) {
        state_.violation("the entry is not whole");
        return false;
    }
    state_.entry = &entry;
    state_.step = detail::Step::Opening;
    const bool is_open = entry.open(&state_.raw, &state_.module);
    state_.step = detail::Step::Idle;
    if (!is_open) {
        state_.module = nullptr;
        return false;
    }
    state_.instance_table =
        static_cast<const gantry_instance_1_t*>(entry.get_extension(state_.module, GANTRY_INSTANCE_1));
    if (!GANTRY_HAS(state_.instance_table, prepare) || !GANTRY_HAS(state_.instance_table, retire)) {
        state_.violation("the module offers no gantry.instance/1, or one without prepare and retire");
        return false;
    }
    state_.source_table = static_cast<const gantry_certificate_source_1_t*>(
        entry.get_extension(state_.module, GANTRY_CERTIFICATE_SOURCE_1));
    if (state_.source_table != nullptr && !GANTRY_HAS(state_.source_table, want)) {
        state_.violation("the module offers certificates without want()");
        return false;
    }
    return true;
}

inline std::size_t Host::add(std::uint32_t kind, std::string name, std::initializer_list<Entry> entries,
                             std::size_t parent) {
    state_.given.push_back({&state_, kind, std::move(name), nullptr, entries});
    state_.parents.push_back(parent);
    return state_.given.size() - 1;
}

// The scopes of a generation, with the values of the keys that the module declared.
inline bool Host::convert(detail::Generation& generation) {
    for (std::size_t index = 0; index < state_.given.size(); ++index) {
        const detail::ScopeState& given = state_.given[index];
        detail::ScopeState* parent = index == 0 ? nullptr : generation.scopes[state_.parents[index]].get();
        auto scope = std::make_unique<detail::ScopeState>(
            detail::ScopeState{&state_, given.kind, given.name, parent, {}});
        scope->certificate_names = given.certificate_names;
        for (const Entry& entry : given.entries) {
            const gantry_key_t* key = detail::Conversion::find_key(state_.keys, state_.key_count, entry.name);
            detail::Conversion conversion;
            if (key == nullptr) {
                conversion.error = entry.name + ": there is no such key";
            } else if ((key->scopes & given.kind) == 0) {
                conversion.error = entry.name + ": may not stand in this scope";
            } else {
                scope->values[entry.name] = conversion.convert(*key, entry.value, key->flags);
            }
            if (!conversion.error.empty()) state_.errors.push_back({given.name, conversion.error, ""});
        }
        generation.scopes.push_back(std::move(scope));
    }
    for (std::uint32_t index = 0; index < state_.key_count; ++index) {
        const gantry_key_t& key = state_.keys[index];
        if (key.standard == nullptr) continue;
        generation.standards[key.name] =
            detail::Conversion{}.convert(key, detail::RightHandSide{key.standard}.read(), key.flags);
    }
    return state_.errors.empty();
}

inline bool Host::configure(detail::Generation& generation) {
    for (const auto& scope : generation.scopes) {
        if (scope->kind == GANTRY_IN_SERVER) continue;
        const gantry_instance_1_t* const table = state_.instance_table;
        decltype(table->configure) ask = nullptr;
        std::uint32_t places = GANTRY_IN_HOST | GANTRY_IN_LOCATION;
        if (scope->kind == GANTRY_IN_LOCATION) {
            ask = table->configure;
        } else if (scope->kind == GANTRY_IN_LISTENER) {
            places = GANTRY_IN_LISTENER;
            if (GANTRY_HAS(table, configure_listener)) ask = table->configure_listener;
        } else if (scope->kind == GANTRY_IN_UPSTREAM) {
            places = GANTRY_IN_UPSTREAM;
            if (GANTRY_HAS(table, configure_upstream)) ask = table->configure_upstream;
        } else if (GANTRY_HAS(table, configure_host)) {
            ask = table->configure_host;
        }
        if (ask == nullptr) continue;
        bool has_key = false;
        for (std::uint32_t index = 0; index < state_.key_count; ++index) {
            const gantry_key_t& key = state_.keys[index];
            if ((key.scopes & places) == 0) continue;
            has_key |= key.standard != nullptr;
            for (detail::ScopeState* at = scope.get(); at != nullptr; at = at->parent) {
                has_key |= at->values.find(key.name) != at->values.end();
            }
        }
        if (!has_key) continue;
        state_.step = detail::Step::Configuring;
        state_.configured = scope.get();
        const bool went_well = ask(generation.instance, reinterpret_cast<gantry_scope_t*>(scope.get()));
        state_.configured = nullptr;
        state_.step = detail::Step::Idle;
        if (!went_well) return false;
        std::vector<detail::Hook*> hooks;
        for (detail::Hook& hook : scope->hooks) hooks.push_back(&hook);
        std::vector<detail::ConnHook*> filters;
        for (detail::ConnHook& filter : scope->conn_filters) filters.push_back(&filter);
        if (detail::HookOrder::sort(hooks) && detail::HookOrder::sort(filters)) continue;
        state_.errors.push_back({scope->name, "hooks would have to come before themselves", ""});
    }
    return state_.errors.empty();
}

// Tells the module which hosts ask for certificates; what nobody asks for any more is forgotten.
inline bool Host::want(detail::Generation& generation) {
    const auto before = state_.asked_for;
    std::set<std::string, std::less<>> now;
    for (const auto& scope : generation.scopes) {
        if (scope->certificate_names.empty()) continue;
        if (state_.source_table == nullptr) {
            state_.errors.push_back({scope->name, "the module offers no certificates", ""});
            return false;
        }
        std::vector<gantry_bytes_t> names;
        for (const std::string& name : scope->certificate_names) {
            names.push_back(detail::bytes(name));
            now.insert(name);
            state_.asked_for.insert(name);
        }
        state_.step = detail::Step::Configuring;
        const bool went_well =
            state_.source_table->want(generation.instance, reinterpret_cast<gantry_scope_t*>(scope.get()),
                                      names.data(), static_cast<std::uint32_t>(names.size()));
        state_.step = detail::Step::Idle;
        if (!went_well || !state_.errors.empty()) {
            now = before;
            break;
        }
    }
    state_.asked_for = now;
    std::erase_if(state_.offered, [&](const auto& one) { return now.find(one.first) == now.end(); });
    return state_.errors.empty();
}

inline bool Host::reload() {
    if (state_.instance_table == nullptr) return false;
    state_.errors.clear();
    state_.warnings.clear();
    auto& generation = *state_.generations.emplace_back(std::make_unique<detail::Generation>());
    generation.host = &state_;
    bool went_well = convert(generation);
    if (went_well) {
        void* old = state_.serving == nullptr ? nullptr : state_.serving->instance;
        auto* top = reinterpret_cast<gantry_scope_t*>(generation.scopes[0].get());
        void* instance = nullptr;
        state_.step = detail::Step::Preparing;
        went_well = state_.instance_table->prepare(state_.module, top, old, &instance);
        state_.step = detail::Step::Idle;
        generation.is_retired = !went_well;
        generation.instance = instance;
        if (went_well && instance == nullptr) state_.violation("prepare() set no instance");
    }
    if (!went_well || !state_.errors.empty() || !want(generation) || !configure(generation)) {
        state_.generations.pop_back();
        return false;
    }
    detail::Generation* before = std::exchange(state_.serving, &generation);
    if (GANTRY_HAS(state_.instance_table, commit)) state_.instance_table->commit(generation.instance);
    if (before != nullptr && before->exchanges == 0) {
        std::erase_if(state_.generations, [&](const auto& one) { return one.get() == before; });
    }
    return true;
}

inline detail::ExchangeState& Host::begin(Request request) {
    auto& exchange = *state_.exchanges.emplace_back(std::make_unique<detail::ExchangeState>());
    exchange.host = &state_;
    exchange.number = state_.exchanges.size();
    const std::size_t mark = std::min(request.target.find('?'), request.target.size());
    exchange.path = request.target.substr(0, mark);
    if (mark < request.target.size()) exchange.query = request.target.substr(mark + 1);
    for (Field& field : request.fields)
        exchange.request_fields.push_back(std::make_unique<Field>(std::move(field)));
    exchange.request = std::move(request);
    return exchange;
}

inline std::optional<std::size_t> Host::pick(std::string_view upstream, Request request,
                                             const std::vector<gantry_candidate_t>& candidates) {
    const gantry_picker_t* picker = nullptr;
    if (state_.serving != nullptr) {
        for (const auto& scope : state_.serving->scopes) {
            if (scope->kind == GANTRY_IN_UPSTREAM && scope->name == upstream && scope->picker.pick != nullptr)
                picker = &scope->picker;
        }
    }
    if (picker == nullptr) return std::nullopt;
    detail::ExchangeState& exchange = begin(std::move(request));
    std::uint32_t picked = GANTRY_PICK_BALANCER;
    {
        const detail::AtWork work{exchange};
        picked = picker->pick(exchange.raw(), picker->self, candidates.data(), sizeof(gantry_candidate_t),
                              static_cast<std::uint32_t>(candidates.size()));
    }
    exchange.is_over = true;
    if (picked == GANTRY_PICK_BALANCER) return std::nullopt;
    return picked;
}

inline Exchange Host::request(Request request) {
    detail::ExchangeState& exchange = begin(std::move(request));
    if (state_.serving == nullptr) {
        state_.violation("a request came before a reload() that went well");
        exchange.is_over = true;
        return Exchange{exchange};
    }
    exchange.generation = state_.serving;
    ++exchange.generation->exchanges;
    detail::ScopeState* answering = nullptr;  // the host, where it has no location
    for (const auto& scope : exchange.generation->scopes) {
        if (scope->kind == GANTRY_IN_HOST && scope->name == exchange.request.host) answering = scope.get();
        const bool is_match = scope->kind == GANTRY_IN_LOCATION && exchange.path.starts_with(scope->name) &&
                              scope->parent->name == exchange.request.host;
        const bool is_longer =
            exchange.location == nullptr || scope->name.size() > exchange.location->name.size();
        if (is_match && is_longer) exchange.location = scope.get();
    }
    if (exchange.location != nullptr) answering = exchange.location;
    if (answering != nullptr) {
        std::vector<detail::Hook*> all;
        for (detail::Hook& hook : answering->hooks) all.push_back(&hook);
        detail::HookOrder::sort(all);
        for (detail::Hook* hook : all) {
            if (hook->phase == "header_filter") exchange.header_filters.push_back(hook);
            if (hook->phase == "log") exchange.loggers.push_back(hook);
        }
        for (const std::string_view phase : detail::PhaseTable::kPhases) {
            for (detail::Hook* hook : all) {
                if (hook->phase == phase && phase != "log") exchange.hooks.push_back(hook);
            }
        }
    }
    if (exchange.location == nullptr) {
        detail::Drive::fail(exchange, 404, "");
        detail::Drive::rest(exchange);
        return Exchange{exchange};
    }
    detail::Drive::run(exchange);
    return Exchange{exchange};
}

inline Connection Host::connect(Connecting connecting) {
    auto state = std::make_unique<detail::ConnState>(
        detail::ConnState{&state_, state_.serving, connecting.listener, address(connecting.client),
                          address(connecting.local), std::move(connecting.bytes)});
    ++state->generation->exchanges;
    for (const auto& scope : state->generation->scopes) {
        if (scope->kind != GANTRY_IN_LISTENER || scope->name != connecting.listener) continue;
        for (detail::ConnHook& filter : scope->conn_filters) state->filters.push_back(&filter);
        detail::HookOrder::sort(state->filters);
    }
    state->go_on();
    return Connection{std::move(state)};
}

inline Greeted Host::greet(Greeting greeting) {
    detail::HelloState hello{&state_,
                             std::move(greeting.listener),
                             std::move(greeting.server_name),
                             std::move(greeting.protocols),
                             address(greeting.client),
                             address(greeting.local)};
    return detail::TlsTable::run(hello, *state_.serving);
}

inline std::vector<std::string> Host::offered(std::string_view name) const {
    const auto found = state_.offered.find(name);
    return found == state_.offered.end() ? std::vector<std::string>{} : found->second;
}

inline void Host::count(std::string name, std::vector<std::string> labels, std::vector<std::string> values,
                        std::int64_t value) {
    const auto is_it = [&](const detail::MetricState& metric) {
        return metric.is_foreign && metric.name == name;
    };
    auto found = std::find_if(state_.metrics.begin(), state_.metrics.end(), is_it);
    if (found == state_.metrics.end()) {
        state_.metrics.push_back(
            {name, "", "Counted by the test.", GANTRY_COUNTER, 1, 1000, labels, {}, true});
        found = state_.metrics.end() - 1;
    }
    detail::SeriesState series{static_cast<std::size_t>(found - state_.metrics.begin()), std::move(values)};
    series.value = value;
    state_.series.push_back(std::move(series));
}

inline void Host::run() {
    constexpr int kOften = 1000;
    for (int times = 0; times < kOften;) {
        run_blocking();
        run_posted();
        if (detail::FdTable::call_ready(state_)) {
            ++times;
            continue;
        }
        const std::lock_guard lock{state_.mutex};
        if (state_.posted.empty() && state_.blocking.empty()) return;
    }
    state_.violation(
        "a descriptor is ready again and again: nobody takes what is there, or has anything to write");
}

}  // namespace gantry::fake
