// What another server said about a request: who it is, or what its client is to be told.
#pragma once

#include "identity.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace auth {

// 2xx, those that are for the client (3xx, 401, 403), and all else, which is a failure.
enum class Said { Yes, No, Nothing };
Said said_by(int status);

// Fields of a request that may be copied into the question: not those that belong to the connection, nor
// those that say what is asked about.
bool may_be_asked_with(std::string_view field);
// Fields of an answer that go to the client with it: not those that belong to the connection, nor those that
// are ours.
bool is_handed_over(std::string_view field);

using FieldList = std::vector<std::pair<std::string, std::string>>;

// Which fields of an answer say who it is.
struct DecisionPolicy {
    std::vector<std::string> copied = {};  // go on to the upstream
    std::string user = {};                 // "": none
    std::string groups = {};               // with commas between; "": none
};

// Immutable once it is shared.
struct Decision {
    Said said = Said::Nothing;
    int status = 0;
    std::shared_ptr<const Identity> identity = {};  // of Yes
    FieldList fields = {};                          // of No, for the client
    std::string body = {};
    std::string why = {};  // of Nothing, for the log

    // Whether it may serve another request that has the same key: what sets cookies or sends somewhere is for
    // one.
    bool may_be_shared() const;
};

// `fields`: all of the answer; `body` of No.
Decision decision_of(int status, const FieldList& fields, std::string_view body,
                     const DecisionPolicy& policy);

}  // namespace auth
