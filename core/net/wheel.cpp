#include "core/net/wheel.hpp"

#include <algorithm>

namespace gantry::net {

Deadline::~Deadline() {
    if (previous_ != nullptr) Wheel::unlink_raw(*this);
}

Wheel::Wheel(Millis now) : start_(now) {
    for (Slot& slot : slots_) slot.previous_ = slot.next_ = &slot;
    due_.previous_ = due_.next_ = &due_;
}

Wheel::~Wheel() {
    const auto empty = [](Slot& list) {
        while (list.next_ != &list) unlink_raw(*list.next_);
        list.previous_ = list.next_ = nullptr;
    };
    for (Slot& slot : slots_) empty(slot);
    empty(due_);
}

void Wheel::unlink_raw(Deadline& deadline) {
    deadline.previous_->next_ = deadline.next_;
    deadline.next_->previous_ = deadline.previous_;
    deadline.previous_ = deadline.next_ = nullptr;
}

void Wheel::link(Deadline& deadline, std::uint32_t tick) {
    // Beyond the horizon: the last slot, from where it is linked anew when that comes round.
    tick = std::min(tick, current_ + kSlots - 1);
    Slot& slot = slots_[tick % kSlots];
    deadline.linked_tick_ = tick;
    deadline.previous_ = slot.previous_;
    deadline.next_ = &slot;
    slot.previous_->next_ = &deadline;
    slot.previous_ = &deadline;
}

void Wheel::set(Deadline& deadline, Millis due) {
    // Rounded up twice: the tick that `due` lies in must be over, so that nothing fires early.
    const Millis ticks = std::max<Millis>((due - start_ + kTick - 1) / kTick + 1, current_ + 1);
    deadline.due_tick_ = static_cast<std::uint32_t>(ticks);
    if (deadline.previous_ != nullptr) {
        if (deadline.linked_tick_ <= deadline.due_tick_) return;
        unlink_raw(deadline);
    }
    link(deadline, deadline.due_tick_);
}

// Detached from its slot: what fires may link others into that very slot for the next round.
void Wheel::take_slot(std::uint32_t tick) {
    Slot& slot = slots_[tick % kSlots];
    if (slot.next_ == &slot) return;
    due_.next_ = slot.next_;
    due_.previous_ = slot.previous_;
    due_.next_->previous_ = &due_;
    due_.previous_->next_ = &due_;
    slot.previous_ = slot.next_ = &slot;
}

bool Wheel::advance(Millis now) {
    const auto target = static_cast<std::uint32_t>((now - start_) / kTick + 1);
    int left = kFiresPerCall;
    for (;;) {
        while (due_.next_ != &due_) {
            Deadline& deadline = *due_.next_;
            const bool fires = deadline.due_tick_ != 0 && deadline.due_tick_ <= current_;
            if (fires && left-- == 0) return true;
            unlink_raw(deadline);
            if (fires) {
                deadline.due_tick_ = 0;
                deadline.on_deadline();
            } else if (deadline.due_tick_ != 0) {
                link(deadline, deadline.due_tick_);
            }
        }
        if (current_ >= target) return false;
        take_slot(++current_);
    }
}

void Wheel::drain() {
    // Taken out first: one that sets a new deadline, in whatever slot, is not met again.
    Slot all;
    all.previous_ = all.next_ = &all;
    const auto take = [&all](Slot& list) {
        if (list.next_ == &list) return;
        all.previous_->next_ = list.next_;
        list.next_->previous_ = all.previous_;
        all.previous_ = list.previous_;
        list.previous_->next_ = &all;
        list.previous_ = list.next_ = &list;
    };
    for (Slot& slot : slots_) take(slot);
    take(due_);
    while (all.next_ != &all) {
        Deadline& deadline = *all.next_;
        unlink_raw(deadline);
        if (deadline.due_tick_ == 0) continue;
        link(deadline, std::max(deadline.due_tick_, current_ + 1));
        deadline.on_drain();
    }
}

}  // namespace gantry::net
