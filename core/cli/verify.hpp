// What the rooms above conf have to say about settings: certificates, regular expressions, templates.
#pragma once

#include "core/conf/load.hpp"

namespace gantry::cli {

// For conf::LoadOptions::verify.
void verify(const conf::Settings& settings, conf::Diagnostics& diagnostics);

}  // namespace gantry::cli
