// An access hook that fails in the ways of C++: by what it throws, at once and after it has waited, and by
// giving up.
#include "gantry/module.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;

class Stumble {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::text("stumble").in(gantry::kAnywhere).example("\"late\"").doc("How it fails."),
        gantry::Key::text("trip")
            .in(gantry::kAnywhere)
            .deprecated("write: stumble = \"late\"")
            .example("\"late\"")
            .doc("How it fails, as it was called before."),
    };
    static std::unique_ptr<Stumble> create(gantry::Scope& scope) {
        const gantry::Value how = scope.find("stumble") ? scope.find("stumble") : scope.find("trip");
        return how ? std::make_unique<Stumble>(how.text()) : nullptr;
    }
    explicit Stumble(std::string_view how) : how_(how) {}

    gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) const {
        if (how_ == "at once") throw std::runtime_error{"stumbled at once"};
        if (how_ == "late") {
            co_await exchange.sleep(20ms);
            throw std::runtime_error{"stumbled late"};
        }
        // Nobody wakes it.
        const bool is_woken = co_await exchange.until(50ms, [](gantry::Waker) {});
        co_return is_woken ? gantry::Verdict::Next : gantry::Verdict::Fail;
    }

private:
    std::string how_;
};

}  // namespace

GANTRY_MODULE("stumble", "1.0.0", "Fails.", gantry::Access<Stumble>);
