// Listener, worker loop and plain transport together, over real sockets.
#include "core/net/transport.hpp"

#include "core/net/listener.hpp"
#include "core/net/worker.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace gantry;
using namespace gantry::net;

namespace {

// Sends back what it gets unless it only listens, and closes when the client does.
class Echo final : TransportEvents {
public:
    enum class Answers : std::uint8_t { Yes, No };
    Echo(Worker& worker, TransportPtr transport, Answers answers)
        : worker_(worker), transport_(std::move(transport)), out_(worker.blocks()), answers_(answers) {
        transport_->set_events(this);
        transport_->want_read();
    }

private:
    void on_readable() override {
        do {
            char bytes[4096];
            const Io io = transport_->read(bytes, sizeof bytes);
            if (io.kind == Io::Kind::Blocked) break;
            if (io.kind != Io::Kind::Done) {
                transport_->write(out_);
                return finish();
            }
            if (answers_ == Answers::Yes) out_.append_copy({bytes, io.bytes});
        } while (transport_->has_more());
        on_writable();
    }
    void on_writable() override {
        const Io io = transport_->write(out_);
        if (io.kind == Io::Kind::Failed) return finish();
        if (io.kind == Io::Kind::Done) transport_->want_read();
    }
    void finish() {
        worker_.connections.fetch_sub(1);
        delete this;
    }

    Worker& worker_;
    TransportPtr transport_;
    Chain out_;
    Answers answers_;
};

struct EchoAcceptor final : Acceptor {
    explicit EchoAcceptor(Worker& owner) : worker(owner) {}
    void on_accept(UniqueFd fd, const PeerAddress&) override {
        new Echo(worker, make_plain_transport(std::move(fd)), answers);
    }
    Echo::Answers answers = Echo::Answers::Yes;
    Worker& worker;
};

// A worker on a thread of its own, with one listener on a port that the kernel chose.
class EchoServer {
public:
    explicit EchoServer(Echo::Answers answers = Echo::Answers::Yes) {
        acceptor_.answers = answers;
        conf::Address address;
        address.host = "127.0.0.1";
        auto socket = open_listening_socket(address, 128, true, 0);
        REQUIRE(socket.has_value());
        port_ = PeerAddress::of_local(socket->get()).port;
        group_.name = "test";
        group_.max_connections = 100;
        group_.members = {{&worker_, &acceptor_}};
        worker_.post([this, fd = socket->release()] {
            listener_.reset(new Listener(UniqueFd(fd), worker_, group_));
            listener_->start();
        });
        thread_ = std::thread([this] { worker_.run(); });
    }
    ~EchoServer() {
        worker_.post([this] {
            listener_.reset();
            // The aborted operations complete behind this task; then the loop may end.
            worker_.post([this] { worker_.stop(); });
        });
        thread_.join();
    }
    int connect() const {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port_);
        REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        return fd;
    }
    Worker& worker() { return worker_; }

private:
    Worker worker_{0};
    EchoAcceptor acceptor_{worker_};
    ListenerGroup group_;
    ListenerPtr listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

std::string read_exactly(int fd, std::size_t size) {
    std::string got;
    char bytes[4096];
    while (got.size() < size) {
        const ssize_t count = ::read(fd, bytes, std::min(sizeof bytes, size - got.size()));
        if (count <= 0) break;
        got.append(bytes, static_cast<std::size_t>(count));
    }
    return got;
}

}  // namespace

TEST_CASE("transport: bytes come back, several times on one connection", "[net]") {
    EchoServer server;
    const UniqueFd client(server.connect());
    for (const std::string text : {"one", "two", "three"}) {
        REQUIRE(::write(client.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        CHECK(read_exactly(client.get(), text.size()) == text);
    }
}

TEST_CASE("transport: megabytes go through a socket that blocks on the way", "[net]") {
    EchoServer server;
    const UniqueFd client(server.connect());
    std::string sent(8 * 1024 * 1024, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 251);
    std::thread writer([&] {
        std::size_t at = 0;
        while (at < sent.size()) {
            const ssize_t count = ::write(client.get(), sent.data() + at, sent.size() - at);
            if (count <= 0) break;
            at += static_cast<std::size_t>(count);
        }
    });
    const std::string got = read_exactly(client.get(), sent.size());
    writer.join();
    CHECK(got == sent);
}

TEST_CASE("transport: a FIN that arrives together with data is noticed", "[net]") {
    EchoServer server;
    for (int i = 0; i < 50; ++i) {
        const UniqueFd client(server.connect());
        REQUIRE(::write(client.get(), "bye", 3) == 3);
        REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
        CHECK(read_exactly(client.get(), 3) == "bye");
        char byte;
        CHECK(::read(client.get(), &byte, 1) == 0);  // the server closed as well
    }
    std::promise<std::uint32_t> open;
    server.worker().post([&] { open.set_value(server.worker().connections.load()); });
    CHECK(open.get_future().get() == 0);
}

TEST_CASE("transport: a reset that arrives together with data is noticed", "[net]") {
    EchoServer server(Echo::Answers::No);
    const auto open = [&] {
        std::promise<std::uint32_t> count;
        server.worker().post([&] { count.set_value(server.worker().connections.load()); });
        return count.get_future().get();
    };
    for (int i = 0; i < 5; ++i) {
        UniqueFd client(server.connect());
        while (open() == 0) std::this_thread::yield();
        // Both are there before the worker looks.
        std::promise<void> done;
        server.worker().post([ready = done.get_future().share()] { ready.wait(); });
        REQUIRE(::write(client.get(), "bye", 3) == 3);
        const linger reset{1, 0};
        REQUIRE(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
        client.reset();
        done.set_value();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (open() != 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        REQUIRE(open() == 0);
    }
}

TEST_CASE("transport: writing again is not held up by waiting for an edge that does not come", "[net]") {
    struct Waiter final : TransportEvents {
        void on_readable() override {}
        void on_writable() override {
            if (++times == 2) done.set_value();
            if (times > 1) return;
            transport->want_write();  // the socket stays writable: no edge
            transport->want_write_again();
        }
        TransportPtr transport;
        std::promise<void> done;
        int times = 0;
    } waiter;
    EchoServer server;
    const UniqueFd client(server.connect());
    server.worker().post([&] {
        const int fd = ::fcntl(client.get(), F_DUPFD_CLOEXEC, 0);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        waiter.transport = make_plain_transport(UniqueFd(fd));
        waiter.transport->set_events(&waiter);
        waiter.transport->want_write();
    });
    auto done = waiter.done.get_future();
    CHECK(done.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    std::promise<void> gone;
    server.worker().post([&] {
        waiter.transport.reset();
        gone.set_value();
    });
    gone.get_future().wait();
}
