// What became of a credential: one word for metrics and logs, and the status that follows.
#pragma once

#include "identity.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace auth {

enum class Reason : std::uint8_t {
    Accepted,
    Missing,  // there is no credential of this scheme
    Malformed,
    UnknownUser,
    WrongPassword,
    UnknownKey,
    Expired,
    NotYetValid,
    BadSignature,
    UnknownSigner,
    BadAlgorithm,
    BadToken,  // another claim than those below is missing or is not what it has to be
    WrongIssuer,
    WrongAudience,
    WrongType,
    Denied,       // by the server that was asked
    Requirement,  // known, and not one of those who may
    Insecure,     // over plain HTTP
    TooFast,      // too many failures before
    TooBusy,
    Unavailable,  // who would know does not answer
};
inline constexpr std::array<const char*, 21> kReasons = {
    "accepted",     "missing",        "malformed",     "unknown_user",   "wrong_password", "unknown_key",
    "expired",      "not_yet_valid",  "bad_signature", "unknown_signer", "bad_algorithm",  "bad_token",
    "wrong_issuer", "wrong_audience", "wrong_type",    "denied",         "requirement",    "insecure",
    "too_fast",     "too_busy",       "unavailable"};
static_assert(static_cast<std::size_t>(Reason::Unavailable) + 1 == kReasons.size());

constexpr const char* word_of(Reason reason) {
    return kReasons[static_cast<std::size_t>(reason)];
}

constexpr int status_of(Reason reason) {
    switch (reason) {
        case Reason::Requirement:
        case Reason::Insecure:
            return 403;
        case Reason::TooFast:
            return 429;
        case Reason::TooBusy:
        case Reason::Unavailable:
            return 503;
        default:
            return 401;
    }
}

// Of several refusals, the one that is told: the higher.
constexpr int weight_of(Reason reason) {
    switch (reason) {
        case Reason::Missing:
            return 0;
        case Reason::Requirement:
        case Reason::Insecure:
            return 2;
        case Reason::Unavailable:
        case Reason::TooBusy:
            return 3;
        case Reason::TooFast:
            return 4;
        case Reason::Denied:
            return 5;
        default:
            return 1;
    }
}

class Scheme;  // module_scheme.hpp

struct Outcome {
    Reason reason = Reason::Missing;
    std::shared_ptr<const Identity> identity = {};  // of Accepted
    std::string who = {};                           // of a refusal, as the client says, for the log
    std::string why = {};                           // the same: more than the reason
    std::uint64_t retry_after = 0;                  // of TooFast; nanoseconds
    bool is_answered = false;                       // the client has got its answer already
    const Scheme* scheme = nullptr;                 // who says so

    bool is_accepted() const { return reason == Reason::Accepted; }
};

}  // namespace auth
