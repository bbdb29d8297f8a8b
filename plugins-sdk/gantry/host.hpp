// What all of the C++ face is made of: bytes as views, verdicts, and the host with its tables.
//
// The face is header-only C++20 over the C headers; it adds no symbol and no state of its own to a module.
// Its names are in namespace gantry. Everything is a value that is cheap to copy: a pointer of the host and a
// pointer to the tables. Nothing here throws; what the module throws itself is caught before it reaches the
// host, which is told GANTRY_FAIL, and the log says which hook it was.
//
// The C functions stay within reach: host.http(), exchange.raw() and their like.
#pragma once

#include "gantry/gantry.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string_view>

// Inline, so that a program which links several modules, or a module and gantry itself, keeps them apart.
namespace gantry::inline sdk {

inline gantry_bytes_t bytes(std::string_view text) noexcept {
    return {text.data(), text.size()};
}
inline std::string_view view(gantry_bytes_t bytes) noexcept {
    return bytes.size == 0 ? std::string_view{} : std::string_view{bytes.data, bytes.size};
}

using Address = gantry_address_t;

inline bool operator==(const Address& a, const Address& b) noexcept {
    return a.family == b.family && a.port == b.port && std::equal(std::begin(a.ip), std::end(a.ip), b.ip);
}

// What a hook answers; gantry/base.h says more.
enum class Verdict : gantry_verdict_t {
    Next = GANTRY_NEXT,  // not mine, or nothing to object
    Done = GANTRY_DONE,  // answered
    Wait = GANTRY_WAIT,  // suspended by the C functions; coroutines do it by themselves
    Fail = GANTRY_FAIL,  // 500
};

enum class LogLevel : gantry_level_t {
    Trace = GANTRY_TRACE,
    Debug = GANTRY_DEBUG,
    Info = GANTRY_INFO,
    Warn = GANTRY_WARN,
    Error = GANTRY_ERROR,
    Critical = GANTRY_CRITICAL,
};

// The tables of the host. One per module, made in open() and alive until close(). The functions that return
// a table may return nullptr but for log, conf, http and phase, without which a module in C++ does not open.
class Host {
public:
    explicit Host(const gantry_host_t* raw) noexcept
        : raw_(raw),
          log_(find<gantry_log_1_t>(GANTRY_LOG_1)),
          conf_(find<gantry_conf_1_t>(GANTRY_CONF_1)),
          http_(find<gantry_http_1_t>(GANTRY_HTTP_1)),
          phase_(find<gantry_phase_1_t>(GANTRY_PHASE_1)),
          filter_(find<gantry_filter_1_t>(GANTRY_FILTER_1)),
          async_(find<gantry_async_1_t>(GANTRY_ASYNC_1)),
          timer_(find<gantry_timer_1_t>(GANTRY_TIMER_1)),
          metrics_(find<gantry_metrics_1_t>(GANTRY_METRICS_1)),
          store_(find<gantry_store_1_t>(GANTRY_STORE_1)),
          conn_(find<gantry_conn_1_t>(GANTRY_CONN_1)),
          upstream_(find<gantry_upstream_1_t>(GANTRY_UPSTREAM_1)),
          client_(find<gantry_client_1_t>(GANTRY_CLIENT_1)),
          tls_(find<gantry_tls_1_t>(GANTRY_TLS_1)),
          control_(find<gantry_control_1_t>(GANTRY_CONTROL_1)),
          fd_(find<gantry_fd_1_t>(GANTRY_FD_1)) {}

    const gantry_host_t* raw() const noexcept { return raw_; }
    const gantry_log_1_t* log() const noexcept { return log_; }
    const gantry_conf_1_t* conf() const noexcept { return conf_; }
    const gantry_http_1_t* http() const noexcept { return http_; }
    const gantry_phase_1_t* phase() const noexcept { return phase_; }
    const gantry_filter_1_t* filter() const noexcept { return filter_; }
    const gantry_async_1_t* async() const noexcept { return async_; }
    const gantry_timer_1_t* timer() const noexcept { return timer_; }
    const gantry_metrics_1_t* metrics() const noexcept { return metrics_; }
    const gantry_store_1_t* store() const noexcept { return store_; }
    const gantry_conn_1_t* conn() const noexcept { return conn_; }
    const gantry_upstream_1_t* upstream() const noexcept { return upstream_; }
    const gantry_client_1_t* client() const noexcept { return client_; }
    const gantry_tls_1_t* tls() const noexcept { return tls_; }
    const gantry_control_1_t* control() const noexcept { return control_; }
    const gantry_fd_1_t* fd() const noexcept { return fd_; }

