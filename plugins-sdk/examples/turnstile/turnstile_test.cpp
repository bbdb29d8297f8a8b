// The turnstile without a server: this test is its Redis, at the other end of a socket.
#include "gantry/fake_host.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace {

using namespace std::chrono_literals;

class Redis {
public:
    Redis() {
        char text[] = "/tmp/gantry-turnstile-XXXXXX";
        folder_ = ::mkdtemp(text);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof(address.sun_path) - 1);
        GANTRY_CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        GANTRY_CHECK(::listen(listener_, 8) == 0);
    }
    ~Redis() {
        hang_up();
        ::close(listener_);
        std::filesystem::remove_all(folder_);
    }
    std::string path() const { return folder_ + "/redis.sock"; }

    void accept() { client_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }
    std::string asked() const {
        char text[4096];
        const ssize_t got = ::read(client_, text, sizeof(text));
        return {text, static_cast<std::size_t>(got > 0 ? got : 0)};
    }
    void answer(std::string_view text) const {
        GANTRY_CHECK(::send(client_, text.data(), text.size(), MSG_NOSIGNAL) ==
                     static_cast<ssize_t>(text.size()));
    }
    void hang_up() {
        if (client_ >= 0) ::close(std::exchange(client_, -1));
    }

private:
    std::string folder_;
    int listener_ = -1;
    int client_ = -1;
};

constexpr const char* kIncrement = "*2\r\n$4\r\nINCR\r\n$8\r\nvisitors\r\n";

void prepare(gantry::fake::Host& host, const std::string& redis) {
    GANTRY_CHECK(host.load(GANTRY_MODULE_FILE));
    host.location("/", {{"turnstile", redis}});
    GANTRY_CHECK(host.reload());
}

void test_counts() {
    Redis redis;
    gantry::fake::Host host;
    prepare(host, redis.path());
    const auto first = host.request("GET", "/");
    const auto second = host.request("GET", "/");
    host.run();
    redis.accept();
    GANTRY_CHECK_EQUAL(redis.asked(), std::string{kIncrement} + kIncrement);
    redis.answer(":41\r\n:4");
    host.run();
    GANTRY_CHECK_EQUAL(first.body(), "visitor 41\n");
    GANTRY_CHECK(second.is_asleep());
    redis.answer("2\r\n");
    host.run();
    GANTRY_CHECK_EQUAL(second.body(), "visitor 42\n");
    host.advance(10s);
    GANTRY_CHECK_EQUAL(host.watches(), 1u);  // it is kept
}

void test_a_connection_that_ends_is_made_anew() {
    Redis redis;
    gantry::fake::Host host;
    prepare(host, redis.path());
    const auto cut = host.request("GET", "/");
    host.run();
    redis.accept();
    redis.hang_up();
    host.run();
    GANTRY_CHECK_EQUAL(cut.status(), 503);
    GANTRY_CHECK_EQUAL(host.watches(), 0u);
    const auto next = host.request("GET", "/");
    host.run();
    redis.accept();
    redis.answer(":1\r\n");
    host.run();
    GANTRY_CHECK_EQUAL(next.body(), "visitor 1\n");
}

void test_nonsense_and_errors() {
    Redis redis;
    gantry::fake::Host host;
    prepare(host, redis.path());
    const auto refused = host.request("GET", "/");
    host.run();
    redis.accept();
    redis.answer("-ERR value is not an integer\r\n");
    host.run();
    GANTRY_CHECK_EQUAL(refused.status(), 503);
    const auto broken = host.request("GET", "/");
    host.run();
    redis.answer("this is no Redis\r\n");
    host.run();
    GANTRY_CHECK_EQUAL(broken.status(), 503);
    GANTRY_CHECK_EQUAL(host.watches(), 0u);
}

void test_takes_too_long() {
    Redis redis;
    gantry::fake::Host host;
    prepare(host, redis.path());
    const auto late = host.request("GET", "/");
    host.run();
    host.advance(1s);
    GANTRY_CHECK_EQUAL(late.status(), 503);
    GANTRY_CHECK_EQUAL(host.watches(), 0u);
}

// AddressSanitizer sees what is left behind.
void test_clients_leave_and_instances_go() {
    Redis redis;
    gantry::fake::Host host;
    prepare(host, redis.path());
    auto left = host.request("GET", "/");
    left.leave();
    host.run();
    redis.accept();
    redis.answer(":1\r\n");
    host.run();
    host.request("GET", "/").leave();
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.instances(), 1u);
    GANTRY_CHECK_EQUAL(host.watches(), 0u);
    host.request("GET", "/");
}

void test_where_nobody_is() {
    gantry::fake::Host host;
    prepare(host, "/nowhere/redis.sock");
    const auto exchange = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(exchange.status(), 503);
    for (const char* wrong : {"localhost:6379", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", ""}) {
        gantry::fake::Host other;
        GANTRY_CHECK(other.load(GANTRY_MODULE_FILE));
        other.location("/", {{"turnstile", wrong}});
        GANTRY_CHECK(!other.reload());
    }
}

}  // namespace

int main() {
    test_counts();
    test_a_connection_that_ends_is_made_anew();
    test_nonsense_and_errors();
    test_takes_too_long();
    test_clients_leave_and_instances_go();
    test_where_nobody_is();
    return gantry::fake::result();
}
