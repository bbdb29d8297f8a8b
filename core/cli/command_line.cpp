#include "core/cli/command_line.hpp"

#include "core/base/version.hpp"
#include "core/cli/check.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/run.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace gantry::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 = all is well, 1 = failed while running, 2 = wrong command line, 3 = invalid "
    "configuration.\n"
    "The configuration is /etc/gantry/gantry.toml unless -c names another file.";

int print_version() {
    std::printf("gantry %.*s\n", static_cast<int>(version().size()), version().data());
    return kOk;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    CLI::App app("Gantry: web server, reverse proxy and gateway", "gantry");
    app.footer(kFooter);
    app.require_subcommand(0, 1);
    bool wants_version = false;
    app.add_flag("-V,--version", wants_version, "Print the version and stop");

    RunOptions run;
    CLI::App* const run_app = app.add_subcommand("run", "Serve a configuration in the foreground");
    run_app->add_option("-c,--config", run.config, "The configuration file")->type_name("FILE");
    run_app->add_option("--user", run.user, "Whose rights the workers have, in place of [server] user")
        ->type_name("NAME");
    run_app->add_flag("--strict", run.strict, "Do not start with warnings");
    run_app->footer(kFooter);

    CheckOptions check;
    std::string format = "text";
    CLI::App* const check_app =
        app.add_subcommand("check", "Say everything that is wrong with a configuration, without serving it");
    check_app->add_option("-c,--config", check.config, "The configuration file")->type_name("FILE");
    check_app->add_flag("--strict", check.strict, "Warnings count as errors");
    check_app->add_option("--format", format, "How to say it: text (stderr) or json (stdout)")
        ->type_name("text|json")
        ->check(CLI::IsMember({"text", "json"}));
    check_app->add_flag("-q,--quiet", check.quiet, "Say nothing when all is well");
    check_app->footer(kFooter);

    CLI::App* const version_app = app.add_subcommand("version", "Print the version");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kOk : kUsage;  // 0: --help
    }
    if (wants_version || version_app->parsed()) return print_version();
    if (run_app->parsed()) return run_command(run);
    if (check_app->parsed()) {
        check.json = format == "json";
        return check_command(check);
    }
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
}

}  // namespace gantry::cli
