#include "core/store/sqlite_database.hpp"

#include <fmt/format.h>

namespace gantry::store {
namespace {

// Whoever else has the file writes for milliseconds; the process before an upgrade, or somebody's sqlite3.
constexpr int kBusyMillis = 5'000;
constexpr int kFormat = 1;  // of the tables; a file of a later gantry is refused

constexpr const char* kTables = R"sql(
CREATE TABLE version(last INTEGER NOT NULL);
INSERT INTO version VALUES(0);
CREATE TABLE value(space BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL,
                   ends INTEGER NOT NULL);
CREATE UNIQUE INDEX value_key ON value(space, key);
CREATE INDEX value_ends ON value(ends) WHERE ends <> 0;
CREATE TABLE counter(space BLOB NOT NULL, key BLOB NOT NULL, window INTEGER NOT NULL, start INTEGER NOT NULL,
                     count INTEGER NOT NULL, previous INTEGER NOT NULL, ends INTEGER NOT NULL);
CREATE UNIQUE INDEX counter_key ON counter(space, key);
CREATE INDEX counter_ends ON counter(ends) WHERE ends <> 0;
CREATE TABLE entry(id INTEGER PRIMARY KEY AUTOINCREMENT, space BLOB NOT NULL, stream BLOB NOT NULL,
                   value BLOB NOT NULL, time INTEGER NOT NULL);
CREATE INDEX entry_stream ON entry(space, stream, id);
CREATE TABLE reader(space BLOB NOT NULL, stream BLOB NOT NULL, "group" BLOB NOT NULL, last INTEGER NOT NULL);
CREATE UNIQUE INDEX reader_group ON reader(space, stream, "group");
CREATE TABLE pending(space BLOB NOT NULL, stream BLOB NOT NULL, "group" BLOB NOT NULL, id INTEGER NOT NULL,
                     due INTEGER NOT NULL, attempts INTEGER NOT NULL);
CREATE UNIQUE INDEX pending_id ON pending(space, stream, "group", id);
CREATE INDEX pending_due ON pending(space, stream, "group", due);
CREATE TABLE dead(space BLOB NOT NULL, stream BLOB NOT NULL, "group" BLOB NOT NULL, id INTEGER NOT NULL,
                  value BLOB NOT NULL, time INTEGER NOT NULL, attempts INTEGER NOT NULL);
CREATE UNIQUE INDEX dead_id ON dead(space, stream, "group", id);
)sql";

}  // namespace

Database::Database(const std::string& file, Durability durability)
    : database_(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kBusyMillis) {
    database_.exec("PRAGMA journal_mode = WAL");
    database_.exec(durability == Durability::Full ? "PRAGMA synchronous = FULL"
                                                  : "PRAGMA synchronous = NORMAL");
    database_.exec("PRAGMA journal_size_limit = 67108864");
    database_.exec("PRAGMA trusted_schema = OFF");
    make_tables();
}

void Database::make_tables() {
    SQLite::Transaction change(database_, SQLite::TransactionBehavior::IMMEDIATE);
    const int format = database_.execAndGet("PRAGMA user_version").getInt();
    if (format > kFormat) {
        throw SQLite::Exception(
            fmt::format("it was written by a later gantry (format {}, this one knows {})", format, kFormat));
    }
    if (format == 0) {
        database_.exec(kTables);
        database_.exec(fmt::format("PRAGMA user_version = {}", kFormat));
    }
    change.commit();
}

Query Database::query(const char* sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return Query(found->second);
    return Query(statements_.emplace(sql, SQLite::Statement(database_, sql)).first->second);
}

void Database::begin(bool is_writing) {
    query(is_writing ? "BEGIN IMMEDIATE" : "BEGIN").run();
}

void Database::commit() {
    query("COMMIT").run();
}

void Database::rollback() noexcept {
    database_.tryExec("ROLLBACK");
}

std::uint64_t Database::next_version() {
    Query next = query("UPDATE version SET last = last + 1 RETURNING last");
    next.next();
    return static_cast<std::uint64_t>(next.number(0));
}

}  // namespace gantry::store
