#include "core/server/log_writer.hpp"

#include "core/base/log.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace gantry;
using namespace gantry::server;

namespace {

constexpr Millis kPatience = 20'000;

struct Folder {
    Folder() {
        char name[] = "/tmp/gantry-log-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string operator/(const std::string& name) const { return path + "/" + name; }
    std::string path;
};

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<LogTarget> opened(LogThread& thread, const std::string& path) {
    auto target = thread.open(path);
    INFO(path);
    REQUIRE(target);
    return *target;
}

// Waits until `done` holds; the log thread works while we look.
template <class Done>
bool wait_for(Done done) {
    const Millis end = monotonic_millis() + kPatience;
    while (!done()) {
        if (monotonic_millis() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace

TEST_CASE("log_writer: lines come out in order, and only when they are old or many", "[server][log]") {
    const Folder folder;
    LogThread thread;
    const auto target = opened(thread, folder / "a.log");
    const auto buffer = thread.make_buffer();
    buffer->append(*target, "one\n", 1000);
    buffer->append(*target, "two\n", 1500);
    buffer->tick(1999);
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log").empty());
    buffer->tick(2000);
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log") == "one\ntwo\n");
    buffer->tick(99'000);  // nothing to hand over
    const std::string line = std::string(999, 'x') + "\n";
    constexpr std::size_t kFew = LogBuffer::kHandOver / 1000;
    for (std::size_t i = 0; i < kFew; ++i) buffer->append(*target, line, 3000);
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log").size() == 8);
    buffer->append(*target, line, 3000);
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log").size() == 8 + (kFew + 1) * 1000);
    CHECK(target->written() == 2 + kFew + 1);
    CHECK(thread.dropped() == 0);
    struct stat status{};
    REQUIRE(::stat((folder / "a.log").c_str(), &status) == 0);
    CHECK((status.st_mode & 0137) == 0);  // at most 0640
}

TEST_CASE("log_writer: reserve and commit write in place", "[server][log]") {
    const Folder folder;
    LogThread thread;
    const auto target = opened(thread, folder / "a.log");
    const auto buffer = thread.make_buffer();
    for (int i = 0; i < 3; ++i) {
        char* const to = buffer->reserve(*target);
        REQUIRE(to != nullptr);
        std::fill_n(to, LogBuffer::kMaxLine - 1, 'x');
        to[LogBuffer::kMaxLine - 1] = '\n';
        buffer->commit(*target, LogBuffer::kMaxLine, 1);
    }
    buffer->append(*target, std::string(LogBuffer::kMaxLine + 1, 'y'), 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log").size() == 3 * LogBuffer::kMaxLine);
    CHECK(target->dropped() == 1);
}

TEST_CASE("log_writer: each target gets its own lines, in order", "[server][log]") {
    const Folder folder;
    LogThread thread;
    std::vector<std::shared_ptr<LogTarget>> targets;
    for (int i = 0; i < 7; ++i) targets.push_back(opened(thread, folder / std::to_string(i)));
    CHECK(opened(thread, folder / "0") == targets[0]);
    std::vector<std::string> expected(7);
    const auto buffer = thread.make_buffer();
    for (int i = 0; i < 5000; ++i) {
        const auto which = static_cast<std::size_t>(i * i % 7);
        const std::string line = std::to_string(i) + "\n";
        // A buffer that is refused now and then would lose lines: wait for the thread instead.
        if (i % 500 == 0) REQUIRE(thread.flush(kPatience));
        buffer->append(*targets[which], line, 1);
        expected[which] += line;
    }
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    for (std::size_t i = 0; i < 7; ++i) CHECK(text_of(folder / std::to_string(i)) == expected[i]);
}

TEST_CASE("log_writer: what is left is written when buffers and thread end", "[server][log]") {
    const Folder folder;
    {
        LogThread thread;
        const auto target = opened(thread, folder / "a.log");
        auto buffer = thread.make_buffer();
        buffer->append(*target, "last\n", 1);
        buffer.reset();
        thread.stop();
        thread.stop();
    }
    CHECK(text_of(folder / "a.log") == "last\n");
}

TEST_CASE("log_writer: rotation moves to the new file", "[server][log]") {
    const Folder folder;
    LogThread thread;
    const auto target = opened(thread, folder / "a.log");
    const auto buffer = thread.make_buffer();
    buffer->append(*target, "before\n", 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    std::filesystem::rename(folder / "a.log", folder / "a.log.1");
    buffer->append(*target, "old file\n", 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    thread.reopen();
    REQUIRE(thread.flush(kPatience));
    buffer->append(*target, "new file\n", 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log.1") == "before\nold file\n");
    CHECK(text_of(folder / "a.log") == "new file\n");
}

TEST_CASE("log_writer: a file that cannot be opened anew stays", "[server][log]") {
    const Folder folder;
    std::filesystem::create_directory(folder / "d");
    LogThread thread;
    const auto target = opened(thread, folder / "d/a.log");
    const auto buffer = thread.make_buffer();
    std::filesystem::rename(folder / "d", folder / "e");
    thread.reopen();
    buffer->append(*target, "still\n", 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "e/a.log") == "still\n");
    CHECK_FALSE(thread.open(folder / "d/b.log"));
    CHECK_FALSE(thread.open(folder.path));
}

TEST_CASE("log_writer: a full disk loses lines, counts them and says so", "[server][log]") {
    const Folder folder;
    REQUIRE(log::open(folder / "error.log", log::Level::Info).empty());
    {
        LogThread thread;
        const auto target = opened(thread, "/dev/full");
        const auto other = opened(thread, folder / "a.log");
        const auto buffer = thread.make_buffer();
        for (int i = 0; i < 10; ++i) buffer->append(*target, "lost\n", 1);
        buffer->append(*other, "kept\n", 1);
        buffer->hand_over();
        REQUIRE(thread.flush(kPatience));
        CHECK(target->dropped() == 10);
        CHECK(target->written() == 0);
        CHECK(thread.dropped() == 10);
        CHECK(text_of(folder / "a.log") == "kept\n");
        // Told at once, but not again within the minute.
        buffer->append(*target, "lost\n", 1);
        buffer->hand_over();
        REQUIRE(thread.flush(kPatience));
        CHECK(target->dropped() == 11);
    }
    log::flush();
    const std::string errors = text_of(folder / "error.log");
    CHECK(errors.find("access log lines lost: No space left on device target=/dev/full lines=10 total=10") !=
          std::string::npos);
    CHECK(errors.find("lines=1 total=11") != std::string::npos);  // with the end of the thread
    REQUIRE(log::open("stderr", log::Level::Info).empty());
}

TEST_CASE("log_writer: a file at its size limit keeps whole lines", "[server][log]") {
    const Folder folder;
    // RLIMIT_FSIZE is of the process: a child tries.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        ::signal(SIGXFSZ, SIG_IGN);
        limit.rlim_cur = 10;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        log::set_level(log::Level::Off);
        int failed = 0;
        {
            LogThread thread;
            auto target = thread.open(folder / "a.log");
            const auto buffer = thread.make_buffer();
            for (int i = 0; i < 4; ++i) buffer->append(**target, "line" + std::to_string(i) + "\n", 1);
            buffer->hand_over();
            if (!thread.flush(kPatience)) failed |= 1;
            if ((*target)->dropped() != 3 || (*target)->written() != 1) failed |= 2;
            limit.rlim_cur = limit.rlim_max;  // somebody made room
            ::setrlimit(RLIMIT_FSIZE, &limit);
            buffer->append(**target, "after\n", 1);
            buffer->hand_over();
            if (!thread.flush(kPatience)) failed |= 4;
        }
        ::_exit(failed);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(text_of(folder / "a.log") == "line0\nline\nafter\n");  // the torn line ends before the next begins
}

TEST_CASE("log_writer: a FIFO that nobody reads holds up no one", "[server][log]") {
    const Folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    log::set_level(log::Level::Off);
    std::string read_back;
    std::uint64_t appended = 0;
    {
        LogThread thread;
        const auto stalled = opened(thread, folder / "fifo");
        const auto file = opened(thread, folder / "a.log");
        const auto buffer = thread.make_buffer();
        const std::string line = std::string(99, 'x') + "\n";
        // Far more than a pipe (64 KiB) and what is kept for it (256 KiB).
        for (; stalled->dropped() == 0; ++appended) {
            REQUIRE(appended < 1'000'000);
            buffer->append(*stalled, line, 1);
        }
        // All chunks may be on their way just now, then a line for the file is refused as well.
        REQUIRE(wait_for([&] {
            buffer->append(*file, "other\n", 1);
            buffer->hand_over();
            return file->written() > 0;
        }));
        CHECK_FALSE(thread.flush(50));
        CHECK(text_of(folder / "a.log").starts_with("other\n"));

        // A reader comes: what was kept arrives in whole lines, and new ones behind it.
        const int fd = ::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK);
        REQUIRE(fd >= 0);
        const auto read_all = [&] {
            char bytes[4096];
            ssize_t got = 0;
            while ((got = ::read(fd, bytes, sizeof bytes)) > 0)
                read_back.append(bytes, static_cast<std::size_t>(got));
        };
        // What was written last can fill the pipe, so reading goes on.
        const auto is_through = [&] {
            read_all();
            return thread.flush(10);
        };
        REQUIRE(wait_for(is_through));
        buffer->append(*stalled, "behind\n", 1);
        buffer->hand_over();
        REQUIRE(wait_for(is_through));
        read_all();
        ::close(fd);
        CHECK(stalled->written() + stalled->dropped() == appended + 1);
        std::uint64_t lines = 0;
        std::istringstream each(read_back);
        for (std::string text; std::getline(each, text); ++lines)
            REQUIRE((text.size() == 99 || text == "behind"));
        CHECK(lines == stalled->written());
        CHECK(read_back.ends_with("\nbehind\n"));
    }
    log::set_level(log::Level::Info);
}

TEST_CASE("log_writer: a worker never waits for a stalled disk", "[server][log]") {
    // Without a thread behind them, buffers fill and then refuse: nothing here may block.
    const Folder folder;
    LogThread thread;
    const auto target = opened(thread, folder / "a.log");
    const auto buffer = thread.make_buffer();
    thread.stop();
    const std::string line = std::string(999, 'x') + "\n";
    std::uint64_t appended = 0;
    for (; target->dropped() < 100; ++appended) {
        REQUIRE(appended < 100'000);
        buffer->append(*target, line, 1);
    }
    CHECK(appended * line.size() >= 16 * LogBuffer::kHandOver);
    CHECK(appended * line.size() <= 16 * LogBuffer::kBytes);
}

TEST_CASE("log_writer: several workers, one file, no line torn", "[server][log]") {
    const Folder folder;
    constexpr int kWorkers = 4;
    constexpr int kLines = 3000;
    LogThread thread;
    const auto target = opened(thread, folder / "a.log");
    std::vector<std::thread> workers;
    for (int w = 0; w < kWorkers; ++w) {
        workers.emplace_back([&, w] {
            const auto buffer = thread.make_buffer();
            for (int i = 0; i < kLines; ++i)
                buffer->append(
                    *target, std::to_string(w) + " " + std::to_string(i) + " " + std::string(50, 'x') + "\n",
                    i);
        });
    }
    for (int i = 0; i < 50; ++i) thread.reopen();
    for (std::thread& worker : workers) worker.join();
    thread.stop();
    CHECK(target->written() + target->dropped() == kWorkers * kLines);
    std::map<int, int> last;
    std::ifstream file(folder / "a.log");
    std::uint64_t lines = 0;
    for (std::string line; std::getline(file, line); ++lines) {
        std::istringstream parts(line);
        int worker = -1;
        int number = -1;
        std::string rest;
        REQUIRE((parts >> worker >> number >> rest));
        REQUIRE(rest.size() == 50);
        const auto before = last.find(worker);
        REQUIRE((before == last.end() || before->second < number));
        last[worker] = number;
    }
    CHECK(lines == target->written());
}

TEST_CASE("log_writer: a target that nobody holds takes late lines, and comes back", "[server][log]") {
    const Folder folder;
    LogThread thread;
    auto target = opened(thread, folder / "a.log");
    LogTarget& bare = *target;
    const auto buffer = thread.make_buffer();
    buffer->append(bare, "early\n", 1);
    target.reset();  // the generation is gone, the worker's line is still on its way
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log") == "early\n");
    target = opened(thread, folder / "a.log");
    CHECK(target.get() == &bare);
    buffer->append(*target, "again\n", 1);
    buffer->hand_over();
    REQUIRE(thread.flush(kPatience));
    CHECK(text_of(folder / "a.log") == "early\nagain\n");
}

TEST_CASE("log_writer: the standard output is a target as well", "[server][log]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::fflush(stdout);
    const int kept = ::dup(STDOUT_FILENO);
    REQUIRE(::dup2(ends[1], STDOUT_FILENO) >= 0);
    ::close(ends[1]);
    std::uint64_t written = 0;
    {
        LogThread thread;
        auto target = thread.open("stdout");
        const auto buffer = thread.make_buffer();
        if (target) {
            buffer->append(**target, "to stdout\n", 1);
            buffer->hand_over();
            thread.flush(kPatience);
            written = (*target)->written();
        }
    }
    ::dup2(kept, STDOUT_FILENO);
    ::close(kept);
    std::array<char, 64> bytes{};
    const ssize_t got = ::read(ends[0], bytes.data(), bytes.size());
    ::close(ends[0]);
    CHECK(written == 1);
    CHECK(std::string_view(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0) == "to stdout\n");
}
