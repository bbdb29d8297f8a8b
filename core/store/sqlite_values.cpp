// Values and counters in SQLite.
#include "core/store/sqlite_database.hpp"

#include <algorithm>

namespace gantry::store {
namespace {

// The version that a key has; 0: there is none.
std::uint64_t version_of(Database& database, const std::string& space, const std::string& key, Millis now) {
    Query found =
        database.query("SELECT version FROM value WHERE space = ? AND key = ? AND (ends = 0 OR ends > ?)");
    return found.with(space, key, now).next() ? static_cast<std::uint64_t>(found.number(0)) : 0;
}

// The first bytes that are behind all that begin with `prefix`; "": there are none such.
std::string behind(std::string prefix) {
    while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

Millis end_of(Millis lifetime, Millis now) {
    constexpr Millis kForEver = std::numeric_limits<Millis>::max();
    if (lifetime == 0) return 0;
    return lifetime > kForEver - now ? kForEver : now + lifetime;
}

std::int64_t sum(std::int64_t one, std::int64_t other) {
    std::int64_t result = 0;
    if (!__builtin_add_overflow(one, other, &result)) return result;
    return other > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

Answer run(Database& database, const std::string& space, const Get& get, Millis now) {
    Query found = database.query(
        "SELECT value, version, ends FROM value WHERE space = ? AND key = ? AND (ends = 0 OR ends > ?)");
    if (!found.with(space, get.key, now).next()) return {.outcome = Outcome::Absent};
    Answer answer;
    answer.version = static_cast<std::uint64_t>(found.number(1));
    answer.entries.push_back(
        {.key = get.key, .value = found.bytes(0), .version = answer.version, .time = found.number(2)});
    return answer;
}

Answer run(Database& database, const std::string& space, const Put& put, Millis now) {
    if (put.expected) {
        const std::uint64_t current = version_of(database, space, put.key, now);
        if (current != *put.expected) return {.outcome = Outcome::Conflict, .version = current};
    }
    Answer answer;
    answer.version = database.next_version();
    Query write = database.query(
        "INSERT INTO value(space, key, value, version, ends) VALUES(?, ?, ?, ?, ?) ON CONFLICT(space, key) "
        "DO "
        "UPDATE SET value = excluded.value, version = excluded.version, ends = excluded.ends");
    write.with(space, put.key, put.value, answer.version, end_of(put.lifetime, now)).run();
    return answer;
}

Answer run(Database& database, const std::string& space, const Erase& erase, Millis now) {
    const std::uint64_t current = version_of(database, space, erase.key, now);
    if (erase.expected && current != *erase.expected)
        return {.outcome = Outcome::Conflict, .version = current};
    if (current == 0) return {.outcome = Outcome::Absent};
    Query erased = database.query("DELETE FROM value WHERE space = ? AND key = ?");
    return {.count = erased.with(space, erase.key).run()};
}

Answer run(Database& database, const std::string& space, const List& list, Millis now) {
    const std::string end = behind(list.prefix);
    Query found = database.query(
        "SELECT key, value, version, ends FROM value WHERE space = ?1 AND key >= ?2 AND (?3 = x'' OR key < "
        "?3) "
        "AND key > ?4 AND (ends = 0 OR ends > ?5) ORDER BY key LIMIT ?6");
    // An empty key cannot be, so that "" is before all of them.
    found.with(space, list.prefix, end, list.after, now, std::min(list.limit, kMostEntries));
    const auto entry_of = [](const Query& row) {
        return Entry{.key = row.bytes(0),
                     .value = row.bytes(1),
                     .version = static_cast<std::uint64_t>(row.number(2)),
                     .time = row.number(3)};
    };
    return {.entries = entries_of(found, entry_of)};
}

Answer run(Database& database, const std::string& space, const Add& add, Millis now) {
    Millis start = add.window == 0 ? 0 : now - now % add.window;
    Answer answer;
    {
        Query found = database.query(
            "SELECT start, count, previous FROM counter WHERE space = ? AND key = ? AND window = ?");
        if (found.with(space, add.key, add.window).next()) {
            const Millis since = found.number(0);
            // A clock that was set back a little does not end a window before its time.
            if (since > start && since - start <= add.window) start = since;
            if (since == start) answer.count = found.number(1);
            if (since == start) answer.previous = found.number(2);
            if (add.window != 0 && since + add.window == start) answer.previous = found.number(1);
        }
    }
    answer.count = sum(answer.count, add.amount);
    answer.into_window = std::max<Millis>(now - start, 0);
    if (add.window == 0) answer.into_window = 0;
    if (add.amount == 0) return answer;
    Query write = database.query(
        "INSERT INTO counter(space, key, window, start, count, previous, ends) VALUES(?, ?, ?, ?, ?, ?, ?) "
        "ON "
        "CONFLICT(space, key) DO UPDATE SET window = excluded.window, start = excluded.start, count = "
        "excluded.count, previous = excluded.previous, ends = excluded.ends");
    const Millis ends = add.window == 0 ? 0 : start + 2 * add.window;
    write.with(space, add.key, add.window, start, answer.count, answer.previous, ends).run();
    return answer;
}

}  // namespace gantry::store
