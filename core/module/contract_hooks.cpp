// What is added while a configuration is loaded, checked; and what hooks and filters may use while they run:
// gantry.phase/1, gantry.filter/1, gantry.conn/1, gantry.upstream/1, gantry.control/1.
#include "core/module/contract_guard.hpp"

#include <memory>
#include <tuple>

namespace gantry::module {

using contract::Call;
using contract::Callback;
using contract::kAny;
using contract::kMain;
using contract::kWorker;
using contract::Place;
using contract::Running;

namespace phase_table {
namespace {

constexpr const gantry_phase_1_t& kPlain = kPhase;
constexpr char kId[] = GANTRY_PHASE_1;

gantry_result_t add(const Call&, gantry_scope_t* scope, const gantry_hook_t* given) noexcept {
    auto hook = whole(given);
    if (!hook || scope->kept == nullptr) return kPlain.add(scope, given);
    stand_in(*scope, view_of(hook->phase) == "log" ? Place::LogHook : Place::Hook, *hook,
             &gantry_hook_t::run);
    return kPlain.add(scope, &*hook);
}

}  // namespace

constexpr gantry_phase_1_t kChecked = {.size = sizeof(gantry_phase_1_t), GANTRY_CHECKED_BY(add, add, kMain)};

}  // namespace phase_table

namespace filter_table {
namespace {

constexpr const gantry_filter_1_t& kPlain = kFilter;
constexpr char kId[] = GANTRY_FILTER_1;

struct InHeaderFilter {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        const Running* const inside = Running::with(exchange);
        if (inside == nullptr || inside->callback().place != Place::HeaderFilter)
            broken(call, "called outside of a header filter of that response");
    }
};
constexpr InHeaderFilter kInHeaderFilter;

gantry_result_t add_header_filter(const Call&, gantry_scope_t* scope,
                                  const gantry_header_filter_t* given) noexcept {
    auto filter = whole(given);
    if (!filter || scope->kept == nullptr) return kPlain.add_header_filter(scope, given);
    stand_in(*scope, Place::HeaderFilter, *filter, &gantry_header_filter_t::run);
    return kPlain.add_header_filter(scope, &*filter);
}

// Between the response and the filter of a module, until it is dropped.
struct Body {
    Callback callback;
    gantry_body_filter_t filter;
    void* state;

    static bool data(void* self, gantry_bytes_t bytes, gantry_sink_t* sink) noexcept {
        const Body& body = *static_cast<const Body*>(self);
        const Running running(body.callback, sink);
        return body.filter.on_data(body.state, bytes, sink);
    }
    static bool end(void* self, gantry_sink_t* sink) noexcept {
        const Body& body = *static_cast<const Body*>(self);
        const Running running(body.callback, sink);
        return body.filter.on_end == nullptr || body.filter.on_end(body.state, sink);
    }
    static bool pause(void* self, gantry_sink_t* sink) noexcept {
        const Body& body = *static_cast<const Body*>(self);
        const Running running(body.callback, sink);
        return body.filter.on_pause == nullptr || body.filter.on_pause(body.state, sink);
    }
    static void drop(void* self) noexcept {
        const std::unique_ptr<const Body> body(static_cast<const Body*>(self));
        if (body->filter.drop != nullptr) body->filter.drop(body->state);
    }
};

gantry_result_t add_body_filter(const Call& call, gantry_exchange_t* exchange,
                                const gantry_body_filter_t* given, void* state) noexcept {
    const auto filter = whole(given);
    if (!filter || filter->on_data == nullptr) return kPlain.add_body_filter(exchange, given, state);
    auto body = std::make_unique<Body>(
        Body{{caller_of(call), Place::BodyFilter, {}, nullptr, nullptr}, *filter, state});
    if (const Running* const inside = Running::with(exchange)) body->callback.name = inside->callback().name;
    const gantry_body_filter_t told = {.size = sizeof told,
                                       .unused = 0,
                                       .on_data = &Body::data,
                                       .on_end = &Body::end,
                                       .drop = &Body::drop,
                                       .on_pause = &Body::pause};
    const gantry_result_t result = kPlain.add_body_filter(exchange, &told, body.get());
    if (result == GANTRY_OK) std::ignore = body.release();  // until drop()
    return result;
}

}  // namespace

constexpr gantry_filter_1_t kChecked = {
    .size = sizeof(gantry_filter_1_t),
    GANTRY_CHECKED_BY(add_header_filter, add_header_filter, kMain),
    GANTRY_CHECKED_BY(add_body_filter, add_body_filter, kWorker, kInHeaderFilter),
    GANTRY_CHECKED(send, kWorker),
};

}  // namespace filter_table

