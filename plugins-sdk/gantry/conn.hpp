// Filters of connections: what sees a connection before anything of TLS or HTTP is read of it. ext/conn.h says more.
//
//     struct Knock {
//         static std::unique_ptr<Knock> create(gantry::Scope& listener);        // asked for each listener
//         std::uint32_t most_bytes() const { return 5; }                        // 0: it only looks at addresses
//         std::chrono::nanoseconds deadline() const { return std::chrono::seconds(1); }
//         gantry::Preface connection(gantry::Connection& connection, std::string_view bytes, gantry::More more) {
//             if (bytes == "knock") return gantry::Preface::take(5);
//             return more == gantry::More::Open ? gantry::Preface::wait() : gantry::Preface::refuse();
//         }
//     };
//     GANTRY_MODULE("knock", "1.0.0", "Serves who knocks.", gantry::ConnFilter<Knock>);
//
// connection() is [worker] [running], and of all workers at once.
#pragma once

#include "gantry/roles.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gantry::inline sdk {

enum class More : std::uint32_t {
    Open = GANTRY_CONN_OPEN,    // more bytes may come
    Full = GANTRY_CONN_FULL,    // these are most_bytes()
    Ended = GANTRY_CONN_ENDED,  // the client sends no more
    Late = GANTRY_CONN_LATE,    // the deadline has passed
};

// What a filter answers.
struct Preface {
    gantry_verdict_t verdict;
    std::uint32_t taken = 0;

    // It is through; so many of the bytes are its own.
    static constexpr Preface take(std::size_t bytes) {
        return {GANTRY_NEXT, static_cast<std::uint32_t>(bytes)};
    }
    static constexpr Preface nothing() { return {GANTRY_NEXT, 0}; }
    static constexpr Preface wait() {
        return {GANTRY_WAIT, 0};
    }  // for more, which is a refusal where none can come
    static constexpr Preface refuse() { return {GANTRY_FAIL, 0}; }  // closes it
};

// Valid during the call.
class Connection {
public:
    Connection(gantry_conn_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    std::string_view listener() const noexcept { return view(host_->conn()->listener(raw_)); }
    Address client() const noexcept {
        Address address;
        host_->conn()->client(raw_, &address);
        return address;
    }
    Address local() const noexcept {
        Address address;
        host_->conn()->local(raw_, &address);
        return address;
    }
    // False: that is no address.
    bool set_client(const Address& address) noexcept {
        return host_->conn()->set_client(raw_, &address) == GANTRY_OK;
    }
    bool set_local(const Address& address) noexcept {
        return host_->conn()->set_local(raw_, &address) == GANTRY_OK;
    }
    // The variable conn.NAME. False: the name or the value cannot be, or there are too many.
    bool set_fact(std::string_view name, std::string_view value) noexcept {
        return host_->conn()->set_fact(raw_, bytes(name), bytes(value)) == GANTRY_OK;
    }

    gantry_conn_t* raw() const noexcept { return raw_; }

private:
    gantry_conn_t* raw_;
    const Host* host_;
};

template <class T>
struct ConnFilter {
    static_assert(
        requires(T& object, Connection& connection) {
            { object.connection(connection, std::string_view(), More::Open) } -> std::same_as<Preface>;
            { object.most_bytes() } -> std::convertible_to<std::uint32_t>;
            { object.deadline() } -> std::convertible_to<std::chrono::nanoseconds>;
        },
        "gantry::ConnFilter<T>: T needs `gantry::Preface connection(gantry::Connection&, std::string_view, "
        "gantry::More)`, `std::uint32_t most_bytes()` and `std::chrono::nanoseconds deadline()`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kIsOfListeners = true;

    static Result add(Scope& scope, detail::Place<T>& place) noexcept {
        const std::chrono::nanoseconds deadline = place.object->deadline();
        const gantry_conn_filter_t filter{sizeof(gantry_conn_filter_t),
                                          place.object->most_bytes(),
                                          static_cast<std::uint64_t>(deadline.count()),
                                          place.name(),
                                          place.before(),
                                          place.after(),
                                          &run,
                                          &place};
        return scope.host().conn()->add(scope.raw(), &filter);
    }

    static gantry_verdict_t run(gantry_conn_t* raw, void* self, gantry_bytes_t data, std::uint32_t more,
                                std::uint32_t* taken) noexcept {
        auto& place = *static_cast<detail::Place<T>*>(self);
        return detail::guarded(*place.host, place.name(), GANTRY_FAIL, [&] {
            Connection connection{raw, *place.host};
            const Preface answer = place.object->connection(connection, view(data), static_cast<More>(more));
            *taken = answer.taken;
            return answer.verdict;
        });
    }
};

}  // namespace gantry::inline sdk
