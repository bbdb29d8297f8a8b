// Any lines of a manifest as commands of a module: what is taken is sound, or there is a sentence.
#include "core/module/commands.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

using namespace gantry::module;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<Command> commands;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto equals = std::min(line.find('='), line.size());
        const std::string_view key = line.substr(0, equals);
        if (is_command_line(key))
            (void)take_command_line(key, line.substr(std::min(equals + 1, line.size())), commands);
    }
    require(commands.size() <= 64);
    for (const Command& command : commands) {
        require(!command.name.empty() && command.name.size() <= 32 && !command.help.empty());
        require(why_no_route(command.method, command.path).empty());
        require(command.parts.size() <= 32);
        for (const CommandPart& part : command.parts) {
            require(!part.name.empty() && !part.help.empty());
            require(part.key().find('-') == std::string::npos);
            require(part.value.empty() == (part.kind == CommandPart::Kind::Flag));
        }
    }
    return 0;
}
