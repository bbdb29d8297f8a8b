// One request and its response, as hooks see them.
//
// An Exchange is a value: two pointers. It may be copied, but what it stands for ends with the exchange: keep
// none beyond the hook, but in a coroutine, whose frame ends with the exchange. All of it is [worker]
// [running]. Views that are returned are valid until the exchange is over; those of a field until that field
// is changed. What is given is copied. Where a Result is returned, it is GANTRY_OK or says what was wrong;
// gantry/ext/http.h has the details of each function.
#pragma once

#include "gantry/conf.hpp"

#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace gantry::inline sdk {

namespace detail {
struct Sleep;
}  // namespace detail
namespace client {
class Request;
}  // namespace client

using Result = gantry_result_t;  // GANTRY_OK, GANTRY_ERROR_…

// The fields of a message. Names have no case. Written values are checked by the host.
class Fields {
public:
    Fields(gantry_exchange_t* raw, const Host& host, std::uint32_t message) noexcept
        : raw_(raw), host_(&host), message_(message) {}

    // The first one of that name.
    std::optional<std::string_view> find(std::string_view name) const noexcept {
        gantry_bytes_t value{nullptr, 0};
        if (!host_->http()->field(raw_, message_, bytes(name), &value)) return std::nullopt;
        return view(value);
    }
    bool has(std::string_view name) const noexcept { return find(name).has_value(); }
    // The first one of that name, or "".
    std::string_view operator[](std::string_view name) const noexcept { return find(name).value_or(""); }

    Result set(std::string_view name, std::string_view value) const noexcept {
        return host_->http()->set_field(raw_, message_, bytes(name), bytes(value));
    }
    Result add(std::string_view name, std::string_view value) const noexcept {
        return host_->http()->add_field(raw_, message_, bytes(name), bytes(value));
    }
    Result remove(std::string_view name) const noexcept {
        return host_->http()->remove_field(raw_, message_, bytes(name));
    }

    // visit(name, value) for each, in their order. They must not be changed meanwhile.
    template <class Visit>
    void each(Visit&& visit) const {
        gantry_bytes_t name{nullptr, 0};
        gantry_bytes_t value{nullptr, 0};
        for (std::uint32_t index = 0; host_->http()->field_at(raw_, message_, index, &name, &value);
             ++index) {
            visit(view(name), view(value));
        }
    }

private:
    gantry_exchange_t* raw_;
    const Host* host_;
    std::uint32_t message_;
};

