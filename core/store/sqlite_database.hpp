// The file of a store in SQLite: its tables, and statements that are compiled once.
#pragma once

#include "core/store/backend.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <map>
#include <string_view>
#include <utility>

namespace gantry::store {

// One run of a compiled statement. All bytes go in and out as blobs, so that any are fine and they are
// ordered as such. Members throw SQLite::Exception.
class Query {
public:
    explicit Query(SQLite::Statement& statement) : statement_(statement) {}
    ~Query() { statement_.tryReset(); }
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    // Parameters in their order, which stay valid until the Query ends.
    template <class... Values>
    Query& with(const Values&... values) {
        int index = 0;
        (bind(++index, values), ...);
        return *this;
    }
    // The next row; false: there is none.
    bool next() { return statement_.executeStep(); }
    // For what has no rows: how many it changed.
    int run() { return statement_.exec(); }

    std::int64_t number(int column) const { return statement_.getColumn(column).getInt64(); }
    std::string bytes(int column) const {
        const SQLite::Column value = statement_.getColumn(column);
        const auto* const data = static_cast<const char*>(value.getBlob());
        return data == nullptr ? std::string()
                               : std::string(data, static_cast<std::size_t>(value.getBytes()));
    }

private:
    void bind(int index, std::string_view bytes) {
        statement_.bindNoCopy(index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()));
    }
    void bind(int index, std::int64_t number) { statement_.bind(index, number); }
    void bind(int index, std::uint64_t number) { bind(index, static_cast<std::int64_t>(number)); }
    void bind(int index, std::uint32_t number) { statement_.bind(index, number); }

    SQLite::Statement& statement_;
};

// [one thread at a time]
class Database {
public:
    // Throws SQLite::Exception.
    Database(const std::string& file, Durability durability);

    // `sql` is a literal: it is compiled at its first use, and by its address known again.
    Query query(const char* sql);
    void begin(bool is_writing);
    void commit();
    // Never throws; for when something failed.
    void rollback() noexcept;
    std::uint64_t last_id() const { return static_cast<std::uint64_t>(database_.getLastInsertRowid()); }
    // A number that was never returned before.
    std::uint64_t next_version();

private:
    void make_tables();
    SQLite::Database database_;
    std::map<const char*, SQLite::Statement> statements_;
};

Answer run(Database& database, const std::string& space, const Get& get, Millis now);
Answer run(Database& database, const std::string& space, const Put& put, Millis now);
Answer run(Database& database, const std::string& space, const Erase& erase, Millis now);
Answer run(Database& database, const std::string& space, const List& list, Millis now);
Answer run(Database& database, const std::string& space, const Add& add, Millis now);
Answer run(Database& database, const std::string& space, const Append& append, Millis now);
Answer run(Database& database, const std::string& space, const Read& read, Millis now);
Answer run(Database& database, const std::string& space, const Claim& claim, Millis now);
Answer run(Database& database, const std::string& space, const Acknowledge& acknowledge, Millis now);
Answer run(Database& database, const std::string& space, const Reject& reject, Millis now);
Answer run(Database& database, const std::string& space, const Dead& dead, Millis now);

// Whether one more entry of that many bytes fits into an answer that has `size` so far; counts it.
inline bool fits(const Entry& entry, std::size_t& size, bool is_first) {
    size += entry.key.size() + entry.value.size();
    return is_first || size <= kLargestAnswer;
}

// The rows of a query as entries, as many as fit into one answer. `entry_of` reads one row.
template <class EntryOf>
std::vector<Entry> entries_of(Query& query, const EntryOf& entry_of) {
    std::vector<Entry> entries;
    std::size_t size = 0;
    while (query.next()) {
        Entry entry = entry_of(query);
        if (!fits(entry, size, entries.empty())) break;
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace gantry::store
