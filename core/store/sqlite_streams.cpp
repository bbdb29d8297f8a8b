// Streams in SQLite.
#include "core/store/sqlite_database.hpp"

#include <algorithm>

namespace gantry::store {
namespace {

struct Due {
    std::uint64_t id;
    std::uint32_t attempts;
};

Millis later(Millis now, Millis delay) {
    return delay > std::numeric_limits<Millis>::max() - now ? std::numeric_limits<Millis>::max()
                                                            : now + delay;
}

// Trimming looks at as many entries as are kept, so not every append does it. Numbers are shared by all
// streams: mixed, so that no stream misses its turn for ever.
bool is_turn_to_trim(std::uint64_t id) {
    return (id * 0x9e3779b97f4a7c15U) >> 58 == 0;
}

// What a group has to be given again, or to be rid of.
std::vector<Due> overdue(Database& database, const std::string& space, const Claim& claim, Millis now) {
    std::vector<Due> all;
    Query found = database.query(
        "SELECT id, attempts FROM pending WHERE space = ? AND stream = ? AND \"group\" = ? AND due <= ? "
        "ORDER BY "
        "due, id LIMIT ?");
    found.with(space, claim.stream, claim.group, now, kMostEntries);
    while (found.next()) {
        all.push_back(
            {static_cast<std::uint64_t>(found.number(0)), static_cast<std::uint32_t>(found.number(1))});
    }
    return all;
}

std::optional<Entry> entry_of(Database& database, std::uint64_t id) {
    Query found = database.query("SELECT value, time FROM entry WHERE id = ?");
    if (!found.with(id).next()) return {};
    return Entry{.value = found.bytes(0), .id = id, .time = found.number(1)};
}

int forget_pending(Database& database, const std::string& space, const std::string& stream,
                   const std::string& group, std::uint64_t id) {
    Query gone =
        database.query("DELETE FROM pending WHERE space = ? AND stream = ? AND \"group\" = ? AND id = ?");
    return gone.with(space, stream, group, id).run();
}

void set_pending(Database& database, const std::string& space, const std::string& stream,
                 const std::string& group, std::uint64_t id, Millis due, std::uint32_t attempts) {
    Query write = database.query(
        "INSERT INTO pending(space, stream, \"group\", id, due, attempts) VALUES(?, ?, ?, ?, ?, ?) ON "
        "CONFLICT(space, stream, \"group\", id) DO UPDATE SET due = excluded.due, attempts = "
        "excluded.attempts");
    write.with(space, stream, group, id, due, attempts).run();
}

void bury(Database& database, const std::string& space, const Claim& claim, const Entry& entry,
          std::uint32_t attempts) {
    Query write = database.query(
        "INSERT OR REPLACE INTO dead(space, stream, \"group\", id, value, time, attempts) VALUES(?, ?, ?, ?, "
        "?, ?, "
        "?)");
    write.with(space, claim.stream, claim.group, entry.id, entry.value, entry.time, attempts).run();
}

// The last entry that the group was given; nullopt: it begins here.
std::optional<std::uint64_t> last_of(Database& database, const std::string& space, const Claim& claim) {
    Query found = database.query("SELECT last FROM reader WHERE space = ? AND stream = ? AND \"group\" = ?");
    if (!found.with(space, claim.stream, claim.group).next()) return {};
    return static_cast<std::uint64_t>(found.number(0));
}

// The last entry that a group which begins with this claim is not given.
std::uint64_t last_before(Database& database, const std::string& space, const Claim& claim) {
    if (claim.since == 0) return 0;
    Query found =
        database.query("SELECT COALESCE(MAX(id), 0) FROM entry WHERE space = ? AND stream = ? AND time < ?");
    found.with(space, claim.stream, claim.since).next();
    return static_cast<std::uint64_t>(found.number(0));
}

// Both halves of a claim put entries into the answer as long as they fit.
struct Claimed {
    Database& database;
    const std::string& space;
    const Claim& claim;
    Millis now;
    Answer answer = {};
    std::size_t size = 0;

    bool is_full() const { return answer.entries.size() >= std::min(claim.limit, kMostEntries); }

    bool add(Entry entry, std::uint32_t attempts) {
        if (!fits(entry, size, answer.entries.empty())) return false;
        set_pending(database, space, claim.stream, claim.group, entry.id, later(now, claim.lease), attempts);
        entry.attempts = attempts;
        answer.entries.push_back(std::move(entry));
        return true;
    }

    void again() {
        for (const Due& due : overdue(database, space, claim, now)) {
            if (is_full()) return;
            auto entry = entry_of(database, due.id);
            const bool is_dead = entry && due.attempts >= claim.attempts;
            if (is_dead) bury(database, space, claim, *entry, due.attempts);
            if (is_dead || !entry) {
                forget_pending(database, space, claim.stream, claim.group, due.id);
            } else if (!add(std::move(*entry), due.attempts + 1)) {
                return;
            }
        }
    }

