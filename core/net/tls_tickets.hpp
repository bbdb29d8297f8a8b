// Keys that seal TLS session tickets (RFC 5077 4, RFC 8446 4.6.1): shared by all workers, renewed by time,
// and kept over reloads by the certificate store.
#pragma once

#include "core/base/clock.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <mutex>

namespace gantry::net {

class TicketKeys {
public:
    struct Key {
        std::array<unsigned char, 16> name{};
        std::array<unsigned char, 32> cipher{};  // AES-256-CBC
        std::array<unsigned char, 32> mac{};     // HMAC-SHA-256
        Key() = default;
        Key(const Key&) = default;
        Key& operator=(const Key&) = default;
        ~Key();  // wipes
    };
    static constexpr std::size_t kKeys = 3;

    // The keys of one period. The first one seals; all of them open, so that a ticket lives two periods at
    // least.
    struct Snapshot {
        std::array<Key, kKeys> keys;
        Millis until = 0;  // when current() gives others
    };

    // Periods under a second count as one.
    explicit TicketKeys(std::chrono::milliseconds period);

    // Keep it until `until`, then ask again. Null: the machine has no randomness. [any] Locks.
    std::shared_ptr<const Snapshot> current(Millis now = monotonic_millis());

    void set_period(std::chrono::milliseconds period);  // [any]; holds from the next change of keys on
    std::chrono::seconds ticket_lifetime() const;       // how long a ticket can be used for sure [any]

private:
    mutable std::mutex mutex_;
    Millis period_;
    std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace gantry::net
