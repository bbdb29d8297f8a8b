// For tests of the proxy: a whole server in this process between a raw client socket and scripted origins.
#pragma once

#include "core/base/text.hpp"
#include "core/content/proxy.hpp"
#include "core/content/static.hpp"
#include "core/net/address.hpp"
#include "core/server/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/upstream/support.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::test {

// A listener on a port that the kernel chose, one host, one location with a proxy to the origins.
class ProxyServer final : public net::SocketSource {
public:
    conf::Settings settings;
    // What a module would do on the way to the handler, and to the head of the response; may be empty.
    std::function<void(server::Exchange&)> before_handler;
    std::function<void(server::Exchange&)> header_filter;

    explicit ProxyServer(std::initializer_list<std::uint16_t> origins) {
        settings.server.workers = 1;
        settings.server.blocking_threads = 1;
        conf::Listener listener;
        listener.name = "test";
        conf::Address address;
        address.host = "127.0.0.1";
        listener.addresses.push_back(address);
        listener.default_host = 0;
        settings.listeners.push_back(listener);
        settings.upstreams.push_back(upstream_of(origins));
        conf::Host host;
        host.name = "test.example";
        host.names.push_back({conf::HostName::Kind::Exact, "test.example", {}});
        host.listeners = {0};
        host.is_default = true;
        conf::Location location;
        location.name = "/";
        location.patterns.push_back({conf::Pattern::Kind::Prefix, "/", false, {}});
        location.handler = conf::Proxy{};
        host.locations.push_back(location);
        settings.hosts.push_back(host);
    }
    enum class End : std::uint8_t { Drained, AtOnce };
    void stop(End how) {
        if (server_ && how == End::Drained) server_->drain();
        server_.reset();
    }
    ~ProxyServer() override { stop(End::Drained); }

    conf::Proxy& proxy() { return std::get<conf::Proxy>(settings.hosts[0].locations[0].handler); }
    void set_options(const conf::ProxyOptions& options) { proxy().options = options; }

    // Starts it, or swaps in a new generation.
    void apply() {
        server::Problems problems;
        const auto generation = server::Generation::build(
            settings,
            [this](const server::HandlerScope& scope) -> std::unique_ptr<server::Handler> {
                const auto* files = std::get_if<conf::Static>(&scope.location.handler);
                if (header_filter)
                    scope.added.header_filters.push_back({&run_filter, &header_filter, "test"});
                auto handler = files != nullptr ? content::make_static(*files, scope)
                                                : content::make_proxy(scope, &registry_);
                if (!before_handler || !handler) return handler;
                return std::make_unique<Modified>(std::move(handler), before_handler);
            },
            {}, problems);
        REQUIRE(problems.empty());
        REQUIRE(generation);
        if (!server_)
            server_ = std::make_unique<server::Server>(settings.server, *this, logs_, certificates_);
        REQUIRE(server_->apply(generation).empty());
    }
    std::uint16_t port() const { return port_; }

private:
    static void run_filter(server::Exchange& exchange, const void* self) {
        (*static_cast<const std::function<void(server::Exchange&)>*>(self))(exchange);
    }
    struct Modified final : server::Handler {
        Modified(std::unique_ptr<server::Handler> handler, std::function<void(server::Exchange&)> first)
            : inner(std::move(handler)), before(std::move(first)) {}
        server::Verdict handle(server::Exchange& exchange) const override {
            before(exchange);
            return inner->handle(exchange);
        }
        std::unique_ptr<server::Handler> inner;
        std::function<void(server::Exchange&)> before;
    };

    Result<std::vector<UniqueFd>> open(const conf::Address& address, const conf::Listener& listener,
                                       unsigned count) override {
        auto sockets = own_.open(address, listener, count);
        if (sockets) port_ = net::PeerAddress::of_local(sockets->front().get()).port;
        return sockets;
    }
    void close(const conf::Address& address) override { own_.close(address); }

