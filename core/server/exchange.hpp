// An exchange: one request and its response, from the complete head to the log line. What handlers, phases
// and filters work with. Recycled per worker.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/error.hpp"
#include "core/http/stream.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::server {

class Generation;
struct HostEntry;
struct LocationEntry;
class WorkerContext;
class Exchange;
class VariableOverlay;

// What a phase hook or handler answers.
enum class Verdict : std::uint8_t {
    Next,  // not mine, or nothing to object: go on with the next hook
    Done,  // the response is (or will be) sent by this hook: no further hook of this phase runs
    Wait,  // a ticket was taken: the exchange sleeps until Exchange::resume()
    Fail,  // exchange.fail() was called: the error page is sent
};

// Wakes a suspended exchange. A value: may be copied, kept too long, and used on any thread; a stale one is
// refused.
struct Ticket {
    std::uint32_t worker = 0;
    std::uint32_t slot = 0;
    std::uint64_t serial = 0;
};

// Whoever produces a response after the handler returned (a proxy, a file reader), tied to the exchange. It
// is told exactly once, on the worker, that the exchange ends (sent, aborted or failed) and must let go of
// everything then.
class ResponseSource {
public:
    // The client took what was queued: send more.
    virtual void on_drained(Exchange& exchange) = 0;
    // The request body broke (see ServerExchange::on_body_failed). The exchange answers by itself; stop
    // producing. on_end follows.
    virtual void on_end(Exchange& exchange) = 0;

protected:
    ~ResponseSource() = default;
};

// [worker] throughout.
class Exchange {
public:
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // ---- the request
    // -------------------------------------------------------------------------------------------
    http::RequestHead& request() { return request_; }
    const http::RequestHead& request() const { return request_; }
    std::string_view path() const { return path_; }         // normal form
    void set_path(std::string_view path) { path_ = path; }  // a rewrite; routing is not repeated
    Arena& arena() { return arena_; }
    const http::ServerStream::Facts& facts() const { return facts_; }
    const Generation& generation() const { return *generation_; }
    const HostEntry& host() const { return *host_; }             // always set from routing on
    const LocationEntry* location() const { return location_; }  // null: none matched
    WorkerContext& worker() { return *worker_; }
    http::ServerStream& stream() { return *stream_; }

    // ---- the response
    // ------------------------------------------------------------------------------------------
    http::ResponseHead& response() { return response_; }
    const http::ResponseHead& response() const { return response_; }
    bool is_head_sent() const { return head_sent_; }

    // A whole response: status and headers as set in response(), plus this body. `owner` keeps `body` alive,
    // without one it is copied. The exchange ends: return Done right after.
    void respond(std::string_view body, Ref<RefCounted> owner = {});
    // The head, then body pieces, then finish(). response().body (and content_length) must be set. Header
    // filters run here.
    void send_head();
    void send_body(std::string_view bytes, Ref<RefCounted> owner);
    void send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner);
    void finish(const http::Headers* trailers = nullptr);
    // Writes what was sent since: call it once at the end of an event that is not the exchange's own (an
    // upstream's, a timer's).
    void flush();
    bool is_congested() const;

    // Answers with the error page of `status` (custom or built in), or cuts the response when the head is out
    // already.
    void fail(int status, const Error& error = {});
    void fail(const Error& error) { fail(status_of(error), error); }

    // Reads the request body, at most the effective max_body (413 on_body_failed beyond).
    void read_body(http::BodyReader& reader);
    std::uint64_t max_body() const;

    // Ties a producer to this exchange. One at a time.
    void set_source(ResponseSource* source) { source_ = source; }

    // ---- suspension
    // -------------------------------------------------------------------------------------------- A hook
    // that returns Wait takes a ticket first. `dropped(state)` runs once on the worker if the exchange ends
    // before it is resumed; may be null.
    Ticket suspend(void* state, void (*dropped)(void* state));

    // ---- for logs and variables
    // --------------------------------------------------------------------------------
    struct UpstreamFacts {
        std::string_view peer;  // "127.0.0.1:3000", in the arena
        int status = 0;
        std::int64_t connect_nanos = -1;
        std::int64_t response_nanos = -1;
    };
    UpstreamFacts& upstream() { return upstream_; }
    const UpstreamFacts& upstream() const { return upstream_; }
    std::int64_t start_nanos() const { return start_nanos_; }
    const Error& error() const { return error_; }  // code Internal with context "" = none
    bool has_error() const { return has_error_; }
    std::uint64_t body_bytes_sent() const { return body_sent_; }

private:
    friend class ExchangeRunner;  // exchange.cpp: what the codec and the pipeline call
    explicit Exchange(WorkerContext& worker) : request_(arena_), response_(arena_), worker_(&worker) {}
    ~Exchange() = default;

    Arena arena_;
    http::RequestHead request_;
    http::ResponseHead response_;
    std::string_view path_;
    WorkerContext* worker_;
    http::ServerStream* stream_ = nullptr;
    http::ServerStream::Facts facts_;
    const Generation* generation_ = nullptr;
    const HostEntry* host_ = nullptr;
    const LocationEntry* location_ = nullptr;
    ResponseSource* source_ = nullptr;
    UpstreamFacts upstream_;
    Error error_;
    std::int64_t start_nanos_ = 0;
    std::uint64_t body_sent_ = 0;
    bool head_sent_ = false;
    bool has_error_ = false;
};

}  // namespace gantry::server
