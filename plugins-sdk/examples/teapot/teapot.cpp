// The smallest module in C++: a handler with a key.
#include "gantry/module.hpp"

#include <memory>
#include <string>

namespace {

class Teapot {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::text("teapot")
            .in(gantry::kInLocation)
            .handler()
            .example("\"short and stout\"")
            .doc("Answers every request with 418 and this text."),
    };

    static std::unique_ptr<Teapot> create(gantry::Scope& scope) {
        const gantry::Value text = scope.find_own("teapot");
        if (!text) return nullptr;
        if (text.text().empty()) scope.error("teapot has no text", "write what it says", text);
        return std::make_unique<Teapot>(std::string{text.text()} + "\n");
    }

    explicit Teapot(std::string answer) : answer_(std::move(answer)) {}

    gantry::Verdict handle(gantry::Exchange& exchange) const {
        exchange.response().status(418).type("text/plain").body(answer_);
        return gantry::Verdict::Done;
    }

private:
    std::string answer_;
};

}  // namespace

GANTRY_MODULE("teapot", "1.0.0", "Answers with 418, as RFC 2324 asks of teapots.", gantry::Handler<Teapot>);
