#include "core/net/tls_tickets.hpp"

#include <algorithm>
#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace gantry::net {

namespace {

Millis clamp_period(std::chrono::milliseconds period) {
    return std::max<Millis>(period.count(), 1000);
}

bool fill(TicketKeys::Key& key) {
    return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
           RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
           RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

}  // namespace

TicketKeys::Key::~Key() {
    OPENSSL_cleanse(cipher.data(), cipher.size());
    OPENSSL_cleanse(mac.data(), mac.size());
}

TicketKeys::TicketKeys(std::chrono::milliseconds period) : period_(clamp_period(period)) {}

std::shared_ptr<const TicketKeys::Snapshot> TicketKeys::current(Millis now) {
    const std::lock_guard lock(mutex_);
    if (snapshot_ && now < snapshot_->until) return snapshot_;
    // Keys that nobody asked for in between count as used up too: after a quiet week no ticket of before is
    // opened.
    std::size_t fresh = kKeys;
    if (snapshot_) {
        const auto missed = static_cast<std::size_t>((now - snapshot_->until) / period_) + 1;
        fresh = std::min(missed, kKeys);
    }
    auto next = std::make_shared<Snapshot>();
    for (std::size_t i = 0; i < kKeys; ++i) {
        if (i >= fresh) {
            next->keys[i] = snapshot_->keys[i - fresh];
        } else if (!fill(next->keys[i])) {
            return nullptr;
        }
    }
    next->until = now + period_;
    snapshot_ = std::move(next);
    return snapshot_;
}

void TicketKeys::set_period(std::chrono::milliseconds period) {
    const std::lock_guard lock(mutex_);
    period_ = clamp_period(period);
}

std::chrono::seconds TicketKeys::ticket_lifetime() const {
    constexpr std::chrono::seconds kLongest = std::chrono::hours(24 * 7);  // RFC 8446 4.6.1
    const std::lock_guard lock(mutex_);
    return std::min(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::milliseconds(period_ * 2)),
                    kLongest);
}

}  // namespace gantry::net
