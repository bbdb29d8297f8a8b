#include "core/base/unique_fd.hpp"
#include "core/store/sqlite_database.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

namespace gantry::store {
namespace {

constexpr int kCleanedAtOnce = 1000;

bool is_writing(const Operation& operation) {
    return !std::holds_alternative<Get>(operation) && !std::holds_alternative<List>(operation) &&
           !std::holds_alternative<Read>(operation) && !std::holds_alternative<Dead>(operation);
}

std::string remedy_of(int code) {
    switch (code) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "move the file away, or put a backup in its place, and reload";
        case SQLITE_FULL:
            return "make room on its disk";
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
            return "give the user that runs gantry the right to write it and its folder";
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "find what else holds it: fuser FILE";
        default:
            return "look at the disk that it is on";
    }
}

std::string describe(const SQLite::Exception& error) {
    return fmt::format("{}; {}", error.what(), remedy_of(error.getErrorCode()));
}

class Sqlite final : public Backend {
public:
    Sqlite(const std::string& file, Durability durability) : database_(file, durability) {}

    std::string run(std::span<Job* const> jobs, Millis now) override {
        if (jobs.empty()) return {};
        std::string error = run_together(jobs, now);
        // One that fails does not take the others with it.
        if (!error.empty() && jobs.size() > 1) {
            for (std::size_t each = 0; each < jobs.size(); ++each) {
                if (const std::string one = run_together(jobs.subspan(each, 1), now); !one.empty())
                    error = one;
            }
        }
        return error;
    }

    bool clean(Millis now) override {
        try {
            const int values =
                database_
                    .query(
                        "DELETE FROM value WHERE rowid IN (SELECT rowid FROM value WHERE ends <> 0 "
                        "AND ends <= ? LIMIT ?)")
                    .with(now, std::int64_t{kCleanedAtOnce})
                    .run();
            const int counters =
                database_
                    .query(
                        "DELETE FROM counter WHERE rowid IN (SELECT rowid FROM counter WHERE "
                        "ends <> 0 AND ends <= ? LIMIT ?)")
                    .with(now, std::int64_t{kCleanedAtOnce})
                    .run();
            return values == kCleanedAtOnce || counters == kCleanedAtOnce;
        } catch (const SQLite::Exception&) {
            return false;  // whoever asks it for something will be told
        }
    }

private:
    std::string run_together(std::span<Job* const> jobs, Millis now) {
        try {
            bool is_change = false;
            for (const Job* const job : jobs) is_change |= is_writing(job->operation);
            database_.begin(is_change);
            for (Job* const job : jobs) {
                job->answer = std::visit(
                    [&](const auto& operation) { return store::run(database_, job->space, operation, now); },
                    job->operation);
            }
            database_.commit();
            return {};
        } catch (const SQLite::Exception& error) {
            database_.rollback();
            const Outcome outcome =
                error.getErrorCode() == SQLITE_FULL ? Outcome::Full : Outcome::Unavailable;
            for (Job* const job : jobs) job->answer = {.outcome = outcome};
            return describe(error);
        }
    }

    Database database_;
};

std::string make_file(const std::string& file) {
    std::error_code ignored;
    std::filesystem::create_directory(std::filesystem::path(file).parent_path(), ignored);
    const UniqueFd made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (made) return {};
    return fmt::format("{}; make its folder, writable for the user that runs gantry, or set store.file",
                       std::strerror(errno));
}

}  // namespace

tl::expected<std::unique_ptr<Backend>, std::string> open_sqlite(const std::string& file,
                                                                Durability durability) {
    if (std::string error = make_file(file); !error.empty()) return tl::unexpected(std::move(error));
    try {
        return std::make_unique<Sqlite>(file, durability);
    } catch (const SQLite::Exception& error) {
        return tl::unexpected(describe(error));
    }
}

}  // namespace gantry::store
