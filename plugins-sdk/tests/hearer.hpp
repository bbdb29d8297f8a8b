// A module that publishes what a request's path says, /publish/TYPE/SUBJECT/DATA, and writes down what it is told, for
// the fake host and for the real one. What it does with an event is what its data says.
#pragma once

#include "gantry/events.hpp"
#include "gantry/module.hpp"

#include <charconv>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

// What was heard, for the workers to show.
struct Heard {
    std::mutex mutex;
    std::string lines;
    std::vector<gantry_delivery_t> waiting;
};
inline Heard heard;

inline gantry::Verdict hear(std::string_view by, const gantry::Event& event) {
    std::string line{by};
    for (const std::string_view part : {event.type, event.subject, event.source, event.data})
        line.append(" ").append(part);
    line += " attempt=" + std::to_string(event.attempt) + "\n";
    const std::lock_guard lock{heard.mutex};
    heard.lines += line;
    if (event.data == "throw") throw 1;
    if (event.data == "fail") return gantry::Verdict::Fail;
    if (event.data == "second") return event.attempt < 2 ? gantry::Verdict::Fail : gantry::Verdict::Done;
    if (event.data != "wait" && event.data != "never") return gantry::Verdict::Done;
    if (event.data == "wait") heard.waiting.push_back(event.delivery);
    return gantry::Verdict::Wait;
}

struct Ear {
    static constexpr gantry::Subscription subscription{
        .name = "ear", .types = "test.*, host.added, host.changed, host.removed, server.*"};
    static std::unique_ptr<Ear> prepare(gantry::Scope&, Ear*) { return std::make_unique<Ear>(); }
    gantry::Verdict event(const gantry::Event& event) { return hear("ear", event); }
};

// The other one: it was there before, has little time and little patience.
struct LateEar {
    static constexpr gantry::Subscription subscription{.name = "late",
                                                       .types = "test.one,old.*",
                                                       .lease = std::chrono::seconds{2},
                                                       .retry = std::chrono::milliseconds{100},
                                                       .attempts = 2,
                                                       .at_a_time = 3,
                                                       .from_oldest = true};
    static gantry::Verdict event(Ear&, const gantry::Event& event) { return hear("late", event); }
};

struct Mouth {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("hearer")
            .handler()
            .in(gantry::kInLocation)
            .example("true")
            .doc("Publishes events."),
    };
    static std::unique_ptr<Mouth> create(gantry::Scope& scope) {
        return scope.find("hearer").boolean() ? std::make_unique<Mouth>() : nullptr;
    }

    static std::string_view next(std::string_view& path) {
        path.remove_prefix(path.empty() ? 0 : 1);
        const std::string_view word = path.substr(0, path.find('/'));
        path.remove_prefix(word.size());
        return word;
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) {
        std::string_view rest = exchange.path();
        const std::string_view what = next(rest);
        if (what == "publish") {
            const std::string_view type = next(rest), subject = next(rest), data = next(rest);
            const auto answer = co_await exchange.ask(gantry::events::publish(type, subject, data));
            exchange.response().status(answer ? 200 : 503).body("id=" + std::to_string(answer.id));
        } else if (what == "many") {
            const std::string_view type = next(rest), count = next(rest);
            int number = 0;
            std::from_chars(count.data(), count.data() + count.size(), number);
            for (int i = 0; i < number; ++i) exchange.host().publish(type, std::to_string(i), "");
            exchange.response().body("published");
        } else if (what == "settle") {
            const std::lock_guard lock{heard.mutex};
            const bool is_done = next(rest) == "done";
            for (const auto& delivery : std::exchange(heard.waiting, {}))
                exchange.host().settle(delivery, is_done);
            exchange.response().body("settled");
        } else {
            const std::lock_guard lock{heard.mutex};
            exchange.response().body(heard.lines);
        }
        co_return gantry::Verdict::Done;
    }
};

}  // namespace test
