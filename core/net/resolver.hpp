// Names to addresses, off the loop: getaddrinfo on the blocking pool, kept, and refreshed while in use. A
// name that does not resolve stops nobody; it just has no addresses yet.
#pragma once

#include "core/base/clock.hpp"
#include "core/net/blocking_pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace gantry::net {

// Where a socket can connect to.
struct Endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;

    friend bool operator==(const Endpoint& a, const Endpoint& b);
};

// One name with its port, and what is known about it. Shared by all workers and generations.
class ResolvedName {
public:
    // Older addresses than this are looked up anew by use(); the old ones stay when that fails.
    static constexpr Millis kRefresh = 30'000;
    // Without any address a failed lookup is repeated after this long.
    static constexpr Millis kRetry = 2'000;

    // Grows when the addresses change; 0: none known. A load. [any]
    std::uint32_t version() const { return version_.load(std::memory_order_acquire); }
    // A copy. Takes a lock: ask only when version() has changed. [any]
    std::vector<Endpoint> endpoints() const;
    // Somebody connects to it now: looks it up in the background when it is due. [any]
    void use(Millis now);

private:
    friend class Resolver;
    struct Shared;  // of all names of one resolver
    ResolvedName(std::string host, std::uint16_t port, std::shared_ptr<Shared> shared)
        : host_(std::move(host)), port_(port), shared_(std::move(shared)) {}
    void look_up(const std::shared_ptr<ResolvedName>& self);
    void store(std::vector<Endpoint> endpoints);

    const std::string host_;
    const std::uint16_t port_;
    const std::shared_ptr<Shared> shared_;  // null: numeric, never looked up
    std::weak_ptr<ResolvedName> self_;
    std::atomic<std::uint32_t> version_{0};
    std::atomic<Millis> due_{0};
    mutable std::mutex mutex_;
    std::vector<Endpoint> endpoints_;
    bool failed_ = false;  // the last lookup; so that a failure is logged once
};

// One per process.
class Resolver {
public:
    // `pool` outlives the resolver and every name.
    explicit Resolver(BlockingPool& pool);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // The entry of a name; the first call for it starts the lookup. Numeric addresses and unix paths are
    // known at once. A unix path that is too long never has an address. [any]
    std::shared_ptr<ResolvedName> find(const std::string& host, std::uint16_t port, bool is_unix);

    // Waits until every lookup that was started has an outcome, at most `limit`. For the loading of a
    // configuration, never for a worker.
    bool wait(std::chrono::milliseconds limit);

private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<ResolvedName>> names_;
    std::shared_ptr<ResolvedName::Shared> shared_;
};

}  // namespace gantry::net
