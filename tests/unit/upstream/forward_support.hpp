// For tests of forwarding: a request that remembers what became of it, and a worker with pools to send it
// from.
#pragma once

#include "core/upstream/forward.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/upstream/support.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gantry::test {

using namespace upstream;
using std::chrono::seconds;

// One exchange: sends what it was told to and remembers what came back. Lives on the worker's thread.
class Request final : public Forward {
public:
    struct Options {
        std::string head = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
        http::Method method = http::Method::Get;
        http::BodyKind body_kind = http::BodyKind::None;
        std::vector<std::string> body{};
        bool upgrade = false;
        bool stay_open = false;      // the request never ends
        bool pause_at_head = false;  // of the response
        Millis timeout = 0;
        http::ClientLimits limits{};
    };

    Options options;
    // What happened; read it after wait().
    int status = 0;
    std::string reason;
    std::string body;
    std::string trailers;
    std::string interims;
    std::string content_type;
    std::size_t largest_piece = 0;
    int attempts = 0;
    bool reused = false;
    bool done = false;
    bool failed = false;
    Error error{};

    void start(Pools& pools, const std::shared_ptr<const Upstream>& upstream) {
        ForwardRequest request;
        request.upstream = &upstream;
        request.limits = &options.limits;
        request.arena = &arena_;
        request.method = options.method;
        request.upgrade = options.upgrade ? http::H1ResponseReader::Upgrade::Wanted
                                          : http::H1ResponseReader::Upgrade::Refused;
        request.timeout = options.timeout;
        begin(pools, request);
    }
    void send(std::string_view text) {
        client()->send_body(text, {});
        client()->flush();
    }
    void finish_sending() {
        client()->finish_request(nullptr);
        client()->flush();
    }
    void resume() { client()->resume(); }
    bool is_connected() { return client() != nullptr; }
    using Forward::drop;

    // Waits for the outcome, or (with a size) for that much of the body.
    bool wait(std::size_t size = static_cast<std::size_t>(-1)) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, seconds(20), [&] { return done || failed || body.size() >= size; });
    }
    bool wait_for_status() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, seconds(20), [&] { return done || failed || status != 0; });
    }

private:
    void write_request(http::H1Client& client) override {
        ++attempts;
        reused = client.is_reused();
        client.head().append_copy(options.head);
        client.set_body(options.body_kind);
        for (const std::string& piece : options.body) {
            client.send_body(piece, {});
            forbid_retry();
        }
        if (!options.stay_open) client.finish_request(nullptr);
        client.flush();
    }
    void on_interim(const http::ResponseHead& head) override {
        interims += std::to_string(head.status) + ' ';
    }
    void on_response_head(http::ResponseHead& head) override {
        if (options.pause_at_head) client()->pause();
        change([&] {
            status = head.status;
            reason = head.reason;
            content_type = head.headers.value(http::HeaderId::ContentType);
        });
    }
    void on_response_body(std::string_view bytes, const Ref<Block>& owner) override {
        REQUIRE(owner);
        REQUIRE(bytes.data() >= owner->data());
        REQUIRE(bytes.data() + bytes.size() <= owner->data() + owner->size());
        change([&] {
            body += bytes;
            largest_piece = std::max(largest_piece, bytes.size());
        });
    }
    void on_request_drained() override {}
    void on_turn_end() override {}
    void finish_response(const http::Headers* fields) override {
        change([&] {
            if (fields != nullptr) {
                for (const http::Field& field : *fields)
                    trailers += std::string(field.name) + '=' + std::string(field.value) + ';';
            }
            done = true;
        });
    }
    void fail_request(const Error& why) override {
        change([&] {
            failed = true;
            error = why;
        });
    }
    template <class Change>
    void change(Change what) {
        const std::lock_guard lock(mutex_);
        what();
        changed_.notify_all();
    }

    Arena arena_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

// A worker with its pools, and what makes upstreams.
struct Bench {
    net::BlockingPool blocking{1};
    net::Resolver resolver{blocking};
    Registry registry{resolver};
    WorkerThread thread;
    std::unique_ptr<Pools> pools = std::make_unique<Pools>(thread.worker());
    std::shared_ptr<const Upstream> upstream;

    explicit Bench(const conf::Upstream& settings) { use(settings); }
    ~Bench() {
        thread.run([this] { pools.reset(); });
        thread.stop();
    }
    void use(const conf::Upstream& settings) { upstream = registry.make(settings); }

    void start(Request& request) {
        thread.run([&] { request.start(*pools, upstream); });
    }
    Request& perform(Request& request) {
        start(request);
        REQUIRE(request.wait());
        return request;
    }
    std::size_t idle() {
        std::size_t count = 0;
        thread.run([&] {
            Ref<Group> group = pools->group(upstream);
            const PeerPool* pool = group->pick(nullptr, 0, nullptr);
            count = pool->idle();
        });
        return count;
    }
    bool wait_for_idle(std::size_t wanted) {
        const auto end = std::chrono::steady_clock::now() + seconds(20);
        while (idle() != wanted) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }
};

inline std::string answer(std::string_view body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

// Answers every request with its number on the connection.
inline void count_requests(OriginSocket& socket, int connection) {
    for (int i = 1; !socket.read_head().empty(); ++i) {
        socket.send(answer(std::to_string(connection) + '.' + std::to_string(i)));
    }
}

inline Origin::Script say(std::string text) {
    return [text](OriginSocket& socket, int) {
        if (!socket.read_head().empty()) socket.send(text);
    };
}

inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

}  // namespace gantry::test
