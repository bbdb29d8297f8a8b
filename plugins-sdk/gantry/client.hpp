// Requests of this module to other servers. gantry/ext/client.h says what each thing means.
//
// Whom to ask is said while the configuration is loaded, so that what is wrong with it is found there:
//
//     target_ = gantry::client::Target::declare(scope, scope.find("check"));        // "http://127.0.0.1:3000/check"
//
// In a coroutine, while its worker serves others:
//
//     const auto answer = co_await exchange.fetch(gantry::client::Request{target_}.field("Accept", "text/plain"));
//     if (answer && answer.status == 200) use(answer.body);
//
// What is large, or comes slowly, is a Stream. And beside the traffic, on the main thread or after the exchange:
//
//     host.fetch(gantry::client::Request{target}, [](const gantry::client::Answer& answer) { ... });
//
// The client leaves: what is awaited is cancelled, and its connection closed. Memory: an answer that is awaited lies in
// the exchange, unless it is larger than 1 MiB; that of Host::fetch() is on the heap.
#pragma once

#include "gantry/task.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::inline sdk {
namespace client {

using std::chrono::nanoseconds;

enum class End : gantry_fetch_end_t {
    Whole = GANTRY_FETCHED,  // whatever its status is
    NotConnected = GANTRY_FETCH_NOT_CONNECTED,
    NoPeer = GANTRY_FETCH_NO_PEER,
    TimedOut = GANTRY_FETCH_TIMED_OUT,
    TooLarge = GANTRY_FETCH_TOO_LARGE,
    CutOff = GANTRY_FETCH_CUT_OFF,
    BadAnswer = GANTRY_FETCH_BAD_ANSWER,
    Cancelled = GANTRY_FETCH_CANCELLED,
    Refused = -1,  // it was not sent: Answer::reason says why
};

// Of a URL alone, but for `host`.
struct Options {
    std::string_view ca_file = {};      // https: whom to trust; else whom the system trusts
    std::string_view server_name = {};  // https: the name in the certificate; else that of the URL
    std::string_view host = {};         // of the field Host; else that of the URL
    bool verify = true;                 // https: false is for tests
    nanoseconds connect_timeout = {};   // 0: 5 s
    std::uint32_t keep = 0;             // idle connections that each worker keeps; 0: 64
};

// Whom to ask. A value; valid as long as the instance that declared it.
class Target {
public:
    Target() = default;

    // "http://host:port/path", "https://…", "http+unix:///run/app.sock:/path", "upstream:NAME". Nothing: the load
    // fails, and says why at the place of `value`. [main] [loading]
    static Target declare(const Scope& scope, Value value, const Options& options = {}) noexcept {
        return declare(scope, value.text(), value, options);
    }
    static Target declare(const Scope& scope, std::string_view url, Value value,
                          const Options& options = {}) noexcept {
        const gantry_client_1_t* table = scope.host().client();
        if (table == nullptr) {
            scope.host().conf()->error(scope.raw(), value.raw(),
                                       GANTRY_BYTES("this gantry sends no requests of modules"),
                                       GANTRY_BYTES("a later one does: gantry.client/1"));
            return {};
        }
        gantry_target_options_t raw{};
        raw.size = sizeof(raw);
        raw.flags = options.verify ? 0 : GANTRY_TARGET_UNVERIFIED;
        raw.ca_file = bytes(options.ca_file);
        raw.server_name = bytes(options.server_name);
        raw.host = bytes(options.host);
        raw.connect_timeout = static_cast<std::uint64_t>(options.connect_timeout.count());
        raw.keep = options.keep;
        Target target;
        target.raw_ = table->target(scope.raw(), value.raw(), bytes(url), &raw);
        return target;
    }

    explicit operator bool() const noexcept { return raw_ != nullptr; }
    const gantry_target_t* raw() const noexcept { return raw_; }

private:
    const gantry_target_t* raw_ = nullptr;
};

// What is asked. It refers to the bytes that it is made of until it is given to fetch() or a Stream begins.
class Request {
public:
    explicit Request(Target target) noexcept {
        raw_.size = sizeof(raw_);
        raw_.target = target.raw();
    }

