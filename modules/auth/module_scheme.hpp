// What the schemes have in common: judging a credential, asking for one, and taking it out of the request.
#pragma once

#include "bytes.hpp"
#include "gantry/module.hpp"
#include "module_state.hpp"
#include "outcome.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace auth {

using gantry::Exchange;
using gantry::Task;

class Scheme;

// Why a request was refused, for challenges.
struct Refusal {
    Reason reason = Reason::Missing;
    const Scheme* scheme = nullptr;        // whose reason that is
    const Requirement* require = nullptr;  // of Reason::Requirement
};

class Scheme {
public:
    virtual ~Scheme() = default;

    // Of the configuration, of metrics and logs: "basic".
    virtual const char* name() const = 0;
    // Its credential is of the field Authorization, and so there is no other one in it.
    virtual bool takes_authorization() const { return false; }
    // The client sends a secret for it that must not be seen on the way.
    virtual bool needs_secrecy() const { return true; }
    virtual Task<Outcome> judge(Exchange exchange) const = 0;
    // What 401, or 403 of a requirement, asks for.
    virtual void challenge(const gantry::Fields& response, const Refusal& refusal) const = 0;
    // The upstream does not get the credential, unless the configuration says so.
    virtual void take_out(const Exchange& exchange) const = 0;

    const Counted* counted = nullptr;
};

// An address of a client as a number that nobody can foresee; of IPv6 its /64, as one client has all of
// these.
inline std::uint64_t client_key(const ProcessSecret& secret, const Exchange& exchange) {
    const gantry::Address address = exchange.client_address();
    const std::size_t size = address.family == 6 ? 8 : address.family == 4 ? 16 : 0;
    const Fingerprint print =
        fingerprint(secret, {"client", {reinterpret_cast<const char*>(address.ip), size}});
    std::uint64_t key = 0;
    std::memcpy(&key, print.data(), sizeof key);
    return key;
}

// From this machine, where nobody listens on the way: by a unix socket or the loopback.
inline bool is_local(const Exchange& exchange) {
    const gantry::Address address = exchange.client_address();
    if (address.family == 0) return true;
    if (address.family == 4) return address.ip[12] == 127;
    for (int i = 0; i < 15; ++i) {
        if (address.ip[i] != 0) return false;
    }
    return address.ip[15] == 1;
}

// An attempt that may fail by guessing: waits for its turn, and counts as a failure unless it succeeds. A
// local variable of a coroutine.
class Turn {
public:
    Turn(Auth& auth, const Exchange& exchange)
        : attempt_(auth.remembered->failures, client_key(auth.secret, exchange), auth.failure_policy,
                   auth.now()) {
        if (!attempt_.wait()) {
            retry_after_ = attempt_.retry_after();
        } else if (*attempt_.wait() > 0) {
            keeper_ = auth.remembered;
            if (keeper_->waiting.fetch_add(1, std::memory_order_relaxed) < auth.most_waiting) return;
            retry_after_ = attempt_.wait();
        }
    }
    ~Turn() {
        if (keeper_ != nullptr) keeper_->waiting.fetch_sub(1, std::memory_order_relaxed);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Nothing: it may be judged after wait(); else nanoseconds.
    std::optional<std::uint64_t> retry_after() const { return retry_after_; }
    std::chrono::nanoseconds wait() const {
        return std::chrono::nanoseconds{static_cast<std::int64_t>(attempt_.wait().value_or(0))};
    }
    void succeed() { attempt_.succeed(); }

private:
    Failures::Attempt attempt_;
    std::shared_ptr<Remembered> keeper_;  // while it counts as waiting
    std::optional<std::uint64_t> retry_after_;
};

}  // namespace auth
