#include "bans.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace limit {

void Bans::add(Ban ban, std::uint64_t now) {
    const std::scoped_lock lock(mutex_);
    if (bans_.size() >= next_look_) {
        std::erase_if(bans_, [now](const auto& each) { return each.second.until <= now; });
        next_look_ = std::max(kFirstLook, 2 * bans_.size());
    }
    const std::uint64_t key = ban.key;
    bans_.insert_or_assign(key, std::move(ban));
}

std::vector<Ban> Bans::find(const BanQuery& query, std::uint64_t now) const {
    std::vector<Ban> out;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [key, ban] : bans_) {
            if (ban.until > now && query.fits(ban)) out.push_back(ban);
        }
    }
    std::sort(out.begin(), out.end(), [](const Ban& a, const Ban& b) {
        return std::tie(a.until, a.rule, a.who) < std::tie(b.until, b.rule, b.who);
    });
    return out;
}

void Bans::remove(std::uint64_t key) {
    const std::scoped_lock lock(mutex_);
    bans_.erase(key);
}

}  // namespace limit
