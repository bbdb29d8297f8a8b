#include "core/cli/verify.hpp"

#include "core/cli/configuration.hpp"

namespace gantry::cli {

void verify(const conf::Settings& settings, conf::Diagnostics& diagnostics) {
    build_generation(settings, nullptr, nullptr, diagnostics);
}

}  // namespace gantry::cli
