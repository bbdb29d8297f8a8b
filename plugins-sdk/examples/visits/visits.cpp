// Counts visitors, and writes down who came. Both outlive a restart: the count is kept by the store, and each visit is
// put into a stream that a service beside the traffic works off, so that a visit which was counted is written down
// sooner or later, whatever happens in between.
#include "gantry/module.hpp"
#include "gantry/store.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
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
        const gantry::Answer kept = co_await exchange.ask(store::append("visits", exchange.path()));
        const gantry::Answer visitors = co_await exchange.ask(store::add(exchange.path(), 1));
        if (!kept || !visitors) co_return exchange.fail(503, "the store does not answer");
        exchange.response().body("visitor " + std::to_string(visitors.count) + "\n");
        co_return gantry::Verdict::Done;
    }
};

// The service: one in each generation. What it has taken from the stream and not acknowledged, because gantry was
// killed, is taken again when its lease is over; so it may be written twice, and is never lost.
class Chronicle {
public:
    static std::unique_ptr<Chronicle> prepare(gantry::Scope& scope, Chronicle*) {
        return std::make_unique<Chronicle>(scope.host());
    }
    explicit Chronicle(const gantry::Host& host) : host_(host) {}
    ~Chronicle() {
        if (timer_ != 0) host_.timer()->cancel(host_.raw(), timer_);
    }
    Chronicle(const Chronicle&) = delete;
    Chronicle& operator=(const Chronicle&) = delete;

    void commit() { host_.timer()->every(host_.raw(), kInterval, this, &tick, &timer_); }

private:
    static constexpr std::uint64_t kInterval = 100'000'000;  // nanoseconds

    static void tick(void* state) noexcept {
        const gantry::Host& host = static_cast<Chronicle*>(state)->host_;
        host.ask(store::claim("visits", "chronicle", 100, 30s),
                 [&host](const gantry::Answer& visits) { write_down(host, visits); });
    }

    // The host outlives the instance, which may be gone by now.
    static void write_down(const gantry::Host& host, const gantry::Answer& visits) {
        std::vector<std::uint64_t> done;
        for (const auto& visit : visits.entries) {
            host.write(gantry::LogLevel::Info, "visit path=" + visit.value);
            done.push_back(visit.id);
        }
        if (done.empty()) return;
        host.ask(store::acknowledge("visits", "chronicle", done), [](const gantry::Answer&) {});
    }

    const gantry::Host& host_;
    std::uint64_t timer_ = 0;
};

}  // namespace

GANTRY_MODULE("visits", "1.0.0", "Counts visitors, and writes down who came.", gantry::Handler<Visits>,
              gantry::State<Chronicle>);