    Request& method(std::string_view method) noexcept {
        return set(&gantry_client_request_t::method, method);
    }
    // "/a?b=c"; otherwise that of the target.
    Request& path(std::string_view path) noexcept { return set(&gantry_client_request_t::path, path); }
    Request& host(std::string_view host) noexcept { return set(&gantry_client_request_t::host, host); }
    // The body, whole. Method and Content-Type are not set by it.
    Request& body(std::string_view body) noexcept { return set(&gantry_client_request_t::body, body); }
    // After those that are there. More than 16 are on the heap.
    Request& field(std::string_view name, std::string_view value) {
        if (count_ < few_.size()) {
            few_[count_] = {bytes(name), bytes(value)};
        } else {
            if (many_.empty()) many_.assign(few_.begin(), few_.end());
            many_.push_back({bytes(name), bytes(value)});
        }
        ++count_;
        return *this;
    }
    // All of that name which a message has.
    Request& copy(const Fields& fields, std::string_view name) {
        fields.each([&](std::string_view one, std::string_view value) {
            if (is_same(one, name)) field(name, value);
        });
        return *this;
    }

    Request& largest_body(std::uint64_t size) noexcept {
        raw_.largest_body = size;
        return *this;
    }
    Request& connect_timeout(nanoseconds time) noexcept {
        return set(&gantry_client_request_t::connect_timeout, time);
    }
    Request& head_timeout(nanoseconds time) noexcept {
        return set(&gantry_client_request_t::head_timeout, time);
    }
    Request& idle_timeout(nanoseconds time) noexcept {
        return set(&gantry_client_request_t::idle_timeout, time);
    }
    Request& timeout(nanoseconds time) noexcept { return set(&gantry_client_request_t::timeout, time); }

    // For a Stream: the body comes by write(). Of this size, or of one that is not known yet.
    Request& streamed(std::uint64_t size = UINT64_MAX) noexcept {
        raw_.flags |= GANTRY_FETCH_STREAMED_BODY;
        raw_.body_size = size;
        return *this;
    }

    // [borrow:call] of this object
    gantry_client_request_t raw() const noexcept {
        gantry_client_request_t raw = raw_;
        raw.fields = many_.empty() ? few_.data() : many_.data();
        raw.field_count = static_cast<std::uint32_t>(count_);
        return raw;
    }

    static bool is_same(std::string_view a, std::string_view b) noexcept {
        const auto lower = [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        };
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [&](char x, char y) { return lower(x) == lower(y); });
    }

private:
    Request& set(gantry_bytes_t gantry_client_request_t::* member, std::string_view value) noexcept {
        raw_.*member = bytes(value);
        return *this;
    }
    Request& set(std::uint64_t gantry_client_request_t::* member, nanoseconds time) noexcept {
        // What is over already is not for ever.
        raw_.*member = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
        return *this;
    }

    gantry_client_request_t raw_ = {};
    std::array<gantry_field_t, 16> few_ = {};
    std::vector<gantry_field_t> many_ = {};
    std::size_t count_ = 0;
};

// What was answered. Its bytes live as long as the exchange it was asked for, and as this object.
struct Answer {
    struct Field {
        std::string_view name;
        std::string_view value;
    };

    End end = End::Refused;
    int status = 0;  // 0: no head came
    std::span<const Field> fields = {};
    std::string_view body = {};
    std::string_view reason = {};  // of an end that is not whole, for logs
    std::string_view peer = {};    // who was asked

    // The answer is whole, whatever its status.
    explicit operator bool() const noexcept { return end == End::Whole; }
    // And says yes: 2xx.
    bool is_success() const noexcept { return end == End::Whole && status >= 200 && status < 300; }
    // The first one of that name.
    std::optional<std::string_view> field(std::string_view name) const noexcept {
        for (const Field& one : fields) {
            if (Request::is_same(one.name, name)) return one.value;
        }
        return std::nullopt;
    }

