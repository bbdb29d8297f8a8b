#include "core/server/condition.hpp"

#include "core/base/text.hpp"
#include "core/http/uri.hpp"
#include "core/server/cookie.hpp"

#include <algorithm>

namespace gantry::server {

namespace {

using Source = conf::Condition::Source;
using Test = conf::Condition::Test;

std::uint16_t bit_of(http::Method method) {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(method));
}

}  // namespace

std::string allow_text(std::uint16_t methods, const std::vector<std::string>& others) {
    std::string text;
    const auto append = [&](std::string_view name) {
        if (!text.empty()) text += ", ";
        text += name;
    };
    for (unsigned i = 0; i < static_cast<unsigned>(http::Method::Other); ++i) {
        const auto method = static_cast<http::Method>(i);
        if ((methods & bit_of(method)) != 0) append(http::name_of(method));
    }
    for (const std::string& name : others) append(name);
    return text;
}

std::unique_ptr<const Conditions> Conditions::build(const conf::Location& location, Problems& problems) {
    if (location.methods.empty() && location.conditions.empty() && location.clients.empty()) return nullptr;
    auto conditions = std::make_unique<Conditions>();

    for (const std::string& name : location.methods) {
        const http::Method method = http::method_of(name);
        if (method == http::Method::Other)
            conditions->other_methods_.push_back(name);
        else
            conditions->methods_ = static_cast<std::uint16_t>(conditions->methods_ | bit_of(method));
    }
    if ((conditions->methods_ & bit_of(http::Method::Get)) != 0)
        conditions->methods_ = static_cast<std::uint16_t>(conditions->methods_ | bit_of(http::Method::Head));
    conditions->allow_ = allow_text(conditions->methods_, conditions->other_methods_);

    if (!location.clients.empty()) {
        std::vector<Cidr> networks;
        for (const std::string& text : location.clients) {
            if (const auto cidr = parse_cidr(text))
                networks.push_back(*cidr);
            else
                problems.push_back({location.place, 0, "bad client \"" + text + "\": " + cidr.error(), ""});
        }
        conditions->clients_.emplace(networks);
    }

    for (const conf::Condition& from : location.conditions) {
        Check test{from.source, from.test, http::HeaderId::Other, from.name, from.value, {}};
        if (from.source == Source::Header) test.header = http::header_id(from.name);
        if (from.test == Test::Regex) {
            auto regex = Regex::compile(from.value);
            if (!regex) {
                problems.push_back(problem_of(from.place, regex.error()));
                continue;
            }
            test.regex.emplace(std::move(*regex));
        }
        conditions->tests_.push_back(std::move(test));
    }
    return conditions;
}

bool Conditions::allows(http::Method method, std::string_view name) const {
    if (!has_methods()) return true;
    if (method != http::Method::Other) return (methods_ & bit_of(method)) != 0;
    return std::find(other_methods_.begin(), other_methods_.end(), name) != other_methods_.end();
}

Matched Conditions::hold(const http::RequestHead& head, const IpBytes& client, Arena& arena) const {
    if (clients_ && !clients_->contains(client)) return Matched::No;
    for (const Check& test : tests_) {
        if (const Matched held = hold(test, head, arena); held != Matched::Yes) return held;
    }
    return Matched::Yes;
}

std::optional<Conditions::Broken> Conditions::broken(const http::RequestHead& head, const IpBytes& client,
                                                     Arena& arena) const {
    if (clients_ && !clients_->contains(client)) return Broken{Broken::What::Client, 0};
    for (std::size_t i = 0; i < tests_.size(); ++i) {
        if (hold(tests_[i], head, arena) != Matched::Yes) return Broken{Broken::What::Test, i};
    }
    return std::nullopt;
}

// Of one occurrence; `absent` is satisfied by none, so an occurrence that makes it fail "matches" here.
Matched Conditions::check(const Check& test, std::string_view value) {
    switch (test.test) {
        case conf::Condition::Test::Present:
        case conf::Condition::Test::Absent:
            return Matched::Yes;
        case conf::Condition::Test::Equals:
            return value == test.value ? Matched::Yes : Matched::No;
        case conf::Condition::Test::Regex:
            return test.regex->match(value);
    }
    return Matched::No;
}

Matched Conditions::hold(const Check& test, const http::RequestHead& head, Arena& arena) {
    Matched found = Matched::No;
    switch (test.source) {
        case Source::Header:
            if (test.header != http::HeaderId::Other && !head.headers.has(test.header)) break;
            for (const http::Field& field : head.headers) {
                if (field.id != test.header) continue;
                if (test.header == http::HeaderId::Other && !equals_ignore_case(field.name, test.name))
                    continue;
                if (found = check(test, field.value); found != Matched::No) break;
            }
            break;
        case Source::Query: {
            std::string_view value;
            if (!http::query_value(head.query, test.name, value)) break;
            found = check(test, http::percent_decode(value, true, arena));
            break;
        }
        case Source::Cookie:
            for_each_cookie(head.headers, [&](std::string_view name, std::string_view value) {
                if (name == test.name) found = check(test, value);
                return found == Matched::No;
            });
            break;
    }
    if (test.test != conf::Condition::Test::Absent || found == Matched::Failed) return found;
    return found == Matched::No ? Matched::Yes : Matched::No;
}

}  // namespace gantry::server
