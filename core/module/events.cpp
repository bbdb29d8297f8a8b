#include "core/module/events.hpp"

#include "core/base/log.hpp"
#include "core/module/event_consumer.hpp"
#include "core/module/instances.hpp"

#include <algorithm>
#include <utility>

namespace gantry::module {
namespace {

// How often it is asked what other processes have published, and what is due again.
constexpr Millis kLook = 1'000;

}  // namespace

bool Events::publish(const EventRecord& event, std::function<void(store::Answer&&)> done) {
    if (services_.store == nullptr || services_.main == nullptr) return false;
    std::string family(family_of(event.type));
    store::Append append{family, encode(event), kEventsKept};
    return services_.store->submit(
        kEventSpace, std::move(append),
        [this, family = std::move(family), done = std::move(done)](store::Answer&& answer) {
            if (answer.outcome == store::Outcome::Done)
                services_.main->post([this, family] { wake(family); });
            if (done) done(std::move(answer));
        });
}

void Events::tell(std::string_view type, std::string_view subject, std::string_view data) {
    const auto wants = [type](const auto& consumer) { return consumer->wants(type); };
    if (std::none_of(consumers_.begin(), consumers_.end(), wants)) return;
    if (!publish({type, subject, "gantry", data}, {}))
        log::warn("an event of gantry's own was lost, as too much waits for the store: type={}", type);
}

void Events::serve(const Instances* instances) {
    const auto before = std::exchange(consumers_, {});
    if (instances != nullptr && services_.store != nullptr && services_.main != nullptr) {
        for (const BoundSubscription& subscription : instances->subscriptions()) {
            for (const EventFamily& family : subscription.families) {
                consumers_.push_back(std::make_shared<EventConsumer>(*this, instances, subscription, family));
                consumers_.back()->wake();
            }
        }
    }
    for (const auto& old : before) {
        const auto successor = std::find_if(consumers_.begin(), consumers_.end(),
                                            [&](const auto& one) { return one->is_same(*old); });
        old->retire(successor == consumers_.end() ? nullptr : *successor);
    }
    for (const auto& old : before) {
        if (old->is_waiting()) consumers_.push_back(old);
    }
    set_timer();
}

void Events::forget(const Instances& instances) {
    std::erase_if(consumers_, [&](const auto& consumer) {
        if (consumer->owner() != &instances) return false;
        consumer->stop();
        return true;
    });
    set_timer();
}

void Events::settle(gantry_delivery_t delivery, bool is_done) {
    if (services_.main == nullptr || delivery.place != 1) return;
    services_.main->post([this, serial = delivery.serial, is_done] {
        const auto found = waiting_.find(serial);
        if (found == waiting_.end()) return;
        const auto consumer = found->second.lock();
        waiting_.erase(found);
        if (consumer) consumer->settle(serial, is_done);
    });
}

std::uint64_t Events::expect(EventConsumer& consumer) {
    waiting_.emplace(next_serial_, consumer.weak_from_this());
    return next_serial_++;
}

void Events::wake(const std::string& family) {
    for (const auto& consumer : consumers_) {
        if (consumer->family() == family) consumer->wake();
    }
}

void Events::check() {
    const Millis now = monotonic_millis();
    for (const auto& consumer : consumers_) {
        consumer->check_leases(now);
        consumer->wake();
    }
}

void Events::set_timer() {
    if (services_.timers == nullptr || consumers_.empty() == (timer_ == 0)) return;
    if (consumers_.empty()) {
        services_.timers->cancel(std::exchange(timer_, 0));
    } else {
        timer_ = services_.timers->every(kLook, [this] { check(); });
    }
}

}  // namespace gantry::module
