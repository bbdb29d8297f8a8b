// The manual for the program man: roff with the macros of man(7).
#include "core/cli/exit_code.hpp"
#include "core/cli/manual.hpp"
#include "core/cli/roff.hpp"
#include "core/server/variable.hpp"

#include <fmt/format.h>

namespace gantry::cli {
namespace {

void append_setting(std::string& out, const conf::Scope& scope, const conf::KeyDoc& key) {
    std::string facts = fmt::format("Value: {}", conf::type_text(key));
    if (const std::string range = conf::range_text(key); !range.empty()) facts += ", " + range;
    facts += ".";
    if (const conf::Scope* const table = conf::find_scope(key.forms.table); table != nullptr) {
        facts += fmt::format(" The table: {}.", table->name);
    }
    if (key.need == conf::Need::Required) facts += " Required.";
    if (!key.standard.empty()) facts += fmt::format(" Default: {}.", key.standard);
    fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}\n.br\n{}\n.IP\n{}", roff_argument(key.name),
                   roff_sentences(key.doc), roff_sentences(facts),
                   roff_example(conf::example_text({std::string(), &scope, &key})));
}

}  // namespace

std::string settings_man() {
    std::string out = roff_header("GANTRY.TOML", 5);
    out.append(".SH NAME\ngantry.toml \\- configuration of gantry\n.SH DESCRIPTION\n");
    out.append(roff_sentences(
        "The configuration of gantry(8) is TOML (https://toml.io). Times and sizes are strings with a unit: "
        "\"30s\", \"1h30m\", \"64KiB\", \"10MB\". Paths are relative to the folder of the file in which they "
        "stand. In every string ${NAME} and ${NAME:-default} are the environment and ${file:/path} is what a "
        "file holds; $$ is a plain $. In strings with variables, names in lower case are about the request: "
        "see VARIABLES. A key that is not known is an error, and so is one that would do nothing. "
        "gantry check says everything that is wrong with a configuration; gantry help says what is known of "
        "a setting."));
    out.append("\n.SH EXAMPLE\n");
    out.append(
        roff_example("[listener.web]\naddress = \"*:80\"\n\n[host.\"www.example.com\".location.\"/\"]\n"
                     "static = \"/srv/www\"\n\n[host.\"www.example.com\".location.\"/api/\"]\n"
                     "proxy = \"http://127.0.0.1:3000\""));
    out.append(".SH SETTINGS\n");
    for (const conf::Scope& scope : conf::all_scopes()) {
        fmt::format_to(std::back_inserter(out), ".SS {}\n{}\n", roff_argument(scope.name),
                       roff_sentences(scope.doc));
        for (const conf::KeyDoc* key : scope.keys) append_setting(out, scope, *key);
    }
    out.append(".SH VARIABLES\n");
    for (const server::VariableInfo& variable : server::all_variables()) {
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}\n",
                       roff_argument(fmt::format("${{{}{}}}", variable.name, variable.suffix)),
                       roff_sentences(variable.doc));
    }
    out.append(
        ".SH FILES\n.TP\n.I /etc/gantry/gantry.toml\nThe configuration, unless \\-c names another file.\n"
        ".SH SEE ALSO\n.BR gantry (8)\n");
    return out;
}

namespace {

// To the process that `gantry run` is, the supervisor.
struct SignalDoc {
    std::string_view name;
    std::string_view text;
};
constexpr SignalDoc kSignals[] = {
    {"SIGHUP", "Load the configuration anew, as gantry reload does; the log says what became of it"},
    {"SIGTERM, SIGINT",
     "Accept no more, let what is under way finish, for server.drain_timeout at the longest, and end. A "
     "second "
     "one ends it at once"},
    {"SIGQUIT", "The same without a limit of time"},
    {"SIGUSR1", "Open the log files anew, as gantry reopen does"},
    {"SIGUSR2", "Continue with the program that lies at the same path by now, as gantry upgrade does"},
};

// What its users know from nginx.
constexpr std::string_view kAliases =
    "Whoever is used to nginx may write gantry -t for gantry check, -T for that and gantry config, -s "
    "reload, -s "
    "reopen, -s quit for the commands reload, reopen and stop, -s stop for gantry stop --timeout 0s, and "
    "gantry -c "
    "FILE for gantry run -c FILE. It does not go into the background: that is for the service manager.";

void append_one(std::string& out, const CommandDoc& command) {
    fmt::format_to(std::back_inserter(out), ".SS {}\n{}.\n", roff_argument(command.synopsis()),
                   roff_sentences(command.text));
    for (const OptionDoc& option : command.options) {
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}.\n", roff_argument(option.heading()),
                       roff_sentences(option.text));
    }
}

void append_command(std::string& out, const CommandDoc& command) {
    if (!command.is_group()) append_one(out, command);
    for (const CommandDoc& inner : command.commands) append_command(out, inner);
}

}  // namespace

std::string commands_man(const CommandDoc& gantry) {
    std::string out = roff_header("GANTRY", 8);
    out.append(
        ".SH NAME\ngantry \\- web server, reverse proxy and gateway\n.SH SYNOPSIS\n.B gantry\nCOMMAND "
        "[OPTIONS]\n"
        ".SH DESCRIPTION\n");
    out.append(roff_sentences(
        "gantry serves what its configuration says, gantry.toml(5). gantry run is the server; the other "
        "commands "
        "look at a configuration, or explain what may stand in it. A configuration that is changed is loaded "
        "anew "
        "without anyone who is connected noticing; one that is wrong is refused, and the old one goes on. "
        "Modules bring commands of their own along, such as gantry limit bans: gantry help lists those of "
        "the modules "
        "that are installed."));
    out.append("\n.SH OPTIONS\n.TP\n.B \"\\-h, \\-\\-help\"\nSay how it is used; of each command too.\n");
    for (const OptionDoc& option : gantry.options) {
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}.\n", roff_argument(option.heading()),
                       roff_sentences(option.text));
    }
    out.append(roff_sentences(kAliases)).append("\n.SH COMMANDS\n");
    for (const CommandDoc& command : gantry.commands) append_command(out, command);
    out.append(".SH EXIT STATUS\n");
    for (const ExitCodeDoc& code : kExitCodes) {
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}.\n", static_cast<int>(code.code),
                       roff(code.text));
    }
    out.append(".SH SIGNALS\n");
    for (const SignalDoc& signal : kSignals) {
        fmt::format_to(std::back_inserter(out), ".TP\n.B {}\n{}.\n", roff_argument(signal.name),
                       roff_sentences(signal.text));
    }
    out.append(
        ".SH FILES\n.TP\n.I /etc/gantry/gantry.toml\nThe configuration, unless \\-c names another file.\n"
        ".TP\n.I /run/gantry/control.sock\nWhere a running gantry is spoken to by the commands.\n"
        ".SH SEE ALSO\n.BR gantry.toml (5)\n");
    return out;
}

}  // namespace gantry::cli
