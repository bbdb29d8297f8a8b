// The configurations that were served, newest last: kept by the supervisor beyond the server process, so that
// its successor serves what was served, and for going back.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/conf/snapshot.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::cli {

struct Served {
    std::uint64_t generation = 0;
    std::int64_t loaded = 0;  // seconds since 1970
    std::string cause;        // one line for people: "reload: host a.test changed"
    // False while it is on trial: whatever goes wrong, the one before it is served again.
    bool is_confirmed = true;
    UniqueFd snapshot;      // a file in memory with what conf::render() made
    std::size_t bytes = 0;  // of it
};

// A file in memory that nobody can change any more. Empty where the system has none to give.
UniqueFd keep_in_memory(const std::string& bytes);
// The whole of such a file; nullopt where it cannot be read.
std::optional<std::string> read_memory(int fd);
// nullopt where it is not what conf::render() makes.
std::optional<conf::Snapshot> read_snapshot(int fd);

// Single-threaded; the supervisor has one, and each server process goes on with the copy that it was forked
// with.
class History {
public:
    static constexpr std::size_t kMost = 20;
    static constexpr std::size_t kMostBytes = 64u << 20;

    // Forgets the oldest ones where there are more than kMost, or more than kMostBytes of them; never the
    // newest, and never what would be served instead of it.
    void add(Served served);
    void confirm(std::uint64_t generation);

    bool empty() const { return served_.empty(); }
    const std::vector<Served>& all() const { return served_; }
    const Served* find(std::uint64_t generation) const;
    // The newest that is not on trial; null: there is none.
    const Served* trusted() const;
    // For the next one.
    std::uint64_t next_generation() const { return empty() ? 1 : served_.back().generation + 1; }

private:
    std::vector<Served> served_;
};

}  // namespace gantry::cli
