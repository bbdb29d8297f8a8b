// gantry.events/1
#include "core/module/events.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"
#include "core/module/store_answer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace gantry::module {
namespace {

constexpr Millis kUsualLease = 30'000;
constexpr Millis kUsualRetry = 1'000;
constexpr std::uint32_t kUsualAttempts = 10;
constexpr std::uint32_t kMostAtATime = store::kMostEntries;
constexpr std::size_t kLongestName = 64;

Millis millis_or(std::uint64_t nanos, Millis usual) {
    if (nanos == 0) return usual;
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
    return static_cast<Millis>(std::clamp<std::uint64_t>(nanos / kNanosPerMilli, 1, kMost));
}

bool is_subject(std::string_view text) {
    return text.size() <= GANTRY_EVENT_SUBJECT_MAX && std::none_of(text.begin(), text.end(), [](char byte) {
               return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
           });
}

bool is_subscription_name(std::string_view name) {
    return !name.empty() && name.size() <= kLongestName &&
           std::all_of(name.begin(), name.end(), [](char byte) {
               return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
           });
}

gantry_result_t publish(const gantry_host_t* host, gantry_bytes_t type, gantry_bytes_t subject,
                        gantry_bytes_t data, const gantry_store_reply_t* reply) noexcept {
    if (!is_event_type(view_of(type)) || !is_subject(view_of(subject)) || data.size > GANTRY_EVENT_DATA_MAX ||
        (reply != nullptr && reply->done == nullptr)) {
        return GANTRY_ERROR_ARGUMENT;
    }
    const Module& module = module_of(host);
    if (module.services->store == nullptr || module.services->main == nullptr) return GANTRY_ERROR_STATE;
    std::function<void(store::Answer&&)> done;
    if (reply != nullptr) {
        done = [&module, to = *reply](store::Answer&& answer) { deliver(module, to, std::move(answer)); };
    }
    const EventRecord event{view_of(type), view_of(subject), module.name, view_of(data)};
    return module.services->events.publish(event, std::move(done)) ? GANTRY_OK : GANTRY_ERROR_LIMIT;
}

// The module is at fault, so whoever reads it can but tell its author.
gantry_result_t refuse(gantry_scope_t& scope, gantry_result_t result, std::string why) {
    server::Problem problem;
    problem.place = {0, 0, 0};
    problem.message = fmt::format("the module {} subscribes to events in a way that cannot be: {}",
                                  scope.module->name, why);
    problem.hint = "its author has to mend it";
    scope.problems->push_back(std::move(problem));
    return result;
}

gantry_result_t subscribe(gantry_scope_t* scope, const gantry_subscription_t* given) noexcept {
    const auto wanted = whole(given);
    if (scope == nullptr || !wanted) return GANTRY_ERROR_ARGUMENT;
    if (scope->kind != GANTRY_IN_SERVER || scope->kept == nullptr) return GANTRY_ERROR_STATE;
    const std::string_view name = view_of(wanted->name);
    if (!is_subscription_name(name) || wanted->deliver == nullptr)
        return refuse(*scope, GANTRY_ERROR_ARGUMENT,
                      fmt::format("\"{}\" is no name of a subscription", name));
    const std::string_view types = view_of(wanted->types);
    auto families = parse_event_types(types);
    if (!families) {
        return refuse(*scope, GANTRY_ERROR_ARGUMENT,
                      fmt::format("\"{}\" of {} is no list of types", types, name));
    }
    for (const BoundSubscription& other : scope->kept->subscriptions) {
        if (other.module == scope->module && other.name == name)
            return refuse(*scope, GANTRY_ERROR_LIMIT, fmt::format("there are two of the name {}", name));
    }
    BoundSubscription bound;
    bound.module = scope->module;
    bound.name = name;
    bound.families = std::move(*families);
    bound.deliver = wanted->deliver;
    bound.self = wanted->self;
    bound.lease = millis_or(wanted->lease, kUsualLease);
    bound.retry = millis_or(wanted->retry, kUsualRetry);
    bound.attempts = wanted->attempts == 0 ? kUsualAttempts : wanted->attempts;
    bound.at_a_time = std::clamp(wanted->at_a_time, 1U, kMostAtATime);
    bound.is_from_oldest = (wanted->flags & GANTRY_EVENTS_FROM_OLDEST) != 0;
    scope->kept->subscriptions.push_back(std::move(bound));
    return GANTRY_OK;
}

gantry_result_t settle(const gantry_host_t* host, gantry_delivery_t delivery, bool is_done) noexcept {
    module_of(host).services->events.settle(delivery, is_done);
    return GANTRY_OK;
}

}  // namespace

const gantry_events_1_t kEvents = {sizeof(gantry_events_1_t), &publish, &subscribe, &settle};

}  // namespace gantry::module