    // Any other extension, as the table that its header declares; nullptr: this gantry does not have it. [any]
    template <class Table>
    const Table* find(const char* id) const noexcept {
        return static_cast<const Table*>(raw_->get_extension(raw_, id));
    }

    // Whether lines of this level are written at all. [any]
    bool wants(LogLevel level) const noexcept {
        return log_ != nullptr && log_->wants(raw_, static_cast<gantry_level_t>(level));
    }

    // Asks the store for an operation of gantry/store.hpp. `done` gets the Answer, later, on the main thread. What is
    // no GANTRY_OK says that it is not called. [any]
    template <class Operation, class Done>
    gantry_result_t ask(Operation operation, Done done) const;

    // Sends a client::Request of gantry/client.hpp, for no exchange. `done` gets the client::Answer, later, on this
    // thread, and perhaps when the instance is retired, so that what it refers to is shared, or `fetch` is given to
    // cancel() of client(). What is no GANTRY_OK says that it is not called. [main], and [worker] in a hook
    template <class Request, class Done>
    gantry_result_t fetch(const Request& request, Done done, gantry_fetch_t* fetch = nullptr) const;

    // Publishes an event of gantry/events.hpp, whatever becomes of it; give events::publish() to ask() to hear of it. [any]
    gantry_result_t publish(std::string_view type, std::string_view subject,
                            std::string_view data) const noexcept;
    // What became of an event that waits. [any]
    gantry_result_t settle(gantry_delivery_t delivery, bool is_done) const noexcept {
        const auto* table = find<gantry_events_1_t>(GANTRY_EVENTS_1);
        return table == nullptr ? GANTRY_ERROR_STATE : table->settle(raw_, delivery, is_done);
    }

    // One line of the error log: the fact first, in lower case, then key=value. [any]
    void write(LogLevel level, std::string_view line) const noexcept {
        if (log_ != nullptr) log_->write(raw_, static_cast<gantry_level_t>(level), bytes(line));
    }

    // The same by the rules of printf, cut after 500 bytes; nothing is formatted that nobody wants. [any]
    __attribute__((format(printf, 3, 4))) void print(LogLevel level, const char* format, ...) const noexcept {
        if (!wants(level)) return;
        char line[501];
        va_list arguments;
        va_start(arguments, format);
        const int size = std::vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        if (size > 0) write(level, {line, std::min(static_cast<std::size_t>(size), sizeof(line) - 1)});
    }

private:
    const gantry_host_t* raw_;
    const gantry_log_1_t* log_;
    const gantry_conf_1_t* conf_;
    const gantry_http_1_t* http_;
    const gantry_phase_1_t* phase_;
    const gantry_filter_1_t* filter_;
    const gantry_async_1_t* async_;
    const gantry_timer_1_t* timer_;
    const gantry_metrics_1_t* metrics_;
    const gantry_store_1_t* store_;
    const gantry_conn_1_t* conn_;
    const gantry_upstream_1_t* upstream_;
    const gantry_client_1_t* client_;
    const gantry_tls_1_t* tls_;
    const gantry_control_1_t* control_;
    const gantry_fd_1_t* fd_;
};

namespace detail {

// Says which hook threw, and what. For use in a handler of exceptions alone.
inline void report_exception(const Host& host, const char* what_ran) noexcept {
#if defined(__cpp_exceptions)
    try {
        throw;
    } catch (const std::exception& error) {
        host.print(LogLevel::Error, "an exception left %s: %s", what_ran, error.what());
    } catch (...) {
        host.print(LogLevel::Error, "an exception of unknown type left %s", what_ran);
    }
#else
    (void)host, (void)what_ran;
#endif
}

// The boundary: nothing that is thrown in `run` gets past. `failed` is returned in its place.
template <class Answer, class Run>
Answer guarded(const Host& host, const char* what_runs, Answer failed, Run&& run) noexcept {
#if defined(__cpp_exceptions)
    try {
        return run();
    } catch (...) {
        report_exception(host, what_runs);
        return failed;
    }
#else
    (void)host, (void)what_runs, (void)failed;
    return run();
#endif
}

}  // namespace detail
}  // namespace gantry::inline sdk
