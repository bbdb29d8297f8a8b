// What takes its time, checked: gantry.async/1, gantry.timer/1, gantry.store/1, gantry.client/1, gantry.fd/1.
#include "core/module/contract_guard.hpp"

namespace gantry::module {

using contract::Call;
using contract::kAny;
using contract::kMain;
using contract::kWorker;
using contract::kWorkerOrMain;
using contract::Place;
using contract::Running;

namespace async_table {
namespace {

constexpr const gantry_async_1_t& kPlain = kAsync;
constexpr char kId[] = GANTRY_ASYNC_1;

// Once in each call of a hook that may wait.
struct InHook {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        const Running* const inside = Running::with(exchange);
        if (inside == nullptr || inside->callback().place != Place::Hook)
            broken(call, "called outside of a hook that may wait");
        if (exchange_of(exchange).is_suspended())
            broken(call, "called twice: the exchange has a ticket already");
    }
};
constexpr InHook kInHook;

gantry_ticket_t suspend(const Call& call, gantry_exchange_t* exchange, void* state,
                        void (*drop)(void*) noexcept) noexcept {
    contract::hold(call, exchange_of(exchange), contract::Hold::Ticket);
    return kPlain.suspend(exchange, state, drop);
}

}  // namespace

constexpr gantry_async_1_t kChecked = {
    .size = sizeof(gantry_async_1_t),
    GANTRY_CHECKED_BY(suspend, suspend, kWorker, kInHook),
    GANTRY_CHECKED(resume, kAny),
    GANTRY_CHECKED(exchange_of, kWorker),
    GANTRY_CHECKED(post, kAny),
    GANTRY_CHECKED(run_blocking, kAny),
};
}  // namespace async_table

namespace timer_table {
namespace {
constexpr const gantry_timer_1_t& kPlain = kTimer;
constexpr char kId[] = GANTRY_TIMER_1;
}  // namespace

constexpr gantry_timer_1_t kChecked = {
    .size = sizeof(gantry_timer_1_t),
    GANTRY_CHECKED(resume_after, kWorker),
    GANTRY_CHECKED(every, kMain),
    GANTRY_CHECKED(cancel, kMain),
    GANTRY_CHECKED(monotonic, kAny),
    GANTRY_CHECKED(run_after, kWorker),
};
}  // namespace timer_table

namespace store_table {
namespace {
constexpr const gantry_store_1_t& kPlain = kStore;
constexpr char kId[] = GANTRY_STORE_1;
}  // namespace

constexpr gantry_store_1_t kChecked = {
    .size = sizeof(gantry_store_1_t),
    GANTRY_CHECKED(get, kAny),
    GANTRY_CHECKED(put, kAny),
    GANTRY_CHECKED(erase, kAny),
    GANTRY_CHECKED(list, kAny),
    GANTRY_CHECKED(add, kAny),
    GANTRY_CHECKED(append, kAny),
    GANTRY_CHECKED(read, kAny),
    GANTRY_CHECKED(claim, kAny),
    GANTRY_CHECKED(acknowledge, kAny),
    GANTRY_CHECKED(reject, kAny),
    GANTRY_CHECKED(dead, kAny),
};
}  // namespace store_table

namespace client_table {
namespace {

constexpr const gantry_client_1_t& kPlain = kClient;
constexpr char kId[] = GANTRY_CLIENT_1;

struct WithTarget {
    template <class... More>
    void operator()(const Call& call, const gantry_host_t*, const gantry_client_request_t* request,
                    const More&...) const {
        if (request != nullptr) judge(call, request->target);
    }
};
constexpr WithTarget kWithTarget;

const gantry_target_t* target(const Call&, const gantry_scope_t* scope, const gantry_value_t* value,
                              gantry_bytes_t url, const gantry_target_options_t* options) noexcept {
    const gantry_target_t* const made = kPlain.target(scope, value, url, options);
    if (made != nullptr) scope->kept->given.add(made);
    return made;
}

}  // namespace

constexpr gantry_client_1_t kChecked = {
    .size = sizeof(gantry_client_1_t),
    GANTRY_CHECKED_BY(target, target, kMain),
    GANTRY_CHECKED(request, kWorkerOrMain, kWithTarget),
    GANTRY_CHECKED(cancel, kWorkerOrMain),
    GANTRY_CHECKED(write, kWorker),
    GANTRY_CHECKED(finish, kWorker),
    GANTRY_CHECKED(pause, kWorker),
    GANTRY_CHECKED(resume, kWorker),
};
}  // namespace client_table

namespace fd_table {
namespace {

constexpr const gantry_fd_1_t& kPlain = kFd;
constexpr char kId[] = GANTRY_FD_1;

gantry_watcher_t* watcher(const Call&, const gantry_scope_t* scope) noexcept {
    gantry_watcher_t* const made = kPlain.watcher(scope);
    if (made != nullptr) scope->kept->given.add(made);
    return made;
}

}  // namespace

constexpr gantry_fd_1_t kChecked = {
    .size = sizeof(gantry_fd_1_t),
    GANTRY_CHECKED_BY(watcher, watcher, kMain),
    GANTRY_CHECKED(watch, kWorkerOrMain),
    GANTRY_CHECKED(want_read, kWorkerOrMain),
    GANTRY_CHECKED(stop_read, kWorkerOrMain),
    GANTRY_CHECKED(want_write, kWorkerOrMain),
    GANTRY_CHECKED(stop_write, kWorkerOrMain),
    GANTRY_CHECKED(stop, kWorkerOrMain),
    GANTRY_CHECKED(after, kWorkerOrMain),
};
}  // namespace fd_table

const gantry_async_1_t kCheckedAsync = async_table::kChecked;
const gantry_timer_1_t kCheckedTimer = timer_table::kChecked;
const gantry_store_1_t kCheckedStore = store_table::kChecked;
const gantry_client_1_t kCheckedClient = client_table::kChecked;
const gantry_fd_1_t kCheckedFd = fd_table::kChecked;

}  // namespace gantry::module
