// One subscription to one family: takes events from the store, hands them to the module, and says what became
// of them.
#pragma once

#include "core/module/events.hpp"

#include <map>
#include <memory>
#include <string>

namespace gantry::module {

// [main]
class EventConsumer : public std::enable_shared_from_this<EventConsumer> {
public:
    // `subscription` has to live until stop(); `family` is one of its own. `owner`: of the subscription.
    EventConsumer(Events& events, const Instances* owner, const BoundSubscription& subscription,
                  const EventFamily& family);

    const std::string& family() const { return family_.name; }
    bool wants(std::string_view type) const {
        return !is_retired_ && family_.name == family_of(type) && family_.has(type);
    }
    const Instances* owner() const { return owner_; }

    // There may be something new, or due again.
    void wake();
    // Takes nothing any more, and goes on waiting for what it handed out. What the store has for it already
    // goes to `successor`, which may be null.
    void retire(const std::shared_ptr<EventConsumer>& successor) {
        is_retired_ = true;
        successor_ = successor;
    }
    bool is_same(const EventConsumer& other) const {
        return group_ == other.group_ && family_.name == other.family_.name;
    }
    bool is_waiting() const { return !waiting_.empty(); }
    // The module ends: what it handed out is given back.
    void stop();

    // What became of the delivery of that number, which it got of Events::expect().
    void settle(std::uint64_t serial, bool is_done);
    // Deliveries whose lease is over have failed.
    void check_leases(Millis now);

private:
    struct Waiting {
        store::Entry entry;  // its value is the event
        Millis until;        // monotonic
    };
    void take(store::Answer&& answer);
    bool is_over() const { return is_retired_ || is_stopped_; }
    void deliver(store::Entry&& entry);
    void acknowledge(std::uint64_t id);
    void failed(const store::Entry& entry, const char* why);
    void give_back(std::uint64_t id, Millis delay);
    Millis delay_after(std::uint32_t attempts) const;
    bool is_room() const;

    Events& events_;
    const Instances* owner_;
    const BoundSubscription& subscription_;
    EventFamily family_;
    std::string group_;
    Millis since_ = 0;  // wall clock
    std::map<std::uint64_t, Waiting> waiting_;
    std::shared_ptr<EventConsumer> successor_;  // which may have one itself by now
    bool is_asking_ = false;
    bool is_woken_ = false;  // while it was asking
    bool is_retired_ = false;
    bool is_stopped_ = false;
};

}  // namespace gantry::module
