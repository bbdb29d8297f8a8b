// gantry.http/1, checked: an exchange is used by who has it, answered once, and not changed after its head.
#include "core/module/contract_guard.hpp"
#include "core/module/sized.hpp"

#include <cstring>
#include <memory>
#include <optional>

namespace gantry::module {
namespace {

using contract::Call;
using contract::Callback;
using contract::kWorker;
using contract::Place;
using contract::Running;

constexpr const gantry_http_1_t& kPlain = kHttp;
constexpr char kId[] = GANTRY_HTTP_1;

// ---- what else is demanded

// Nothing of a response is changed in the log phase, or after its head.
void judge_open(const Call& call, const gantry_exchange_t* exchange) {
    if (exchange_of(exchange).is_head_sent()) broken(call, "the head of the response was sent before");
    const Running* const inside = Running::with(exchange);
    if (inside != nullptr && inside->callback().place == Place::LogHook)
        broken(call, "called in the log phase, when the exchange is over");
}
struct BeforeHead {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        judge_open(call, exchange);
    }
};
struct BeforeHeadOfResponse {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, std::uint32_t message,
                    const More&...) const {
        if (message == GANTRY_RESPONSE) judge_open(call, exchange);
    }
};
struct AfterHead {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        if (!exchange_of(exchange).is_head_sent()) broken(call, "called before send_head()");
    }
};
// In filters nothing may be sent.
struct OutsideOfFilters {
    template <class... More>
    void operator()(const Call& call, const More&...) const {
        const Running* const inside = Running::innermost();
        if (inside == nullptr) return;
        const Place place = inside->callback().place;
        if (place == Place::HeaderFilter || place == Place::BodyFilter) broken(call, "called in a filter");
        if (place == Place::LogHook) broken(call, "called in the log phase, when the exchange is over");
    }
};
struct Unanswered {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        if (exchange_of(exchange).is_answered())
            broken(call, "the exchange is answered already, or its body is read");
    }
};
struct Reading {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        if (exchange_of(exchange).reader() == nullptr) broken(call, "nobody reads the body of this exchange");
    }
};
struct Unwatched {
    template <class... More>
    void operator()(const Call& call, const gantry_exchange_t* exchange, const More&...) const {
        if (exchange_of(exchange).has_source()) broken(call, "somebody answers this exchange already");
    }
};
constexpr BeforeHead kBeforeHead;
constexpr BeforeHeadOfResponse kBeforeHeadOfResponse;
constexpr AfterHead kAfterHead;
constexpr OutsideOfFilters kOutsideOfFilters;
constexpr Unanswered kUnanswered;
constexpr Reading kReading;
constexpr Unwatched kUnwatched;

// ---- functions that are given functions of the module

template <class T, class... Arguments>
T& make(gantry_exchange_t* exchange, Arguments&&... arguments) {
    void* const memory = exchange_of(exchange).arena().allocate(sizeof(T), alignof(T));
    return *new (memory) T{std::forward<Arguments>(arguments)...};
}

// In the arena of the exchange, which destroys nothing: without a name of its own.
struct Reader {
    Callback callback;
    gantry_body_reader_t given;
};

gantry_result_t read_body(const Call& call, gantry_exchange_t* exchange,
                          const gantry_body_reader_t* given) noexcept {
    const std::optional<gantry_body_reader_t> full = whole(given);
    if (!full) return kPlain.read_body(exchange, given);
    Reader& reader =
        make<Reader>(exchange, Callback{caller_of(call), Place::Reader, {}, nullptr, nullptr}, *full);
    gantry_body_reader_t told = *full;
    told.self = &reader;
    if (told.on_data != nullptr) {
        told.on_data = [](gantry_exchange_t* of, void* self, gantry_bytes_t data) noexcept {
            const Reader& to = *static_cast<const Reader*>(self);
            const Running running(to.callback, of);
            to.given.on_data(of, to.given.self, data);
        };
    }
    if (told.on_end != nullptr) {
        told.on_end = [](gantry_exchange_t* of, void* self) noexcept {
            const Reader& to = *static_cast<const Reader*>(self);
            const Running running(to.callback, of);
            to.given.on_end(of, to.given.self);
        };
    }
    contract::hold(call, exchange_of(exchange), contract::Hold::Answer);
    return kPlain.read_body(exchange, &told);
}

