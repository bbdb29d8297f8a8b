#include "decision.hpp"

#include "bytes.hpp"

#include <algorithm>
#include <array>

namespace auth {
namespace {

bool is_one_of(std::string_view field, std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return is_same_name(field, name); });
}

bool is_of_connection(std::string_view field) {
    return is_one_of(field, {"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "TE",
                             "Trailer", "Transfer-Encoding", "Upgrade"});
}

// All of that name, with commas between.
std::string joined(const FieldList& fields, std::string_view name) {
    std::string out;
    for (const auto& [field, value] : fields) {
        if (!is_same_name(field, name) || value.empty()) continue;
        if (!out.empty()) out += ", ";
        out += value;
    }
    return out;
}

}  // namespace

Said said_by(int status) {
    if (status >= 200 && status < 300) return Said::Yes;
    constexpr std::array<int, 7> kForTheClient = {301, 302, 303, 307, 308, 401, 403};
    const bool is_no = std::find(kForTheClient.begin(), kForTheClient.end(), status) != kForTheClient.end();
    return is_no ? Said::No : Said::Nothing;
}

bool may_be_asked_with(std::string_view field) {
    constexpr std::string_view kPrefix = "X-Forwarded-";
    const bool says_what =
        field.size() > kPrefix.size() && is_same_variable(field.substr(0, kPrefix.size()), kPrefix);
    return is_field_name(field) && !says_what && !is_of_connection(field) && !is_one_of(field, {"Host"});
}

bool is_handed_over(std::string_view field) {
    return !is_of_connection(field) && !is_one_of(field, {"Date", "Server"});
}

bool Decision::may_be_shared() const {
    if (said != Said::No) return true;
    const bool sets_cookies = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
        return is_same_name(field.first, "Set-Cookie");
    });
    return (status == 401 || status == 403) && !sets_cookies;
}

Decision decision_of(int status, const FieldList& fields, std::string_view body,
                     const DecisionPolicy& policy) {
    Decision decision;
    decision.said = said_by(status);
    decision.status = status;
    if (decision.said == Said::Nothing) decision.why = "it answers " + std::to_string(status);
    if (decision.said == Said::No) {
        decision.body = body;
        std::copy_if(fields.begin(), fields.end(), std::back_inserter(decision.fields),
                     [](const auto& field) { return is_handed_over(field.first); });
    }
    if (decision.said != Said::Yes) return decision;
    auto identity = std::make_shared<Identity>();
    if (!policy.user.empty()) identity->user = joined(fields, policy.user);
    if (!policy.groups.empty()) identity->groups = split(joined(fields, policy.groups), ',');
    for (const std::string& name : policy.copied) {
        if (std::string value = joined(fields, name); !value.empty())
            identity->fields.emplace_back(name, std::move(value));
    }
    decision.identity = std::move(identity);
    return decision;
}

}  // namespace auth
