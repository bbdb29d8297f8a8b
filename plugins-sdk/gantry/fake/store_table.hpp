// gantry.store/1 of a fake host: in memory, by the clock of advance(); answers come when the test says run().
#pragma once

#include "gantry/fake/async_tables.hpp"

#include <algorithm>
#include <vector>

namespace gantry::fake::detail {

// An answer with the bytes that it refers to.
struct StoreAnswer {
    gantry_store_answer_t raw = {};
    std::deque<std::string> kept = {};
    std::vector<gantry_store_entry_t> entries = {};

    void add(std::string_view key, std::string_view value, std::uint64_t version, std::uint64_t id,
             std::uint64_t time, std::uint32_t attempts) {
        kept.emplace_back(key);
        const gantry_bytes_t of_key = bytes(kept.back());
        kept.emplace_back(value);
        entries.push_back({of_key, bytes(kept.back()), version, id, time, attempts, 0});
    }
    void tell(const gantry_store_reply_t& reply) {
        raw.size = sizeof(raw);
        raw.entries = entries.data();
        raw.entry_count = entries.size();
        reply.done(reply.state, &raw);
    }
};

struct StoreTable {
    using Reply = gantry_store_reply_t;

    // Carries `run(answer)` out at once, and tells it later.
    template <class Run>
    static gantry_result_t ask(const gantry_host_t* host, const Reply* reply, Run run) {
        State& state = State::of(host);
        if (reply == nullptr || reply->done == nullptr) return GANTRY_ERROR_ARGUMENT;
        const auto answer = std::make_shared<StoreAnswer>();
        {
            const std::lock_guard lock{state.mutex};
            if (state.is_store_broken) {
                answer->raw.outcome = GANTRY_UNAVAILABLE;
            } else {
                run(state, *answer);
            }
        }
        AsyncTable::later(state, [answer, to = *reply] { answer->tell(to); });
        return GANTRY_OK;
    }
    static bool is_name(gantry_bytes_t name) {
        return name.data != nullptr && name.size >= 1 && name.size <= GANTRY_STORE_NAME_MAX;
    }
    static std::string text(gantry_bytes_t part) { return std::string{view(part)}; }

    // ---- values

    static StoredValue* find(State& state, const std::string& key) {
        const auto found = state.values.find(key);
        if (found == state.values.end()) return nullptr;
        return found->second.ends == 0 || found->second.ends > state.now ? &found->second : nullptr;
    }

