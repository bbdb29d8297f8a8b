// What an operator may ask: which keys are banned, and that they are not any longer.
#pragma once

#include "bans.hpp"
#include "gantry/control.hpp"
#include "table.hpp"

#include <array>
#include <chrono>
#include <ctime>
#include <string>

namespace limit {

// "2026-11-22T01:30:00Z"
inline std::string timestamp(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm fields{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &fields) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields)};
}

// `table` is null where no rule holds.
inline void list_bans(const gantry::Call& call, const Table* table, std::uint64_t now) {
    gantry::json::List bans;
    if (table != nullptr) {
        for (const Ban& ban : table->bans().find({call.text("rule"), call.text("key")}, now)) {
            const std::chrono::nanoseconds left{static_cast<std::int64_t>(ban.until - now)};
            const auto until = std::chrono::system_clock::now() +
                               std::chrono::duration_cast<std::chrono::system_clock::duration>(left);
            bans.add(gantry::json::Object()
                         .add("rule", ban.rule)
                         .add("place", ban.place)
                         .add("key", ban.who)
                         .add("client", ban.client)
                         .add("until", timestamp(until))
                         .add("seconds_left", whole_seconds(ban.until - now)));
        }
    }
    call.answer(gantry::json::Object().add("bans", bans));
}

inline void lift_bans(const gantry::Call& call, Table* table, std::uint64_t now) {
    const BanQuery query{call.text("rule"), call.text("key")};
    if (query.who.empty() && !call.flag("all")) {
        call.refuse(400, "nobody is named whose ban is to end",
                    "gantry limit bans lists them; gantry limit unban KEY lifts one, --all all of them");
        return;
    }
    std::size_t lifted = 0;
    if (table != nullptr) {
        for (const Ban& ban : table->bans().find(query, now)) {
            table->pardon(ban.key);
            ++lifted;
        }
    }
    if (lifted == 0 && !query.who.empty()) {
        call.refuse(404, "no ban of this key holds", "gantry limit bans lists those that do");
        return;
    }
    call.answer(gantry::json::Object().add("lifted", lifted));
}

}  // namespace limit