    // A copy in memory of `allocate(size)`, or on the heap where that gives none.
    template <class Allocate>
    static Answer of(const gantry_client_answer_t& raw, Allocate&& allocate) {
        std::size_t size = raw.field_count * sizeof(Field) + raw.body.size + raw.reason.size + raw.peer.size;
        for (std::uint32_t i = 0; i < raw.field_count; ++i)
            size += raw.fields[i].name.size + raw.fields[i].value.size;
        Answer answer;
        auto* memory = static_cast<char*>(allocate(size));
        if (memory == nullptr) {
            answer.own_ = std::make_unique<char[]>(size + 1);
            memory = answer.own_.get();
        }
        auto* fields = reinterpret_cast<Field*>(memory);
        char* at = memory + raw.field_count * sizeof(Field);
        const auto keep = [&at](gantry_bytes_t from) {
            if (from.size > 0) std::memcpy(at, from.data, from.size);
            at += from.size;
            return std::string_view{at - from.size, from.size};
        };
        for (std::uint32_t i = 0; i < raw.field_count; ++i) {
            const std::string_view name = keep(raw.fields[i].name);
            new (fields + i) Field{name, keep(raw.fields[i].value)};
        }
        answer.end = static_cast<End>(raw.end);
        answer.status = raw.status;
        answer.fields = {fields, raw.field_count};
        answer.body = keep(raw.body);
        answer.reason = keep(raw.reason);
        answer.peer = keep(raw.peer);
        return answer;
    }
    static Answer refused(gantry_result_t why) noexcept {
        Answer answer;
        answer.reason = why == GANTRY_ERROR_ARGUMENT
                            ? "the request is not one that may be sent; the log says why"
                        : why == GANTRY_ERROR_LIMIT ? "too much is under way, or the request is too large"
                                                    : "no requests are sent here";
        return answer;
    }

private:
    std::unique_ptr<char[]> own_ = {};
};

}  // namespace client

namespace detail {

inline gantry_result_t begin_fetch(const Host& host, const client::Request& request,
                                   const gantry_client_events_t& events, gantry_fetch_t* fetch) {
    const gantry_client_request_t raw = request.raw();
    return host.client() == nullptr ? GANTRY_ERROR_STATE
                                    : host.client()->request(host.raw(), &raw, &events, fetch);
}

// Lies in the frame of the coroutine that awaits it, and so ends with it.
class Fetching {
public:
    explicit Fetching(client::Request request) : request_(std::move(request)) {}
    Fetching(const Fetching&) = delete;
    Fetching& operator=(const Fetching&) = delete;
    ~Fetching() {
        if (waiting_ == nullptr) return;
        const Host& host = std::exchange(waiting_, nullptr)->exchange.host();
        host.client()->cancel(host.raw(), fetch_);
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> here) {
        Waiting* waiting = here.promise().waiting;
        waiting->wait_at(here);
        gantry_client_events_t events{};
        events.size = sizeof(events);
        events.ticket = waiting->ticket;
        events.state = this;
        events.on_end = &on_end;
        waiting_ = waiting;
        const gantry_result_t result = begin_fetch(waiting->exchange.host(), request_, events, &fetch_);
        if (result == GANTRY_OK) return true;
        waiting_ = nullptr;
        answer_ = client::Answer::refused(result);
        return false;
    }
    client::Answer await_resume() noexcept { return std::move(answer_); }

private:
    // [worker]
    static void on_end(void* state, const gantry_client_answer_t* raw) noexcept {
        auto* self = static_cast<Fetching*>(state);
        Waiting* waiting = std::exchange(self->waiting_, nullptr);
        if (waiting == nullptr) return;  // it is destroyed
        const Exchange& exchange = waiting->exchange;
        guarded(exchange.host(), "an answer that was fetched", false, [&] {
            self->answer_ = client::Answer::of(*raw, [&](std::size_t size) {
                return exchange.host().http()->allocate(exchange.raw(), size);
            });
            return true;
        });
        Waiting::go_on(waiting);
    }

