// The manual in the forms that it is published in. Always the same text for the same program.
#pragma once

#include "core/cli/command_docs.hpp"
#include "core/conf/schema.hpp"

#include <string>

namespace gantry::cli {

// docs/configuration.md: every section with every setting, and the variables.
std::string settings_markdown();
// gantry.toml(5) and gantry(8), for the program man. The date in them is that of SOURCE_DATE_EPOCH where it
// is set, as packages do, else today's.
std::string settings_man();
std::string commands_man(const CommandDoc& gantry);
std::string commands_markdown(const CommandDoc& gantry);

// An array of all settings, each as setting_json() writes it.
std::string settings_json();
// {name, table, places, type, range, default, required, doc, example}
std::string setting_json(const conf::Setting& setting);

}  // namespace gantry::cli
