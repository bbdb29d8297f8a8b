#include "core/cli/verify.hpp"

namespace gantry::cli {

void verify(const conf::Settings&, conf::Diagnostics&) {}

}  // namespace gantry::cli
