// An access check that waits: who may pass stands in a file, which is read on a thread that may wait for a disk, and
// who may not is told so late, so that guessing is slow. Meanwhile the worker serves others.
#include "gantry/module.hpp"

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace {

class Gate {
public:
    static constexpr gantry::Key members[] = {
        gantry::Key::path("file")
            .required()
            .example("\"/etc/gantry/guests\"")
            .doc("One secret in each line."),
        gantry::Key::timespan("delay", std::chrono::milliseconds{0}, std::chrono::seconds{10})
            .standard("\"500ms\"")
            .example("\"1s\"")
            .doc("How late a refusal is."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("gate", members)
            .in(gantry::kAnywhere)
            .short_for("file")
            .example("\"/etc/gantry/guests\"")
            .doc("Lets only those in who show a secret of this file in the field X-Secret."),
    };

    static std::unique_ptr<Gate> create(gantry::Scope& scope) {
        const gantry::Value gate = scope.find("gate");
        if (!gate) return nullptr;
        return std::make_unique<Gate>(gate.member("file").text(), gate.member("delay").timespan());
    }

    Gate(std::string_view file, std::chrono::nanoseconds delay) : file_(file), delay_(delay) {}

    gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) const {
        const auto secret = exchange.fields().find("X-Secret");
        if (secret && !secret->empty()) {
            const auto known = co_await exchange.blocking(&is_guest, file_, std::string{*secret});
            if (!known) co_return exchange.fail(503, "too many look-ups at once");
            if (*known) co_return gantry::Verdict::Next;
        }
        co_await exchange.sleep(delay_);
        co_return exchange.fail(403);
    }

private:
    static bool is_guest(const std::string& file, const std::string& wanted) {
        std::ifstream lines{file};
        for (std::string line; std::getline(lines, line);) {
            if (line == wanted) return true;
        }
        return false;
    }

    std::string file_;
    std::chrono::nanoseconds delay_;
};

}  // namespace

GANTRY_MODULE("gate", "1.0.0", "Asks for a secret before it lets anyone in.", gantry::Access<Gate>);
