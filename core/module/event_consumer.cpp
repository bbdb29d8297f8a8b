#include "core/module/event_consumer.hpp"

#include "core/base/log.hpp"
#include "core/module/extensions.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry::module {
namespace {

constexpr Millis kLongestDelay = 300'000;

std::string group_of(const BoundSubscription& subscription) {
    return subscription.module->name + "/" + subscription.name;
}

}  // namespace

EventConsumer::EventConsumer(Events& events, const Instances* owner, const BoundSubscription& subscription,
                             const EventFamily& family)
    : events_(events),
      owner_(owner),
      subscription_(subscription),
      family_(family),
      group_(group_of(subscription)),
      since_(subscription.is_from_oldest ? 0 : wall_nanos() / 1'000'000) {}

bool EventConsumer::is_room() const {
    return waiting_.size() < subscription_.at_a_time;
}

void EventConsumer::wake() {
    if (is_over() || !is_room()) return;
    if (is_asking_) {
        is_woken_ = true;
        return;
    }
    store::Claim claim{family_.name,           group_, subscription_.at_a_time, subscription_.lease,
                       subscription_.attempts, since_};
    claim.limit -= static_cast<std::uint32_t>(waiting_.size());
    is_woken_ = false;
    Services& services = events_.services();
    is_asking_ = services.store->submit(
        kEventSpace, std::move(claim),
        [main = services.main, self = shared_from_this()](store::Answer&& answer) {
            main->post([self, answer = std::make_shared<store::Answer>(std::move(answer))] {
                self->take(std::move(*answer));
            });
        });
}

void EventConsumer::take(store::Answer&& answer) {
    is_asking_ = false;
    const bool is_more = !answer.entries.empty();
    std::shared_ptr<EventConsumer> next = shared_from_this();
    while (next != nullptr && next->is_over()) next = next->successor_;
    for (store::Entry& entry : answer.entries) {
        if (next != nullptr && next->is_room()) {
            next->deliver(std::move(entry));
        } else {
            give_back(entry.id, 0);
        }
    }
    // Who is woken by a store that cannot be reached waits for the clock.
    if (answer.outcome == store::Outcome::Done && (is_more || is_woken_)) wake();
}

void EventConsumer::deliver(store::Entry&& entry) {
    const auto record = decode(entry.value);
    // What is no event was written by a later gantry that shares the store, and is nothing for this one.
    if (!record || !family_.has(record->type)) return acknowledge(entry.id);
    const gantry_event_t event{sizeof(gantry_event_t),
                               entry.attempts,
                               entry.id,
                               static_cast<std::uint64_t>(entry.time) * 1'000'000,
                               bytes_of(record->type),
                               bytes_of(record->subject),
                               bytes_of(record->source),
                               bytes_of(record->data)};
    const std::uint64_t serial = events_.expect(*this);
    gantry_verdict_t verdict = GANTRY_FAIL;
    {
        const AtWork at_work(*subscription_.module, "subscription", subscription_.name.c_str());
        verdict = subscription_.deliver(subscription_.self, &event, {1, serial});
    }
    if (verdict == GANTRY_WAIT) {
        waiting_.emplace(serial, Waiting{std::move(entry), monotonic_millis() + subscription_.lease});
        return;
    }
    events_.forget_delivery(serial);
    if (verdict == GANTRY_DONE) return acknowledge(entry.id);
    failed(entry, "the module could not take it");
}

void EventConsumer::settle(std::uint64_t serial, bool is_done) {
    const auto found = waiting_.find(serial);
    if (found == waiting_.end()) return;
    const store::Entry entry = std::move(found->second.entry);
    waiting_.erase(found);
    if (is_done) {
        acknowledge(entry.id);
    } else {
        failed(entry, "the module could not take it");
    }
    wake();
}

void EventConsumer::check_leases(Millis now) {
    std::vector<std::uint64_t> over;
    for (const auto& [serial, delivery] : waiting_) {
        if (delivery.until <= now) over.push_back(serial);
    }
    for (const std::uint64_t serial : over) {
        const auto delivery = waiting_.extract(serial);
        events_.forget_delivery(serial);
        failed(delivery.mapped().entry, "the module did not say in time what became of it");
    }
}

void EventConsumer::stop() {
    is_stopped_ = true;
    for (const auto& [serial, delivery] : std::exchange(waiting_, {})) {
        events_.forget_delivery(serial);
        give_back(delivery.entry.id, 0);
    }
}

// Where the store does not take one of these, the lease runs out, and the event comes again.
void EventConsumer::acknowledge(std::uint64_t id) {
    events_.services().store->submit(kEventSpace, store::Acknowledge{family_.name, group_, {id}},
                                     [](store::Answer&&) {});
}
void EventConsumer::give_back(std::uint64_t id, Millis delay) {
    events_.services().store->submit(kEventSpace, store::Reject{family_.name, group_, id, delay},
                                     [](store::Answer&&) {});
}

Millis EventConsumer::delay_after(std::uint32_t attempts) const {
    const std::uint32_t doublings = std::min<std::uint32_t>(attempts - std::min(attempts, 1U), 20);
    return std::min(subscription_.retry << doublings, std::max(kLongestDelay, subscription_.retry));
}

void EventConsumer::failed(const store::Entry& entry, const char* why) {
    const auto record = decode(entry.value);
    const bool is_last = entry.attempts >= subscription_.attempts;
    const Millis delay = is_last ? 0 : delay_after(entry.attempts);
    const std::string what =
        fmt::format("{} type={} subject=\"{}\" id={} subscription={} attempt={}/{}", why, record->type,
                    record->subject, entry.id, group_, entry.attempts, subscription_.attempts);
    if (is_last) {
        log::error("an event is given up, and kept among the dead: {}", what);
    } else {
        log::warn("an event was not handled: {} again_in={}ms", what, delay);
    }
    give_back(entry.id, delay);
}

}  // namespace gantry::module
