#include "core/cli/command_line.hpp"

#include "core/base/version.hpp"
#include "core/cli/check.hpp"
#include "core/cli/completion.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/explain.hpp"
#include "core/cli/help.hpp"
#include "core/cli/plan.hpp"
#include "core/cli/remote.hpp"
#include "core/cli/run.hpp"
#include "core/conf/json_schema.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

std::string footer() {
    std::vector<std::string> codes;
    for (const ExitCodeDoc& code : kExitCodes) {
        codes.push_back(fmt::format("{} = {}", static_cast<int>(code.code), code.text));
    }
    return fmt::format(
        "Exit codes: {}.\nThe configuration is /etc/gantry/gantry.toml unless -c names another file.",
        fmt::join(codes, ", "));
}

// One of these words; --help shows them once, as the type's name.
CLI::Validator one_of(std::vector<std::string> words) {
    return CLI::IsMember(std::move(words)).description("");
}

// What all commands that speak to a running gantry have.
CLI::App* add_remote(CLI::App& app, const char* name, const char* doc, RemoteOptions& options) {
    CLI::App* const command = app.add_subcommand(name, doc);
    command->add_option("-c,--config", options.config, "The configuration that it serves")->type_name("FILE");
    command->add_option("--socket", options.socket, "Its control socket")->type_name("PATH");
    command->add_flag("-q,--quiet", options.quiet, "Say nothing when all is well");
    command
        ->add_option_function<std::string>(
            "--format", [&options](const std::string& format) { options.json = format == "json"; },
            "How to say it")
        ->type_name("text|json")
        ->check(one_of({"text", "json"}));
    command->footer(footer());
    return command;
}

int print_version() {
    std::printf("gantry %.*s\n", static_cast<int>(version().size()), version().data());
    return kOk;
}

CLI::App* add_explain(CLI::App& app, ExplainOptions& explain) {
    CLI::App* const added = app.add_subcommand(
        "explain", "Say what would answer a request, and which lines decide it, without a running server");
    added->add_option("method", explain.method, "The method")->type_name("METHOD");
    added->add_option("url", explain.url, "The URL")->type_name("URL");
    added->add_option("-H,--header", explain.headers, "A field of the request: 'Name: value'")
        ->type_name("FIELD")
        ->allow_extra_args(false);
    added->add_option("-c,--config", explain.config, "The configuration file")->type_name("FILE");
    added->add_option("--client", explain.client, "The address of the client (127.0.0.1)")
        ->type_name("ADDRESS");
    added->add_option("--listener", explain.listener, "The listener, where scheme and port do not say it")
        ->type_name("NAME");
    added
        ->add_option_function<std::string>(
            "--format", [&explain](const std::string& format) { explain.json = format == "json"; },
            "How to say it: text or json")
        ->type_name("text|json")
        ->check(one_of({"text", "json"}));
    added->add_flag("--batch", explain.batch, "Explain requests that stand in lines of JSON on stdin");
    added->add_flag("-q,--quiet", explain.quiet, "Say nothing where there is an explanation");
    added->footer(footer());
    return added;
}

CLI::App* add_plan(CLI::App& app, PlanOptions& plan) {
    CLI::App* const added =
        app.add_subcommand("plan", "Say what serving a configuration instead of another one would change");
    added->add_option("-c,--config", plan.config, "The configuration file")->type_name("FILE");
    added->add_option("--against", plan.against, "The configuration that it would replace")
        ->type_name("FILE")
        ->required();
    added
        ->add_option_function<std::string>(
            "--format", [&plan](const std::string& format) { plan.json = format == "json"; },
            "How to say it: text or json")
        ->type_name("text|json")
        ->check(one_of({"text", "json"}));
    added->add_flag("-q,--quiet", plan.quiet, "Say nothing but what is wrong with the configurations");
    added->footer(footer());
    return added;
}