struct Source {
    Callback callback;
    Callback ending;
    gantry_exchange_t* exchange;
    void* state;
    void (*on_drained)(gantry_exchange_t*, void*) noexcept;
    void (*on_end)(void*) noexcept;
};

gantry_result_t watch(const Call& call, gantry_exchange_t* exchange, void* state,
                      void (*on_drained)(gantry_exchange_t*, void*) noexcept,
                      void (*on_end)(void*) noexcept) noexcept {
    const Module* const module = caller_of(call);
    Source& source = make<Source>(exchange, Callback{module, Place::Source, {}, nullptr, nullptr},
                                  Callback{module, Place::SourceEnd, {}, nullptr, nullptr}, exchange, state,
                                  on_drained, on_end);
    const auto drained = [](gantry_exchange_t* of, void* self) noexcept {
        const Source& to = *static_cast<const Source*>(self);
        const Running running(to.callback, of);
        to.on_drained(of, to.state);
    };
    const auto ended = [](void* self) noexcept {
        const Source& to = *static_cast<const Source*>(self);
        const Running running(to.ending, to.exchange);
        if (to.on_end != nullptr) to.on_end(to.state);
    };
    contract::hold(call, exchange_of(exchange), contract::Hold::Answer);
    return kPlain.watch(exchange, &source, on_drained == nullptr ? nullptr : +drained, ended);
}

gantry_result_t send_head(const Call& call, gantry_exchange_t* exchange, std::uint64_t size) noexcept {
    contract::hold(call, exchange_of(exchange), contract::Hold::Answer);
    return kPlain.send_head(exchange, size);
}

}  // namespace

const gantry_http_1_t kCheckedHttp = {
    .size = sizeof(gantry_http_1_t),
    GANTRY_CHECKED(method, kWorker),
    GANTRY_CHECKED(target, kWorker),
    GANTRY_CHECKED(path, kWorker),
    GANTRY_CHECKED(query, kWorker),
    GANTRY_CHECKED(host, kWorker),
    GANTRY_CHECKED(scheme, kWorker),
    GANTRY_CHECKED(protocol, kWorker),
    GANTRY_CHECKED(client, kWorker),
    GANTRY_CHECKED(variable, kWorker),
    GANTRY_CHECKED(evaluate, kWorker),
    GANTRY_CHECKED(set_path, kWorker, kBeforeHead),
    GANTRY_CHECKED_BY(read_body, read_body, kWorker, kOutsideOfFilters, kUnanswered),
    GANTRY_CHECKED(field, kWorker),
    GANTRY_CHECKED(field_at, kWorker),
    GANTRY_CHECKED(set_field, kWorker, kBeforeHeadOfResponse),
    GANTRY_CHECKED(add_field, kWorker, kBeforeHeadOfResponse),
    GANTRY_CHECKED(remove_field, kWorker, kBeforeHeadOfResponse),
    GANTRY_CHECKED(status, kWorker),
    GANTRY_CHECKED(set_status, kWorker, kBeforeHead),
    GANTRY_CHECKED(is_head_sent, kWorker),
    GANTRY_CHECKED(respond, kWorker, kOutsideOfFilters, kBeforeHead),
    GANTRY_CHECKED(fail, kWorker, kOutsideOfFilters),
    GANTRY_CHECKED_BY(send_head, send_head, kWorker, kOutsideOfFilters, kBeforeHead),
    GANTRY_CHECKED(send_body, kWorker, kOutsideOfFilters, kAfterHead),
    GANTRY_CHECKED(finish, kWorker, kOutsideOfFilters, kAfterHead),
    GANTRY_CHECKED(is_congested, kWorker),
    GANTRY_CHECKED_BY(watch, watch, kWorker, kUnwatched),
    GANTRY_CHECKED(allocate, kWorker),
    GANTRY_CHECKED(note, kWorker),
    GANTRY_CHECKED(set_note, kWorker),
    GANTRY_CHECKED(body_size, kWorker),
    GANTRY_CHECKED(addresses, kWorker),
    GANTRY_CHECKED(pause_body, kWorker, kReading),
    GANTRY_CHECKED(resume_body, kWorker, kReading),
};

}  // namespace gantry::module
