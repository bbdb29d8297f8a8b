// What is known of each key: one table for all workers and all rules, of a size that is settled once.
//
// Its parts have a lock each, which is held for some loads and stores and never while anything waits; a key
// belongs to one part. So what the table says is exact for the process, whatever worker asks.
#pragma once

#include "bans.hpp"
#include "rate.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace limit {

// What a rule asks of the table. A value.
struct Policy {
    Gcra gcra = {};  // interval 0: no rate
    std::uint64_t cost = 1;
    std::uint32_t concurrency = 0;  // requests at the same time; 0: as many as you like
    struct Ban {
        std::uint32_t after = 0;  // refusals; 0: nobody is banned
        std::uint64_t within = 0;
        std::uint64_t lasts = 0;
    } ban = {};
};

struct Decision {
    enum class Kind {
        Pass,
        Refuse,  // beyond the rate
        Busy,    // too many at the same time
        Ban,     // banned from now on, by this very refusal
        Banned,
        Full,  // there is no room for this key: nothing is known of it, and nothing was counted
    };
    Kind kind = Kind::Pass;
    std::uint64_t wait = 0;  // Pass: until its turn at a strict rate; else until it may pass; 0: nobody knows
    std::uint64_t remaining = 0;  // units that would pass at once; of a concurrency without a rate: requests
    std::uint64_t reset = 0;      // until all of them would
    bool has_evicted = false;  // the table is full: another key that still counted was forgotten for this one

    bool passes() const { return kind == Kind::Pass; }
};

class Table {
public:
    static constexpr std::size_t kLeast = 1000;
    static constexpr std::size_t kMost = 50'000'000;

    explicit Table(std::size_t capacity);

    std::size_t capacity() const { return capacity_; }
    std::size_t size() const;  // keys that are known, also those that count no more [any]

    // Judges a request of `key`, and counts it where it passes: until release() if there is a concurrency.
    // [any]
    Decision take(std::uint64_t key, const Policy& policy, std::uint64_t now);
    // A request that passed here was refused elsewhere: as if it had never been. [any]
    void give_back(std::uint64_t key, const Policy& policy);
    // A request that passed a policy with a concurrency is over. Exactly once for each. [any]
    void release(std::uint64_t key);
    // Somebody else refused a request of `key`, and would go on until then: so does kGate, and it counts for
    // a ban. Refuse, or Ban. [any]
    Decision refuse(std::uint64_t key, const Policy& policy, std::uint64_t now, std::uint64_t until);

    // Whoever banned a key says so here. [any]
    Bans& bans() { return bans_; }
    const Bans& bans() const { return bans_; }
    // A ban ends, and the key begins anew, as if it had never come; but requests under way still count. [any]
    void pardon(std::uint64_t key);

    // The rate of a policy that lets everything pass that refuse() does not hold up, a thousand in one
    // nanosecond.
    static constexpr Gcra kGate{1, 1000};

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr int kLookedAt = 16;  // of the idlest keys, for one that may go

    // Not initialised before it is used, so that a table which is mostly empty takes no memory.
    struct Node {
        std::uint64_t key;
        std::uint64_t paid;  // Gcra
        std::uint64_t banned_until;
        std::uint64_t refused_since;  // the first of `refusals`
        std::uint32_t refusals;
        std::uint32_t active;
        std::uint32_t next;  // of the same bucket
        std::uint32_t newer;
        std::uint32_t older;

        bool may_go(std::uint64_t now) const { return active == 0 && banned_until <= now; }
        bool counts(std::uint64_t now) const { return paid > now || refusals > 0; }
    };

    // A hash table over an array of nodes, which are also in a list by their last use.
    struct alignas(64) Part {
        mutable std::mutex mutex;
        std::unique_ptr<Node[]> nodes;
        std::vector<std::uint32_t> buckets;
        std::uint32_t capacity = 0;
        std::uint32_t used = 0;  // nodes [0, used) are in the table
        std::uint32_t newest = kNone;
        std::uint32_t oldest = kNone;

        std::uint32_t& bucket_of(std::uint64_t key) { return buckets[key & (buckets.size() - 1)]; }
        Node* find(std::uint64_t key);
        void link(std::uint32_t index);
        void unlink(std::uint32_t index);
        void touch(std::uint32_t index);
        std::uint32_t evictable(std::uint64_t now);
        void forget(std::uint32_t index);
        Node* make(std::uint64_t key, std::uint64_t now, bool& has_evicted);
    };

    Part& part_of(std::uint64_t key) { return parts_[(key >> 32) & (part_count_ - 1)]; }
    static Decision judge(Node& node, const Policy& policy, std::uint64_t now);
    static Decision refused(Node& node, const Policy& policy, std::uint64_t now, Decision decision);

    std::size_t capacity_;
    std::size_t part_count_;
    std::unique_ptr<Part[]> parts_;
    Bans bans_;
};

}  // namespace limit
