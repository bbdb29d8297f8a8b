#include "users.hpp"

#include "bytes.hpp"
#include "password.hpp"

#include <algorithm>

namespace auth {

bool Users::add(std::string name, std::string hash, std::vector<std::string> groups) {
    auto identity = std::make_shared<Identity>();
    identity->user = name;
    identity->groups = std::move(groups);
    const auto [at, is_new] = users_.try_emplace(std::move(name), User{std::move(hash), std::move(identity)});
    if (is_new) hashes_.push_back(&at->second.hash);  // nodes of a map stay where they are
    return is_new;
}

const User* Users::find(std::string_view name) const {
    const auto at = users_.find(name);
    return at == users_.end() ? nullptr : &at->second;
}

const std::string& Users::decoy(std::uint64_t number) const {
    return hashes_.empty() ? nobodys_hash() : *hashes_[number % hashes_.size()];
}

bool is_user_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != ':';
    });
}

Parsed<Users> parse_users(std::string_view text) {
    Parsed<Users> parsed;
    each_line(text, [&](std::string_view line, std::size_t number) {
        if (line.find(':') == line.npos) {
            parsed.fault(number, "there is no colon; a line is NAME:HASH, or NAME:HASH:GROUP,GROUP");
            return;
        }
        const std::string_view name = trimmed(next_part(line, ':'));
        const std::string_view hash = trimmed(next_part(line, ':'));
        if (!is_user_name(name)) {
            parsed.fault(number, "in front of the colon is no name of a user");
            return;
        }
        if (const std::string fault = fault_of_hash(hash); !fault.empty()) {
            parsed.fault(number, "the hash of " + std::string(name) + " cannot be used: " + fault);
            return;
        }
        if (!parsed.content.add(std::string(name), std::string(hash), split(line, ',')))
            parsed.fault(number, std::string(name) + " is here a second time; take one of the two lines out");
    });
    return parsed;
}

}  // namespace auth
