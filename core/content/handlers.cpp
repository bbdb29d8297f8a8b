#include "core/content/handlers.hpp"

#include "core/content/proxy.hpp"
#include "core/content/respond.hpp"
#include "core/content/static.hpp"

namespace gantry::content {

std::unique_ptr<server::Handler> make_handler(const server::HandlerScope& scope, Services* services) {
    const conf::Handler& settings = scope.location.handler;
    if (const auto* files = std::get_if<conf::Static>(&settings)) return make_static(*files, scope);
    if (const auto* respond = std::get_if<conf::Respond>(&settings)) return make_respond(*respond, scope);
    if (const auto* redirect = std::get_if<conf::Redirect>(&settings)) return make_redirect(*redirect, scope);
    if (std::holds_alternative<conf::Proxy>(settings)) {
        return make_proxy(scope, services != nullptr ? &services->upstreams : nullptr);
    }
    return nullptr;
}

}  // namespace gantry::content
