// What is read and declared while a configuration is loaded, checked: gantry.log/1, gantry.conf/1,
// gantry.metrics/1, gantry.events/1, gantry.tls/1.
#include "core/module/contract_guard.hpp"

namespace gantry::module {

using contract::Call;
using contract::kAny;
using contract::kMain;
using contract::kWorker;
using contract::Place;

namespace log_table {
namespace {
constexpr const gantry_log_1_t& kPlain = kLog;
constexpr char kId[] = GANTRY_LOG_1;
}  // namespace

constexpr gantry_log_1_t kChecked = {
    .size = sizeof(gantry_log_1_t),
    GANTRY_CHECKED(wants, kAny),
    GANTRY_CHECKED(write, kAny),
};
}  // namespace log_table

namespace conf_table {
namespace {

constexpr const gantry_conf_1_t& kPlain = kConf;
constexpr char kId[] = GANTRY_CONF_1;

struct InOpen {
    template <class... More>
    void operator()(const Call& call, const gantry_host_t* host, const More&...) const {
        if (module_of(host).is_open) broken(call, "[loading] called after open()");
    }
};
constexpr InOpen kInOpen;

const gantry_value_t* given(const gantry_scope_t* scope, const gantry_value_t* value) {
    if (value != nullptr) give(scope->kept->given, *value);
    return value;
}
const gantry_value_t* find(const Call&, const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
    return given(scope, kPlain.find(scope, path));
}
const gantry_value_t* find_own(const Call&, const gantry_scope_t* scope, gantry_bytes_t path) noexcept {
    return given(scope, kPlain.find_own(scope, path));
}

}  // namespace

constexpr gantry_conf_1_t kChecked = {
    .size = sizeof(gantry_conf_1_t),
    GANTRY_CHECKED(declare, kMain, kInOpen),
    GANTRY_CHECKED_BY(find, find, kMain),
    GANTRY_CHECKED_BY(find_own, find_own, kMain),
    GANTRY_CHECKED(parent, kMain),
    GANTRY_CHECKED(kind, kMain),
    GANTRY_CHECKED(name, kMain),
    GANTRY_CHECKED(boolean, kAny),
    GANTRY_CHECKED(integer, kAny),
    GANTRY_CHECKED(text, kAny),
    GANTRY_CHECKED(count, kAny),
    GANTRY_CHECKED(at, kAny),
    GANTRY_CHECKED(name_at, kAny),
    GANTRY_CHECKED(member, kAny),
    GANTRY_CHECKED(error, kMain),
    GANTRY_CHECKED(warning, kMain),
};
}  // namespace conf_table

namespace metrics_table {
namespace {

constexpr const gantry_metrics_1_t& kPlain = kMetrics;
constexpr char kId[] = GANTRY_METRICS_1;

struct Loading {
    template <class... More>
    void operator()(const Call& call, const More&...) const {
        judge_loading(call);
    }
};
constexpr Loading kLoading;

gantry_walk_t* begin_walk(const Call&, const gantry_host_t* host) noexcept {
    gantry_walk_t* const walk = kPlain.begin_walk(host);
    if (walk != nullptr) contract::begin(walk);
    return walk;
}
void end_walk(const Call&, gantry_walk_t* walk) noexcept {
    contract::end(walk);
    kPlain.end_walk(walk);
}

}  // namespace

constexpr gantry_metrics_1_t kChecked = {
    .size = sizeof(gantry_metrics_1_t),
    GANTRY_CHECKED(declare, kMain, kLoading),
    GANTRY_CHECKED(series, kAny),
    GANTRY_CHECKED(release, kAny),
    GANTRY_CHECKED(add, kAny),
    GANTRY_CHECKED(set, kAny),
    GANTRY_CHECKED(observe, kAny),
    GANTRY_CHECKED_BY(begin_walk, begin_walk, kAny),
    GANTRY_CHECKED(walk, kAny),
    GANTRY_CHECKED_BY(end_walk, end_walk, kAny),
};
}  // namespace metrics_table

namespace events_table {
namespace {
constexpr const gantry_events_1_t& kPlain = kEvents;
constexpr char kId[] = GANTRY_EVENTS_1;
}  // namespace

constexpr gantry_events_1_t kChecked = {
    .size = sizeof(gantry_events_1_t),
    GANTRY_CHECKED(publish, kAny),
    GANTRY_CHECKED(subscribe, kMain),
    GANTRY_CHECKED(settle, kAny),
};
}  // namespace events_table

namespace tls_table {
namespace {

constexpr const gantry_tls_1_t& kPlain = kTls;
constexpr char kId[] = GANTRY_TLS_1;

gantry_result_t add_hello(const Call&, gantry_scope_t* scope, const gantry_hello_hook_t* given) noexcept {
    auto hook = whole(given);
    if (!hook || scope->kept == nullptr) return kPlain.add_hello(scope, given);
    stand_in(*scope, Place::Hello, *hook, &gantry_hello_hook_t::run);
    return kPlain.add_hello(scope, &*hook);
}

}  // namespace

constexpr gantry_tls_1_t kChecked = {
    .size = sizeof(gantry_tls_1_t),
    GANTRY_CHECKED(make, kAny),
    GANTRY_CHECKED(release, kAny),
    GANTRY_CHECKED(offer, kAny),
    GANTRY_CHECKED_BY(add_hello, add_hello, kMain),
    GANTRY_CHECKED(listener, kWorker),
    GANTRY_CHECKED(server_name, kWorker),
    GANTRY_CHECKED(protocol, kWorker),
    GANTRY_CHECKED(client, kWorker),
    GANTRY_CHECKED(local, kWorker),
    GANTRY_CHECKED(use, kWorker),
    GANTRY_CHECKED(refuse, kWorker),
};
}  // namespace tls_table

const gantry_log_1_t kCheckedLog = log_table::kChecked;
const gantry_conf_1_t kCheckedConf = conf_table::kChecked;
const gantry_metrics_1_t kCheckedMetrics = metrics_table::kChecked;
const gantry_events_1_t kCheckedEvents = events_table::kChecked;
const gantry_tls_1_t kCheckedTls = tls_table::kChecked;

}  // namespace gantry::module
