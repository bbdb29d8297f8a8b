// One call of a module into the host, and what is known about where it comes from.
#pragma once

#include "core/module/contract.hpp"
#include "core/server/worker_context.hpp"

#include <string>

namespace gantry::module::contract {

struct Call {
    const char* table;     // "gantry.http/1"
    const char* function;  // "set_status"
    const void* from;      // the address to which it returns
    const gantry_host_t* host = nullptr;
};

// Says so, and ends the process. `what` goes on behind "module x: gantry.http/1 set_status: ".
[[noreturn]] void broken(const Call& call, std::string_view what);

// "the main thread", "a worker", "a thread of its own"
std::string_view here();
bool is_main();

// Whose code it is by its address or by where it was called from; null: not known.
const Module* caller_of(const Call& call);

// ---- code of modules that runs on this thread

enum class Place : std::uint8_t {
    Hook,
    LogHook,
    HeaderFilter,
    BodyFilter,
    Reader,
    Source,
    SourceEnd,
    Picker,
    Conn,
    Hello,
    Route
};

// A function of a module that the host was given, as it was; lives as long as the instance, or as what it was
// given for.
struct Callback {
    const Module* module;
    Place place;
    std::string name;
    void (*run)();  // of its own type
    void* self;
};

// While it lives, `callback` runs on this thread, and may use `handle`.
class Running {
public:
    Running(const Callback& callback, const void* handle);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    // The innermost one, of this handle alone where there is one; null: none.
    static const Running* innermost();
    static const Running* with(const void* handle);

    const Callback& callback() const { return callback_; }

private:
    const Callback& callback_;
    const void* handle_;
    const Running* outer_;
};

// ---- what may be used

// The calling module has taken a ticket of `exchange`, or answers it from now on. [worker]
enum class Hold : std::uint8_t { Ticket, Answer };
void hold(const Call& call, const server::Exchange& exchange, Hold how);

void judge_exchange(const Call& call, const server::Exchange* exchange);
void judge_running(const Call& call, const void* handle, const char* what);
void judge_host(const Call& call, const gantry_host_t* host);
void judge_scope(const Call& call, const gantry_scope_t* scope);
void judge_loading(const Call& call);
// Of a handle that is lent or given; null is none of ours.
void judge_handle(const Call& call, const void* handle, const char* what);
// With its members, if it has any.
void give(Given& given, const gantry_value& value);
void begin(const void* handle);
void end(const void* handle);

}  // namespace gantry::module::contract
