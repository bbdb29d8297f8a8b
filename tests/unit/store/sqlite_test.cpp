#include "core/store/backend.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace gantry::store;
using gantry::Millis;

namespace {

constexpr Millis kNow = 1'800'000'000'000;  // a moment

struct Store {
    TempDir folder;
    std::string file = folder.path() + "/store.db";
    std::unique_ptr<Backend> backend = open();
    Millis now = kNow;

    std::unique_ptr<Backend> open() const {
        auto opened = open_sqlite(file, Durability::Normal);
        REQUIRE(opened);
        return std::move(*opened);
    }
    Answer ask(Operation operation, const std::string& space = "m") {
        Job job{space, std::move(operation)};
        Job* jobs[] = {&job};
        CHECK(backend->run(jobs, now) == "");
        return job.answer;
    }
    std::string value(const std::string& key, const std::string& space = "m") {
        const Answer answer = ask(Get{key}, space);
        return answer.outcome == Outcome::Done ? answer.entries.at(0).value : "-";
    }
    std::vector<std::string> keys(List list) {
        std::vector<std::string> out;
        for (const Entry& entry : ask(std::move(list)).entries) out.push_back(entry.key);
        return out;
    }
    // What a claim of group "g" of stream "s" is given: "1 one" = at its first attempt.
    std::vector<std::string> claim(std::uint32_t limit = 100, std::uint32_t attempts = 1000) {
        std::vector<std::string> out;
        claimed = ask(Claim{"s", "g", limit, 10'000, attempts}).entries;
        for (const Entry& entry : claimed) out.push_back(fmt::format("{} {}", entry.attempts, entry.value));
        return out;
    }
    std::vector<Entry> claimed;
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a value is what was put last, whatever its bytes are") {
    Store store;
    const std::string odd("\0\xff'; DROP TABLE value; --", 25);
    CHECK(store.value("key") == "-");
    const auto first = store.ask(Put{"key", "one"}).version;
    CHECK(store.value("key") == "one");
    CHECK(store.ask(Get{"key"}).version == first);
    CHECK(store.ask(Put{"key", odd}).version > first);
    CHECK(store.value("key") == odd);
    store.ask(Put{odd, ""});
    CHECK(store.value(odd).empty());
    CHECK(store.ask(Erase{"key"}).count == 1);
    CHECK(store.value("key") == "-");
    CHECK(store.ask(Erase{"key"}).outcome == Outcome::Absent);
}

TEST_CASE("modules do not see each other's values, counters and streams") {
    Store store;
    store.ask(Put{"key", "mine"}, "a");
    store.ask(Add{"key", 5, 0}, "a");
    store.ask(Append{"key", "mine"}, "a");
    CHECK(store.value("key", "b") == "-");
    CHECK(store.ask(Add{"key", 0, 0}, "b").count == 0);
    CHECK(store.ask(List{}, "b").entries.empty());
    CHECK(store.ask(Read{"key"}, "b").entries.empty());
    CHECK(store.ask(Claim{"key", "g"}, "b").entries.empty());
    CHECK(store.ask(Erase{"key"}, "b").outcome == Outcome::Absent);
    CHECK(store.value("key", "a") == "mine");
}

TEST_CASE("compare and set changes only the version that was expected") {
    Store store;
    CHECK(store.ask(Put{"key", "x", 0, 7}).outcome == Outcome::Conflict);
    const auto first = store.ask(Put{"key", "one", 0, 0}).version;
    CHECK(first != 0);
    const Answer taken = store.ask(Put{"key", "two", 0, 0});
    CHECK(taken.outcome == Outcome::Conflict);
    CHECK(taken.version == first);
    const auto second = store.ask(Put{"key", "two", 0, first}).version;
    CHECK(store.ask(Put{"key", "three", 0, first}).outcome == Outcome::Conflict);
    CHECK(store.ask(Erase{"key", first}).outcome == Outcome::Conflict);
    CHECK(store.value("key") == "two");
    CHECK(store.ask(Erase{"key", second}).outcome == Outcome::Done);
    // A version never comes back, so that whoever holds an old one does not mistake the new value for it.
    CHECK(store.ask(Put{"key", "again", 0, 0}).version > second);
}

TEST_CASE("a value ends by the clock, and is swept away then") {
    Store store;
    store.ask(Put{"short", "1", 1000});
    store.ask(Put{"long", "2", 5000});
    store.ask(Put{"ever", "3", std::numeric_limits<Millis>::max()});
    CHECK(store.ask(Get{"short"}).entries.at(0).time == kNow + 1000);
    store.now += 999;
    CHECK(store.value("short") == "1");
    store.now += 1;
    CHECK(store.value("short") == "-");
    CHECK(store.keys({}) == Strings{"ever", "long"});
    CHECK(store.ask(Put{"short", "new", 0, 0}).outcome == Outcome::Done);  // as if it had never been
    CHECK_FALSE(store.backend->clean(store.now + 10'000));
    store.now = kNow;
    CHECK(store.value("long") == "-");  // not only hidden
    CHECK(store.value("short") == "new");
    CHECK(store.value("ever") == "3");
}

TEST_CASE("values are listed in the order of their keys, page by page") {
    Store store;
    for (const char* const key : {"b/2", "a", "b/1", "b0", "b/10", "c", "b/\xff", "b/\xff\xff"}) {
        store.ask(Put{key, "v"});
    }
    CHECK(store.keys({"b/"}) == Strings{"b/1", "b/10", "b/2", "b/\xff", "b/\xff\xff"});
    CHECK(store.keys({"b/", "", 2}) == Strings{"b/1", "b/10"});
    CHECK(store.keys({"b/", "b/10", 2}) == Strings{"b/2", "b/\xff"});
    CHECK(store.keys({"b/\xff"}) == Strings{"b/\xff", "b/\xff\xff"});
    CHECK(store.keys({"\xff"}).empty());
    CHECK(store.keys({"", "b0"}) == Strings{"c"});
}

TEST_CASE("a list ends before its answer is too large, but not before its first value") {
    Store store;
    for (int i = 0; i < 9; ++i) store.ask(Put{fmt::format("{}", i), std::string(kLargestValue, 'x')});
    const auto first = store.keys({});
    CHECK(first == Strings{"0", "1", "2"});  // keys count as well
    CHECK(store.keys({"", "2"}) == Strings{"3", "4", "5"});
}

TEST_CASE("a counter counts in windows, and knows the one before") {
    Store store;
    store.now = kNow + 250;
    CHECK(store.ask(Add{"c", 1, 1000}).count == 1);
    CHECK(store.ask(Add{"c", 5, 1000}).count == 6);
    CHECK(store.ask(Add{"c", 0, 1000}).into_window == 250);
    store.now = kNow + 1100;
    const Answer next = store.ask(Add{"c", 2, 1000});
    CHECK(next.count == 2);
    CHECK(next.previous == 6);
    store.now = kNow + 900;  // the clock was set back a little: the window goes on
    CHECK(store.ask(Add{"c", 1, 1000}).count == 3);
    store.now = kNow + 3500;  // a window without any lies between
    const Answer later = store.ask(Add{"c", 0, 1000});
    CHECK(later.count == 0);
    CHECK(later.previous == 0);
    store.now = kNow - 1'000'000'000;  // a clock set back by days does not stop it
    CHECK(store.ask(Add{"c", 1, 1000}).count == 1);
    CHECK(store.ask(Add{"c", 1, 60'000}).count == 1);  // another length: another window

    CHECK(store.ask(Add{"total", std::numeric_limits<std::int64_t>::max(), 0}).count > 0);
    CHECK(store.ask(Add{"total", 1, 0}).count == std::numeric_limits<std::int64_t>::max());
    CHECK(store.ask(Add{"total", -5, 0}).count == std::numeric_limits<std::int64_t>::max() - 5);
}

TEST_CASE("a stream keeps its order, and about as many entries as it should") {
    Store store;
    std::uint64_t last = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto id = store.ask(Append{"s", fmt::format("{}", i), 50}).id;
        CHECK(id > last);
        last = id;
        if (i % 3 == 0) store.ask(Append{"other", "x"});
    }
    const auto entries = store.ask(Read{"s"}).entries;
    CHECK(entries.size() >= 50);
    CHECK(entries.size() <= 400);
    CHECK(entries.back().value == "1999");
    CHECK(entries.back().time == kNow);
    CHECK(store.ask(Read{"s", entries[entries.size() - 3].id}).entries.size() == 2);
    CHECK(store.ask(Read{"s", 0, 7}).entries.size() == 7);
    CHECK(store.ask(Read{"other"}).entries.size() == 667);
}

TEST_CASE("every entry is delivered to each group until that has acknowledged it") {
    Store store;
    for (const char* const value : {"one", "two", "three"}) store.ask(Append{"s", value});
    CHECK(store.claim(2) == Strings{"1 one", "1 two"});
    const auto first = store.claimed;
    CHECK(store.claim() == Strings{"1 three"});
    CHECK(store.claim().empty());  // all of them are leased
    CHECK(store.ask(Claim{"s", "other", 1}).entries.at(0).value == "one");

    CHECK(store.ask(Acknowledge{"s", "g", {first[0].id, 999}}).count == 1);
    store.now += 10'000;
    CHECK(store.claim() == Strings{"2 two", "2 three"});
    CHECK(store.ask(Acknowledge{"s", "g", {store.claimed[0].id, store.claimed[1].id}}).count == 2);
    store.now += 10'000;
    store.ask(Append{"s", "four"});
    CHECK(store.claim() == Strings{"1 four"});
}

TEST_CASE("what was rejected comes again when its delay is over") {
    Store store;
    store.ask(Append{"s", "one"});
    CHECK(store.claim() == Strings{"1 one"});
    const auto id = store.claimed[0].id;
    CHECK(store.ask(Reject{"s", "g", id, 500}).count == 1);
    CHECK(store.claim().empty());
    store.now += 500;
    CHECK(store.claim() == Strings{"2 one"});
    CHECK(store.ask(Reject{"s", "g", id + 1, 0}).outcome == Outcome::Absent);
}

TEST_CASE("what fails too often is put among the dead, and can be taken from there") {
    Store store;
    store.ask(Append{"s", "poison"});
    store.ask(Append{"s", "fine"});
    CHECK(store.claim(1, 2) == Strings{"1 poison"});
    store.now += 10'000;
    CHECK(store.claim(1, 2) == Strings{"2 poison"});
    const auto id = store.claimed[0].id;
    store.now += 10'000;
    CHECK(store.claim(1, 2) == Strings{"1 fine"});  // the dead do not take a turn
    auto dead = store.ask(Dead{"s", "g"}).entries;
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].value == "poison");
    CHECK(dead[0].attempts == 2);
    CHECK(dead[0].id == id);

    CHECK(store.ask(Reject{"s", "g", id, 0}).count == 1);  // once more
    CHECK(store.ask(Dead{"s", "g"}).entries.empty());
    CHECK(store.claim(1, 2) == Strings{"1 poison"});
    for (int i = 0; i < 2; ++i) {
        store.now += 10'000;
        store.claim(100, 2);
    }
    CHECK(store.ask(Dead{"s", "g"}).entries.size() == 2);
    CHECK(store.ask(Acknowledge{"s", "g", {id}}).count == 1);  // forgotten
    dead = store.ask(Dead{"s", "g"}).entries;
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].value == "fine");
}

TEST_CASE("a group that begins later is not given what is older, if it says so") {
    Store store;
    const auto claim = [&](const char* group, Millis since) {
        Strings out;
        for (const Entry& entry : store.ask(Claim{"s", group, 100, 10'000, 9, since}).entries)
            out.push_back(entry.value);
        return out;
    };
    CHECK(claim("early", kNow).empty());
    store.ask(Append{"s", "one"});
    store.now += 10;
    store.ask(Append{"s", "two"});
    CHECK(claim("late", kNow + 10) == Strings{"two"});
    CHECK(claim("later", kNow + 11).empty());
    CHECK(claim("all", 0) == Strings{"one", "two"});
    store.ask(Append{"s", "three"});
    CHECK(claim("later", kNow + 100) == Strings{"three"});
    CHECK(claim("early", kNow + 100) == Strings{"one", "two", "three"});
}

TEST_CASE("a file holds what was answered, for one process after the other and for two at once") {
    Store store;
    const auto version = store.ask(Put{"key", "kept"}).version;
    store.ask(Append{"s", "one"});
    CHECK(store.claim() == Strings{"1 one"});
    auto second = store.open();  // while the first one goes on, as in an upgrade
    std::swap(store.backend, second);
    CHECK(store.ask(Get{"key"}).version == version);
    CHECK(store.claim().empty());
    store.ask(Put{"key", "newer"});
    std::swap(store.backend, second);
    CHECK(store.value("key") == "newer");
    struct stat found{};
    REQUIRE(::stat(store.file.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a batch is done together, and one that cannot be done leaves the others alone") {
    Store store;
    std::vector<Job> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back({"m", Add{"n", 1, 0}});
    std::vector<Job*> pointers;
    for (Job& job : jobs) pointers.push_back(&job);
    CHECK(store.backend->run(pointers, kNow) == "");
    CHECK(jobs.back().answer.count == 100);

    // No file may grow from here on: as on a full disk, but for the error's number.
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = old;
    small.rlim_cur = 256 * 1024;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    Job large{"m", Put{"large", std::string(kLargestValue, 'x')}};
    Job fine{"m", Put{"fine", "yes"}};
    Job* both[] = {&large, &fine};
    const std::string error = store.backend->run(both, kNow);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK_FALSE(error.empty());
    CHECK((large.answer.outcome == Outcome::Unavailable || large.answer.outcome == Outcome::Full));
    CHECK(fine.answer.outcome == Outcome::Done);
    CHECK(store.value("large") == "-");
    CHECK(store.value("fine") == "yes");
    CHECK(store.ask(Put{"large", "fits"}).outcome == Outcome::Done);
}

TEST_CASE("a file that is none of ours is refused, with what to do") {
    TempDir folder;
    const std::string file = folder.path() + "/x";
    REQUIRE(std::system(("head -c 8192 /dev/urandom > " + file).c_str()) == 0);
    auto opened = open_sqlite(file, Durability::Full);
    REQUIRE_FALSE(opened);
    CHECK(opened.error() ==
          "file is not a database; move the file away, or put a backup in its place, and reload");

    opened = open_sqlite("/proc/nothing/here", Durability::Full);
    REQUIRE_FALSE(opened);
    CHECK(opened.error() ==
          "No such file or directory; make its folder, writable for the user that runs gantry, or set "
          "store.file");

    // The tables of a gantry to come.
    const std::string later = folder.path() + "/later";
    REQUIRE(open_sqlite(later, Durability::Full));
    REQUIRE(std::system(("/usr/bin/python3 -c \"import sqlite3; "
                         "sqlite3.connect('" +
                         later + "').execute('PRAGMA user_version = 99')\"")
                            .c_str()) == 0);
    opened = open_sqlite(later, Durability::Full);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().find("a later gantry (format 99, this one knows 1)") != std::string::npos);
}
