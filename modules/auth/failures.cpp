#include "failures.hpp"

#include <algorithm>

namespace auth {
namespace {

// delay, 2 delay, 4 delay, ...
std::uint64_t gap_after(std::uint32_t failures, const FailurePolicy& policy) {
    if (failures == 0) return 0;
    const std::uint32_t doublings = std::min<std::uint32_t>(failures - 1, 30);
    if (policy.delay > policy.most_delay >> doublings) return policy.most_delay;
    return policy.delay << doublings;
}

}  // namespace

Failures::Failures(std::size_t capacity)
    : set_count_(std::max<std::size_t>(capacity / kWays, 1)),
      entries_(set_count_ * kWays),
      mutexes_(std::make_unique<std::array<std::mutex, kLocks>>()) {}

Failures::Entry* Failures::find(std::uint64_t client) {
    Entry* const set = &entries_[set_of(client)];
    Entry* const found =
        std::find_if(set, set + kWays, [&](const Entry& one) { return one.client == client; });
    return found == set + kWays ? nullptr : found;
}

// In the place of the one that has been quiet for longest.
Failures::Entry& Failures::make(std::uint64_t client) {
    if (Entry* known = find(client)) return *known;
    Entry* const set = &entries_[set_of(client)];
    Entry* const idlest =
        std::min_element(set, set + kWays, [](const Entry& a, const Entry& b) { return a.last < b.last; });
    *idlest = {.client = client};
    return *idlest;
}

std::uint32_t Failures::count(std::uint64_t client) const {
    const std::scoped_lock lock(mutex_of(client | 1));
    const Entry* entry = const_cast<Failures*>(this)->find(client | 1);
    return entry == nullptr ? 0 : entry->failures;
}

Failures::Attempt::Attempt(Failures& table, std::uint64_t client, const FailurePolicy& policy,
                           std::uint64_t now)
    : table_(&table), client_(client | 1), now_(now) {
    const std::scoped_lock lock(table.mutex_of(client_));
    Entry& entry = table.make(client_);
    if (entry.pending == 0 && now > entry.last && now - entry.last > policy.forget) entry.failures = 0;
    const std::uint64_t at = std::max(now, entry.next);
    if (at - now > policy.most_delay) {
        retry_after_ = at - now;
        table_ = nullptr;
        return;
    }
    wait_ = at - now;
    ++entry.pending;
    entry.last = now;
    entry.next = at + gap_after(entry.failures + entry.pending, policy);
}

void Failures::Attempt::end(bool is_success) {
    if (table_ == nullptr) return;
    const std::scoped_lock lock(table_->mutex_of(client_));
    Entry* entry = table_->find(client_);
    table_ = nullptr;
    if (entry == nullptr) return;  // forgotten for another client meanwhile
    if (entry->pending > 0) --entry->pending;
    if (is_success) {
        entry->failures = 0;
        if (entry->pending == 0) entry->next = now_;
    } else if (entry->failures < UINT32_MAX) {
        ++entry->failures;
    }
}

}  // namespace auth
