// gantry.events/1 of a fake host: in memory, delivered when the test says run(), again after advance().
#pragma once

#include "gantry/fake/async_tables.hpp"
#include "gantry/fake/store_table.hpp"

#include <algorithm>
#include <string>

namespace gantry::fake::detail {

struct EventsTable {
    // ---- what is valid

    static bool is_word_byte(char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
    }
    static bool is_type(std::string_view text) {
        const std::size_t dot = text.find('.');
        if (dot == text.npos || text.size() > GANTRY_EVENT_TYPE_MAX || text.back() == '.') return false;
        if (dot == 0 || text[0] < 'a' || text[0] > 'z' || text.find("..") != text.npos) return false;
        return std::all_of(text.begin(), text.end(),
                           [](char byte) { return is_word_byte(byte) || byte == '.'; });
    }
    // Calls visit(type) for each of "container.*, host.changed"; false: one of them is none.
    template <class Visit>
    static bool each_type(std::string_view list, Visit&& visit) {
        for (;;) {
            const std::size_t comma = std::min(list.find(','), list.size());
            std::string_view type = list.substr(0, comma);
            while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
            while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
            const bool is_all = type.ends_with(".*");
            if (!is_type(is_all ? std::string{type.substr(0, type.size() - 1)} + "x" : std::string{type}))
                return false;
            visit(is_all ? type.substr(0, type.size() - 1) : type, is_all);
            if (comma == list.size()) return true;
            list.remove_prefix(comma + 1);
        }
    }
    static bool wants(const SubscriptionState& subscription, std::string_view type) {
        bool found = false;
        each_type(subscription.types, [&](std::string_view one, bool is_all) {
            found |= is_all ? type.starts_with(one) : type == one;
        });
        return found;
    }

    // ---- the table

    static gantry_result_t publish(const gantry_host_t* host, gantry_bytes_t type, gantry_bytes_t subject,
                                   gantry_bytes_t data, const gantry_store_reply_t* reply) noexcept {
        State& state = State::of(host);
        const bool has_control = std::any_of(subject.data, subject.data + subject.size, [](char byte) {
            return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
        });
        if (!is_type(view(type)) || has_control || subject.size > GANTRY_EVENT_SUBJECT_MAX ||
            data.size > GANTRY_EVENT_DATA_MAX || (reply != nullptr && reply->done == nullptr)) {
            return GANTRY_ERROR_ARGUMENT;
        }
        const gantry_store_reply_t nobody{
            {0, 0}, nullptr, [](void*, const gantry_store_answer_t*) noexcept {}};
        return StoreTable::ask(host, reply == nullptr ? &nobody : reply, [&](State&, StoreAnswer& answer) {
            answer.raw.id = add(state, std::string{view(type)}, std::string{view(subject)}, "the module",
                                std::string{view(data)});
        });
    }

    static gantry_result_t subscribe(gantry_scope_t* raw, const gantry_subscription_t* wanted) noexcept {
        ScopeState& scope = *reinterpret_cast<ScopeState*>(raw);
        State& state = *scope.host;
        if (!state.is_in_step(Step::Preparing, "subscribe", "prepare()")) return GANTRY_ERROR_STATE;
        const std::string name = wanted->name == nullptr ? "" : wanted->name;
        const std::string types = wanted->types == nullptr ? "" : wanted->types;
        if (name.empty() || wanted->deliver == nullptr || !each_type(types, [](std::string_view, bool) {})) {
            state.errors.push_back({scope.name, "the module subscribes to what is no list of types", ""});
            return GANTRY_ERROR_ARGUMENT;
        }
        auto& subscriptions = state.generations.back()->subscriptions;
        for (const SubscriptionState& other : subscriptions) {
            if (other.name != name) continue;
            state.errors.push_back({scope.name, "the module has two subscriptions of one name", ""});
            return GANTRY_ERROR_LIMIT;
        }
        subscriptions.push_back({name, types, *wanted});
        return GANTRY_OK;
    }

    static gantry_result_t settle(const gantry_host_t* host, gantry_delivery_t delivery,
                                  bool is_done) noexcept {
        State& state = State::of(host);
        AsyncTable::later(state,
                          [&state, serial = delivery.serial, is_done] { end(state, serial, is_done); });
        return GANTRY_OK;
    }

    static constexpr gantry_events_1_t kTable{sizeof(gantry_events_1_t), &publish, &subscribe, &settle};

    // ---- delivery

    // With state.mutex held.
    static std::uint64_t add(State& state, std::string type, std::string subject, std::string source,
                             std::string data) {
        const std::uint64_t id = state.events.size() + 1;
        state.events.push_back(
            {id, state.now, std::move(type), std::move(subject), std::move(source), std::move(data)});
        state.posted.push_back([&state, id] { offer(state, id); });
        return id;
    }

    static void offer(State& state, std::uint64_t id) {
        if (state.serving == nullptr) return;
        std::vector<std::string> names;
        for (const SubscriptionState& subscription : state.serving->subscriptions) {
            if (wants(subscription, state.events[id - 1].type)) names.push_back(subscription.name);
        }
        for (const std::string& name : names) deliver(state, {id, name, 1});
    }

    static void deliver(State& state, EventDelivery delivery) {
        if (state.serving == nullptr) return;
        for (const SubscriptionState& subscription : state.serving->subscriptions) {
            if (subscription.name != delivery.subscription) continue;
            const PublishedEvent& event = state.events[delivery.event - 1];
            const gantry_event_t told{
                sizeof(gantry_event_t), delivery.attempt,    event.id,         event.time, bytes(event.type),
                bytes(event.subject),   bytes(event.source), bytes(event.data)};
            const std::uint64_t serial = ++state.last_serial;
            const gantry_verdict_t verdict =
                subscription.raw.deliver(subscription.raw.self, &told, {1, serial});
            state.deliveries[serial] = std::move(delivery);
            if (verdict != GANTRY_WAIT) return end(state, serial, verdict == GANTRY_DONE);
            const std::uint64_t lease = subscription.raw.lease == 0 ? 30'000'000'000 : subscription.raw.lease;
            return after(state, lease, [&state, serial] { end(state, serial, false); });
        }
    }

    static void end(State& state, std::uint64_t serial, bool is_done) {
        const auto found = state.deliveries.find(serial);
        if (found == state.deliveries.end()) return;  // settled, or over
        EventDelivery delivery = std::move(found->second);
        state.deliveries.erase(found);
        if (is_done || state.serving == nullptr) return;
        for (const SubscriptionState& subscription : state.serving->subscriptions) {
            if (subscription.name != delivery.subscription) continue;
            if (delivery.attempt >= (subscription.raw.attempts == 0 ? 10 : subscription.raw.attempts)) {
                state.dead_events.push_back(state.events[delivery.event - 1]);
                return;
            }
            const std::uint64_t retry = subscription.raw.retry == 0 ? 1'000'000'000 : subscription.raw.retry;
            const std::uint64_t delay =
                std::min<std::uint64_t>(retry << (delivery.attempt - 1), 300'000'000'000);
            ++delivery.attempt;
            return after(state, delay, [&state, delivery] { deliver(state, delivery); });
        }
    }

    static void after(State& state, std::uint64_t delay, std::function<void()> run) {
        state.timers.push_back({state.now + delay, ++state.last_timer, 0, {0, 0}, std::move(run), true});
    }
};

}  // namespace gantry::fake::detail
