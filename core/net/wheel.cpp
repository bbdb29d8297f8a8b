#include "core/net/wheel.hpp"

#include <algorithm>

namespace gantry::net {

Deadline::~Deadline() {
    if (previous_ != nullptr) Wheel::unlink_raw(*this);
}

Wheel::Wheel(Millis now) : start_(now) {
    for (Slot& slot : slots_) slot.previous_ = slot.next_ = &slot;
}

Wheel::~Wheel() {
    for (Slot& slot : slots_) {
        while (slot.next_ != &slot) unlink_raw(*slot.next_);
        slot.previous_ = slot.next_ = nullptr;
    }
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

void Wheel::expire_slot(std::uint32_t tick) {
    Slot& slot = slots_[tick % kSlots];
    // Detach the list first: what fires may link others into this very slot for the next round.
    Slot due;
    if (slot.next_ == &slot) return;
    due.next_ = slot.next_;
    due.previous_ = slot.previous_;
    due.next_->previous_ = &due;
    due.previous_->next_ = &due;
    slot.previous_ = slot.next_ = &slot;
    while (due.next_ != &due) {
        Deadline& deadline = *due.next_;
        unlink_raw(deadline);
        if (deadline.due_tick_ == 0) continue;
        if (deadline.due_tick_ > tick) {
            link(deadline, deadline.due_tick_);
            continue;
        }
        deadline.due_tick_ = 0;
        deadline.on_deadline();
    }
    due.previous_ = due.next_ = nullptr;
}

void Wheel::drain() {
    for (Slot& slot : slots_) {
        for (Deadline* deadline = slot.next_; deadline != &slot;) {
            Deadline* const next = deadline->next_;
            if (deadline->due_tick_ != 0) deadline->on_drain();
            deadline = next;
        }
    }
}

void Wheel::advance(Millis now) {
    const auto target = static_cast<std::uint32_t>((now - start_) / kTick + 1);
    while (current_ < target) {
        ++current_;
        expire_slot(current_);
    }
}

}  // namespace gantry::net
