#include "core/server/recent.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <thread>

using namespace gantry;
using namespace gantry::server;

namespace {

void add(RecentRing& ring, int status, std::string_view path, std::int64_t end = 2'000'000) {
    RecentRecord& record = ring.begin();
    std::memset(reinterpret_cast<char*>(&record) + 8, 0, sizeof record - 8);
    record.start_nanos = end - 1'500'000;
    record.end_nanos = end;
    record.handler_nanos = record.connect_nanos = record.first_byte_nanos = -1;
    record.status = static_cast<std::uint16_t>(status);
    record.family = 4;
    const std::uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    std::memcpy(record.ip, ip, sizeof ip);
    record.version = 1;
    std::memcpy(record.method, "GET", 3);
    record.method_size = 3;
    std::memcpy(record.text, "host", 4);
    record.host_size = 4;
    std::memcpy(record.text + 4, path.data(), path.size());
    record.path_size = static_cast<std::uint8_t>(path.size());
    ring.commit(record);
}

UniqueFd memory() {
    return UniqueFd(::memfd_create("test", MFD_CLOEXEC));
}

}  // namespace

TEST_CASE("recent: what was written is read", "[server][recent]") {
    const auto rings = RecentRings::make(2, 4, {});
    REQUIRE(rings);
    RecentRing one = rings->ring(0);
    RecentRing two = rings->ring(1);
    CHECK(rings->read({}).requests.empty());
    add(one, 200, "/second", 3'000'000);
    add(two, 404, "/f\x1birst", 2'000'000);
    const auto batch = rings->read({});
    REQUIRE(batch.requests.size() == 2);
    const RecentRequest& first = batch.requests[0];
    CHECK(first.status == 404);
    CHECK(first.path == "/f?irst");
    CHECK(first.host == "host");
    CHECK(first.method == "GET");
    CHECK(first.client == "192.0.2.1");
    CHECK(first.protocol == "HTTP/1.1");
    CHECK(first.duration_nanos == 1'500'000);
    CHECK(first.handler_nanos == -1);
    CHECK(first.error.empty());
    CHECK(batch.requests[1].path == "/second");
    CHECK(batch.missed == 0);
    CHECK(rings->read(batch.cursor).requests.empty());
}

TEST_CASE("recent: what was overwritten is counted", "[server][recent]") {
    const auto rings = RecentRings::make(1, 3, {});  // rounded up to 4
    REQUIRE(rings);
    RecentRing ring = rings->ring(0);
    for (int i = 0; i < 3; ++i) add(ring, 200 + i, "/");
    const auto first = rings->read({});
    CHECK(first.requests.size() == 3);
    for (int i = 3; i < 10; ++i) add(ring, 200 + i, "/");
    const auto next = rings->read(first.cursor);
    REQUIRE(next.requests.size() == 4);
    CHECK(next.requests.front().status == 206);
    CHECK(next.requests.back().status == 209);
    CHECK(next.missed == 3);
    // From the begin: what nobody could have seen any more is no loss.
    CHECK(rings->read({}).missed == 0);
    CHECK(rings->read({1'000'000}).requests.empty());
}

TEST_CASE("recent: whoever holds the descriptor can read it", "[server][recent]") {
    UniqueFd mine = memory();
    UniqueFd theirs(::fcntl(mine.get(), F_DUPFD_CLOEXEC, 0));
    auto rings = RecentRings::make(1, 8, std::move(theirs));
    REQUIRE(rings);
    RecentRing ring = rings->ring(0);
    add(ring, 500, "/last words");
    ring.begin();  // and died while it wrote the next one
    rings.reset();
    const auto left = RecentRings::look_at(mine);
    REQUIRE(left);
    const auto batch = left->read({});
    REQUIRE(batch.requests.size() == 1);
    CHECK(batch.requests[0].path == "/last words");
}

TEST_CASE("recent: memory of a process that went mad is not trusted", "[server][recent]") {
    CHECK_FALSE(RecentRings::look_at({}));
    UniqueFd fd = memory();
    CHECK_FALSE(RecentRings::look_at(fd));
    REQUIRE(::ftruncate(fd.get(), 8192) == 0);
    CHECK_FALSE(RecentRings::look_at(fd));
    UniqueFd theirs(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    auto rings = RecentRings::make(1, 8, std::move(theirs));
    REQUIRE(rings);
    RecentRing ring = rings->ring(0);
    RecentRecord& record = ring.begin();
    std::memset(reinterpret_cast<char*>(&record) + 8, 0xff, sizeof record - 8);
    ring.commit(record);
    const auto batch = RecentRings::look_at(fd)->read({});
    REQUIRE(batch.requests.size() == 1);
    CHECK(batch.requests[0].path.size() <= RecentRecord::kText);
    const std::uint64_t beyond = ~0ull;
    REQUIRE(::pwrite(fd.get(), &beyond, 8, 4096) == 8);  // how far it is
    CHECK(RecentRings::look_at(fd)->read({}).requests.size() <= 8);
    REQUIRE(::ftruncate(fd.get(), 4096) == 0);
    CHECK_FALSE(RecentRings::look_at(fd));
}

TEST_CASE("recent: a reader never sees half a record", "[server][recent]") {
    const auto rings = RecentRings::make(1, 4, {});
    REQUIRE(rings);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        RecentRing ring = rings->ring(0);
        for (int i = 0; !stop; ++i) {
            const char letter = static_cast<char>('a' + i % 26);
            add(ring, 200 + i % 26, std::string(20, letter));
        }
    });
    std::uint64_t seen = 0;
    RecentRings::Cursor cursor;
    while (seen < 2000) {
        const auto batch = rings->read(cursor);
        cursor = batch.cursor;
        for (const RecentRequest& request : batch.requests) {
            ++seen;
            const char letter = static_cast<char>('a' + request.status - 200);
            if (request.path != std::string(20, letter)) FAIL(request.path);
        }
    }
    stop = true;
    writer.join();
}
