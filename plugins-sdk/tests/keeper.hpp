// A module that does with the store what a request's path says, for the fake host and for the real one:
// /put/KEY/VALUE/LIFETIME/EXPECTED and so on. It also counts its loads, beside the traffic.
#pragma once

#include "gantry/module.hpp"
#include "gantry/store.hpp"

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace test {

// What the answers on the main thread said.
inline std::atomic<std::int64_t> loads{0};

struct Loads {
    static std::unique_ptr<Loads> prepare(gantry::Scope& scope, Loads*) {
        auto state = std::make_unique<Loads>();
        state->host = &scope.host();
        return state;
    }
    void commit() const {
        const auto told = [](const gantry::Answer& answer) { loads = answer ? answer.count : -1; };
        if (host->ask(gantry::store::add("loads", 1), told) != GANTRY_OK) loads = -2;
    }

    const gantry::Host* host = nullptr;
};

struct Keeper {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("keeper").handler().in(gantry::kInLocation).example("true").doc("Keeps things."),
    };
    static std::unique_ptr<Keeper> create(gantry::Scope& scope) {
        return scope.find("keeper").boolean() ? std::make_unique<Keeper>() : nullptr;
    }

    // "/put/key/value" as words; those that are missing are "".
    using Words = std::array<std::string, 6>;
    static Words words_of(std::string_view path) {
        Words words;
        for (std::string& word : words) {
            path.remove_prefix(path.empty() ? 0 : 1);
            const std::size_t end = path.find('/');
            word = path.substr(0, end);
            path.remove_prefix(word.size());
        }
        return words;
    }
    static std::uint64_t number(const std::string& word, std::uint64_t otherwise) {
        std::uint64_t value = otherwise;
        std::from_chars(word.data(), word.data() + word.size(), value);
        return value;
    }

    static gantry::Task<gantry::Answer> ask(gantry::Exchange exchange, Words words) {
        namespace store = gantry::store;
        const auto& [what, name, value, first, second, third] = words;
        const auto time = [](const std::string& word) { return std::chrono::milliseconds{number(word, 0)}; };
        if (what == "get") co_return co_await exchange.ask(store::get(name));
        if (what == "put") {
            co_return co_await exchange.ask(
                store::put(name, value, time(first), number(second, store::any_version)));
        }
        if (what == "size")
            co_return co_await exchange.ask(store::put(name, std::string(number(value, 0), 'x')));
        if (what == "erase")
            co_return co_await exchange.ask(store::erase(name, number(value, store::any_version)));
        if (what == "list") {
            co_return co_await exchange.ask(
                store::list(name, value, static_cast<std::uint32_t>(number(first, 1000))));
        }
        if (what == "add") {
            co_return co_await exchange.ask(
                store::add(name, static_cast<std::int64_t>(number(value, 0)), time(first)));
        }
        if (what == "append") co_return co_await exchange.ask(store::append(name, value, number(first, 0)));
        if (what == "read") co_return co_await exchange.ask(store::read(name, number(value, 0)));
        if (what == "claim") {
            co_return co_await exchange.ask(
                store::claim(name, value, static_cast<std::uint32_t>(number(first, 1)), time(second),
                             static_cast<std::uint32_t>(number(third, 0))));
        }
        if (what == "done") {
            const std::vector<std::uint64_t> ids{number(first, 0)};
            co_return co_await exchange.ask(store::acknowledge(name, value, ids));
        }
        if (what == "again")
            co_return co_await exchange.ask(store::reject(name, value, number(first, 0), time(second)));
        if (what == "dead") co_return co_await exchange.ask(store::dead(name, value));
        co_return gantry::Answer{};
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) {
        const Words words = words_of(exchange.path());
        if (words[0] == "loads") {
            exchange.response().body(std::to_string(loads.load()));
            co_return gantry::Verdict::Done;
        }
        const gantry::Answer answer = co_await ask(exchange, words);
        constexpr const char* kOutcomes[] = {"stored", "absent", "conflict", "full", "unavailable"};
        std::string text = kOutcomes[static_cast<int>(answer.outcome)];
        const auto show = [&](const char* what, auto number) {
            if (number != 0) text += std::string{" "} + what + "=" + std::to_string(number);
        };
        show("version", answer.version);
        show("id", answer.id);
        show("count", answer.count);
        show("previous", answer.previous);
        for (const auto& entry : answer.entries) {
            text += "\n" + entry.key + "=" +
                    (entry.value.size() < 100 ? entry.value : std::to_string(entry.value.size()));
            show("version", entry.version);
            show("id", entry.id);
            show("attempts", entry.attempts);
        }
        exchange.response().status(answer.outcome == gantry::Outcome::Unavailable ? 503 : 200).body(text);
        co_return gantry::Verdict::Done;
    }
};

}  // namespace test