int print_schema() {
    const std::string schema = conf::json_schema();
    std::fwrite(schema.data(), 1, schema.size(), stdout);
    return kOk;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    CLI::App app("Gantry: web server, reverse proxy and gateway", "gantry");
    app.footer(footer());
    app.require_subcommand(0, 1);
    bool wants_version = false;
    app.add_flag("-V,--version", wants_version, "Print the version and stop");

    RunOptions run;
    CLI::App* const run_app = app.add_subcommand("run", "Serve a configuration in the foreground");
    run_app->add_option("-c,--config", run.config, "The configuration file")->type_name("FILE");
    run_app->add_option("--user", run.user, "Whose rights the workers have, in place of [server] user")
        ->type_name("NAME");
    run_app->add_flag("--strict", run.strict, "Do not start with warnings");
    run_app->footer(footer());

    CheckOptions check;
    std::string format = "text";
    CLI::App* const check_app =
        app.add_subcommand("check", "Say everything that is wrong with a configuration, without serving it");
    check_app->add_option("-c,--config", check.config, "The configuration file")->type_name("FILE");
    check_app->add_flag("--strict", check.strict, "Warnings count as errors");
    check_app->add_option("--format", format, "How to say it: text (stderr) or json (stdout)")
        ->type_name("text|json")
        ->check(one_of({"text", "json"}));
    check_app->add_flag("-q,--quiet", check.quiet, "Say nothing when all is well");
    check_app->footer(footer());

    CLI::App* const config_app = app.add_subcommand("config", "What a configuration is made of");
    config_app->require_subcommand(1);
    CLI::App* const schema_app = config_app->add_subcommand(
        "schema", "Print the JSON Schema of the configuration, for editors: #:schema FILE in its first line");

    HelpOptions help;
    CLI::App* const help_app = app.add_subcommand("help", "Explain a command, a setting or a variable");
    help_app
        ->add_option("topic", help.topic, "A command, a setting such as listener.backlog, or \"variables\"")
        ->type_name("TOPIC");
    help_app->add_flag("--all", help.all, "Explain all settings");
    help_app->add_flag("--commands", help.commands, "Explain all commands");
    help_app
        ->add_option("--format", help.format, "How to say it; man and markdown are for --all and --commands")
        ->type_name("text|json|markdown|man")
        ->check(one_of({"text", "json", "markdown", "man"}));
    help_app->footer(footer());

    std::string shell;
    CLI::App* const completion_app =
        app.add_subcommand("completion", "Print the script by which a shell completes gantry's commands");
    completion_app->add_option("shell", shell, "The shell")
        ->type_name("bash|zsh|fish")
        ->required()
        ->check(one_of({"bash", "zsh", "fish"}));

    ExplainOptions explain;
    CLI::App* const explain_app = add_explain(app, explain);
    PlanOptions plan;
    CLI::App* const plan_app = add_plan(app, plan);
    RemoteOptions remote;
    std::string timeout;
    CLI::App* const reload_app =
        add_remote(app, "reload", "Load the configuration anew and say what became of it", remote);
    CLI::App* const status_app = add_remote(app, "status", "Say how a running gantry does", remote);
    CLI::App* const reopen_app = add_remote(app, "reopen", "Open the log files anew, after rotation", remote);
    CLI::App* const stop_app = add_remote(app, "stop", "End it once what is under way is done", remote);
    stop_app
        ->add_option("--timeout", timeout,
                     "Cut what is not done after this time (\"0s\": at once; default: server.drain_timeout)")
        ->type_name("TIME");

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
    if (explain_app->parsed()) return explain_command(explain);
    if (plan_app->parsed()) return plan_command(plan);
    if (reload_app->parsed()) return reload_command(remote);
    if (status_app->parsed()) return status_command(remote);
    if (reopen_app->parsed()) return reopen_command(remote);
    if (stop_app->parsed()) return stop_command(remote, timeout);
    if (schema_app->parsed()) return print_schema();
    if (help_app->parsed()) return help_command(help, app);
    if (completion_app->parsed()) return completion_command(shell, describe(app));
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
}

}  // namespace gantry::cli
