// What was found out about secrets, for a while and up to a number of them; of more the ones that were not
// asked for longest are forgotten.
#pragma once

#include "fingerprint.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace auth {

// Parts with a lock each, which is held for a look-up and never while anything waits. [any]
template <class Value>
class Memo {
public:
    explicit Memo(std::size_t capacity) : most_(std::max<std::size_t>(capacity / kParts, 1)) {}

    std::optional<Value> find(const Fingerprint& key, std::uint64_t now) {
        Part& part = part_of(key);
        const std::scoped_lock lock(part.mutex);
        const auto found = part.places.find(key);
        if (found == part.places.end()) return std::nullopt;
        if (found->second->until <= now) {
            part.entries.erase(found->second);
            part.places.erase(found);
            return std::nullopt;
        }
        part.entries.splice(part.entries.begin(), part.entries, found->second);
        return found->second->value;
    }

    // Until that time at most. In the place of what was known.
    void put(const Fingerprint& key, Value value, std::uint64_t until) {
        Part& part = part_of(key);
        const std::scoped_lock lock(part.mutex);
        if (const auto found = part.places.find(key); found != part.places.end()) {
            part.entries.erase(found->second);
            part.places.erase(found);
        }
        part.entries.push_front({key, std::move(value), until});
        part.places.emplace(key, part.entries.begin());
        if (part.entries.size() <= most_) return;
        part.places.erase(part.entries.back().key);
        part.entries.pop_back();
    }

    std::size_t size() const {
        std::size_t size = 0;
        for (const Part& part : parts_) {
            const std::scoped_lock lock(part.mutex);
            size += part.entries.size();
        }
        return size;
    }

private:
    struct Entry {
        Fingerprint key;
        Value value;
        std::uint64_t until;
    };
    struct alignas(64) Part {
        mutable std::mutex mutex;
        std::list<Entry> entries;  // the one that was asked for last is first
        std::unordered_map<Fingerprint, typename std::list<Entry>::iterator, FingerprintHash> places;
    };
    static constexpr std::size_t kParts = 16;

    Part& part_of(const Fingerprint& key) { return parts_[key.back() % kParts]; }

    std::size_t most_;
    std::array<Part, kParts> parts_;
};

}  // namespace auth