    void fresh() {
        const std::optional<std::uint64_t> known = last_of(database, space, claim);
        std::uint64_t last = known ? *known : last_before(database, space, claim);
        {
            Query found = database.query(
                "SELECT id, value, time FROM entry WHERE space = ? AND stream = ? AND id > ? ORDER BY id "
                "LIMIT ?");
            const auto room =
                std::min(claim.limit, kMostEntries) - static_cast<std::uint32_t>(answer.entries.size());
            found.with(space, claim.stream, last, room);
            while (found.next()) {
                const auto id = static_cast<std::uint64_t>(found.number(0));
                if (!add({.value = found.bytes(1), .id = id, .time = found.number(2)}, 1)) break;
                last = id;
            }
        }
        if (last == known) return;  // those who ask again and again write nothing
        Query write = database.query(
            "INSERT INTO reader(space, stream, \"group\", last) VALUES(?, ?, ?, ?) ON CONFLICT(space, "
            "stream, "
            "\"group\") DO UPDATE SET last = excluded.last");
        write.with(space, claim.stream, claim.group, last).run();
    }
};

}  // namespace

Answer run(Database& database, const std::string& space, const Append& append, Millis now) {
    Query write = database.query("INSERT INTO entry(space, stream, value, time) VALUES(?, ?, ?, ?)");
    write.with(space, append.stream, append.value, now).run();
    Answer answer{.id = database.last_id()};
    if (append.keep != 0 && is_turn_to_trim(answer.id)) {
        Query trim = database.query(
            "DELETE FROM entry WHERE space = ?1 AND stream = ?2 AND id <= (SELECT id FROM entry WHERE space "
            "= ?1 "
            "AND stream = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)");
        trim.with(space, append.stream, append.keep).run();
    }
    return answer;
}

Answer run(Database& database, const std::string& space, const Read& read, Millis /*now*/) {
    Query found = database.query(
        "SELECT id, value, time FROM entry WHERE space = ? AND stream = ? AND id > ? ORDER BY id LIMIT ?");
    found.with(space, read.stream, read.after, std::min(read.limit, kMostEntries));
    const auto entry = [](const Query& row) {
        return Entry{
            .value = row.bytes(1), .id = static_cast<std::uint64_t>(row.number(0)), .time = row.number(2)};
    };
    return {.entries = entries_of(found, entry)};
}

Answer run(Database& database, const std::string& space, const Claim& claim, Millis now) {
    Claimed claimed{database, space, claim, now};
    claimed.again();
    if (!claimed.is_full()) claimed.fresh();
    return std::move(claimed.answer);
}

Answer run(Database& database, const std::string& space, const Acknowledge& acknowledge, Millis /*now*/) {
    Answer answer;
    for (const std::uint64_t id : acknowledge.ids) {
        answer.count += forget_pending(database, space, acknowledge.stream, acknowledge.group, id);
        Query gone =
            database.query("DELETE FROM dead WHERE space = ? AND stream = ? AND \"group\" = ? AND id = ?");
        answer.count += gone.with(space, acknowledge.stream, acknowledge.group, id).run();
    }
    return answer;
}

Answer run(Database& database, const std::string& space, const Reject& reject, Millis now) {
    const Millis due = later(now, reject.delay);
    Query again = database.query(
        "UPDATE pending SET due = ? WHERE space = ? AND stream = ? AND \"group\" = ? AND id = ?");
    if (again.with(due, space, reject.stream, reject.group, reject.id).run() != 0) return {.count = 1};

    Query dead = database.query(
        "DELETE FROM dead WHERE space = ? AND stream = ? AND \"group\" = ? AND id = ? RETURNING value, time");
    if (!dead.with(space, reject.stream, reject.group, reject.id).next()) return {.outcome = Outcome::Absent};
    const std::string value = dead.bytes(0);
    const Millis time = dead.number(1);
    // The stream may have let it go since.
    Query entry =
        database.query("INSERT OR IGNORE INTO entry(id, space, stream, value, time) VALUES(?, ?, ?, ?, ?)");
    entry.with(reject.id, space, reject.stream, value, time).run();
    set_pending(database, space, reject.stream, reject.group, reject.id, due, 0);
    return {.count = 1};
}

Answer run(Database& database, const std::string& space, const Dead& dead, Millis /*now*/) {
    Query found = database.query(
        "SELECT id, value, time, attempts FROM dead WHERE space = ? AND stream = ? AND \"group\" = ? AND id "
        "> ? "
        "ORDER BY id LIMIT ?");
    found.with(space, dead.stream, dead.group, dead.after, std::min(dead.limit, kMostEntries));
    const auto entry = [](const Query& row) {
        return Entry{.value = row.bytes(1),
                     .id = static_cast<std::uint64_t>(row.number(0)),
                     .attempts = static_cast<std::uint32_t>(row.number(3)),
                     .time = row.number(2)};
    };
    return {.entries = entries_of(found, entry)};
}

}  // namespace gantry::store