    static gantry_result_t get(const gantry_host_t* host, gantry_bytes_t key, const Reply* reply) noexcept {
        if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            const StoredValue* value = find(state, text(key));
            answer.raw.outcome = value == nullptr ? GANTRY_ABSENT : GANTRY_STORED;
            if (value == nullptr) return;
            answer.raw.version = value->version;
            answer.add(view(key), value->bytes, value->version, 0, value->ends, 0);
        });
    }

    static gantry_result_t put(const gantry_host_t* host, gantry_bytes_t key, gantry_bytes_t bytes,
                               std::uint64_t lifetime, std::uint64_t expected, const Reply* reply) noexcept {
        if (!is_name(key) || bytes.size > GANTRY_STORE_VALUE_MAX) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            const StoredValue* value = find(state, text(key));
            answer.raw.version = value == nullptr ? 0 : value->version;
            answer.raw.outcome = GANTRY_CONFLICT;
            if (expected != GANTRY_ANY_VERSION && expected != answer.raw.version) return;
            answer.raw.outcome = GANTRY_STORED;
            answer.raw.version = ++state.last_version;
            state.values[text(key)] = {text(bytes), answer.raw.version,
                                       lifetime == 0 ? 0 : state.now + lifetime};
        });
    }

    static gantry_result_t erase(const gantry_host_t* host, gantry_bytes_t key, std::uint64_t expected,
                                 const Reply* reply) noexcept {
        if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            const StoredValue* value = find(state, text(key));
            answer.raw.version = value == nullptr ? 0 : value->version;
            answer.raw.outcome = GANTRY_CONFLICT;
            if (expected != GANTRY_ANY_VERSION && expected != answer.raw.version) return;
            answer.raw.outcome = value == nullptr ? GANTRY_ABSENT : GANTRY_STORED;
            answer.raw.version = 0;
            answer.raw.count = value == nullptr ? 0 : 1;
            state.values.erase(text(key));
        });
    }

    static gantry_result_t list(const gantry_host_t* host, gantry_bytes_t prefix, gantry_bytes_t after,
                                std::uint32_t limit, const Reply* reply) noexcept {
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            for (const auto& [key, value] : state.values) {
                const bool is_over = value.ends != 0 && value.ends <= state.now;
                if (is_over || !std::string_view{key}.starts_with(view(prefix)) || key <= view(after))
                    continue;
                if (answer.entries.size() >= std::min(limit, GANTRY_STORE_ENTRIES_MAX)) break;
                answer.add(key, value.bytes, value.version, 0, value.ends, 0);
            }
        });
    }

    // ---- counters

    static gantry_result_t add(const gantry_host_t* host, gantry_bytes_t key, std::int64_t amount,
                               std::uint64_t window, const Reply* reply) noexcept {
        if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            StoredCount& count = state.counts[text(key)];
            const std::uint64_t start = window == 0 ? 0 : state.now - state.now % window;
            if (count.window != window) count = {window, start, 0, 0};
            if (count.start != start)
                count = {window, start, 0, count.start + window == start ? count.count : 0};
            count.count += amount;
            answer.raw.count = count.count;
            answer.raw.previous = count.previous;
            answer.raw.into_window = window == 0 ? 0 : state.now - start;
        });
    }

    // ---- streams

    static gantry_result_t append(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t bytes,
                                  std::uint64_t keep, const Reply* reply) noexcept {
        if (!is_name(stream) || bytes.size > GANTRY_STORE_VALUE_MAX) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            auto& entries = state.streams[text(stream)].entries;
            answer.raw.id = ++state.last_entry;
            entries[answer.raw.id] = {text(bytes), state.now};
            while (keep != 0 && entries.size() > keep) entries.erase(entries.begin());
        });
    }

    static gantry_result_t read(const gantry_host_t* host, gantry_bytes_t stream, std::uint64_t after,
                                std::uint32_t limit, const Reply* reply) noexcept {
        if (!is_name(stream)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            for (const auto& [id, entry] : state.streams[text(stream)].entries) {
                if (id <= after) continue;
                if (answer.entries.size() >= std::min(limit, GANTRY_STORE_ENTRIES_MAX)) break;
                answer.add({}, entry.bytes, 0, id, entry.time, 0);
            }
        });
    }

    static gantry_result_t claim(const gantry_host_t* host, gantry_bytes_t name, gantry_bytes_t group_name,
                                 std::uint32_t limit, std::uint64_t lease, std::uint32_t attempts,
                                 const Reply* reply) noexcept {
        if (!is_name(name) || !is_name(group_name)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            StoredStream& stream = state.streams[text(name)];
            StoredGroup& group = stream.groups[text(group_name)];
            const std::size_t most = std::min(limit, GANTRY_STORE_ENTRIES_MAX);
            const auto give = [&](std::uint64_t id, const StoredEntry& entry, std::uint32_t attempt) {
                group.pending[id] = {state.now + lease, attempt};
                answer.add({}, entry.bytes, 0, id, entry.time, attempt);
            };
            for (auto at = group.pending.begin();
                 at != group.pending.end() && answer.entries.size() < most;) {
                const auto [id, pending] = *at;
                const auto entry = stream.entries.find(id);
                const bool is_dead = attempts != 0 && pending.attempts >= attempts;
                if (pending.due > state.now) {
                    ++at;
                } else if (entry == stream.entries.end() || is_dead) {
                    if (entry != stream.entries.end()) group.dead[id] = {entry->second, pending.attempts};
                    at = group.pending.erase(at);
                } else {
                    give(id, entry->second, pending.attempts + 1);
                    ++at;
                }
            }
            for (auto at = stream.entries.upper_bound(group.last);
                 at != stream.entries.end() && answer.entries.size() < most; ++at) {
                give(at->first, at->second, 1);
                group.last = at->first;
            }
        });
    }

    static gantry_result_t acknowledge(const gantry_host_t* host, gantry_bytes_t stream,
                                       gantry_bytes_t group_name, const std::uint64_t* ids,
                                       std::uint32_t count, const Reply* reply) noexcept {
        if (!is_name(stream) || !is_name(group_name) || ids == nullptr) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            StoredGroup& group = state.streams[text(stream)].groups[text(group_name)];
            for (std::uint32_t i = 0; i < count; ++i) {
                answer.raw.count +=
                    static_cast<std::int64_t>(group.pending.erase(ids[i]) + group.dead.erase(ids[i]));
            }
        });
    }

    static gantry_result_t reject(const gantry_host_t* host, gantry_bytes_t name, gantry_bytes_t group_name,
                                  std::uint64_t id, std::uint64_t delay, const Reply* reply) noexcept {
        if (!is_name(name) || !is_name(group_name)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            StoredStream& stream = state.streams[text(name)];
            StoredGroup& group = stream.groups[text(group_name)];
            const auto pending = group.pending.find(id);
            const auto dead = group.dead.find(id);
            answer.raw.outcome = GANTRY_ABSENT;
            if (pending == group.pending.end() && dead == group.dead.end()) return;
            answer.raw.outcome = GANTRY_STORED;
            answer.raw.count = 1;
            group.pending[id] = {state.now + delay, dead == group.dead.end() ? pending->second.attempts : 0};
            if (dead == group.dead.end()) return;
            stream.entries[id] = dead->second.first;
            group.dead.erase(dead);
        });
    }

    static gantry_result_t dead(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group_name,
                                std::uint64_t after, std::uint32_t limit, const Reply* reply) noexcept {
        if (!is_name(stream) || !is_name(group_name)) return GANTRY_ERROR_ARGUMENT;
        return ask(host, reply, [&](State& state, StoreAnswer& answer) {
            for (const auto& [id, one] : state.streams[text(stream)].groups[text(group_name)].dead) {
                if (id <= after) continue;
                if (answer.entries.size() >= std::min(limit, GANTRY_STORE_ENTRIES_MAX)) break;
                answer.add({}, one.first.bytes, 0, id, one.first.time, one.second);
            }
        });
    }

    static constexpr gantry_store_1_t kTable{sizeof(gantry_store_1_t),
                                             &get,
                                             &put,
                                             &erase,
                                             &list,
                                             &add,
                                             &append,
                                             &read,
                                             &claim,
                                             &acknowledge,
                                             &reject,
                                             &dead};
};

}  // namespace gantry::fake::detail
