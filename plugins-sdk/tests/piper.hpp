// A module over descriptors: on the main thread it reads a fifo and writes down what comes; in a location each worker
// keeps a connection to a unix socket, where one line is asked and one is answered; another location waits for a
// descriptor in a coroutine. For the fake host and for the real one.
#pragma once

#include "gantry/fd.hpp"
#include "gantry/module.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace test {

inline int connect_to(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
    ::close(fd);
    return -1;
}

// Takes 8 bytes at a time, so that it has to be called again for the rest.
inline bool read_some(int fd, std::string& to) {
    std::array<char, 8> piece{};
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got > 0) to.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EAGAIN);
}

// A connection of one worker, which several exchanges ask over, one after the other.
class Line {
public:
    // It puts itself there, and takes itself away when it dies.
    Line(const gantry::Watcher& watcher, int fd, Line*& place) : watcher_(watcher), fd_(fd), place_(place) {
        place_ = this;
        watch_.begin(watcher_, fd_, *this);
        watch_.want_read();
    }
    ~Line() {
        place_ = nullptr;
        watch_.stop();
        ::close(fd_);
        for (const gantry_ticket_t& ticket : asking_) answer(ticket, 502, "the line is dead\n");
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void ask(gantry_ticket_t ticket, std::string_view question) {
        asking_.push_back(ticket);
        to_send_ += question;
        to_send_ += '\n';
        watch_.want_write();
        alarm_.set<&Line::late>(watcher_, std::chrono::seconds{2}, *this);
    }

    void readable() {
        if (!read_some(fd_, received_)) return die();
        for (std::size_t end = 0; (end = received_.find('\n')) != received_.npos;
             received_.erase(0, end + 1)) {
            if (asking_.empty()) return die();
            const gantry_ticket_t ticket = asking_.front();
            asking_.pop_front();
            answer(ticket, 200, received_.substr(0, end + 1));
        }
        if (asking_.empty()) alarm_.stop();
    }
    void writable() {
        const ssize_t sent = ::send(fd_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return die();
        if (sent > 0) to_send_.erase(0, static_cast<std::size_t>(sent));
        if (to_send_.empty()) watch_.stop_write();
    }
    void late() { die(); }
    void ended() { die(); }

private:
    void die() { delete this; }
    void answer(gantry_ticket_t ticket, int status, const std::string& text) const {
        const gantry::Host& host = watcher_.host();
        gantry_exchange_t* raw = host.async()->exchange_of(host.raw(), ticket);
        if (raw == nullptr) return;  // the client has left
        gantry::Exchange{raw, host}.response().status(status).body(text);
        host.async()->resume(host.raw(), ticket, GANTRY_DONE);
    }

    gantry::Watcher watcher_;
    int fd_;
    Line*& place_;
    gantry::Watch watch_;
    gantry::Alarm alarm_;
    std::deque<gantry_ticket_t> asking_;
    std::string to_send_;
    std::string received_;
};

// What all locations share: the lines of the workers, and the fifo of the main thread.
struct Pipes {
    static std::unique_ptr<Pipes> prepare(gantry::Scope& scope, Pipes*) {
        auto state = std::make_unique<Pipes>();
        state->watcher = gantry::Watcher::declare(scope);
        state->host = &scope.host();
        if (const gantry::Value fifo = scope.find("piper_fifo")) state->fifo_path = fifo.text();
        return state;
    }
    ~Pipes() {
        if (fifo >= 0) ::close(fifo);
    }
    void commit() {
        if (fifo_path.empty()) return;
        fifo = ::open(fifo_path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        watch.begin(watcher, fifo, *this);
        watch.want_read();
        alarm.set<&Pipes::ring>(watcher, std::chrono::milliseconds{20}, *this);
    }
    void readable() {
        if (!read_some(fifo, text)) return;
        for (std::size_t end = 0; (end = text.find('\n')) != text.npos; text.erase(0, end + 1))
            host->write(gantry::LogLevel::Info, "piper read text=" + text.substr(0, end));
    }
    void ring() { host->write(gantry::LogLevel::Info, "piper rang"); }
    void ended() {
        host->write(gantry::LogLevel::Info, "piper ended");
        alarm.stop();
    }

    // That of the calling worker; null: nobody listens.
    Line* line(const std::string& path) {
        const auto place = [this]() -> Line*& {
            const std::lock_guard lock{mutex};
            return lines[std::this_thread::get_id()];
        };
        Line*& mine = place();
        if (mine != nullptr) return mine;
        const int fd = connect_to(path);
        if (fd >= 0) new Line(watcher, fd, mine);
        return mine;
    }

    gantry::Watcher watcher;
    const gantry::Host* host = nullptr;
    std::string fifo_path;
    int fifo = -1;
    gantry::Watch watch;
    gantry::Alarm alarm;
    std::string text;
    std::mutex mutex;
    std::map<std::thread::id, Line*> lines;
};

class Piper {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::text("piper").in(gantry::kInLocation).handler().example("\"/run/a\"").doc("Asks there."),
        gantry::Key::text("piper_fifo").in(gantry::kInServer).example("\"/run/b\"").doc("Reads there."),
    };
    static std::unique_ptr<Piper> create(gantry::Scope& scope, Pipes& pipes) {
        const gantry::Value path = scope.find_own("piper");
        return path ? std::make_unique<Piper>(pipes, std::string{path.text()}) : nullptr;
    }
    Piper(Pipes& pipes, std::string path) : pipes_(pipes), path_(std::move(path)) {}

    gantry::Verdict handle(gantry::Exchange& exchange) {
        Line* const line = pipes_.line(path_);
        if (line == nullptr) return exchange.fail(503, "nobody listens");
        const gantry_ticket_t ticket = exchange.host().async()->suspend(exchange.raw(), nullptr, nullptr);
        line->ask(ticket, exchange.path());
        return gantry::Verdict::Wait;
    }

private:
    Pipes& pipes_;
    std::string path_;
};

// The same by a connection of each exchange, and co_await.
class Waiter {
public:
    static constexpr gantry::Key keys[] = {gantry::Key::text("waiter")
                                               .in(gantry::kInLocation)
                                               .handler()
                                               .example("\"/run/a\"")
                                               .doc("Asks there.")};
    static std::unique_ptr<Waiter> create(gantry::Scope& scope, Pipes& pipes) {
        const gantry::Value path = scope.find_own("waiter");
        return path ? std::make_unique<Waiter>(pipes.watcher, std::string{path.text()}) : nullptr;
    }
    Waiter(const gantry::Watcher& watcher, std::string path) : watcher_(watcher), path_(std::move(path)) {}

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        const Socket socket{connect_to(path_)};
        if (!co_await gantry::writable(exchange, watcher_, socket.fd, std::chrono::milliseconds{300}))
            co_return exchange.fail(503, "nobody listens");
        const std::string question = std::string{exchange.path()} + "\n";
        if (::send(socket.fd, question.data(), question.size(), MSG_NOSIGNAL) < 0)
            co_return exchange.fail(502);
        std::string answer;
        while (answer.find('\n') == answer.npos) {
            if (!co_await gantry::readable(exchange, watcher_, socket.fd, std::chrono::milliseconds{300}))
                co_return exchange.fail(504, "no answer");
            if (!read_some(socket.fd, answer)) co_return exchange.fail(502, "the end");
        }
        exchange.response().body(answer);
        co_return gantry::Verdict::Done;
    }

private:
    struct Socket {
        int fd;
        ~Socket() {
            if (fd >= 0) ::close(fd);
        }
    };
    gantry::Watcher watcher_;
    std::string path_;
};

}  // namespace test
