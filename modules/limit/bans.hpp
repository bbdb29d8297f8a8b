// Which keys are banned, in words: the table knows them as numbers alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace limit {

struct Ban {
    std::uint64_t key = 0;  // in the table
    std::string rule;
    std::string place;
    std::string who;     // the key: what the rule counts by
    std::string client;  // whose request began it
    std::uint64_t until = 0;
};

// Which of them. Empty: any.
struct BanQuery {
    std::string_view rule;
    std::string_view who;  // the key, or the client

    bool fits(const Ban& ban) const {
        return (rule.empty() || ban.rule == rule) && (who.empty() || ban.who == who || ban.client == who);
    }
};

// As many as there are banned keys, and for a while those that were. [any]
class Bans {
public:
    void add(Ban ban, std::uint64_t now);
    // Those that hold; what ends last comes last.
    std::vector<Ban> find(const BanQuery& query, std::uint64_t now) const;
    void remove(std::uint64_t key);

private:
    static constexpr std::size_t kFirstLook = 1000;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Ban> bans_;   // by their keys
    std::size_t next_look_ = kFirstLook;  // so many, and those that are over are forgotten
};

}  // namespace limit
