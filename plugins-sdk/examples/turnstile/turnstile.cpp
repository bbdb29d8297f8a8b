// Counts visitors in Redis. hiredis brings its own sockets; the loop of each worker watches them, and a request sleeps
// until its answer is there.
#include "gantry/fd.hpp"
#include "gantry/module.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

// Where Redis is.
struct Address {
    std::string host;  // "127.0.0.1", or the path of a unix socket
    std::uint16_t port = 0;

    // Nothing: it is none. Names are not for workers, as looking them up takes its time.
    static std::optional<Address> of(std::string_view text) {
        if (text.starts_with('/')) return Address{std::string{text}, 0};
        const std::size_t colon = text.rfind(':');
        if (colon == text.npos) return std::nullopt;
        Address out{std::string{text.substr(0, colon)}, 0};
        in_addr ip{};
        const char* const end = text.data() + text.size();
        const auto [last, error] = std::from_chars(text.data() + colon + 1, end, out.port);
        if (error != std::errc{} || last != end || out.port == 0) return std::nullopt;
        return ::inet_pton(AF_INET, out.host.c_str(), &ip) == 1 ? std::optional{out} : std::nullopt;
    }
    redisAsyncContext* connect() const {
        return port == 0 ? redisAsyncConnectUnix(host.c_str()) : redisAsyncConnect(host.c_str(), port);
    }
};

// What a request waits for. Shared with the connection, as the client may leave before the answer comes.
struct Question {
    gantry::Waker waker;
    std::optional<long long> count = {};
};

// A connection to Redis of one worker. It goes when hiredis lets go of it: where it ends, or when it takes too long.
class Connection {
public:
    using Place = const void*;  // whose it is

    // That of this worker; nullptr: it cannot be made.
    static Connection* here(Place place, const gantry::Watcher& watcher, const Address& address,
                            std::chrono::nanoseconds timeout) {
        const auto found = all.find(place);
        if (found != all.end()) return found->second;
        redisAsyncContext* context = address.connect();
        if (context == nullptr) return nullptr;
        if (context->err != 0) return redisAsyncFree(context), nullptr;
        auto made = std::make_unique<Connection>(place, watcher, context, timeout);
        if (made->watch_.begin(watcher, context->c.fd, *made) != GANTRY_OK)
            return redisAsyncFree(context), nullptr;
        return made.release()->attach();
    }

    Connection(Place place, const gantry::Watcher& watcher, redisAsyncContext* context,
               std::chrono::nanoseconds timeout)
        : place_(place), watcher_(watcher), context_(context), timeout_(timeout) {}

    void increment(std::string_view key, std::shared_ptr<Question> question) {
        auto data = std::make_unique<std::shared_ptr<Question>>(std::move(question));
        if (redisAsyncCommand(context_, &on_reply, data.get(), "INCR %b", key.data(), key.size()) != REDIS_OK)
            return (*data)->waker.wake();
        static_cast<void>(data.release());  // on_reply() comes once, whatever happens
        if (waiting_++ == 0) alarm_.set<&Connection::end>(watcher_, timeout_, *this);
    }

    // hiredis may free its context in each of these, and with it this object.
    void readable() { redisAsyncHandleRead(context_); }
    void writable() { redisAsyncHandleWrite(context_); }
    void ended() { end(); }

private:
    // The five hooks of hiredis. Newer ones want timers as well: that would be an Alarm.
    Connection* attach() {
        all[place_] = this;
        context_->data = this;
        context_->ev.data = this;
        context_->ev.addRead = [](void* self) { of(self).watch_.want_read(); };
        context_->ev.delRead = [](void* self) { of(self).watch_.stop_read(); };
        context_->ev.addWrite = [](void* self) { of(self).watch_.want_write(); };
        context_->ev.delWrite = [](void* self) { of(self).watch_.stop_write(); };
        context_->ev.cleanup = [](void* self) {  // then it closes the descriptor
            all.erase(of(self).place_);
            delete &of(self);
        };
        return this;
    }
    static Connection& of(void* self) { return *static_cast<Connection*>(self); }

    // Those that wait are told that there is no reply.
    void end() { redisAsyncFree(context_); }

    static void on_reply(redisAsyncContext* context, void* raw, void* data) {
        const std::unique_ptr<std::shared_ptr<Question>> question{
            static_cast<std::shared_ptr<Question>*>(data)};
        const auto* reply = static_cast<const redisReply*>(raw);  // nullptr: the connection ended
        if (reply != nullptr && reply->type == REDIS_REPLY_INTEGER) (*question)->count = reply->integer;
        (*question)->waker.wake();
        Connection& self = of(context->data);
        --self.waiting_;
        if (reply == nullptr) return;
        self.alarm_.stop();
        if (self.waiting_ > 0) self.alarm_.set<&Connection::end>(self.watcher_, self.timeout_, self);
    }

    static thread_local std::map<Place, Connection*> all;  // of this worker

    Place place_;
    gantry::Watcher watcher_;
    redisAsyncContext* context_;
    std::chrono::nanoseconds timeout_;
    std::size_t waiting_ = 0;
    gantry::Watch watch_;
    gantry::Alarm alarm_;
};

thread_local std::map<Connection::Place, Connection*> Connection::all;

class Turnstile {
public:
    static constexpr gantry::Key members[] = {
        gantry::Key::text("redis")
            .required()
            .example("\"/run/redis/redis-server.sock\"")
            .doc("Where Redis is: the path of a unix socket, or an address with a port."),
        gantry::Key::text("key").standard("\"visitors\"").example("\"visitors\"").doc("The key that counts."),
        gantry::Key::timespan("timeout", std::chrono::milliseconds{10}, std::chrono::minutes{1})
            .standard("\"1s\"")
            .example("\"1s\"")
            .doc("How long Redis may take."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("turnstile", members)
            .in(gantry::kInLocation)
            .short_for("redis")
            .handler()
            .example("\"/run/redis/redis-server.sock\"")
            .doc("Answers with the number of visitors, which Redis counts."),
    };

    static std::unique_ptr<Turnstile> create(gantry::Scope& scope) {
        const gantry::Value turnstile = scope.find_own("turnstile");
        if (!turnstile) return nullptr;
        auto made = std::make_unique<Turnstile>();
        const gantry::Value redis = turnstile.member("redis");
        if (const auto address = Address::of(redis.text())) {
            made->address_ = *address;
        } else {
            scope.error("this is no place where Redis could be", "for example: \"127.0.0.1:6379\"", redis);
        }
        made->key_ = turnstile.member("key").text();
        made->timeout_ = turnstile.member("timeout").timespan();
        made->watcher_ = gantry::Watcher::declare(scope);
        return made;
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        std::shared_ptr<Question> question;
        co_await exchange.until(timeout_, [&](gantry::Waker waker) {
            question = std::make_shared<Question>(Question{waker});
            auto* redis = Connection::here(this, watcher_, address_, timeout_);
            redis == nullptr ? waker.wake() : redis->increment(key_, question);
        });
        if (!question->count) co_return exchange.fail(503, "Redis does not answer");
        exchange.response().body("visitor " + std::to_string(*question->count) + "\n");
        co_return gantry::Verdict::Done;
    }

private:
    Address address_;
    std::string key_;
    std::chrono::nanoseconds timeout_{};
    gantry::Watcher watcher_;
};

}  // namespace

GANTRY_MODULE("turnstile", "1.0.0", "Counts visitors in Redis.", gantry::Handler<Turnstile>);
