#include "table.hpp"

#include <algorithm>
#include <bit>

namespace limit {
namespace {

// Enough that workers seldom meet, and each so large that keys spread evenly over them.
std::size_t parts_for(std::size_t capacity) {
    return std::clamp<std::size_t>(std::bit_floor(capacity / 1024), 1, 64);
}

}  // namespace

// ---- one part

Table::Node* Table::Part::find(std::uint64_t key) {
    for (std::uint32_t at = bucket_of(key); at != kNone; at = nodes[at].next) {
        if (nodes[at].key != key) continue;
        touch(at);
        return &nodes[at];
    }
    return nullptr;
}

void Table::Part::link(std::uint32_t index) {
    Node& node = nodes[index];
    node.newer = kNone;
    node.older = newest;
    (newest == kNone ? oldest : nodes[newest].newer) = index;
    newest = index;
}

void Table::Part::unlink(std::uint32_t index) {
    const Node& node = nodes[index];
    (node.newer == kNone ? newest : nodes[node.newer].older) = node.older;
    (node.older == kNone ? oldest : nodes[node.older].newer) = node.newer;
}

void Table::Part::touch(std::uint32_t index) {
    if (newest == index) return;
    unlink(index);
    link(index);
}

// The idlest key that no longer counts, else the idlest one that may go at all. Those in use and the banned
// ones that are met on the way begin anew as the newest, so that they are not met again the next time.
std::uint32_t Table::Part::evictable(std::uint64_t now) {
    std::uint32_t idlest = kNone;
    std::uint32_t at = oldest;
    for (int looked = 0; at != kNone && looked < kLookedAt; ++looked) {
        const std::uint32_t newer = nodes[at].newer;
        if (!nodes[at].may_go(now)) {
            touch(at);
        } else if (!nodes[at].counts(now)) {
            return at;
        } else if (idlest == kNone) {
            idlest = at;
        }
        at = newer;
    }
    return idlest;
}

void Table::Part::forget(std::uint32_t index) {
    std::uint32_t* place = &bucket_of(nodes[index].key);
    while (*place != index) place = &nodes[*place].next;
    *place = nodes[index].next;
    unlink(index);
}

Table::Node* Table::Part::make(std::uint64_t key, std::uint64_t now, bool& has_evicted) {
    std::uint32_t index = used;
    if (used < capacity) {
        ++used;
    } else {
        index = evictable(now);
        if (index == kNone) return nullptr;
        has_evicted = nodes[index].counts(now);
        forget(index);
    }
    std::uint32_t& bucket = bucket_of(key);
    nodes[index] = {.key = key,
                    .paid = 0,
                    .banned_until = 0,
                    .refused_since = 0,
                    .refusals = 0,
                    .active = 0,
                    .next = bucket,
                    .newer = kNone,
                    .older = kNone};
    bucket = index;
    link(index);
    return &nodes[index];
}

// ---- the table

Table::Table(std::size_t capacity)
    : capacity_(std::clamp(capacity, kLeast, kMost)),
      part_count_(parts_for(capacity_)),
      parts_(std::make_unique<Part[]>(part_count_)) {
    const std::size_t each = (capacity_ + part_count_ - 1) / part_count_;
    for (std::size_t i = 0; i < part_count_; ++i) {
        Part& part = parts_[i];
        part.capacity = static_cast<std::uint32_t>(each);
        part.nodes = std::unique_ptr<Node[]>(new Node[each]);
        part.buckets.assign(std::bit_ceil(each), kNone);
    }
}

std::size_t Table::size() const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < part_count_; ++i) {
        const std::scoped_lock lock(parts_[i].mutex);
        size += parts_[i].used;
    }
    return size;
}

Decision Table::take(std::uint64_t key, const Policy& policy, std::uint64_t now) {
    Part& part = part_of(key);
    const std::scoped_lock lock(part.mutex);
    bool has_evicted = false;
    Node* node = part.find(key);
    if (node == nullptr) node = part.make(key, now, has_evicted);
    if (node == nullptr) return {.kind = Decision::Kind::Full};
    Decision decision = judge(*node, policy, now);
    decision.has_evicted = has_evicted;
    return decision;
}

Decision Table::judge(Node& node, const Policy& policy, std::uint64_t now) {
    Decision decision;
    if (node.banned_until > now)
        return {.kind = Decision::Kind::Banned,
                .wait = node.banned_until - now,
                .reset = node.banned_until - now};
    const bool has_rate = policy.gcra.interval != 0;
    const bool is_busy = policy.concurrency != 0 && node.active >= policy.concurrency;
    if (has_rate) {
        const Gcra::Step step = policy.gcra.step(node.paid, now, policy.cost);
        decision.kind = is_busy       ? Decision::Kind::Busy
                        : step.passes ? Decision::Kind::Pass
                                      : Decision::Kind::Refuse;
        decision.wait = is_busy ? 0 : step.wait;
        if (decision.passes()) node.paid = step.paid;
        decision.remaining = policy.gcra.remaining(node.paid, now);
        decision.reset = node.paid > now ? node.paid - now : 0;
    } else if (is_busy) {
        decision.kind = Decision::Kind::Busy;
    }
    if (!decision.passes()) return refused(node, policy, now, decision);
    if (policy.concurrency != 0) {
        ++node.active;
        if (!has_rate) decision.remaining = policy.concurrency - node.active;
    }
    return decision;
}

Decision Table::refused(Node& node, const Policy& policy, std::uint64_t now, Decision decision) {
    if (policy.ban.after == 0) return decision;
    if (node.refusals == 0 || now - std::min(node.refused_since, now) > policy.ban.within) {
        node.refusals = 0;
        node.refused_since = now;
    }
    if (++node.refusals < policy.ban.after) return decision;
    node.refusals = 0;
    node.banned_until = add(now, policy.ban.lasts);
    decision.kind = Decision::Kind::Ban;
    decision.wait = policy.ban.lasts;
    return decision;
}

void Table::give_back(std::uint64_t key, const Policy& policy) {
    Part& part = part_of(key);
    const std::scoped_lock lock(part.mutex);
    Node* const node = part.find(key);
    if (node == nullptr) return;
    const std::uint64_t cost = multiply(policy.gcra.interval, policy.cost);
    node->paid -= std::min(node->paid, cost);
    if (policy.concurrency != 0 && node->active > 0) --node->active;
}

void Table::release(std::uint64_t key) {
    Part& part = part_of(key);
    const std::scoped_lock lock(part.mutex);
    Node* const node = part.find(key);
    if (node != nullptr && node->active > 0) --node->active;
}

void Table::pardon(std::uint64_t key) {
    bans_.remove(key);
    Part& part = part_of(key);
    const std::scoped_lock lock(part.mutex);
    Node* const node = part.find(key);
    if (node == nullptr) return;
    node->banned_until = 0;
    node->refusals = 0;
    node->paid = 0;
}

Decision Table::refuse(std::uint64_t key, const Policy& policy, std::uint64_t now, std::uint64_t until) {
    Part& part = part_of(key);
    const std::scoped_lock lock(part.mutex);
    const Decision decision{.kind = Decision::Kind::Refuse, .wait = until - std::min(now, until)};
    bool has_evicted = false;
    Node* node = part.find(key);
    if (node == nullptr) node = part.make(key, now, has_evicted);
    if (node == nullptr) return decision;
    node->paid = std::max(node->paid, until);
    return refused(*node, policy, now, decision);
}

}  // namespace limit
