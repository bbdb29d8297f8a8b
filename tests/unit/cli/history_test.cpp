#include "core/cli/history.hpp"

#include "core/cli/handover.hpp"
#include "tests/support/catch.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace gantry;
using namespace gantry::cli;

namespace {

Served served(std::uint64_t generation, bool is_confirmed = true, std::size_t bytes = 10) {
    return {generation, 1'700'000'000, "reload", is_confirmed, {}, bytes};
}

}  // namespace

TEST_CASE("history: what would be served is never forgotten", "[cli]") {
    History history;
    CHECK(history.next_generation() == 1);
    CHECK(history.trusted() == nullptr);
    history.add(served(1));
    for (std::uint64_t generation = 2; generation <= 60; ++generation) history.add(served(generation, false));
    CHECK(history.all().size() == History::kMost);
    REQUIRE(history.trusted() != nullptr);
    CHECK(history.trusted()->generation == 1);
    CHECK(history.find(60) != nullptr);
    CHECK(history.find(2) == nullptr);
    CHECK(history.next_generation() == 61);
    history.confirm(60);
    CHECK(history.trusted()->generation == 60);
}

TEST_CASE("history: large ones are fewer", "[cli]") {
    History history;
    for (std::uint64_t generation = 1; generation <= 10; ++generation) {
        history.add(served(generation, true, History::kMostBytes / 3));
    }
    CHECK(history.all().size() == 3);
    history.add(served(11, true, History::kMostBytes * 2));
    CHECK(history.all().size() == 1);
    CHECK(history.trusted()->generation == 11);
}

TEST_CASE("history: what is kept in memory is read as it was, and cannot be changed", "[cli]") {
    const std::string bytes(1'000'000, 'x');
    const UniqueFd kept = keep_in_memory(bytes);
    REQUIRE(kept);
    CHECK(read_memory(kept.get()) == bytes);
    CHECK(read_memory(kept.get()) == bytes);
    CHECK(::write(kept.get(), "y", 1) < 0);
    CHECK(!read_snapshot(kept.get()));
    CHECK(!read_memory(-1));
}

TEST_CASE("handover: all that a supervisor has arrives", "[cli]") {
    Handover before;
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const int socket = pair[0];
    net::BrokerState::Kept kept;
    kept.key = "1 127.0.0.1 80 web";
    kept.address.family = conf::Address::Family::Unix;
    kept.address.host = "/run/web.sock";
    kept.address.port = 80;
    kept.is_passed = true;
    kept.sockets.emplace_back(pair[0]);
    before.sockets.kept.push_back(std::move(kept));
    before.sockets.passed.push_back({UniqueFd(pair[1]), "web", "127.0.0.1:80", "1 127.0.0.1 80 web"});
    before.sockets.limit = {33, 34, "www-data"};
    Served first = served(7, false);
    first.snapshot = keep_in_memory("text");
    before.history.add(std::move(first));
    before.server = 4711;
    before.program = "/usr/sbin/gantry";
    before.version = "1.2.3";
    before.failure = "it was\n\"too\" late";

    const UniqueFd file = render(before);
    REQUIRE(file);
    set_inherited(before, true);
    CHECK(::fcntl(socket, F_GETFD) == 0);
    auto after = take_handover(file.get());
    REQUIRE(after);
    CHECK(::fcntl(socket, F_GETFD) == FD_CLOEXEC);
    REQUIRE(after->sockets.kept.size() == 1);
    const auto& taken = after->sockets.kept.front();
    CHECK(taken.key == "1 127.0.0.1 80 web");
    CHECK(taken.address.family == conf::Address::Family::Unix);
    CHECK(taken.address.host == "/run/web.sock");
    CHECK(taken.address.port == 80);
    CHECK(taken.is_passed);
    CHECK(taken.sockets.front().get() == socket);
    REQUIRE(after->sockets.passed.size() == 1);
    CHECK(after->sockets.passed.front().name == "web");
    CHECK(after->sockets.passed.front().address == "127.0.0.1:80");
    CHECK(after->sockets.passed.front().user == "1 127.0.0.1 80 web");
    REQUIRE(after->sockets.limit);
    CHECK(after->sockets.limit->user == 33);
    CHECK(after->sockets.limit->group == 34);
    CHECK(after->sockets.limit->name == "www-data");
    REQUIRE(after->history.find(7) != nullptr);
    CHECK(!after->history.find(7)->is_confirmed);
    CHECK(after->history.find(7)->cause == "reload");
    CHECK(read_memory(after->history.find(7)->snapshot.get()) == "text");
    CHECK(after->server == 4711);
    CHECK(!after->server_socket);
    CHECK(after->program == "/usr/sbin/gantry");
    CHECK(after->version == "1.2.3");
    CHECK(after->failure == before.failure);

    // Both own the same descriptors now; as after execve(2), one of them is gone.
    for (auto& one : before.sockets.kept) one.sockets.front().release();
    before.sockets.passed.front().fd.release();
    static History forgotten;  // closes its descriptors again at the very end
    forgotten = std::move(before.history);
}

TEST_CASE("handover: what is not understood is refused", "[cli]") {
    for (const char* text : {"", "{", "[]", "{}", "{\"format\":1}", "{\"format\":\"1\"}"}) {
        INFO(text);
        const UniqueFd file = keep_in_memory(text);
        const auto taken = take_handover(file.get());
        REQUIRE(!taken);
        CHECK(!taken.error().empty());
    }
    const UniqueFd later = keep_in_memory("{\"format\":2}");
    CHECK(take_handover(later.get()).error().find("format 2") != std::string::npos);
}