// The response, written in one breath: ex.response().status(418).field("X-Tea", "green").body("short\n"); then
// return Verdict::Done.
class Response {
public:
    Response(gantry_exchange_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    int status() const noexcept { return host_->http()->status(raw_); }
    Response& status(int status) noexcept { return note(host_->http()->set_status(raw_, status)); }

    Fields fields() const noexcept { return {raw_, *host_, GANTRY_RESPONSE}; }
    // In the place of all of that name.
    Response& field(std::string_view name, std::string_view value) noexcept {
        return note(fields().set(name, value));
    }
    Response& type(std::string_view media_type) noexcept { return field("Content-Type", media_type); }

    // The whole response goes out: status and fields as they were set, and this body.
    Response& body(std::string_view body) noexcept { return note(host_->http()->respond(raw_, bytes(body))); }

    // Or in pieces. After the hook returned Verdict::Done it may go on, from Exchange::watch().
    Response& send_head() noexcept { return note(host_->http()->send_head(raw_, UINT64_MAX)); }
    Response& send_head(std::uint64_t size) noexcept { return note(host_->http()->send_head(raw_, size)); }
    Response& send(std::string_view data) noexcept {
        return note(host_->http()->send_body(raw_, bytes(data)));
    }
    Response& finish() noexcept { return note(host_->http()->finish(raw_)); }

    // Bytes of its body, in a filter: UINT64_MAX where that is not known; 0: it has none.
    std::uint64_t body_size() const noexcept {
        return GANTRY_HAS(host_->http(), body_size) ? host_->http()->body_size(raw_) : UINT64_MAX;
    }

    bool is_head_sent() const noexcept { return host_->http()->is_head_sent(raw_); }
    // More is queued than the client takes: send on when watch() says that it is drained.
    bool is_congested() const noexcept { return host_->http()->is_congested(raw_); }

    // The first error since this object was made: what was refused was left out.
    Result result() const noexcept { return result_; }

private:
    Response& note(Result result) noexcept {
        if (result_ == GANTRY_OK) result_ = result;
        return *this;
    }

    gantry_exchange_t* raw_;
    const Host* host_;
    Result result_ = GANTRY_OK;
};

class Exchange {
public:
    Exchange(gantry_exchange_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    // ---- the request

    std::string_view method() const noexcept { return view(http()->method(raw_)); }
    std::string_view target() const noexcept { return view(http()->target(raw_)); }  // as received
    std::string_view path() const noexcept { return view(http()->path(raw_)); }      // normal form, decoded
    std::string_view query() const noexcept { return view(http()->query(raw_)); }
    std::string_view host_name() const noexcept { return view(http()->host(raw_)); }
    std::string_view scheme() const noexcept { return view(http()->scheme(raw_)); }
    std::string_view protocol() const noexcept { return view(http()->protocol(raw_)); }
    std::string_view client() const noexcept { return view(http()->client(raw_)); }  // its address
    Fields fields() const noexcept { return {raw_, *host_, GANTRY_REQUEST}; }

    // Any variable of the configuration by its name; prefer a key of type pattern and evaluate().
    std::string_view variable(std::string_view name) const noexcept {
        return view(http()->variable(raw_, bytes(name)));
    }
    // The value of a key of type pattern, with its variables filled in.
    std::string_view evaluate(Value pattern) const noexcept {
        return pattern ? view(http()->evaluate(raw_, pattern.raw())) : std::string_view{};
    }
    Result set_path(std::string_view path) const noexcept { return http()->set_path(raw_, bytes(path)); }

    // The body comes to `reader`: reader.data(Exchange, std::string_view) for each piece, and once
    // reader.end(Exchange), which answers. Return Verdict::Done. `reader` is of make() or attach().
    // A coroutine has gantry::RequestBody for it.
    template <class Reader>
    Result read_body(Reader& reader) const noexcept;
    // It takes no more for now: nothing of it is called, and the client has to wait, without deadlines.
    Result pause_body() const noexcept {
        return GANTRY_HAS(http(), pause_body) ? http()->pause_body(raw_) : GANTRY_ERROR_STATE;
    }
    // And goes on, after this call.
    Result resume_body() const noexcept {
        return GANTRY_HAS(http(), resume_body) ? http()->resume_body(raw_) : GANTRY_ERROR_STATE;
    }

    // ---- the response

    Response response() const noexcept { return {raw_, *host_}; }

    // The error page of `status`, without the fields that the response has so far: set those of the page in a
    // HeaderFilter. `reason` goes to the error log; empty: the client's own doing.
    Verdict fail(int status, std::string_view reason = {}) const noexcept {
        return http()->fail(raw_, status, bytes(reason)) == GANTRY_OK ? Verdict::Done : Verdict::Fail;
    }

    // ---- waiting, in a coroutine: include gantry/async.hpp

    // co_await: goes on after `delay`, to the millisecond.
    detail::Sleep sleep(std::chrono::nanoseconds delay) const noexcept;
    // co_await: begin(Waker) is called at once, and begins what ends with waker.wake(), on any thread. True: it was
    // woken; false: `limit` was over before.
    template <class Begin>
    auto until(std::chrono::nanoseconds limit, Begin begin) const;
    // co_await: std::optional of what function(arguments...) returns, run on a thread that may wait; of true where it
    // returns nothing. Nothing: too many are waiting already, or it threw. It may be at work still when the
    // client has left, and even the instance is gone: the arguments are copies, and pointers among them are the
    // module's own risk.
    template <class Function, class... Arguments>
    auto blocking(Function function, Arguments&&... arguments) const;

    // co_await: the Answer of the store to an operation of gantry/store.hpp.
    template <class Operation>
    auto ask(Operation operation) const;
    // co_await: the client::Answer to a request to another server, of gantry/client.hpp.
    auto fetch(client::Request request) const;

    // ---- memory of the exchange

    // A T that lives until the exchange is over; nullptr: more than 1 MiB. No destructor runs.
    template <class T, class... Arguments>
    T* make(Arguments&&... arguments) const {
        static_assert(std::is_trivially_destructible_v<T>,
                      "memory of an exchange is freed without destructors: use keep()");
        void* place = http()->allocate(raw_, sizeof(T));
        return place == nullptr ? nullptr : new (place) T(std::forward<Arguments>(arguments)...);
    }

    // The same with its destructor, once in each exchange: for what goes on after the hook returned Verdict::Done.
    // The destructor runs when the exchange is over, however it ended, and must not use it any more.
    // drained(Exchange), if T has it, is called when the client took what was queued.
    template <class T, class... Arguments>
    T* attach(Arguments&&... arguments) const;

    // Who is there, and what they connected to.
    Address client_address() const noexcept {
        Address address{};
        if (GANTRY_HAS(http(), addresses)) http()->addresses(raw_, &address, nullptr);
        return address;
    }
    Address local_address() const noexcept {
        Address address{};
        if (GANTRY_HAS(http(), addresses)) http()->addresses(raw_, nullptr, &address);
        return address;
    }

    // What a connection to the peer of this exchange begins with: gantry/ext/upstream.h. Before the content phase.
    Result set_preface(std::string_view preface) const noexcept {
        if (host_->upstream() == nullptr) return GANTRY_ERROR_STATE;
        return host_->upstream()->set_preface(raw_, bytes(preface));
    }

    // What one hook leaves for another; `key` is an address of the module's own.
    void* note(const void* key) const noexcept { return http()->note(raw_, key); }
    Result set_note(const void* key, void* value) const noexcept {
        return http()->set_note(raw_, key, value);
    }

    const Host& host() const noexcept { return *host_; }
    gantry_exchange_t* raw() const noexcept { return raw_; }

private:
    const gantry_http_1_t* http() const noexcept { return host_->http(); }

    gantry_exchange_t* raw_;
    const Host* host_;
};

namespace detail {

template <class Reader>
struct BodyReader {
    Reader* reader;
    const Host* host;

