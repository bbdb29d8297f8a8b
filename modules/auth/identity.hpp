// Who somebody is, as far as it has been proved, and what is demanded of that.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace auth {

// What one scheme found out. Immutable once it is shared.
struct Identity {
    std::string user;
    std::vector<std::string> groups = {};
    std::vector<std::string> scopes = {};
    boost::json::object claims = {};                               // of a token
    std::vector<std::pair<std::string, std::string>> fields = {};  // that the upstream gets besides
};

// All that has been proved about one request: by the schemes of its host, then by those of its location.
using People = std::vector<std::shared_ptr<const Identity>>;

// The value of a claim: by its whole name, else by a path through objects, "realm_access.roles". nullptr:
// none.
const boost::json::value* find_claim(const boost::json::object& claims, std::string_view path);
// The words of a claim: a text, a number, true or false; a list of these. Texts are split at blanks where
// they are scopes.
enum class Words { Whole, AtBlanks };
std::vector<std::string> words_of(const boost::json::value& claim, Words words = Words::Whole);

// What has to hold beside being somebody. What is empty demands nothing.
struct Requirement {
    std::vector<std::string> users = {};   // one of them
    std::vector<std::string> groups = {};  // one of them
    std::vector<std::string> scopes = {};  // all of them
    struct Claim {
        std::string path;
        std::vector<std::string> values;  // one of them
    };
    std::vector<Claim> claims = {};  // all of them

    bool is_empty() const { return users.empty() && groups.empty() && scopes.empty() && claims.empty(); }
    // nullptr: it holds; else what is missing, in one word: "user", "group", "scope", "claim".
    const char* missing(const People& people) const;
};

// The user of the nearest identity that has one; "".
std::string_view user_of(const People& people);
// Of all of them, each once: with commas between; with blanks.
std::string groups_of(const People& people);
std::string scopes_of(const People& people);

}  // namespace auth
