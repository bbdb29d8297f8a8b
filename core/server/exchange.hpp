// An exchange: one request and its response, from the complete head to the log line. What handlers, phases
// and filters work with. Recycled per worker.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/error.hpp"
#include "core/http/stream.hpp"
#include "core/server/body_filter.hpp"
#include "core/server/request_id.hpp"
#include "core/server/router.hpp"
#include "core/server/variable.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace gantry::server {

struct GenerationUse;
class BoundListener;
class RecentRing;
class WorkerContext;
class Exchange;
struct Hook;

// What a phase hook or handler answers.
enum class Verdict : std::uint8_t {
    Next,  // not mine, or nothing to object: go on with the next hook
    Done,  // the response was sent, or will be by a ResponseSource: no further hook runs. The exchange may be
           // over already
    Again,  // of a ticket only: run the hook that waited once more
    Wait,   // a ticket was taken: the exchange sleeps until WorkerContext::resume()
    Fail,   // fail() was called: as Done
};

// Wakes a suspended exchange. A value: may be copied, kept too long, and used on any thread; a stale one is
// refused.
struct Ticket {
    std::uint32_t worker = 0;
    std::uint32_t slot = 0;
    std::uint64_t serial = 0;
};

// Whoever produces a response after the handler returned (a proxy, a file reader), tied to the exchange.
class ResponseSource {
public:
    // The client took what was queued: send more. Only after is_congested() was true.
    virtual void on_drained(Exchange& exchange) = 0;
    // The exchange is over (sent, aborted, failed), or goes on without this source because the request body
    // broke. Called exactly once, on the worker; let go of everything. The exchange must not be used in it,
    // except for its facts.
    virtual void on_end(Exchange& exchange) = 0;

protected:
    ~ResponseSource() = default;
};

// [worker] throughout. respond(), finish() and fail() may end the exchange within the call: the caller must
// not touch it afterwards, unless it is called from a hook or from on_body...(), where the end waits for the
// return.
class Exchange final : public http::ServerExchange, public VariableSource, private http::BodyReader {
public:
    explicit Exchange(WorkerContext& worker) : request_(arena_), response_(arena_), worker_(&worker) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange() = default;

    // ---- the request
    // -------------------------------------------------------------------------------------------
    http::RequestHead& request() override { return request_; }
    const http::RequestHead& request() const { return request_; }
    std::string_view path() const { return route_.path; }  // normal form
    // A rewrite, from the arena and in normal form. Routing is not repeated; files are looked for and proxied
    // requests sent with this path, the query stays.
    void set_path(std::string_view path) {
        route_.path = path;
        is_rewritten_ = true;
    }
    bool is_rewritten() const { return is_rewritten_; }
    Arena& arena() override { return arena_; }
    const http::ServerStream::Facts& facts() const { return facts_; }
    const Generation& generation() const;
    const HostEntry* host() const { return route_.host; }              // null: the head could not be routed
    const LocationEntry* location() const { return route_.location; }  // null: none matched
    // Text of the exact or prefix pattern that matched; "" for an expression.
    std::string_view matched_pattern() const { return route_.pattern; }
    WorkerContext& worker() { return *worker_; }
    http::ServerStream& stream() { return *stream_; }

    // ---- the response
    // ------------------------------------------------------------------------------------------
    http::ResponseHead& response() { return response_; }
    const http::ResponseHead& response() const { return response_; }
    bool is_head_sent() const { return head_sent_; }

