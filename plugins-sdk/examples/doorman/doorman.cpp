// An access check by another server: each request is asked for there, with a few of its fields, and passes or not as
// the answer says. Meanwhile the worker serves others; where the client leaves, the question is taken back.
#include "gantry/client.hpp"
#include "gantry/module.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

class Doorman {
public:
    static constexpr gantry::Key members[] = {
        gantry::Key::text("url")
            .required()
            .example("\"http://127.0.0.1:9000/check\"")
            .doc("Whom to ask: http://, https://, http+unix:///run/app.sock:/path or upstream:NAME."),
        gantry::Key::text("copy")
            .list()
            .standard("[\"Cookie\", \"Authorization\"]")
            .example("[\"Cookie\"]")
            .doc("Fields of the request that the service gets to see."),
        gantry::Key::text("identity")
            .standard("\"X-User\"")
            .example("\"X-User\"")
            .doc("The field of the answer that says who it is; the request goes on with it."),
        gantry::Key::timespan("timeout", std::chrono::milliseconds{100}, std::chrono::minutes{1})
            .standard("\"5s\"")
            .example("\"2s\"")
            .doc("How long the service may take."),
        gantry::Key::boolean("fail_open")
            .standard("false")
            .example("true")
            .doc("Whether requests pass, without an identity, while the service does not answer."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("doorman", members)
            .in(gantry::kAnywhere)
            .short_for("url")
            .example("\"http://127.0.0.1:9000/check\"")
            .doc("Lets only those in for whom this server answers with 2xx."),
    };

    static std::unique_ptr<Doorman> create(gantry::Scope& scope) {
        const gantry::Value doorman = scope.find("doorman");
        if (!doorman) return nullptr;
        auto made = std::make_unique<Doorman>();
        made->target_ = gantry::client::Target::declare(scope, doorman.member("url"));
        const gantry::Value copy = doorman.member("copy");
        for (std::uint32_t i = 0; i < copy.count(); ++i) made->copy_.emplace_back(copy[i].text());
        made->identity_ = doorman.member("identity").text();
        made->timeout_ = doorman.member("timeout").timespan();
        made->fails_open_ = doorman.member("fail_open").boolean();
        return made;
    }

    gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) const {
        exchange.fields().remove(identity_);  // whoever names himself is not believed
        gantry::client::Request request{target_};
        for (const std::string& name : copy_) request.copy(exchange.fields(), name);
        request.field("X-Original-Method", exchange.method()).field("X-Original-URI", exchange.target());
        const auto answer = co_await exchange.fetch(request.timeout(timeout_));

        if (answer.is_success()) {
            if (const auto who = answer.field(identity_)) exchange.fields().set(identity_, *who);
            co_return gantry::Verdict::Next;
        }
        if (answer && (answer.status == 401 || answer.status == 403)) co_return pass_on(exchange, answer);
        if (fails_open_) co_return gantry::Verdict::Next;
        co_return exchange.fail(502, answer ? "the doorman said neither yes nor no" : answer.reason);
    }

private:
    static gantry::Verdict pass_on(gantry::Exchange exchange, const gantry::client::Answer& answer) {
        auto response = exchange.response();
        response.status(answer.status);
        for (const char* name : {"Content-Type", "WWW-Authenticate", "Set-Cookie"}) {
            for (const auto& field : answer.fields) {
                if (gantry::client::Request::is_same(field.name, name))
                    response.fields().add(name, field.value);
            }
        }
        response.body(answer.body);
        return gantry::Verdict::Done;
    }

    gantry::client::Target target_;
    std::vector<std::string> copy_;
    std::string identity_;
    std::chrono::nanoseconds timeout_{};
    bool fails_open_ = false;
};

}  // namespace

GANTRY_MODULE("doorman", "1.0.0", "Asks another server who may pass.", gantry::Access<Doorman>);
