// What modules and gantry itself publish, and who is told of it.
#pragma once

#include "core/base/clock.hpp"
#include "core/module/event_record.hpp"
#include "core/store/operation.hpp"

#include <cstdint>
#include <functional>
#include <gantry/ext/events.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::module {

struct Module;
struct Services;
class EventConsumer;
class Instances;

// A subscription of one instance, as host_events.cpp made it of what the module gave.
struct BoundSubscription {
    const Module* module = nullptr;
    std::string name;
    std::vector<EventFamily> families;
    gantry_verdict_t (*deliver)(void*, const gantry_event_t*, gantry_delivery_t) noexcept = nullptr;
    void* self = nullptr;
    Millis lease = 0;
    Millis retry = 0;
    std::uint32_t attempts = 0;
    std::uint32_t at_a_time = 1;
    bool is_from_oldest = false;
};

// In the space of the store that is nobody's but theirs: a stream for each family, a group for each
// subscription.
constexpr const char* kEventSpace = ":events";  // no module is called that
constexpr std::uint64_t kEventsKept = 10'000;   // of each family, about

// One per process. [main] but for publish() and settle().
class Events {
public:
    explicit Events(Services& services) : services_(services) {}
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    // Puts it into the store; false: too much waits, or there is no store. `done`, which may be empty, is
    // called on the thread of the store. [any]
    bool publish(const EventRecord& event, std::function<void(store::Answer&&)> done);
    // The same in gantry's own name, if anybody has subscribed to it.
    void tell(std::string_view type, std::string_view subject, std::string_view data);

    // The subscriptions of `instances` are served from now on, and no others; null: none.
    void serve(const Instances* instances);
    // `instances` are about to end: nothing of theirs is called any more, and what waits for them is given
    // back.
    void forget(const Instances& instances);
    // GANTRY_WAIT has come to its end. [any]
    void settle(gantry_delivery_t delivery, bool is_done);

    // ---- for consumers

    Services& services() { return services_; }
    // A number for a delivery that waits for settle().
    std::uint64_t expect(EventConsumer& consumer);
    void forget_delivery(std::uint64_t serial) { waiting_.erase(serial); }

private:
    void wake(const std::string& family);
    void check();
    void set_timer();

    Services& services_;
    // Those that are served, and those that wait for settle() of an older generation.
    std::vector<std::shared_ptr<EventConsumer>> consumers_;
    std::map<std::uint64_t, std::weak_ptr<EventConsumer>> waiting_;
    std::uint64_t next_serial_ = 1;
    std::uint64_t timer_ = 0;  // 0: there is none
};

}  // namespace gantry::module
