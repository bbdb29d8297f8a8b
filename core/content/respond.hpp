// Answers from the configuration: a fixed text, or a redirect.
#pragma once

#include "core/server/generation.hpp"

namespace gantry::content {

// Null after a problem was added to scope.problems.
std::unique_ptr<server::Handler> make_respond(const conf::Respond& settings,
                                              const server::HandlerScope& scope);
std::unique_ptr<server::Handler> make_redirect(const conf::Redirect& settings,
                                               const server::HandlerScope& scope);

// Compiles a template in the place of a location; a problem and the empty template on failure.
server::Template compile_template(const conf::Template& text, server::Purpose purpose,
                                  const server::HandlerScope& scope);

}  // namespace gantry::content
