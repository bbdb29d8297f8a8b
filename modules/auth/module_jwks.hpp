// Key sets that a server publishes: fetched beside the traffic, and anew when a token names a key that is not
// among them. While that server does not answer, those that are there go on.
#pragma once

#include "fingerprint.hpp"
#include "flight.hpp"
#include "gantry/client.hpp"
#include "gantry/module.hpp"
#include "guarded.hpp"
#include "key_set.hpp"
#include "log_throttle.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace auth {

class RemoteKeys {
    // What lives over reloads, and as long as a fetch is under way.
    struct Kept {
        Guarded<std::shared_ptr<const KeySet>> keys{std::make_unique<std::shared_ptr<const KeySet>>()};
        Flights<bool, gantry::Waker> flights;
        std::atomic<std::uint64_t> tried{0};  // when; 0: never
        std::atomic<std::uint64_t> due{0};
        std::atomic<bool> is_there{false};
    };

public:
    struct Times {
        std::uint64_t refresh;  // nanoseconds between two fetches
        std::uint64_t retry;    // at least between two that a token or a failure is the reason of
        std::chrono::nanoseconds timeout;
    };
    using Seat = Flights<bool, gantry::Waker>::Seat;

    RemoteKeys(const gantry::Host& host, std::string url, gantry::client::Target target, Times times,
               const RemoteKeys* old)
        : host_(host),
          url_(std::move(url)),
          target_(target),
          times_(times),
          kept_(old != nullptr ? old->kept_ : std::make_shared<Kept>()) {}

    // nullptr: none came yet. [any]
    std::shared_ptr<const KeySet> keys() const {
        return kept_->keys.with([](const std::shared_ptr<const KeySet>& keys) { return keys; });
    }

    // Beside the traffic: fetches when it is time. [main]
    void look(std::uint64_t now) const {
        if (now >= kept_->due.load(std::memory_order_relaxed)) fetch(now);
    }

    // For a token whose key is not there: a seat to wait on; nullptr: it was asked a moment ago. [worker]
    std::shared_ptr<Seat> ask(std::uint64_t now) const {
        auto seat = std::make_shared<Seat>(kept_->flights.board(Fingerprint{}));
        if (!seat->leads()) return seat;
        const std::uint64_t tried = kept_->tried.load(std::memory_order_relaxed);
        if (tried != 0 && now - tried < times_.retry) return nullptr;
        begin(seat, now);
        return seat;
    }

private:
    void fetch(std::uint64_t now) const {
        auto seat = std::make_shared<Seat>(kept_->flights.board(Fingerprint{}));
        if (seat->leads()) begin(seat, now);
    }

    void begin(const std::shared_ptr<Seat>& seat, std::uint64_t now) const {
        kept_->tried.store(now, std::memory_order_relaxed);
        kept_->due.store(now + times_.retry, std::memory_order_relaxed);
        const auto request = gantry::client::Request{target_}
                                 .field("Accept", "application/jwk-set+json, application/json")
                                 .largest_body(kMostKeySetBytes)
                                 .timeout(times_.timeout);
        const auto done = [seat, kept = kept_, host = &host_, url = url_,
                           due = now + times_.refresh](const gantry::client::Answer& answer) {
            const bool is_good = take(*kept, *host, url, answer);
            if (is_good) kept->due.store(due, std::memory_order_relaxed);
            seat->land(is_good);
        };
        if (host_.fetch(request, done) == GANTRY_OK) return;
        kept_->tried.store(0, std::memory_order_relaxed);
        kept_->due.store(now + 1'000'000'000, std::memory_order_relaxed);
        seat->land(false);
    }

    static bool take(Kept& kept, const gantry::Host& host, const std::string& url,
                     const gantry::client::Answer& answer) {
        std::string why;
        if (!answer) {
            why = answer.reason;
        } else if (answer.status != 200) {
            why = "it answers " + std::to_string(answer.status);
        } else {
            Parsed<KeySet> parsed = parse_key_set(answer.body);
            if (parsed.faults.empty()) {
                const std::size_t count = parsed.content.keys().size();
                kept.keys.replace(std::make_unique<std::shared_ptr<const KeySet>>(
                    std::make_shared<const KeySet>(std::move(parsed.content))));
                if (!kept.is_there.exchange(true, std::memory_order_relaxed))
                    host.print(gantry::LogLevel::Info, "keys fetched url=%s keys=%zu", url.c_str(), count);
                return true;
            }
            why = parsed.faults.front().message;
        }
        const bool had = kept.is_there.exchange(false, std::memory_order_relaxed);
        host.print(gantry::LogLevel::Error, "keys not fetched%s url=%s why=\"%s\"",
                   had ? ", those before go on" : "", url.c_str(), why.c_str());
        return false;
    }

    const gantry::Host& host_;
    const std::string url_;
    const gantry::client::Target target_;
    const Times times_;
    const std::shared_ptr<Kept> kept_;
};

// Those of a generation, by their URLs and what belongs to these.
class RemoteKeySets {
public:
    // `make(old)`: for one that this generation does not have yet; nullptr: it is none, and scope knows why.
    // [main] [loading]
    template <class Make>
    std::shared_ptr<RemoteKeys> get(const std::string& name, Make&& make) {
        if (const auto found = sets_.find(name); found != sets_.end()) return found->second;
        const auto before = old_.find(name);
        auto made = make(before == old_.end() ? nullptr : before->second.get());
        if (made != nullptr) sets_.emplace(name, made);
        return made;
    }
    void take_over(const RemoteKeySets& old) { old_ = old.sets_; }
    void forget_old() { old_.clear(); }
    bool is_empty() const { return sets_.empty(); }
    // [main]
    void look(std::uint64_t now) const {
        for (const auto& [name, set] : sets_) set->look(now);
    }

private:
    std::map<std::string, std::shared_ptr<RemoteKeys>> sets_;
    std::map<std::string, std::shared_ptr<RemoteKeys>> old_;
};

}  // namespace auth