    client::Request request_;
    Waiting* waiting_ = nullptr;  // while it is under way
    gantry_fetch_t fetch_ = {0, 0};
    client::Answer answer_ = {};
};

template <class Done>
struct FetchErrand {
    const Host* host;
    Done task;

    // The thread where it began, but where gantry ends.
    static void on_end(void* state, const gantry_client_answer_t* raw) noexcept {
        const std::unique_ptr<FetchErrand> self{static_cast<FetchErrand*>(state)};
        guarded(*self->host, "an answer that was fetched", false, [&] {
            self->task(client::Answer::of(*raw, [](std::size_t) { return static_cast<void*>(nullptr); }));
            return true;
        });
    }
};

}  // namespace detail

namespace client {

// A request whose body or answer comes in pieces. A local variable of a coroutine, used by it alone; it begins with the
// first co_await, and is given up where it ends before its answer does.
//
//     gantry::client::Stream app{exchange, gantry::client::Request{target_}.method("POST").streamed()};
//     co_await app.write(part);                             // as fast as the other side takes it
//     co_await app.finish();
//     const auto& head = co_await app.head();               // an Answer without its body
//     while (const auto piece = co_await app.next()) ...    // as fast as this side does
//     if (!app.result()) ...                                // how it ended
class Stream {
    enum class Step { None, Write, Finish, Head, Piece };

public:
    // `request` and the bytes that it refers to have to live until the first co_await.
    Stream(const Exchange& exchange, Request request) : exchange_(exchange), request_(std::move(request)) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { cancel(); }

    // Each of these is for co_await. false: it is over, and result() says how; or it is more than was announced.
    auto write(std::string_view data) noexcept {
        data_ = data;
        return Awaiting<Step::Write>{*this};
    }
    auto finish() noexcept { return Awaiting<Step::Finish>{*this}; }
    // const Answer&: the head, or how it failed.
    auto head() noexcept { return Awaiting<Step::Head>{*this}; }
    // std::optional<std::string_view>: a piece of the body, valid until the next one; nothing: it is over.
    auto next() noexcept { return Awaiting<Step::Piece>{*this}; }

    // Once it is over: with the head, and without the body.
    const Answer& result() const noexcept { return answer_; }
    bool is_over() const noexcept { return is_over_; }

    // Gives it up.
    void cancel() noexcept {
        const gantry_fetch_t fetch = std::exchange(fetch_, {0, 0});
        if (fetch.serial != 0) exchange_.host().client()->cancel(exchange_.host().raw(), fetch);
    }

private:
    static constexpr std::size_t kEnough = 64 * 1024;  // waits here before the other side waits

    template <Step step>
    struct Awaiting {
        Stream& stream;

        bool await_ready() const noexcept { return stream.is_begun_ && stream.is_done(step); }
        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> here) {
            stream.waiting_ = here.promise().waiting;
            stream.waiting_->wait_at(here);
            if (!std::exchange(stream.is_begun_, true)) stream.begin();
            if (stream.is_done(step)) return false;
            stream.awaited_ = step;
            return true;
        }
        decltype(auto) await_resume() const noexcept {
            if constexpr (step == Step::Head) {
                return static_cast<const Answer&>(stream.answer_);
            } else if constexpr (step == Step::Piece) {
                return stream.take();
            } else {
                return !stream.is_over_ && stream.is_taken_;
            }
        }
    };

    void begin() {
        gantry_client_events_t events{};
        events.size = sizeof(events);
        events.ticket = waiting_->ticket;
        events.state = this;
        events.on_end = &on_end;
        events.on_head = &on_head;
        events.on_body = &on_body;
        events.on_writable = &on_writable;
        const gantry_client_request_t raw = request_.raw();
        const Host& host = exchange_.host();
        const gantry_result_t result = host.client() == nullptr
                                           ? GANTRY_ERROR_STATE
                                           : host.client()->request(host.raw(), &raw, &events, &fetch_);
        if (result == GANTRY_OK) return;
        answer_ = Answer::refused(result);
        is_over_ = true;
    }

