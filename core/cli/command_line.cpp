#include "core/cli/command_line.hpp"

#include "core/base/version.hpp"
#include "core/cli/aliases.hpp"
#include "core/cli/check.hpp"
#include "core/cli/command_parts.hpp"
#include "core/cli/completion.hpp"
#include "core/cli/config.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/explain.hpp"
#include "core/cli/help.hpp"
#include "core/cli/module_commands.hpp"
#include "core/cli/module_help.hpp"
#include "core/cli/plan.hpp"
#include "core/cli/remote.hpp"
#include "core/cli/run.hpp"
#include "core/cli/tail.hpp"
#include "core/cli/top.hpp"
#include "core/cli/verbs.hpp"
#include "core/conf/json_schema.hpp"
#include "core/conf/json_text.hpp"
#include "core/net/tls_version.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gantry::cli {
namespace {

int print_version() {
    fmt::print("gantry {}\n", version());
    return kOk;
}

int print_build() {
    fmt::print("gantry {}\nbuilt by GCC or Clang {}\nwith {}\n", version(), __VERSION__,
               net::tls_library_version());
    return kOk;
}

// What every command understands, whatever it has to say.
struct Manners {
    bool json = false;
    bool quiet = false;
};

// `text` is what a command prints in words.
int say(const Manners& manners, const std::string& text, const std::string& json) {
    if (manners.quiet) return kOk;
    const std::string& chosen = manners.json ? json : text;
    std::fwrite(chosen.data(), 1, chosen.size(), stdout);
    return kOk;
}

std::shared_ptr<Manners> add_manners(CLI::App& command) {
    auto manners = std::make_shared<Manners>();
    add_format(command, manners->json);
    command.add_flag("-q,--quiet", manners->quiet, "Say nothing when all is well");
    command.footer(footer());
    return manners;
}

// ---- commands that speak to a running gantry

void add_remotes(CLI::App& app, Commands& all) {
    const Remote reload = add_remote(app, "reload", "Load the configuration anew and say what became of it");
    auto trial = std::make_shared<std::string>();
    reload.app
        ->add_option("--confirm", *trial,
                     "On trial: what served before is served again after this time unless \"gantry confirm\" "
                     "comes first")
        ->type_name("TIME");
    auto is_strict = std::make_shared<bool>(false);
    reload.app->add_flag("--strict", *is_strict,
                         "Refuse it where single hosts would be disabled, and with warnings");
    all.push_back({reload.app, [options = reload.options, trial, is_strict] {
                       return reload_command(*options, *trial, *is_strict);
                   }});

    const Remote confirm = add_remote(app, "confirm", "Keep the configuration that is on trial");
    all.push_back({confirm.app, [options = confirm.options] { return confirm_command(*options); }});

    const Remote rollback = add_remote(app, "rollback", "Serve an earlier configuration again");
    auto back = std::make_shared<std::optional<std::uint64_t>>();
    rollback.app->add_option("generation", *back, "Its number in the history (the one that served before)")
        ->type_name("N");
    all.push_back(
        {rollback.app, [options = rollback.options, back] { return rollback_command(*options, *back); }});

    const Remote history = add_remote(app, "history", "List the configurations that were served");
    auto shown = std::make_shared<std::optional<std::uint64_t>>();
    history.app->add_option("generation", *shown, "Print the files of this one")->type_name("N");
    all.push_back(
        {history.app, [options = history.options, shown] { return history_command(*options, *shown); }});

    const Remote status = add_remote(app, "status", "Say how a running gantry does");
    all.push_back({status.app, [options = status.options] { return status_command(*options); }});

    const Remote modules =
        add_remote(app, "modules", "List the modules of a running gantry, and what they cost");
    all.push_back({modules.app, [options = modules.options] { return modules_command(*options); }});

    const Remote reopen = add_remote(app, "reopen", "Open the log files anew, after rotation");
    all.push_back({reopen.app, [options = reopen.options] { return reopen_command(*options); }});

    const Remote levels =
        add_remote(app, "log-level", "Print or change how much the error log says, until the next reload");
    auto level = std::make_shared<std::string>();
    auto duration = std::make_shared<std::string>();
    levels.app->add_option("level", *level, "The new level")
        ->type_name("trace|debug|info|warn|error|critical|off")
        ->check(one_of({"trace", "debug", "info", "warn", "error", "critical", "off"}));
    levels.app->add_option("--for", *duration, "Go back to the configured level after this time")
        ->type_name("TIME");
    all.push_back({levels.app, [options = levels.options, level, duration] {
                       return log_level_command(*options, *level, *duration);
                   }});

    const Remote upgrade =
        add_remote(app, "upgrade",
                   "Go on as the program that was installed in place of the running one, losing no request");
    all.push_back({upgrade.app, [options = upgrade.options] { return upgrade_command(*options); }});

    const Remote stop = add_remote(app, "stop", "End it once what is under way is done");
    auto timeout = std::make_shared<std::string>();
    stop.app
        ->add_option("--timeout", *timeout,
                     "Cut what is not done after this time (\"0s\": at once; default: server.drain_timeout)")
        ->type_name("TIME");
    all.push_back({stop.app, [options = stop.options, timeout] { return stop_command(*options, *timeout); }});
}

void add_tail(CLI::App& app, Commands& all) {
    const Remote remote = add_remote(app, "tail", "Show requests as they are finished");
    auto tail = std::make_shared<TailOptions>();
    remote.app
        ->add_option("--where", tail->where,
                     "Only those that fit: 'status >= 500 && host == \"shop.example.com\"'")
        ->type_name("CONDITION");
    remote.app->add_option("-n,--last", tail->last, "How many of those before to begin with (10)")
        ->type_name("COUNT");
    remote.app->add_flag("--once", tail->once, "Show those before, and end");
    all.push_back({remote.app, [options = remote.options, tail] {
                       static_cast<RemoteOptions&>(*tail) = *options;
                       return tail_command(*tail);
                   }});
}

void add_top(CLI::App& app, Commands& all) {
    const Remote remote = add_remote(
        app, "top", "Show each second how much is asked, how fast, and which hosts, paths and clients lead");
    auto top = std::make_shared<TopOptions>();
    remote.app->add_flag("--once", top->once, "Look for one second, and end");
    all.push_back({remote.app, [options = remote.options, top] {
                       static_cast<RemoteOptions&>(*top) = *options;
                       return top_command(*top);
                   }});
}

// ---- commands that read a configuration

void add_run(CLI::App& app, Commands& all) {
    auto run = std::make_shared<RunOptions>();
    CLI::App* const added = app.add_subcommand("run", "Serve a configuration in the foreground");
    add_config(*added, run->config);
    added->add_option("--user", run->user, "Whose rights the workers have, in place of [server] user")
        ->type_name("NAME");
    added->add_flag("-q,--quiet", run->quiet, "Log nothing but warnings and errors");
    add_format(*added, run->json);
    added->add_flag("--strict", run->strict, "Do not start with warnings, or without a single host");
    added->footer(footer());
    all.push_back({added, [run] { return run_command(*run); }});
}

void add_check(CLI::App& app, Commands& all) {
    auto check = std::make_shared<CheckOptions>();
    CLI::App* const added =
        app.add_subcommand("check", "Say everything that is wrong with a configuration, without serving it");
    add_config(*added, check->config);
    added->add_flag("--strict", check->strict, "Warnings count as errors");
    add_format(*added, check->json);
    added->add_flag("-q,--quiet", check->quiet, "Say nothing when all is well");
    added->footer(footer());
    all.push_back({added, [check] { return check_command(*check); }});
}

void add_config_commands(CLI::App& app, Commands& all) {
    CLI::App* const config = app.add_subcommand(
        "config", "Print the configuration as it is in effect, with where each value comes from");
    config->require_subcommand(0, 1);
    auto options = std::make_shared<ConfigOptions>();
    add_config(*config, options->config);
    config
        ->add_option("--only", options->only,
                     "Nothing but this section, host or key: listener.web, www.example.com, max_body")
        ->type_name("NAME");
    config->add_flag("--defaults", options->defaults, "Also what no file mentions, with its default");
    add_format(*config, options->json);
    config->add_flag("-q,--quiet", options->quiet, "Say nothing but what is wrong with it");
    config->footer(footer());
    CLI::App* const schema = config->add_subcommand(
        "schema", "Print the JSON Schema of the configuration, for editors: #:schema FILE in its first line");
    auto loaded = std::make_shared<std::string>();
    add_config(*schema, *loaded, "With the keys of the modules that this configuration loads");
    const auto manners = add_manners(*schema);
    all.push_back({schema, [manners, loaded] {
                       const std::string text = conf::json_schema(
                           loaded->empty() ? std::vector<const conf::ModuleDoc*>() : module_docs(*loaded));
                       return say(*manners, text, text);
                   }});
    all.push_back({config, [options] { return config_command(*options); }});  // behind what is in it
}

void add_explain(CLI::App& app, Commands& all) {
    auto explain = std::make_shared<ExplainOptions>();
    CLI::App* const added = app.add_subcommand(
        "explain", "Say what would answer a request, and which lines decide it, without a running server");
    added->add_option("method", explain->method, "The method")->type_name("METHOD");
    added->add_option("url", explain->url, "The URL")->type_name("URL");
    added->add_option("-H,--header", explain->headers, "A field of the request: 'Name: value'")
        ->type_name("FIELD")
        ->allow_extra_args(false);
    add_config(*added, explain->config);
    added->add_option("--client", explain->client, "The address of the client (127.0.0.1)")
        ->type_name("ADDRESS");
    added->add_option("--listener", explain->listener, "The listener, where scheme and port do not say it")
        ->type_name("NAME");
    add_format(*added, explain->json);
    added->add_flag("--batch", explain->batch, "Explain requests that stand in lines of JSON on stdin");
    added->add_flag("-q,--quiet", explain->quiet, "Say nothing where there is an explanation");
    added->footer(footer());
    all.push_back({added, [explain] { return explain_command(*explain); }});
}

void add_plan(CLI::App& app, Commands& all) {
    const Remote plan = add_remote(
        app, "plan", "Say what a reload would change, or what one configuration changes in another");
    auto against = std::make_shared<std::string>();
    plan.app->add_option("--against", *against, "Compare with this configuration, in place of what is served")
        ->type_name("FILE");
    all.push_back({plan.app, [options = plan.options, against] {
                       if (against->empty()) return running_plan_command(*options);
                       return plan_command({options->config, *against, options->json, options->quiet});
                   }});
}

// ---- commands about gantry itself

void add_help(CLI::App& app, Commands& all) {
    auto help = std::make_shared<HelpOptions>();
    CLI::App* const added = app.add_subcommand("help", "Explain a command, a setting or a variable");
    added
        ->add_option(
            "topic", help->topic,
            "A command, a setting such as listener.backlog, a module or a key of it, or \"variables\"")
        ->type_name("TOPIC");
    added->add_flag("--all", help->all, "Explain all settings");
    added->add_flag("--commands", help->commands, "Explain all commands");
    add_config(*added, help->config, "Explain the keys of the modules that this configuration loads as well");
    auto quiet = std::make_shared<bool>(false);
    added->add_flag("-q,--quiet", *quiet, "Say nothing where there is such a topic");
    added
        ->add_option("--format", help->format,
                     "How to say it; man and markdown are for --all, --commands and modules")
        ->type_name("text|json|markdown|man")
        ->check(one_of({"text", "json", "markdown", "man"}));
    added->footer(footer());
    all.push_back({added, [help, quiet, &app] {
                       // Only whether there is such a topic.
                       if (*quiet && std::freopen("/dev/null", "w", stdout) == nullptr)
                           return static_cast<int>(kFailure);
                       return help_command(*help, app);
                   }});
}

void add_completion(CLI::App& app, Commands& all) {
    auto shell = std::make_shared<std::string>();
    CLI::App* const added =
        app.add_subcommand("completion", "Print the script by which a shell completes gantry's commands");
    added->add_option("shell", *shell, "The shell")
        ->type_name("bash|zsh|fish")
        ->required()
        ->check(one_of({"bash", "zsh", "fish"}));
    const auto manners = add_manners(*added);
    all.push_back({added, [shell, manners, &app] {
                       const std::string text = completion_script(*shell, describe(app));
                       return say(*manners, text,
                                  fmt::format("{{\"shell\": {}, \"script\": {}}}\n",
                                              conf::json_string(*shell), conf::json_string(text)));
                   }});
}

void add_version(CLI::App& app, Commands& all) {
    CLI::App* const added = app.add_subcommand("version", "Print the version");
    const auto manners = add_manners(*added);
    all.push_back({added, [manners] {
                       return say(*manners, fmt::format("gantry {}\n", version()),
                                  fmt::format("{{\"version\": {}, \"compiler\": {}, \"tls\": {}}}\n",
                                              conf::json_string(version()), conf::json_string(__VERSION__),
                                              conf::json_string(net::tls_library_version())));
                   }});
}

}  // namespace

