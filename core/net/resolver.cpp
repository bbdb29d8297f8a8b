#include "core/net/resolver.hpp"

#include "core/base/log.hpp"
#include "core/net/address.hpp"

#include <algorithm>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>

namespace gantry::net {

bool operator==(const Endpoint& a, const Endpoint& b) {
    return a.size == b.size && std::memcmp(&a.address, &b.address, a.size) == 0;
}

struct ResolvedName::Shared {
    explicit Shared(BlockingPool& blocking) : pool(blocking) {}

    BlockingPool& pool;
    std::mutex mutex;
    std::condition_variable settled;
    std::size_t running = 0;

    void begin() {
        const std::lock_guard lock(mutex);
        ++running;
    }
    void end() {
        const std::lock_guard lock(mutex);
        if (--running == 0) settled.notify_all();
    }
};

std::vector<Endpoint> ResolvedName::endpoints() const {
    const std::lock_guard lock(mutex_);
    return endpoints_;
}

void ResolvedName::use(Millis now) {
    if (shared_ == nullptr) return;
    Millis due = due_.load(std::memory_order_relaxed);
    if (now < due) return;
    // Whoever moves the point in time further is the one who looks up.
    if (!due_.compare_exchange_strong(due, now + kRefresh)) return;
    shared_->begin();
    // Keeps the entry until the outcome is in.
    auto self = self_.lock();
    const bool accepted = self != nullptr && shared_->pool.submit([self] { self->look_up(self); });
    if (accepted) return;
    due_.store(now + kRetry, std::memory_order_relaxed);
    shared_->end();
}

void ResolvedName::look_up(const std::shared_ptr<ResolvedName>& self) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int outcome = ::getaddrinfo(self->host_.c_str(), nullptr, &hints, &found);
    if (outcome == 0) {
        std::vector<Endpoint> endpoints;
        for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
            Endpoint endpoint;
            if (at->ai_addrlen > sizeof endpoint.address) continue;
            std::memcpy(&endpoint.address, at->ai_addr, at->ai_addrlen);
            endpoint.size = static_cast<socklen_t>(at->ai_addrlen);
            if (at->ai_family == AF_INET) {
                reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port = htons(port_);
            } else if (at->ai_family == AF_INET6) {
                reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port = htons(port_);
            } else {
                continue;
            }
            endpoints.push_back(endpoint);
        }
        ::freeaddrinfo(found);
        store(std::move(endpoints));
        if (failed_) log::info("name resolves again host={} while resolving a peer", host_);
        failed_ = false;
    } else {
        if (!failed_) {
            log::warn("name not resolved: {} host={} kept={} while resolving a peer", ::gai_strerror(outcome),
                      host_, version() != 0);
        }
        failed_ = true;
        if (version() == 0) due_.store(monotonic_millis() + kRetry, std::memory_order_relaxed);
    }
    shared_->end();
}

void ResolvedName::store(std::vector<Endpoint> endpoints) {
    const std::lock_guard lock(mutex_);
    if (endpoints.empty()) return;
    // The order of getaddrinfo may change from call to call (RFC 6724 ties); that is no news.
    if (endpoints.size() == endpoints_.size() &&
        std::is_permutation(endpoints.begin(), endpoints.end(), endpoints_.begin())) {
        return;
    }
    endpoints_ = std::move(endpoints);
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

Resolver::Resolver(BlockingPool& pool) : shared_(std::make_shared<ResolvedName::Shared>(pool)) {}

Resolver::~Resolver() = default;

std::shared_ptr<ResolvedName> Resolver::find(const std::string& host, std::uint16_t port, bool is_unix) {
    const std::string key = is_unix ? "unix:" + host : host + ' ' + std::to_string(port);
    const std::lock_guard lock(mutex_);
    std::weak_ptr<ResolvedName>& known = names_[key];
    if (auto name = known.lock()) return name;
    std::erase_if(names_, [&](const auto& entry) { return entry.first != key && entry.second.expired(); });

    Endpoint endpoint;
    const bool numeric = make_sockaddr(host, port, is_unix, endpoint.address, endpoint.size);
    const bool fixed = numeric || is_unix;
    std::shared_ptr<ResolvedName> name(new ResolvedName(host, port, fixed ? nullptr : shared_));
    name->self_ = name;
    if (numeric) name->store({endpoint});
    if (!fixed) name->use(monotonic_millis());
    known = name;
    return name;
}

bool Resolver::wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(shared_->mutex);
    return shared_->settled.wait_for(lock, limit, [this] { return shared_->running == 0; });
}

}  // namespace gantry::net