namespace conn_table {
namespace {

constexpr const gantry_conn_1_t& kPlain = kConn;
constexpr char kId[] = GANTRY_CONN_1;

gantry_result_t add(const Call&, gantry_scope_t* scope, const gantry_conn_filter_t* given) noexcept {
    auto filter = whole(given);
    if (!filter || scope->kept == nullptr) return kPlain.add(scope, given);
    stand_in(*scope, Place::Conn, *filter, &gantry_conn_filter_t::run);
    return kPlain.add(scope, &*filter);
}

}  // namespace

constexpr gantry_conn_1_t kChecked = {
    .size = sizeof(gantry_conn_1_t),
    GANTRY_CHECKED_BY(add, add, kMain),
    GANTRY_CHECKED(listener, kWorker),
    GANTRY_CHECKED(client, kWorker),
    GANTRY_CHECKED(local, kWorker),
    GANTRY_CHECKED(set_client, kWorker),
    GANTRY_CHECKED(set_local, kWorker),
    GANTRY_CHECKED(set_fact, kWorker),
};

}  // namespace conn_table

namespace upstream_table {
namespace {

constexpr const gantry_upstream_1_t& kPlain = kUpstream;
constexpr char kId[] = GANTRY_UPSTREAM_1;

struct BeforeContent {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        if (exchange_of(exchange).is_answered())
            broken(call, "called after the content phase has begun to answer");
    }
};
constexpr BeforeContent kBeforeContent;

gantry_peers_t* peers(const Call&, gantry_scope_t* scope) noexcept {
    gantry_peers_t* const made = kPlain.peers(scope);
    if (made != nullptr) scope->kept->given.add(made);
    return made;
}

gantry_result_t set_picker(const Call&, gantry_scope_t* scope, const gantry_picker_t* given) noexcept {
    auto picker = whole(given);
    if (!picker || scope->kept == nullptr) return kPlain.set_picker(scope, given);
    stand_in(*scope, Place::Picker, *picker, &gantry_picker_t::pick);
    return kPlain.set_picker(scope, &*picker);
}

}  // namespace

constexpr gantry_upstream_1_t kChecked = {
    .size = sizeof(gantry_upstream_1_t),
    GANTRY_CHECKED(set_preface, kWorker, kBeforeContent),
    GANTRY_CHECKED_BY(peers, peers, kMain),
    GANTRY_CHECKED(set_peers, kAny),
    GANTRY_CHECKED_BY(set_picker, set_picker, kMain),
};

}  // namespace upstream_table

namespace control_table {
namespace {

constexpr const gantry_control_1_t& kPlain = kControl;
constexpr char kId[] = GANTRY_CONTROL_1;

void run(void* self, const gantry_call_t* call) noexcept {
    const Callback& callback = *static_cast<const Callback*>(self);
    const Running running(callback, call);
    reinterpret_cast<decltype(gantry_route_t::run)>(callback.run)(callback.self, call);
}

gantry_result_t mount(const Call&, gantry_scope_t* scope, const gantry_route_t* given) noexcept {
    auto route = whole(given);
    if (!route || scope->kept == nullptr || route->run == nullptr) return kPlain.mount(scope, given);
    route->self = &scope->kept->callbacks.emplace_back(
        Callback{scope->module, Place::Route, std::string(view_of(route->path)),
                 reinterpret_cast<void (*)()>(route->run), route->self});
    route->run = &run;
    return kPlain.mount(scope, &*route);
}

}  // namespace

constexpr gantry_control_1_t kChecked = {
    .size = sizeof(gantry_control_1_t),
    GANTRY_CHECKED_BY(mount, mount, kMain),
    GANTRY_CHECKED(argument, kMain),
    GANTRY_CHECKED(answer, kAny),
    GANTRY_CHECKED(refuse, kAny),
};

}  // namespace control_table

const gantry_phase_1_t kCheckedPhase = phase_table::kChecked;
const gantry_filter_1_t kCheckedFilter = filter_table::kChecked;
const gantry_conn_1_t kCheckedConn = conn_table::kChecked;
const gantry_upstream_1_t kCheckedUpstream = upstream_table::kChecked;
const gantry_control_1_t kCheckedControl = control_table::kChecked;

}  // namespace gantry::module
