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

}  // namespace gantry::cli
