#include "core/module/project.hpp"

namespace gantry::module {

std::string_view cpp_template() {
    return R"(// The key `@key@` of a location: answers with a text.
#include <gantry/module.hpp>
#include <memory>

namespace {

class Greeting {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::pattern("@key@")
            .in(gantry::kInLocation)
            .handler()
            .example("\"Hello, ${remote_addr}\"")
            .doc("Answers every request with this text."),
    };

    // Asked for each location that has the key, whenever the configuration is loaded.
    static std::unique_ptr<Greeting> create(gantry::Scope& scope) {
        const gantry::Value text = scope.find_own("@key@");
        if (!text) return nullptr;  // this location has nothing to do with us
        if (text.text().empty()) scope.error("@key@ has no text", "write what is to be answered", text);
        return std::make_unique<Greeting>(text);
    }

    explicit Greeting(gantry::Value text) : text_(text) {}

    // Asked for each request, on the worker that it belongs to: nothing here may wait.
    gantry::Verdict handle(gantry::Exchange& exchange) const {
        exchange.response().type("text/plain; charset=utf-8").body(exchange.evaluate(text_));
        return gantry::Verdict::Done;
    }

private:
    gantry::Value text_;  // lives as long as this object
};

}  // namespace

GANTRY_MODULE("@name@", "0.1.0", "Answers with a text.", gantry::Handler<Greeting>);
)";
}

}  // namespace gantry::module