    net::OwnSockets own_;
    net::CertificateStore certificates_;
    net::BlockingPool blocking_{1};
    net::Resolver resolver_{blocking_};
    upstream::Registry registry_{resolver_};
    server::LogThread logs_;
    std::unique_ptr<server::Server> server_;
    std::uint16_t port_ = 0;
};

// A response as a strict client reads it.
struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    std::string trailers;
    bool complete = false;  // by its own framing, or by an orderly close where there is none

    // The value of a field, "" without one, "TWICE" with several.
    std::string field(std::string_view name) const {
        std::string found;
        std::size_t at = 0;
        while ((at = head.find("\r\n", at)) != head.npos) {
            at += 2;
            const std::string line = head.substr(at, head.find("\r\n", at) - at);
            const std::size_t colon = line.find(": ");
            if (colon == line.npos || !equals_ignore_case(line.substr(0, colon), name)) continue;
            if (!found.empty()) return "TWICE";
            found = line.substr(colon + 2);
        }
        return found;
    }
};

class Client {
public:
    explicit Client(const ProxyServer& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)), socket_(fd_.get()) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(server.port());
        REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        // A test that waits for what never comes fails instead.
        const timeval limit{20, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }

    OriginSocket& socket() { return socket_; }
    int fd() const { return fd_.get(); }
    bool send(std::string_view text) { return socket_.send(text); }
    void close() { fd_.reset(); }

    Answer read(std::string_view method = "GET") {
        Answer answer;
        answer.head = socket_.read_head();
        if (answer.head.size() < 12) return answer;
        answer.status = std::stoi(answer.head.substr(9, 3));
        if (answer.status == 101 || answer.status / 100 == 1) {
            answer.complete = true;
        } else if (method == "HEAD" || answer.status == 204 || answer.status == 304) {
            answer.complete = true;
        } else if (answer.field("Transfer-Encoding") == "chunked") {
            read_chunks(answer);
        } else if (const std::string length = answer.field("Content-Length"); !length.empty()) {
            const std::size_t size = std::stoul(length);
            answer.body = socket_.read_body(size);
            answer.complete = answer.body.size() == size;
        } else {
            answer.body = socket_.read_until(std::string_view("\0never", 6));
            answer.complete = true;
        }
        return answer;
    }
    Answer ask(std::string_view request) {
        REQUIRE(send(request));
        return read(request.substr(0, request.find(' ')));
    }

private:
    void read_chunks(Answer& answer) {
        for (;;) {
            const std::string line = socket_.read_until("\r\n");
            if (line.size() < 3 || line.find_first_not_of("0123456789abcdefABCDEF") != line.size() - 2)
                return;
            const std::size_t size = std::stoul(line, nullptr, 16);
            if (size == 0) break;
            const std::string data = socket_.read_body(size);
            answer.body += data;
            if (data.size() < size || socket_.read_body(2) != "\r\n") return;
        }
        for (;;) {
            const std::string line = socket_.read_until("\r\n");
            if (line == "\r\n") break;
            if (line.empty()) return;
            answer.trailers += line;
        }
        answer.complete = true;
    }

    UniqueFd fd_;
    OriginSocket socket_;
};

inline std::string answer_with(std::string_view body, std::string_view fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
}

// Answers with the head of the request, as it came, and nothing else.
inline void mirror_heads(OriginSocket& socket, int) {
    for (std::string head; !(head = socket.read_head()).empty();) socket.send(answer_with(head));
}

// The same, with the bytes of the body behind the head.
inline void mirror_bodies(OriginSocket& socket, int) {
    for (std::string head; !(head = socket.read_head()).empty();) {
        Answer request;
        request.head = head;
        const std::string length = request.field("Content-Length");
        std::string body;
        if (!length.empty()) {
            body = socket.read_body(std::stoul(length));
        } else if (head.find("chunked") != head.npos) {
            body = socket.read_until("0\r\n");
            body += socket.read_until("\r\n\r\n");
        }
        socket.send(answer_with(head + body));
    }
}

inline std::string noise(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

}  // namespace gantry::test
