// A body filter: texts leave in upper case. Whatever the size of the body, it holds one buffer of 4 KiB.
#include "gantry/module.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

namespace {

class Shout {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("shout")
            .in(gantry::kAnywhere)
            .example("true")
            .doc("Turns the letters a-z of texts into capitals."),
    };

    static std::unique_ptr<Shout> create(gantry::Scope& scope) {
        return scope.find("shout").boolean() ? std::make_unique<Shout>() : nullptr;
    }

    // One response on its way. Letters have no memory, so nothing is held back, and there is no end to it.
    class Body {
    public:
        void data(std::string_view data, gantry::Sink& sink) {
            while (!data.empty()) {
                const std::size_t size = std::min(data.size(), buffer_.size());
                std::transform(
                    data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size), buffer_.begin(),
                    [](char letter) { return letter >= 'a' && letter <= 'z' ? letter - 32 : letter; });
                sink.send({buffer_.data(), size});
                data.remove_prefix(size);
            }
        }
        void end(gantry::Sink&) {}

    private:
        std::array<char, 4096> buffer_;
    };

    std::optional<Body> filter(gantry::Exchange& exchange) const {
        const gantry::Fields fields = exchange.response().fields();
        if (!fields["Content-Type"].starts_with("text/") || fields.has("Content-Encoding"))
            return std::nullopt;
        fields.remove("ETag");  // it is not the same body any more
        return Body{};
    }
};

}  // namespace

GANTRY_MODULE("shout", "1.0.0", "Turns texts into capitals on their way out.", gantry::BodyFilter<Shout>);
