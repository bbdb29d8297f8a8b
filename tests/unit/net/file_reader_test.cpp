#include "core/net/file_reader.hpp"

#include "core/base/unique_fd.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/net/worker.hpp"
#include "tests/support/catch.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <future>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

using namespace gantry;
using namespace gantry::net;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);

// A file that is on the disk and, where the file system works like that, nowhere else.
class ColdFile final : public RefCounted {
public:
    explicit ColdFile(std::size_t size) : content(size, '\0') {
        for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 4096);
        char name[] = "/tmp/gantry-cold-XXXXXX";
        fd.reset(::mkstemp(name));
        ::unlink(name);
        REQUIRE(::write(fd.get(), content.data(), size) == static_cast<ssize_t>(size));
        ::fsync(fd.get());
        ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
    ~ColdFile() override { closed.set_value(std::this_thread::get_id()); }
    bool is_cold() const {
        char byte;
        iovec vector{&byte, 1};
        return ::preadv2(fd.get(), &vector, 1, 0, RWF_NOWAIT) < 0 && errno == EAGAIN;
    }
    Segment segment(off_t offset = 0) {
        Segment whole;
        whole.size = content.size() - static_cast<std::size_t>(offset);
        whole.fd = fd.get();
        whole.offset = offset;
        whole.owner = Ref<RefCounted>(this);
        return whole;
    }

    UniqueFd fd;
    std::string content;
    std::promise<std::thread::id> closed;
};

// Reads the file to its end as a response does.
class Reading {
public:
    explicit Reading(ColdFile& file) : file_(&file) {}
    void go_on() {
        char bytes[16 * 1024];
        while (read_.size() < file_->content.size()) {
            const Segment segment = file_->segment(static_cast<off_t>(read_.size()));
            const ssize_t got = files.read(segment, bytes, sizeof bytes);
            if (got > 0) {
                read_.append(bytes, static_cast<std::size_t>(got));
                continue;
            }
            if (got == 0 || errno != EAGAIN) break;
            ++fetches;
            if (files.fetch(segment)) return;
        }
        done.set_value(read_);
    }

    FileReader files{this, [](void* self) { static_cast<Reading*>(self)->next(); }};
    std::function<void()> next = [this] { go_on(); };
    int fetches = 0;
    std::promise<std::string> done;

private:
    Ref<ColdFile> file_;
    std::string read_;
};

struct Bench {
    explicit Bench(bool with_pool = true) : worker(0, with_pool ? &pool : nullptr) {
        thread = std::thread([this] { worker.run(); });
    }
    ~Bench() {
        worker.post([this] { worker.post([this] { worker.stop(); }); });
        thread.join();
        pool.finish();
    }
    void run(const std::function<void()>& task) {
        std::promise<void> done;
        worker.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    BlockingPool pool{1};
    Worker worker;
    std::thread thread;
};

}  // namespace

TEST_CASE("file_reader: what the disk has comes by way of the pool, whole and in order", "[net]") {
    Bench bench;
    auto* const file = new ColdFile(2'000'001);
    const std::string expected = file->content;
    auto closed = file->closed.get_future();
    const bool is_cold =
        Ref<ColdFile>(new ColdFile(100'000))->is_cold();  // asking makes the kernel read ahead
    Reading* reading = nullptr;
    bench.run([&] {
        reading = new Reading(*file);
        reading->go_on();
    });
    auto done = reading->done.get_future();
    REQUIRE(done.wait_for(kPatience) == std::future_status::ready);
    CHECK((done.get() == expected));
    if (is_cold) {
        CHECK(reading->fetches > 0);
    } else {
        WARN("the file system keeps everything in memory: nothing was fetched");
    }
    bench.run([&] { delete reading; });
    REQUIRE(closed.wait_for(kPatience) == std::future_status::ready);
}

TEST_CASE("file_reader: what the kernel is to send is judged by its ends, or fetched", "[net]") {
    Bench bench;
    std::promise<void> here;
    Reading* reading = nullptr;
    bench.run([&] {
        auto* const file = new ColdFile(3'000'000);
        reading = new Reading(*file);
        FileReader& files = reading->files;
        Segment segment = file->segment();
        CHECK(files.ready(segment, FileReader::kUnasked) == FileReader::kUnasked);
        if (!file->is_cold()) return here.set_value();
        // Asking has made the kernel read ahead at the begin, the end is still on the disk.
        CHECK(files.ready(segment, 3'000'000) == 0);
        REQUIRE(files.fetch(segment));
        reading->next = [&here, segment, &files] {
            const std::size_t ready = files.ready(segment, 3'000'000);
            CHECK(ready > FileReader::kUnasked);
            CHECK(ready < 3'000'000);
            files.took(ready - 1);
            CHECK(files.ready(segment, 3'000'000) == 1);
            files.took(1);
            here.set_value();
        };
    });
    REQUIRE(here.get_future().wait_for(kPatience) == std::future_status::ready);
    bench.run([&] { delete reading; });
}

TEST_CASE("file_reader: a fetch outlives its connection and ends on the worker", "[net]") {
    Bench bench;
    std::future<std::thread::id> closed;
    bench.run([&] {
        auto* const file = new ColdFile(100'000);
        closed = file->closed.get_future();
        Reading* const reading = new Reading(*file);
        REQUIRE(reading->files.fetch(file->segment()));
        CHECK(reading->files.is_fetching());
        delete reading;
    });
    REQUIRE(closed.wait_for(kPatience) == std::future_status::ready);
    CHECK(closed.get() == bench.thread.get_id());
}

TEST_CASE("file_reader: without anybody to fetch it is read all the same", "[net]") {
    Bench bench(false);
    auto* const file = new ColdFile(600'000);
    const std::string expected = file->content;
    Reading* reading = nullptr;
    bench.run([&] {
        reading = new Reading(*file);
        reading->go_on();
    });
    auto done = reading->done.get_future();
    REQUIRE(done.wait_for(kPatience) == std::future_status::ready);
    CHECK((done.get() == expected));
    bench.run([&] { delete reading; });
}

TEST_CASE("file_reader: a pool at its end refuses, and the connection reads itself", "[net]") {
    Bench bench;
    bench.pool.finish();
    bench.run([&] {
        auto* const file = new ColdFile(100'000);
        Reading* const reading = new Reading(*file);
        CHECK_FALSE(reading->files.fetch(file->segment()));
        CHECK_FALSE(reading->files.is_fetching());
        char byte;
        CHECK(reading->files.read(file->segment(99'999), &byte, 1) == 1);
        CHECK(reading->files.read(file->segment(), &byte, 1) == 1);
        CHECK(byte == file->content[0]);
        delete reading;
    });
}
