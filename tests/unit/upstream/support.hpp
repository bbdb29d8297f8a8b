// For tests of the upstream side: a worker on its thread, and origins that follow a script over real sockets.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/net/worker.hpp"
#include "core/upstream/forward.hpp"
#include "core/upstream/upstream.hpp"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::test {

class WorkerThread {
public:
    WorkerThread() : thread_([this] { worker_.run(); }) {}
    ~WorkerThread() { stop(); }

    net::Worker& worker() { return worker_; }
    // Runs it on the worker and waits.
    void run(std::function<void()> task) {
        std::promise<void> done;
        worker_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    void stop() {
        if (!thread_.joinable()) return;
        // What was released completes behind the first task.
        worker_.post([this] { worker_.post([this] { worker_.stop(); }); });
        thread_.join();
    }

private:
    net::Worker worker_{0};
    std::thread thread_;
};

// One accepted connection of an origin, with blocking calls.
class OriginSocket {
public:
    explicit OriginSocket(int fd) : fd_(fd) {}
    int fd() const { return fd_; }

    // The head of the next request, "" at the end of the connection. What follows it stays for read_body().
    std::string read_head() {
        for (;;) {
            const std::size_t end = held_.find("\r\n\r\n");
            if (end != held_.npos) {
                const std::string head = held_.substr(0, end + 4);
                held_.erase(0, end + 4);
                return head;
            }
            if (!read_more()) return {};
        }
    }
    std::string read_body(std::size_t size) {
        while (held_.size() < size && read_more()) {
        }
        const std::string body = held_.substr(0, size);
        held_.erase(0, body.size());
        return body;
    }
    // Up to and with `mark`.
    std::string read_until(std::string_view mark) {
        while (held_.find(mark) == held_.npos && read_more()) {
        }
        const std::size_t at = held_.find(mark);
        const std::size_t size = at == held_.npos ? held_.size() : at + mark.size();
        const std::string text = held_.substr(0, size);
        held_.erase(0, size);
        return text;
    }
    bool is_at_end() { return held_.empty() && !read_more(); }
    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void end_writing() { ::shutdown(fd_, SHUT_WR); }
    // The next close resets the connection.
    void reset_on_close() {
        const linger reset{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }

private:
    bool read_more() {
        char bytes[16384];
        const ssize_t got = ::read(fd_, bytes, sizeof bytes);
        if (got <= 0) return false;
        held_.append(bytes, static_cast<std::size_t>(got));
        return true;
    }
    int fd_;
    std::string held_;
};

// Serves each connection on a thread of its own with `script`, which gets the number of the connection
// from 1.
class Origin {
public:
    using Script = std::function<void(OriginSocket&, int)>;

    explicit Origin(Script script, const std::string& unix_path = {}) : script_(std::move(script)) {
        if (unix_path.empty()) {
            listening_.reset(::socket(AF_INET, SOCK_STREAM, 0));
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            ::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
            socklen_t size = sizeof address;
            ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
            port_ = ntohs(address.sin_port);
        } else {
            listening_.reset(::socket(AF_UNIX, SOCK_STREAM, 0));
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            std::strncpy(address.sun_path, unix_path.c_str(), sizeof address.sun_path - 1);
            ::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        }
        ::listen(listening_.get(), 128);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~Origin() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
        }
        for (std::thread& thread : threads_) thread.join();
    }

    std::uint16_t port() const { return port_; }
    int connections() const { return connections_.load(); }

private:
    void accept() {
        for (;;) {
            const int fd = ::accept(listening_.get(), nullptr, nullptr);
            if (fd < 0) return;
            const int number = ++connections_;
            const std::lock_guard lock(mutex_);
            open_.push_back(fd);
            threads_.emplace_back([this, fd, number] {
                OriginSocket socket(fd);
                script_(socket, number);
                const std::lock_guard closing(mutex_);
                std::erase(open_, fd);
                ::close(fd);
            });
        }
    }

    Script script_;
    UniqueFd listening_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::mutex mutex_;
    std::vector<int> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

// A port of 127.0.0.1 that refuses connections.
inline std::uint16_t refusing_port() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

inline conf::Upstream upstream_of(std::initializer_list<std::uint16_t> ports) {
    conf::Upstream upstream;
    upstream.name = "test";
    for (const std::uint16_t port : ports) {
        conf::Peer peer;
        peer.host = "127.0.0.1";
        peer.port = port;
        upstream.peers.push_back(peer);
    }
    return upstream;
}

}  // namespace gantry::test
