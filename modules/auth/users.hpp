// Users and the hashes of their passwords, as htpasswd writes them.
#pragma once

#include "identity.hpp"
#include "text_file.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace auth {

struct User {
    std::string hash;
    std::shared_ptr<const Identity> identity;
};

// Immutable once it is shared. [any]
class Users {
public:
    // False: there is one of that name already.
    bool add(std::string name, std::string hash, std::vector<std::string> groups);

    const User* find(std::string_view name) const;
    // Somebody else's hash, always the same for one `name`: so that verifying a password of nobody takes as
    // long as one of somebody. `number` is a hash of the name that clients cannot know.
    const std::string& decoy(std::uint64_t number) const;
    std::size_t size() const { return users_.size(); }

private:
    std::map<std::string, User, std::less<>> users_;
    std::vector<const std::string*> hashes_;
};

bool is_user_name(std::string_view name);

// "NAME:HASH" or "NAME:HASH:GROUP,GROUP" in each line, empty lines, and comments that begin with #.
Parsed<Users> parse_users(std::string_view text);

}  // namespace auth