    // Does what can be done at once; false: it has to wait.
    bool is_done(Step step) noexcept {
        const Host& host = exchange_.host();
        switch (step) {
            case Step::Write:
                return is_over_ || took(host.client()->write(host.raw(), fetch_, bytes(data_)));
            case Step::Finish:
                return is_over_ || took(host.client()->finish(host.raw(), fetch_));
            case Step::Head:
                return is_over_ || has_head_;
            default:
                return is_over_ || !pending_.empty();
        }
    }

    // False: there is no room yet.
    bool took(gantry_result_t result) noexcept {
        is_taken_ = result == GANTRY_OK;
        return result != GANTRY_ERROR_LIMIT;
    }

    std::optional<std::string_view> take() noexcept {
        if (pending_.empty()) return std::nullopt;
        current_.clear();
        std::swap(current_, pending_);
        if (!is_over_ && std::exchange(is_paused_, false))
            exchange_.host().client()->resume(exchange_.host().raw(), fetch_);
        return current_;
    }

    void keep_head(const gantry_client_answer_t& raw) {
        detail::guarded(exchange_.host(), "an answer that was fetched", false, [&] {
            answer_ = Answer::of(raw, [&](std::size_t size) {
                return exchange_.host().http()->allocate(exchange_.raw(), size);
            });
            return true;
        });
    }
    // The coroutine goes on, if what it waits for is there. It may end, and this object with it.
    void go_on() noexcept {
        if (awaited_ == Step::None || !is_done(awaited_)) return;
        awaited_ = Step::None;
        detail::Waiting::go_on(waiting_);
    }

    // [worker]
    static void on_head(void* state, const gantry_client_answer_t* raw) noexcept {
        auto* self = static_cast<Stream*>(state);
        self->keep_head(*raw);
        self->has_head_ = true;
        self->go_on();
    }
    static void on_body(void* state, gantry_bytes_t data) noexcept {
        auto* self = static_cast<Stream*>(state);
        const Host& host = self->exchange_.host();
        self->pending_.append(view(data));
        if (self->pending_.size() >= kEnough && !std::exchange(self->is_paused_, true))
            host.client()->pause(host.raw(), self->fetch_);
        self->go_on();
    }
    static void on_writable(void* state) noexcept { static_cast<Stream*>(state)->go_on(); }
    static void on_end(void* state, const gantry_client_answer_t* raw) noexcept {
        auto* self = static_cast<Stream*>(state);
        self->is_over_ = true;
        if (std::exchange(self->fetch_, {0, 0}).serial == 0) return;  // by cancel()
        self->keep_head(*raw);
        self->go_on();
    }

    Exchange exchange_;
    Request request_;
    detail::Waiting* waiting_ = nullptr;
    gantry_fetch_t fetch_ = {0, 0};
    Step awaited_ = Step::None;
    std::string_view data_ = {};
    std::string pending_ = {};  // came, and was not taken
    std::string current_ = {};  // was taken last
    Answer answer_ = {};
    bool is_begun_ = false;
    bool has_head_ = false;
    bool is_taken_ = false;
    bool is_paused_ = false;
    bool is_over_ = false;
};

}  // namespace client

inline auto Exchange::fetch(client::Request request) const {
    return detail::Fetching{std::move(request)};
}

template <class Request, class Done>
gantry_result_t Host::fetch(const Request& request, Done done, gantry_fetch_t* fetch) const {
    using Errand = detail::FetchErrand<Done>;
    auto errand = std::make_unique<Errand>(Errand{this, std::move(done)});
    gantry_client_events_t events{};
    events.size = sizeof(events);
    events.state = errand.get();
    events.on_end = &Errand::on_end;
    const gantry_result_t result = detail::begin_fetch(*this, request, events, fetch);
    if (result == GANTRY_OK) static_cast<void>(errand.release());
    return result;
}

}  // namespace gantry::inline sdk
