// A module that asks another server what a request's fields say, and answers with what it was told: for the fake host
// and for the real one.
#pragma once

#include "gantry/client.hpp"
#include "gantry/module.hpp"
#include "gantry/request_body.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace test {

inline constexpr const char* kEnds[] = {"whole",     "not connected", "no peer",    "timed out",
                                        "too large", "cut off",       "bad answer", "cancelled"};

inline std::string shown(const gantry::client::Answer& answer) {
    std::string text =
        answer.end == gantry::client::End::Refused ? "refused" : kEnds[static_cast<int>(answer.end)];
    text += " " + std::to_string(answer.status);
    if (!answer.reason.empty()) text += " (" + std::string{answer.reason} + ")";
    text += "\n";
    for (const auto& field : answer.fields)
        text += std::string{field.name} + ": " + std::string{field.value} + "\n";
    return text + "\n" + std::string{answer.body};
}

inline std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Asks beside the traffic, each time that it is loaded.
struct Polls {
    struct Seen {
        std::mutex mutex;
        std::string text;
    };

    static std::unique_ptr<Polls> prepare(gantry::Scope& scope, Polls*) {
        auto state = std::make_unique<Polls>();
        state->host = &scope.host();
        const gantry::Value url = scope.find("asker_poll");
        if (url) state->target = gantry::client::Target::declare(scope, url);
        return state;
    }
    void commit() const {
        if (!target) return;
        const auto done = [](const gantry::client::Answer& answer) {
            const std::lock_guard lock{seen.mutex};
            seen.text += shown(answer) + ";";
        };
        gantry::client::Request request{target};
        request.method("POST").body("poll").field("Accept", "text/plain");
        if (host->fetch(request, done) != GANTRY_OK) seen.text = "refused";
    }

    static inline Seen seen;
    const gantry::Host* host = nullptr;
    gantry::client::Target target;
};

struct Asker {
    static constexpr gantry::Key members[] = {
        gantry::Key::text("url").required().example("\"http://127.0.0.1:3000\"").doc("Whom to ask."),
        gantry::Key::path("ca").example("\"ca.pem\"").doc("Whom to trust."),
        gantry::Key::text("name").example("\"app.internal\"").doc("The name in the certificate."),
        gantry::Key::text("host").example("\"app.internal\"").doc("The field Host."),
        gantry::Key::boolean("verify").standard("true").example("false").doc("Whether to."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("asker", members)
            .in(gantry::kInLocation)
            .handler()
            .short_for("url")
            .example("\"http://127.0.0.1:3000\"")
            .doc("Asks another server."),
        gantry::Key::text("asker_poll")
            .in(gantry::kInServer)
            .example("\"http://127.0.0.1:3000\"")
            .doc("Whom to ask whenever the configuration is loaded."),
    };

    static std::unique_ptr<Asker> create(gantry::Scope& scope) {
        const gantry::Value asker = scope.find("asker");
        if (!asker) return nullptr;
        const gantry::client::Options options{.ca_file = asker.member("ca").text(),
                                              .server_name = asker.member("name").text(),
                                              .host = asker.member("host").text(),
                                              .verify = asker.member("verify").boolean()};
        auto made = std::make_unique<Asker>();
        made->target = gantry::client::Target::declare(scope, asker.member("url"), options);
        return made;
    }

    // "X-Field: name=value" is a field; the others are what their names say, times in milliseconds.
    static gantry::client::Request request_of(const gantry::Exchange& exchange,
                                              gantry::client::Target target) {
        const auto fields = exchange.fields();
        gantry::client::Request request{target};
        request.method(exchange.method()).path(fields["X-Path"]).body(fields["X-Body"]);
        if (fields.has("X-Host")) request.host(fields["X-Host"]);
        const auto time = [&](const char* name, auto set) {
            if (fields.has(name)) set(std::chrono::milliseconds{number(fields[name])});
        };
        time("X-Connect", [&](auto limit) { request.connect_timeout(limit); });
        time("X-Head", [&](auto limit) { request.head_timeout(limit); });
        time("X-Idle", [&](auto limit) { request.idle_timeout(limit); });
        time("X-Timeout", [&](auto limit) { request.timeout(limit); });
        if (fields.has("X-Largest")) request.largest_body(number(fields["X-Largest"]));
        fields.each([&](std::string_view name, std::string_view value) {
            const std::size_t equals = value.find('=');
            if (gantry::client::Request::is_same(name, "X-Field") && equals != value.npos)
                request.field(value.substr(0, equals), value.substr(equals + 1));
        });
        return request;
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        if (exchange.path() == "/polled") {
            const std::lock_guard lock{Polls::seen.mutex};
            exchange.response().body(Polls::seen.text);
            co_return gantry::Verdict::Done;
        }
        const auto answer = co_await exchange.fetch(request_of(exchange, target));
        exchange.response().type("text/plain").body(shown(answer));
        co_return gantry::Verdict::Done;
    }

    gantry::client::Target target;
};

// What a client that is slow wakes.
struct Drain {
    std::optional<gantry::Waker> waker;
    void drained(gantry::Exchange) const {
        if (waker) waker->wake();
    }
};

// Passes an answer on as it comes, after the body that came with POST or one of "X-Upload" pieces of 16 KiB, without
// holding it anywhere.
struct Relay {
    static constexpr gantry::Key keys[] = {
        gantry::Key::text("relay")
            .in(gantry::kInLocation)
            .handler()
            .example("\"http://127.0.0.1:3000\"")
            .doc("Passes the answer of another server on."),
    };
    static std::unique_ptr<Relay> create(gantry::Scope& scope) {
        const gantry::Value url = scope.find("relay");
        if (!url) return nullptr;
        auto made = std::make_unique<Relay>();
        made->target = gantry::client::Target::declare(scope, url);
        return made;
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        auto request = Asker::request_of(exchange, target);
        const std::uint64_t pieces = number(exchange.fields()["X-Upload"]);
        if (pieces > 0)
            request.method("POST").streamed(exchange.fields().has("X-Chunked") ? UINT64_MAX : pieces * 16384);
        if (exchange.method() == "POST") request.method("POST").streamed();
        gantry::client::Stream app{exchange, request};
        if (exchange.method() == "POST") {
            gantry::RequestBody body{exchange};
            while (const auto part = co_await body.next()) {
                if (!co_await app.write(*part)) break;
            }
            co_await app.finish();
            if (exchange.fields().has("X-Mute")) co_return gantry::Verdict::Done;  // which nobody should
        }
        const std::string piece(16384, 'u');
        for (std::uint64_t sent = 0; sent < pieces; ++sent) {
            if (!co_await app.write(piece)) break;
        }
        if (pieces > 0) co_await app.finish();
        const gantry::client::Answer& head = co_await app.head();
        if (head.status == 0) co_return exchange.fail(502, head.reason);
        auto* drain = exchange.attach<Drain>();
        if (drain == nullptr) co_return gantry::Verdict::Fail;
        exchange.response().status(head.status).send_head();
        while (const auto part = co_await app.next()) {
            exchange.response().send(*part);
            while (exchange.response().is_congested()) {
                co_await exchange.until(std::chrono::seconds{60},
                                        [&](gantry::Waker waker) { drain->waker = waker; });
            }
        }
        if (!app.result()) co_return exchange.fail(502, app.result().reason);
        exchange.response().finish();
        co_return gantry::Verdict::Done;
    }

    gantry::client::Target target;
};

}  // namespace test
