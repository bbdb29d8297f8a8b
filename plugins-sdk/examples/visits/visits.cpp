// Counts visitors, and remembers who came last. Both outlive a restart: the count is kept by the store, and each visit
// is published as an event, which a service beside the traffic handles, so that a visit which was counted is remembered
// sooner or later, whatever happens in between.
#include "gantry/events.hpp"
#include "gantry/module.hpp"
#include "gantry/store.hpp"

#include <memory>
#include <string>

namespace {

namespace store = gantry::store;

class Visits {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("visits")
            .handler()
            .in(gantry::kInLocation)
            .example("true")
            .doc("Answers with the number of the visitor."),
    };
    static std::unique_ptr<Visits> create(gantry::Scope& scope) {
        return scope.find("visits").boolean() ? std::make_unique<Visits>() : nullptr;
    }

    gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) const {
        const gantry::Answer told =
            co_await exchange.ask(gantry::events::publish("visit.made", exchange.path(), ""));
        const gantry::Answer visitors = co_await exchange.ask(store::add(exchange.path(), 1));
        if (!told || !visitors) co_return exchange.fail(503, "the store does not answer");
        exchange.response().body("visitor " + std::to_string(visitors.count) + "\n");
        co_return gantry::Verdict::Done;
    }
};

// The service: one in each generation. An event that it has not settled, because gantry was killed or the store does not
// answer, comes again; so the same visit may be remembered twice, and is never forgotten.
class Chronicle {
public:
    static constexpr gantry::Subscription subscription{.name = "chronicle", .types = "visit.made"};

    static std::unique_ptr<Chronicle> prepare(gantry::Scope& scope, Chronicle*) {
        return std::make_unique<Chronicle>(scope.host());
    }
    explicit Chronicle(const gantry::Host& host) : host_(host) {}

    gantry::Verdict event(const gantry::Event& visit) {
        // The host outlives this instance, which may be gone when the store answers.
        const auto is_kept = [&host = host_, path = std::string{visit.subject},
                              delivery = visit.delivery](const gantry::Answer& answer) {
            if (answer) host.write(gantry::LogLevel::Info, "visit path=" + path);
            host.settle(delivery, static_cast<bool>(answer));
        };
        const auto result = host_.ask(store::put("last visit", visit.subject), is_kept);
        return result == GANTRY_OK ? gantry::Verdict::Wait : gantry::Verdict::Fail;
    }

private:
    const gantry::Host& host_;
};

}  // namespace

GANTRY_MODULE("visits", "1.0.0", "Counts visitors, and remembers who came last.", gantry::Handler<Visits>,
              gantry::State<Chronicle>, gantry::Subscriber<Chronicle>);
