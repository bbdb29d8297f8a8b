// What one place of the configuration demands: a table "auth" with its schemes and requirements.
#pragma once

#include "module_api_keys.hpp"
#include "module_basic.hpp"
#include "module_forward.hpp"
#include "module_jwt.hpp"
#include "module_scheme.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace auth {

struct Demand {
    std::string place;
    bool wants_all = false;    // of its schemes; else one is enough
    bool is_insecure = false;  // credentials may come over plain HTTP
    std::vector<std::unique_ptr<Scheme>> schemes;
    Requirement require;
    std::string broken_in = {};  // the host for which its mistakes were told; "": it has none

    bool takes_authorization_alone() const {
        return !schemes.empty() && std::all_of(schemes.begin(), schemes.end(),
                                               [](const auto& one) { return one->takes_authorization(); });
    }
    bool has_scheme(std::string_view name) const {
        return std::any_of(schemes.begin(), schemes.end(),
                           [&](const auto& one) { return one->name() == name; });
    }
};

inline Requirement requirement_of(Value table) {
    Requirement require;
    require.users = texts_of(table.member("users"));
    require.groups = texts_of(table.member("groups"));
    require.scopes = texts_of(table.member("scopes"));
    const Value claims = table.member("claims");
    for (std::uint32_t i = 0; i < claims.count(); ++i)
        require.claims.push_back({std::string(claims.name_at(i)), texts_of(claims[i].member("values"))});
    return require;
}

// Reads a table "auth". What is wrong with it is said at its place.
inline std::shared_ptr<Demand> read_demand(Scope& scope, Auth& auth, Value table, std::string place) {
    auto demand = std::make_shared<Demand>();
    demand->place = std::move(place);
    demand->wants_all = table.member("satisfy").text() == "all";
    demand->is_insecure = table.member("insecure").boolean();
    demand->require = requirement_of(table.member("require"));
    const auto add = [&]<class S>(std::type_identity<S>, const char* key) {
        const Value members = table.member(key);
        if (!members) return;
        demand->schemes.push_back(S::create(scope, auth, members));
        demand->schemes.back()->counted = &auth.counted(demand->schemes.back()->name());
    };
    add(std::type_identity<ApiKeys>{}, "keys");
    add(std::type_identity<Jwt>{}, "jwt");
    add(std::type_identity<Basic>{}, "basic");
    add(std::type_identity<Forward>{}, "forward");  // the last: its answer may be the client's
    if (demand->schemes.empty() && demand->require.is_empty())
        scope.error("auth demands nothing here", "name a scheme, such as basic, or what is required", table);
    const auto of_authorization = std::count_if(demand->schemes.begin(), demand->schemes.end(),
                                                [](const auto& one) { return one->takes_authorization(); });
    if (demand->wants_all && of_authorization > 1)
        scope.error("no request has two credentials in its field Authorization",
                    "take them from a header or a cookie of their own, or write satisfy = \"any\"", table);
    if (demand->wants_all && demand->schemes.size() < 2)
        scope.error("satisfy = \"all\" is about several schemes, and there are not", "take it out",
                    table.member("satisfy"));
    return demand;
}

// Made once for all places around which it stands. A mistake disables the host for which it is told, and so
// it is told for each host.
inline std::shared_ptr<const Demand> demand_of(Scope& scope, Auth& auth, Value table,
                                               const gantry_scope_t* owner) {
    const std::string host = place_key(auth.host, auth.host.conf()->parent(scope.raw()));
    const std::string place = place_name(auth.host, owner);
    std::shared_ptr<Demand>& demand = auth.demand(place_key(auth.host, owner));
    if (demand == nullptr) {
        const bool had_failed = scope.has_failed();
        demand = read_demand(scope, auth, table, place);
        if (!had_failed && scope.has_failed()) demand->broken_in = host;
    } else if (!demand->broken_in.empty() && demand->broken_in != host) {
        demand->broken_in = host;
        scope.error("what " + place + " demands cannot be used", "it is told elsewhere why", table);
    }
    return demand;
}

// Those that hold in a location, in the order in which they are asked: schemes of [server], the host and the
// location, then what has requirements alone.
inline std::vector<std::shared_ptr<const Demand>> demands_of(Scope& scope, Auth& auth) {
    std::vector<std::shared_ptr<const Demand>> demands;
    const gantry_scope_t* own = scope.raw();
    const gantry_scope_t* around = auth.host.conf()->parent(own);
    const gantry_scope_t* top = auth.host.conf()->parent(around);
    for (const gantry_scope_t* place : {top, around, own}) {
        const Value table{auth.host.conf()->find_own(place, GANTRY_BYTES("auth")), auth.host.conf()};
        if (!table) continue;
        if (table.member("satisfy").text() == "none") {
            for (const char* key : {"keys", "jwt", "basic", "forward", "require", "insecure"}) {
                if (const Value member = table.member(key))
                    scope.error("auth = \"none\" opens this place, and so nothing else is looked at",
                                std::string("take out satisfy = \"none\", or ") + key, member);
            }
            if (place == top)
                scope.error("there is nothing around [server] to be opened", "take auth = \"none\" out",
                            table);
            demands.clear();
            continue;
        }
        demands.push_back(demand_of(scope, auth, table, place));
    }
    std::stable_partition(demands.begin(), demands.end(),
                          [](const auto& demand) { return !demand->schemes.empty(); });
    return demands;
}

// Two places that cannot both be satisfied, and requirements of nobody.
inline void check_demands(Scope& scope, const std::vector<std::shared_ptr<const Demand>>& demands) {
    if (demands.empty()) return;
    if (demands.front()->schemes.empty())
        scope.error("something is required here of users whom nobody asks for",
                    "name a scheme, such as basic, here or in the host", scope.find_nearest("auth.require"));
    for (std::size_t i = 0; i < demands.size(); ++i) {
        for (std::size_t j = i + 1; j < demands.size(); ++j) {
            const Demand& outer = *demands[i];
            const Demand& inner = *demands[j];
            const bool may_share =
                std::any_of(inner.schemes.begin(), inner.schemes.end(),
                            [&](const auto& one) { return outer.has_scheme(one->name()); });
            if (!outer.takes_authorization_alone() || !inner.takes_authorization_alone() || may_share)
                continue;
            scope.error("both " + outer.place + " and " + inner.place +
                            " demand a credential in the field Authorization, and of different kinds",
                        "name both in one place, where one is enough, or take one from a header of its own",
                        scope.find_nearest("auth"));
        }
    }
}

}  // namespace auth