    // A whole response: status and headers as set in response(), and this body. `owner` keeps `body` alive;
    // without one it is copied.
    void respond(std::string_view body, Ref<RefCounted> owner = {});
    // Or in pieces: the head, with response().body and content_length set; then the body; then finish().
    void send_head();
    void send_body(std::string_view bytes, Ref<RefCounted> owner);
    void send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner);
    void finish(const http::Headers* trailers = nullptr);
    // Writes what was sent since. Needed once at the end of an event that is not the exchange's own (an
    // upstream's, a timer's) and did not call finish().
    void flush();
    // The producer waits for ResponseSource::on_drained().
    bool is_congested() const;

    // Of the response, before its head is sent: a body follows, if not for HEAD.
    bool has_body() const {
        return response_.status != 101 && !http::status_forbids_body(response_.status) &&
               response_.body != http::BodyKind::None;
    }
    // For header filters: the body goes through this one as well, behind those that were added before. Where
    // its length was known it is sent in chunks from now on. Ignored where there is no body.
    void add_body_filter(std::unique_ptr<BodyFilter> filter);

    // Answers with the error page of `status`, with one field beside it ("Allow", "Retry-After") where
    // `value` is not empty; cuts the response when its head is out already. A status of 0 closes without an
    // answer.
    void fail(int status, const Error& error = kNoError, http::HeaderId field = http::HeaderId::Other,
              std::string_view value = {});
    void fail(const Error& error) { fail(status_of(error), error); }
    static const Error kNoError;  // nothing for the error log: the client's own doing

    // Keeps what fields of the response point to until the exchange is logged.
    void hold(Ref<RefCounted> owner) { held_ = std::move(owner); }

    // A field of the request was set or taken out: what comes behind the body under its name, in any case
    // and with `_` for `-`, is not to undo that. `name` lives as long as the exchange.
    void close_trailer(std::string_view name);
    bool is_trailer_closed(std::string_view name) const;

    // Reads the request body, at most max_body bytes. False: it is known to be larger, or was read before,
    // and fail() was called.
    bool read_body(http::BodyReader& reader);
    http::BodyReader* reader() const { return reader_; }  // null: nobody reads, it came to its end, or failed
    bool is_body_taken() const { return is_body_taken_; }
    std::uint64_t max_body() const;

    // Ties a producer to this exchange. Null: what was tied is not told anything any more.
    void set_source(ResponseSource* source) { source_ = source; }
    bool has_source() const { return source_ != nullptr; }

    // A hook that returns Wait takes a ticket first. dropped(state) runs once, on the worker, if the exchange
    // ends before the ticket is used; may be null.
    Ticket suspend(void* state, void (*dropped)(void* state));

    // Somebody has answered, or is about to: with Verdict::Done there is nothing to wait for otherwise.
    bool is_answered() const { return head_sent_ || source_ != nullptr || reader_ != nullptr || has_error_; }

    bool is_suspended() const { return slot_ != kNoSlot; }

    // Another one for each request that this object is used for.
    std::uint64_t serial() const { return serial_; }
    bool is_over() const { return stream_ == nullptr; }

    // That runs, or was the last to; null: none yet.
    const Hook* last_hook() const;

    // While one lives, the exchange does not end, whatever it is told to answer; perhaps with its last one.
    class Hold {
    public:
        explicit Hold(Exchange& exchange) : stream_(*exchange.stream_) { stream_.enter(); }
        ~Hold() { stream_.leave(); }
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

    private:
        http::ServerStream& stream_;
    };

    // What hooks leave for each other, by an address of their own; null at first. False: there are too many.
    static constexpr std::size_t kMaxNotes = 8;
    void* note(const void* key) const;
    bool set_note(const void* key, void* value);

    // A note that a handler leaves for itself while it waits; 0 at first.
    std::uint32_t handler_state() const { return handler_state_; }
    void set_handler_state(std::uint32_t state) { handler_state_ = state; }

    // ---- for logs and variables
    // --------------------------------------------------------------------------------
    struct UpstreamFacts {
        std::string_view peer;  // "127.0.0.1:3000", in the arena
        int status = 0;
        std::int64_t connect_nanos = -1;
        std::int64_t first_byte_nanos = -1;  // since start_nanos(), to the peer's head
        std::int64_t response_nanos = -1;    // and to the end of its response
    };
    // What a connection to a peer begins with, for this exchange. From the arena.
    void set_preface(std::string_view bytes) { preface_ = bytes; }
    std::string_view preface() const { return preface_; }
    UpstreamFacts& upstream() { return upstream_; }
    const UpstreamFacts& upstream() const { return upstream_; }
    std::int64_t start_nanos() const { return start_nanos_; }  // CLOCK_MONOTONIC
    std::string_view request_id();
    std::string_view value(const Variable& variable, Arena& arena) const override;

    const net::PeerAddress& client_address() const { return *facts_.client; }
    net::PeerAddress local_address() const;  // what the client connected to