    static void on_data(gantry_exchange_t* raw, void* self, gantry_bytes_t data) noexcept {
        auto* box = static_cast<BodyReader*>(self);
        run(raw, *box->host, [&](Exchange exchange) { box->reader->data(exchange, view(data)); });
    }
    static void on_end(gantry_exchange_t* raw, void* self) noexcept {
        auto* box = static_cast<BodyReader*>(self);
        run(raw, *box->host, [&](Exchange exchange) { box->reader->end(exchange); });
    }
    template <class Call>
    static void run(gantry_exchange_t* raw, const Host& host, Call&& call) noexcept {
        const bool went_well = guarded(host, "a reader of a request body", false, [&] {
            call(Exchange{raw, host});
            return true;
        });
        if (!went_well) host.http()->fail(raw, 500, GANTRY_BYTES("the module failed while reading the body"));
    }
};

template <class T>
struct Attached {
    T object;
    const Host* host;

    static void on_drained(gantry_exchange_t* raw, void* state) noexcept {
        auto* self = static_cast<Attached*>(state);
        if constexpr (requires(T& one, Exchange exchange) { one.drained(exchange); }) {
            const bool went_well = guarded(*self->host, "drained()", false, [&] {
                self->object.drained(Exchange{raw, *self->host});
                return true;
            });
            if (!went_well) {
                self->host->http()->fail(raw, 500, GANTRY_BYTES("the module failed while sending"));
            }
        }
    }
    static void on_end(void* state) noexcept { static_cast<Attached*>(state)->~Attached(); }
};

}  // namespace detail

template <class Reader>
Result Exchange::read_body(Reader& reader) const noexcept {
    static_assert(
        requires(Exchange exchange, std::string_view data) {
            reader.data(exchange, data);
            reader.end(exchange);
        }, "a reader of bodies has data(gantry::Exchange, std::string_view) and end(gantry::Exchange)");
    using Box = detail::BodyReader<Reader>;
    auto* box = make<Box>(Box{&reader, host_});
    if (box == nullptr) return GANTRY_ERROR_LIMIT;
    const gantry_body_reader_t raw{sizeof(gantry_body_reader_t), 0, &Box::on_data, &Box::on_end, box};
    return http()->read_body(raw_, &raw);
}

template <class T, class... Arguments>
T* Exchange::attach(Arguments&&... arguments) const {
    using Box = detail::Attached<T>;
    void* place = http()->allocate(raw_, sizeof(Box));
    if (place == nullptr) return nullptr;
    auto* box = new (place) Box{T(std::forward<Arguments>(arguments)...), host_};
    if (http()->watch(raw_, box, &Box::on_drained, &Box::on_end) == GANTRY_OK) return &box->object;
    box->~Box();
    return nullptr;
}

}  // namespace gantry::inline sdk
