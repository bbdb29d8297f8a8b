// Something again and again, beside the traffic.
//
//     struct Watchman {
//         void commit() { ticker_.start<&Watchman::look>(host_, 5s, *this); }
//         void look();
//         gantry::Ticker ticker_;
//     };
#pragma once

#include "gantry/conf.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

namespace gantry::inline sdk {

// Calls a function of an object after each interval, on the main thread, until it is destroyed. Started in commit() or
// discover(): before, it would begin for a configuration that may be refused. Of an object that stays where it is.
// [main]
class Ticker {
public:
    Ticker() = default;
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;
    ~Ticker() { stop(); }

    // `object`.Function(), which outlives this; an exception of it is logged. `interval`: at least 1 ms. What was started
    // before ends. GANTRY_ERROR_STATE: nothing serves, as in `gantry check`.
    template <auto Function, class T>
    gantry_result_t start(const Host& host, std::chrono::nanoseconds interval, T& object) noexcept {
        stop();
        if (host.timer() == nullptr) return GANTRY_ERROR_STATE;
        host_ = &host;
        object_ = &object;
        return host.timer()->every(host.raw(), static_cast<std::uint64_t>(interval.count()), this,
                                   &tick<Function, T>, &id_);
    }
    void stop() noexcept {
        if (const std::uint64_t id = std::exchange(id_, 0); id != 0) host_->timer()->cancel(host_->raw(), id);
    }

private:
    template <auto Function, class T>
    static void tick(void* state) noexcept {
        const auto* self = static_cast<const Ticker*>(state);
        auto* object = static_cast<T*>(self->object_);
        detail::guarded(*self->host_, "a ticker", false, [object] { return (object->*Function)(), true; });
    }

    const Host* host_ = nullptr;
    void* object_ = nullptr;
    std::uint64_t id_ = 0;
};

}  // namespace gantry::inline sdk
