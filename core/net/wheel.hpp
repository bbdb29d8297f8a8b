// Deadlines on a timer wheel: setting one is a store, relinking it a few nanoseconds, however many there are.
#pragma once

#include "core/base/clock.hpp"

#include <cstdint>

namespace gantry::net {

class Wheel;

// Something that has to happen by a point in time. Embedded in its owner; removes itself when destroyed.
// [worker]
class Deadline {
public:
    Deadline() = default;
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    bool is_set() const { return due_tick_ != 0; }

protected:
    virtual ~Deadline();
    // The point in time was reached; the deadline is no longer set. May set it anew or destroy the owner.
    virtual void on_deadline() = 0;
    // The worker is to end: whoever is idle goes now. May destroy its owner, nothing else.
    virtual void on_drain() {}

private:
    friend class Wheel;
    Deadline* previous_ = nullptr;  // null: not linked
    Deadline* next_ = nullptr;
    std::uint32_t due_tick_ = 0;     // 0: not set
    std::uint32_t linked_tick_ = 0;  // the slot it is linked in
};

// 512 slots of 100 ms; later deadlines go round again. A deadline fires up to one tick late, never early;
// later only while more are due at once than advance() fires in one call. [worker]
class Wheel {
public:
    static constexpr Millis kTick = 100;
    static constexpr std::uint32_t kSlots = 512;

    explicit Wheel(Millis now);
    ~Wheel();
    Wheel(const Wheel&) = delete;
    Wheel& operator=(const Wheel&) = delete;

    // Replaces what was set before. Moving a deadline further away, the usual case, only stores it.
    void set(Deadline& deadline, Millis due);
    void clear(Deadline& deadline) { deadline.due_tick_ = 0; }  // stays linked until its slot comes round

    // Fires what is due, a few at most: thousands that were set together (slow clients, a silent upstream)
    // must not hold up everyone else. True: there are more, call again when others have had their turn.
    bool advance(Millis now);
    static constexpr int kFiresPerCall = 32;
    // Calls on_drain() of everything that has a deadline.
    void drain();

private:
    friend class Deadline;
    struct Slot final : Deadline {
        void on_deadline() override {}
    };
    void link(Deadline& deadline, std::uint32_t tick);
    static void unlink_raw(Deadline& deadline);
    void take_slot(std::uint32_t tick);

    Millis start_;
    std::uint32_t current_ = 1;  // ticks since start, plus one so that 0 can mean "not set"
    Slot slots_[kSlots];
    Slot due_;  // what is left of the slot whose time has come
};

}  // namespace gantry::net
