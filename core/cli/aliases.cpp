#include "core/cli/aliases.hpp"

#include "core/cli/check.hpp"
#include "core/cli/config.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/remote.hpp"
#include "core/cli/run.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <vector>

namespace gantry::cli {
namespace {

struct Aliases {
    bool test = false;
    bool dump = false;
    bool quiet = false;
    std::string signal;
    std::string config;
    std::string prefix;
    std::vector<std::string> lines;

    bool is_given() const {
        return test || dump || quiet || !signal.empty() || !config.empty() || !prefix.empty() ||
               !lines.empty();
    }

    // `standard`: where nothing is said.
    std::string file(const std::string& standard) const {
        if (prefix.empty() && config.empty()) return standard;
        std::string name = config.empty() ? "gantry.toml" : config;
        if (!prefix.empty() && !name.starts_with('/')) {
            name.insert(0, prefix + (prefix.ends_with('/') ? "" : "/"));
        }
        return name;
    }
    std::string overlay() const {
        std::string out;
        for (const std::string& line : lines) out.append(line).append("\n");
        return out;
    }
};

int test(const Aliases& given) {
    CheckOptions check;
    check.config = given.file(check.config);
    check.overlay = given.overlay();
    check.quiet = given.quiet;
    const int code = check_command(check);
    if (code != kOk || !given.dump) return code;
    ConfigOptions config;
    config.config = check.config;
    config.overlay = check.overlay;
    return config_command(config);
}

int send(const Aliases& given) {
    RemoteOptions remote;
    remote.config = given.file(remote.config);
    remote.quiet = given.quiet;
    if (given.signal == "reload") return reload_command(remote, "", false);
    if (given.signal == "reopen") return reopen_command(remote);
    // In nginx's words "stop" is at once; "quit" waits for what is under way, however long.
    return stop_command(remote, given.signal == "stop" ? "0s" : "24h");
}

int run(const Aliases& given) {
    if (!given.is_given()) return -1;
    if (!given.signal.empty() && (given.test || given.dump || !given.lines.empty())) {
        std::fputs("gantry: -s goes with -c, -p and -q only\n", stderr);
        return kUsage;
    }
    if (!given.signal.empty()) return send(given);
    if (given.test || given.dump) return test(given);
    if (given.quiet && given.config.empty() && given.prefix.empty() && given.lines.empty()) return -1;
    RunOptions options;
    options.config = given.file(options.config);
    options.overlay = given.overlay();
    return run_command(options);
}

}  // namespace

std::function<int()> add_aliases(CLI::App& app) {
    auto given = std::make_shared<Aliases>();
    app.add_flag("-t", given->test, "Check the configuration, as gantry check does");
    app.add_flag("-T", given->dump, "Check it and print it, as gantry config does");
    app.add_flag("-q", given->quiet, "With -t, -T and -s: say nothing when all is well");
    app.add_option(
           "-s", given->signal,
           "Tell a running gantry to reload, to stop at once, to quit once what is under way is done, or to "
           "reopen its log files")
        ->type_name("reload|stop|quit|reopen")
        ->check(CLI::IsMember({"reload", "stop", "quit", "reopen"}).description(""));
    app.add_option("-c", given->config,
                   "The configuration; without -t, -T and -s it is served in the foreground")
        ->type_name("FILE");
    app.add_option(
           "-p", given->prefix,
           "The folder that -c FILE is relative to; its gantry.toml is the configuration where -c is absent")
        ->type_name("FOLDER");
    app.add_option(
           "-g", given->lines,
           "A line of TOML that comes before what the files say: -g 'server.workers = 2'; may be repeated")
        ->type_name("TOML")
        ->allow_extra_args(false);
    return [given] { return run(*given); };
}

}  // namespace gantry::cli