private:
    friend class WorkerContext;
    friend class Rehearsal;

    // what the codec calls
    void start() override;
    void start_failed(const Error& error) override;
    void on_drained() override;
    void on_body_failed(const Error& error) override;
    void on_sent() override;
    void on_aborted(const Error& error) override;
    // between the codec and the reader of the body
    void on_body(std::string_view bytes, const Ref<Block>& owner) override;
    void on_body_end(const http::Headers* trailers) override;

    void begin(http::ServerStream& stream, GenerationUse& use);
    bool route();
    // The producer's event is over.
    void pause_filters() {
        if (filtered_ != nullptr) filtered_->pause();
    }
    void answer_unrouted(const Unrouted& unrouted);
    void run_hooks();
    // Whether `hook` is for this request: of a preflight that its location does not take, the early ones
    // alone.
    bool is_for(const Hook& hook) const;
    void answer_unhandled();
    void resume(Verdict verdict);
    void drop_source();
    // behind the body filters
    friend class FilteredBody;
    bool is_output_full() const;
    void deliver(std::string_view bytes, Ref<RefCounted> owner);
    void end_body(const http::Headers* trailers) { stream_->finish(trailers); }
    void send_error_page(int status, http::HeaderId field, std::string_view value);
    void log_error(const Error& error, int status) const;
    void end();
    void remember(RecentRing& ring, std::int64_t end_nanos) const;
    void count(std::int64_t end_nanos) const;
    const BoundListener& bound_listener() const;
    void recycle();

    // values of variables, by group
    std::string_view route_value(const Variable& variable) const;
    std::string_view response_value(const Variable& variable) const;
    std::string_view connection_fact(std::string_view name) const;
    std::string_view time_value(VariableId id, Arena& arena) const;
    std::string_view connection_value(VariableId id, Arena& arena) const;
    std::string_view tls_value(VariableId id) const;
    std::string_view result_value(VariableId id, Arena& arena) const;

    Arena arena_;
    http::RequestHead request_;
    http::ResponseHead response_;
    Route route_;
    WorkerContext* worker_;
    http::ServerStream* stream_ = nullptr;
    http::ServerStream::Facts facts_;
    GenerationUse* use_ = nullptr;
    ResponseSource* source_ = nullptr;
    Ref<RefCounted> held_;
    std::unique_ptr<FilteredBody> filtered_;  // null, nearly always: nothing changes the body
    http::BodyReader* reader_ = nullptr;
    UpstreamFacts upstream_;
    std::string_view preface_;
    Error error_;
    std::int64_t start_nanos_ = 0;
    std::int64_t handler_nanos_ = -1;  // from there to the head of the response
    std::uint64_t body_received_ = 0;
    std::uint64_t body_sent_ = 0;
    std::uint64_t sent_ = 0;    // as the codec counted, once it is over
    std::uint64_t serial_ = 0;  // changes when the exchange is recycled: what a ticket is checked against
    std::uint32_t next_hook_ = 0;
    std::uint32_t handler_state_ = 0;
    std::uint32_t slot_ = kNoSlot;  // of the ticket taken, in the worker's table
    static constexpr std::uint32_t kNoSlot = 0xffffffff;
    struct Note {
        const void* key;
        void* value;
    };
    Note* notes_ = nullptr;  // kMaxNotes of them, in the arena
    struct ClosedTrailer {
        const ClosedTrailer* next;
        std::string_view name;
    };
    const ClosedTrailer* closed_trailers_ = nullptr;  // in the arena
    bool head_sent_ = false;
    bool has_error_ = false;
    bool is_rewritten_ = false;
    bool is_body_taken_ = false;
    bool was_started_ = false;  // a head was there: the log phase is owed
    mutable bool has_id_ = false;
    mutable char id_[kRequestIdBytes];
};

}  // namespace gantry::server
