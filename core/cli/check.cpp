#include "core/cli/check.hpp"

#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/verify.hpp"
#include "core/conf/load.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string summary(const std::string& config, const conf::Loaded& loaded) {
    const auto& found = loaded.diagnostics;
    const auto& settings = loaded.settings;
    const std::size_t errors = found.errors() + found.contained();
    if (!settings && errors > 0) {
        return fmt::format(
            "{}: {}, {}{}\n", config, counted(errors, "error"), counted(found.warnings(), "warning"),
            found.errors() == 0 ? "; it would be served without the hosts that are named" : "");
    }
    if (!settings) return fmt::format("{}: {} (strict)\n", config, counted(found.warnings(), "warning"));
    std::string out =
        fmt::format("{}: good: {}, {}, {}", config, counted(settings->listeners.size(), "listener"),
                    counted(settings->hosts.size(), "host"), counted(settings->upstreams.size(), "upstream"));
    if (found.warnings() > 0) out.append(", ").append(counted(found.warnings(), "warning"));
    return out.append("\n");
}

}  // namespace

int check_command(const CheckOptions& options) {
    // As the one who is going to read it, where root asks: what root could read says little.
    RunOptions run;
    run.config = options.config;
    run.overlay = options.overlay;
    if (const auto identity = identity_of_configuration(run); identity && *identity) {
        if (const auto done = become(**identity); !done) {
            std::fprintf(stderr, "gantry: %s\n", done.error().c_str());
            return kFailure;
        }
    }
    conf::LoadOptions load_options;
    load_options.strict = options.strict;
    load_options.overlay = options.overlay;
    load_options.modules = &offline_modules();
    load_options.verify = verify;
    const conf::Loaded loaded = conf::load(options.config, load_options);
    if (options.json) {
        const std::string json = loaded.diagnostics.render_json();
        std::fwrite(json.data(), 1, json.size(), stdout);
    } else {
        if (!options.quiet || !loaded.settings) {
            const std::string text = loaded.diagnostics.render_text();
            std::fwrite(text.data(), 1, text.size(), stderr);
        }
        const std::string line = summary(options.config, loaded);
        if (!loaded.settings) {
            std::fwrite(line.data(), 1, line.size(), stderr);
        } else if (!options.quiet) {
            std::fwrite(line.data(), 1, line.size(), stdout);
        }
    }
    return loaded.settings ? kOk : kInvalidConfiguration;
}

}  // namespace gantry::cli
