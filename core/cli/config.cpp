#include "core/cli/config.hpp"

#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/conf/effective.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace gantry::cli {

int config_command(const ConfigOptions& options) {
    conf::LoadOptions load_options;
    load_options.contain = true;  // as `gantry run` does
    load_options.overlay = options.overlay;
    load_options.modules = &offline_modules();
    const auto untouched = options.defaults ? conf::Untouched::Shown : conf::Untouched::Omitted;
    conf::Effective effective = conf::effective(options.config, load_options, untouched);
    const bool is_good = effective.loaded.settings.has_value();
    if (!options.quiet || !is_good) std::fputs(effective.loaded.diagnostics.render_text().c_str(), stderr);
    if (!is_good) return kInvalidConfiguration;
    if (!options.only.empty()) {
        std::erase_if(effective.values, [&](const conf::EffectiveValue& value) {
            return !conf::is_named(value, options.only);
        });
        if (effective.values.empty()) {
            fmt::print(
                stderr, "gantry: nothing in {} is named {}\n      = {}\n", options.config, options.only,
                options.defaults ? "name a section, a host or a key: listener.web, www.example.com, max_body"
                                 : "settings that no file mentions are shown with --defaults");
            return kUsage;
        }
    }
    if (options.quiet) return kOk;
    const std::string text =
        options.json ? conf::effective_json(effective) : conf::effective_toml(effective.values);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kOk;
}

}  // namespace gantry::cli
