// What modules see of the configuration while it is loaded: scopes, and values with their templates compiled.
#pragma once

#include "core/module/client_target.hpp"
#include "core/module/contract_call.hpp"
#include "core/module/control_calls.hpp"
#include "core/module/events.hpp"
#include "core/module/module.hpp"
#include "core/module/order.hpp"
#include "core/server/generation.hpp"
#include "core/server/template.hpp"

#include <atomic>
#include <deque>
#include <gantry/ext/conf.h>
#include <gantry/ext/conn.h>
#include <gantry/ext/filter.h>
#include <gantry/ext/phase.h>
#include <gantry/ext/tls.h>
#include <gantry/ext/upstream.h>
#include <memory>
#include <string>
#include <vector>

// The value of a key as a module got it. Lives in a ValueStore.
struct gantry_value {
    const gantry::conf::ModuleValue* value = nullptr;
    gantry::server::Template compiled;  // of a template
    std::vector<gantry_value> items;    // as in `value`
};

// Where a module says which peers it has found for an upstream. Lives in a Kept.
struct gantry_peers {
    const gantry::module::Module* module = nullptr;
    std::string upstream;
    std::atomic<std::uint64_t> serial{0};  // 0: its generation does not serve yet
};

namespace gantry::module {
struct Kept;
}

// In whose name an instance watches descriptors. Lives in a Kept.
struct gantry_watcher {
    const gantry::module::Module* module = nullptr;
    const gantry::module::Kept* kept = nullptr;
    std::atomic<bool> is_on_workers{false};  // or was
    std::atomic<bool> is_over{false};        // its instance is about to be retired
};

namespace gantry::module {

// Who chooses the peers of an upstream.
struct BoundPicker {
    std::uint32_t (*pick)(gantry_exchange_t*, void*, const gantry_candidate_t*, std::size_t,
                          std::uint32_t) noexcept = nullptr;
    void* self = nullptr;
    const Module* module = nullptr;
    std::string name;
};

// A hook of a module in a location.
struct BoundHook {
    gantry_verdict_t (*run)(gantry_exchange_t*, void*) noexcept = nullptr;
    void* self = nullptr;
    const Module* module = nullptr;
    std::string name;
    bool takes_preflights = false;
    bool fails_open = false;  // goes on where it fails
};
struct BoundFilter {
    void (*run)(gantry_exchange_t*, void*) noexcept = nullptr;
    void* self = nullptr;
    const Module* module = nullptr;
    std::string name;
};

struct BoundConnFilter {
    gantry_verdict_t (*run)(gantry_conn_t*, void*, gantry_bytes_t, std::uint32_t,
                            std::uint32_t*) noexcept = nullptr;
    void* self = nullptr;
    const Module* module = nullptr;
    std::string name;
    std::size_t most = 0;
    Millis deadline = 0;
};

struct BoundHello {
    gantry_verdict_t (*run)(gantry_hello_t*, void*) noexcept = nullptr;
    void* self = nullptr;
    const Module* module = nullptr;
    std::string name;
};

// What was added in one place, before it is put in order.
struct Added {
    struct Hook {
        server::Phase phase;
        Ordered order;
        const BoundHook* bound;
    };
    struct Filter {
        Ordered order;
        const BoundFilter* bound;
    };
    std::vector<Hook> hooks;
    struct ConnFilter {
        Ordered order;
        const BoundConnFilter* bound;
    };
    std::vector<Filter> filters;
    std::vector<ConnFilter> conn_filters;
    struct Hello {
        Ordered order;
        const BoundHello* bound;
    };
    std::vector<Hello> hellos;
};

// What hooks refer to; lives as long as the instances of a generation.
struct Kept {
    std::deque<gantry_value> values;
    std::deque<BoundHook> hooks;
    std::deque<BoundFilter> filters;
    std::deque<BoundConnFilter> conn_filters;
    std::deque<BoundHello> hellos;
    std::vector<Added::Hello> hellos_everywhere;  // of all listeners
    std::deque<gantry_target> targets;
    std::deque<gantry_peers> peers;
    std::deque<gantry_watcher> watchers;  // one for each module that asked
    std::deque<BoundPicker> pickers;
    std::deque<BoundSubscription> subscriptions;
    std::deque<BoundRoute> routes;
    std::deque<contract::Callback> callbacks;  // of those above, where they are checked
    contract::Given given;                     // of what modules were given of the above
};

}  // namespace gantry::module

// A place in the configuration, for one module, during a load. [main]
struct gantry_scope {
    std::uint32_t kind = GANTRY_IN_SERVER;
    const gantry::module::Module* module = nullptr;
    const gantry::conf::Settings* settings = nullptr;
    const gantry::conf::ModuleValues* own = nullptr;  // of all modules
    std::string_view name;
    const gantry_scope* parent = nullptr;
    gantry::conf::Place place;
    gantry::server::Problems* problems = nullptr;
    gantry::conf::Diagnostics* diagnostics = nullptr;  // for warnings; may be null
    gantry::module::Kept* kept = nullptr;
    // Of a location; null elsewhere.
    const std::vector<const gantry::server::Regex*>* captures = nullptr;
    gantry::module::Added* added = nullptr;
    gantry::server::PeerChoice* choice = nullptr;  // of an upstream
    gantry::http::EncodedSlash encoded_slash{};
};

namespace gantry::module {

// What `value` is to a module: made at each call, kept in scope.kept.
const gantry_value* bind(const gantry_scope& scope, const conf::ModuleValue& value);

}  // namespace gantry::module
