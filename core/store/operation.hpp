// What a store is asked, and what it answers: values under keys, counters in windows of time, and streams
// that groups of consumers read.
#pragma once

#include "core/base/clock.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gantry::store {

// Every operation is about one space, which has keys and streams of its own: that of a module.

constexpr std::size_t kLongestKey = 512;            // bytes, of names of streams and groups as well
constexpr std::size_t kLargestValue = 1024 * 1024;  // bytes
constexpr std::uint32_t kMostEntries = 1000;        // in one answer
constexpr std::size_t kLargestAnswer =
    4 * 1024 * 1024;  // bytes of values; a list ends before it would be more

// ---- values. A version is never 0, and never the same for two values that a key had.

struct Get {
    std::string key;
};

struct Put {
    std::string key;
    std::string value;
    Millis lifetime = 0;                         // 0: until it is erased
    std::optional<std::uint64_t> expected = {};  // only over this version; 0: only where there is none
};

struct Erase {
    std::string key;
    std::optional<std::uint64_t> expected = {};
};

// Those whose key begins with `prefix`, in the order of their bytes, behind the key `after`.
struct List {
    std::string prefix = {};
    std::string after = {};
    std::uint32_t limit = kMostEntries;
};

// ---- counters, for limits. A window begins at a multiple of its length; the count of the one before is
// kept, so that a sliding window can be estimated.

struct Add {
    std::string key;
    std::int64_t amount = 1;  // 0 looks only
    Millis window = 0;        // 0: one that never ends
};

// ---- streams. Entries have rising numbers. A group is begun by its first claim, at the oldest entry; each
// entry is delivered to one consumer of each group at a time, until it is acknowledged.

struct Append {
    std::string stream;
    std::string value;
    std::uint64_t keep = 0;  // about so many entries are kept, whoever has not read them; 0: all
};

// Beside all groups.
struct Read {
    std::string stream;
    std::uint64_t after = 0;
    std::uint32_t limit = kMostEntries;
};

// Entries whose lease is over come first, then those that the group never had. One that would be delivered
// more than `attempts` times is put among the dead instead.
struct Claim {
    std::string stream;
    std::string group;
    std::uint32_t limit = 1;
    Millis lease = 30'000;
    std::uint32_t attempts = std::numeric_limits<std::uint32_t>::max();
    Millis since = 0;  // since 1970: a group that begins with this is not given what is older
};

// Done with these; dead ones are forgotten.
struct Acknowledge {
    std::string stream;
    std::string group;
    std::vector<std::uint64_t> ids;
};

// Not done: claimed again not before `delay` is over. A dead one begins anew.
struct Reject {
    std::string stream;
    std::string group;
    std::uint64_t id = 0;
    Millis delay = 0;
};

// The dead of a group.
struct Dead {
    std::string stream;
    std::string group;
    std::uint64_t after = 0;
    std::uint32_t limit = kMostEntries;
};

using Operation = std::variant<Get, Put, Erase, List, Add, Append, Read, Claim, Acknowledge, Reject, Dead>;

enum class Outcome : std::uint8_t {
    Done,
    Absent,       // there is no such key
    Conflict,     // it has another version than was expected: `version`, 0 where there is none
    Full,         // no room: nothing was changed
    Unavailable,  // the store cannot be reached, or is broken: the log says why, nothing was changed
};

struct Entry {
    std::string key = {};  // of a value
    std::string value = {};
    std::uint64_t version = 0;   // of a value
    std::uint64_t id = 0;        // of an entry in a stream
    std::uint32_t attempts = 0;  // how often it was delivered, this one as well
    Millis time = 0;             // since 1970: when it was appended; of a value: when it ends, 0 = never
};

struct Answer {
    Outcome outcome = Outcome::Done;
    std::uint64_t version = 0;        // Put, Get
    std::uint64_t id = 0;             // Append
    std::int64_t count = 0;           // Add: of this window; Acknowledge, Reject, Erase: how many it was
    std::int64_t previous = 0;        // Add: of the window before
    Millis into_window = 0;           // Add
    std::vector<Entry> entries = {};  // Get (one), List, Read, Claim, Dead
};

}  // namespace gantry::store