int run_command_line(int argc, char** argv) {
    CLI::App app("Gantry: web server, reverse proxy and gateway", "gantry");
    app.footer(footer());
    app.require_subcommand(0, 1);
    bool wants_version = false;
    bool wants_build = false;
    app.add_flag("-v,--version", wants_version, "Print the version and stop");
    app.add_flag("-V", wants_build, "Print the version, the compiler and the libraries and stop");
    const std::function<int()> run_alias = add_aliases(app);
    Commands all;
    add_run(app, all);
    add_check(app, all);
    add_config_commands(app, all);
    add_help(app, all);
    add_completion(app, all);
    add_explain(app, all);
    add_plan(app, all);
    add_module_commands(app, all);
    add_remotes(app, all);
    add_tail(app, all);
    add_top(app, all);
    add_version(app, all);
    if (const int code = add_verbs(app, all, {argv + 1, argv + argc}); code != kOk) return code;

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kOk : kUsage;  // 0: --help
    }
    if (wants_version) return print_version();
    if (wants_build) return print_build();
    const bool has_command = !app.get_subcommands().empty();
    if (has_command &&
        !app.get_options([](const CLI::Option* option) { return option->count() > 0; }).empty()) {
        std::fputs("gantry: options stand behind the command: gantry check -c FILE\n", stderr);
        return kUsage;
    }
    for (const Command& command : all) {
        if (command.app->parsed()) return command.run();
    }
    if (const int code = run_alias(); code >= 0) return code;
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
}

}  // namespace gantry::cli
