// Commands that modules bring along: gantry MODULE COMMAND. Known from the manifests of their files, without
// running them or asking a server (docs/adr/0016-*.md); what they do is a call of the control API.
#pragma once

#include "core/cli/command_parts.hpp"
#include "core/module/manifest.hpp"

#include <string>
#include <vector>

namespace gantry::cli {

// Those of the module that the first of `words` names, as its configuration loads it or as it is installed;
// of all installed ones where they are to be listed. An ExitCode: kUsage where the first word is nothing at
// all, which was told.
int add_verbs(CLI::App& app, Commands& all, const std::vector<std::string>& words);

}  // namespace gantry::cli
