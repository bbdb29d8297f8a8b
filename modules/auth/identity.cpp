#include "identity.hpp"

#include "bytes.hpp"

#include <algorithm>

namespace auth {
namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool has_any(const std::vector<std::string>& words, const std::vector<std::string>& wanted) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const std::string& word) { return has(words, word); });
}

template <class Holds>
bool any(const People& people, Holds&& holds) {
    return std::any_of(people.begin(), people.end(), [&](const auto& one) { return holds(*one); });
}

bool has_claim(const Identity& one, const Requirement::Claim& wanted) {
    const boost::json::value* claim = find_claim(one.claims, wanted.path);
    return claim != nullptr && has_any(words_of(*claim), wanted.values);
}

void add_words(const boost::json::value& claim, Words words, std::vector<std::string>& out) {
    if (const boost::json::string* text = claim.if_string()) {
        if (words == Words::Whole) {
            out.emplace_back(text->data(), text->size());
        } else {
            for (std::string& word : split({text->data(), text->size()}, ' ')) out.push_back(std::move(word));
        }
    } else if (claim.is_number() || claim.is_bool()) {
        out.push_back(boost::json::serialize(claim));
    }
}

std::string joined(const People& people, std::vector<std::string> Identity::* member, char separator) {
    std::vector<std::string_view> seen;
    std::string out;
    for (const auto& one : people) {
        for (const std::string& word : (*one).*member) {
            if (std::find(seen.begin(), seen.end(), word) != seen.end()) continue;
            seen.push_back(word);
            if (!out.empty()) out += separator;
            out += word;
        }
    }
    return out;
}

}  // namespace

const boost::json::value* find_claim(const boost::json::object& claims, std::string_view path) {
    if (const boost::json::value* whole = claims.if_contains(path)) return whole;
    const boost::json::object* within = &claims;
    while (true) {
        const std::string_view name = next_part(path, '.');
        const boost::json::value* found = within->if_contains(name);
        if (found == nullptr || path.empty()) return found;
        within = found->if_object();
        if (within == nullptr) return nullptr;
    }
}

std::vector<std::string> words_of(const boost::json::value& claim, Words words) {
    std::vector<std::string> out;
    if (const boost::json::array* list = claim.if_array()) {
        for (const boost::json::value& one : *list) add_words(one, words, out);
    } else {
        add_words(claim, words, out);
    }
    return out;
}

const char* Requirement::missing(const People& people) const {
    if (!users.empty() && !any(people, [&](const Identity& one) { return has(users, one.user); }))
        return "user";
    if (!groups.empty() && !any(people, [&](const Identity& one) { return has_any(one.groups, groups); }))
        return "group";
    for (const std::string& scope : scopes) {
        if (!any(people, [&](const Identity& one) { return has(one.scopes, scope); })) return "scope";
    }
    for (const Claim& claim : claims) {
        if (!any(people, [&](const Identity& one) { return has_claim(one, claim); })) return "claim";
    }
    return nullptr;
}

std::string_view user_of(const People& people) {
    for (auto at = people.rbegin(); at != people.rend(); ++at) {
        if (!(*at)->user.empty()) return (*at)->user;
    }
    return {};
}

std::string groups_of(const People& people) {
    return joined(people, &Identity::groups, ',');
}

std::string scopes_of(const People& people) {
    return joined(people, &Identity::scopes, ' ');
}

}  // namespace auth
