#include "core/cli/command_parts.hpp"

#include "core/cli/exit_code.hpp"

#include <fmt/format.h>
#include <utility>

namespace gantry::cli {

std::string footer() {
    std::vector<std::string> codes;
    for (const ExitCodeDoc& code : kExitCodes) {
        codes.push_back(fmt::format("{} = {}", static_cast<int>(code.code), code.text));
    }
    return fmt::format(
        "Exit codes: {}.\nThe configuration is /etc/gantry/gantry.toml unless -c names another file.",
        fmt::join(codes, ", "));
}

CLI::Validator one_of(std::vector<std::string> words) {
    return CLI::IsMember(std::move(words)).description("");
}

void add_format(CLI::App& command, bool& json) {
    command
        .add_option_function<std::string>(
            "--format", [&json](const std::string& format) { json = format == "json"; }, "How to say it")
        ->type_name("text|json")
        ->check(one_of({"text", "json"}));
}

void add_config(CLI::App& command, std::string& config, const char* doc) {
    command.add_option("-c,--config", config, doc)->type_name("FILE");
}

Remote add_remote(CLI::App& app, const std::string& name, const std::string& doc) {
    CLI::App* const command = app.add_subcommand(name, doc);
    auto options = std::make_shared<RemoteOptions>();
    add_config(*command, options->config, "The configuration that it serves");
    command->add_option("--socket", options->socket, "Its control socket")->type_name("PATH");
    command->add_flag("-q,--quiet", options->quiet, "Say nothing when all is well");
    add_format(*command, options->json);
    command->footer(footer());
    return {command, std::move(options)};
}

}  // namespace gantry::cli
