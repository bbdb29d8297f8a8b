#include "core/module/commands.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gantry::module {
namespace {

constexpr std::size_t kMostCommands = 64;
constexpr std::size_t kMostParts = 32;
constexpr std::size_t kLongestName = 32;
constexpr std::size_t kLongestPath = 200;
constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
// Of all commands that ask a running gantry.
constexpr std::string_view kTaken[] = {"help", "config", "socket", "format", "quiet"};

bool is_name(std::string_view text) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    return !text.empty() && text.size() <= kLongestName && is_lower(text[0]) && !text.ends_with('-') &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

// The first word of `text`, which is taken off it with the space behind.
std::string_view word(std::string_view& text) {
    const std::string_view out = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(out.size() + 1, text.size()));
    return out;
}

std::string take_command(std::string_view text, std::vector<Command>& commands) {
    Command command;
    command.name = word(text);
    command.method = word(text);
    command.path = word(text);
    command.help = text;
    if (!is_name(command.name)) return fmt::format("\"{}\" is no name of a command", command.name);
    if (std::string why = why_no_route(command.method, command.path); !why.empty()) return why;
    if (command.help.empty()) return fmt::format("the command {} has no help", command.name);
    if (std::any_of(commands.begin(), commands.end(),
                    [&](const Command& other) { return other.name == command.name; }))
        return fmt::format("there is a command {} already", command.name);
    if (commands.size() == kMostCommands) return "there are too many commands";
    commands.push_back(std::move(command));
    return {};
}

// "optional", "required", "default:10".
bool take_need(std::string_view need, CommandPart& part) {
    constexpr std::string_view kDefault = "default:";
    if (need.starts_with(kDefault)) {
        part.standard = need.substr(kDefault.size());
        return !part.standard.empty();
    }
    part.is_required = need == "required";
    return part.is_required || need == "optional";
}

std::string take_part(CommandPart::Kind kind, std::string_view text, Command& command) {
    CommandPart part;
    part.kind = kind;
    part.name = word(text);
    if (!is_name(part.name)) return fmt::format("\"{}\" is no name of an option", part.name);
    if (std::find(std::begin(kTaken), std::end(kTaken), part.name) != std::end(kTaken))
        return fmt::format("the name {} is one of the command line's own", part.name);
    if (kind != CommandPart::Kind::Flag) {
        part.value = word(text);
        if (part.value.empty()) return fmt::format("{} has no word for its value", part.name);
        if (!take_need(word(text), part))
            return fmt::format("{} is neither optional nor required, and has no default", part.name);
    }
    part.help = text;
    if (part.help.empty()) return fmt::format("{} has no help", part.name);
    if (std::any_of(command.parts.begin(), command.parts.end(),
                    [&](const CommandPart& other) { return other.name == part.name; }))
        return fmt::format("{} is there already", part.name);
    if (command.parts.size() == kMostParts)
        return fmt::format("the command {} has too many options", command.name);
    const bool follows_optional =
        kind == CommandPart::Kind::Argument && part.is_required &&
        std::any_of(command.parts.begin(), command.parts.end(), [](const CommandPart& other) {
            return other.kind == CommandPart::Kind::Argument && !other.is_required;
        });
    if (follows_optional) return fmt::format("{} is required, behind one that is not", part.name);
    command.parts.push_back(std::move(part));
    return {};
}

std::optional<CommandPart::Kind> kind_of(std::string_view key) {
    if (key == "option") return CommandPart::Kind::Option;
    if (key == "flag") return CommandPart::Kind::Flag;
    if (key == "argument") return CommandPart::Kind::Argument;
    return std::nullopt;
}

}  // namespace

std::string CommandPart::key() const {
    std::string out = name;
    std::replace(out.begin(), out.end(), '-', '_');
    return out;
}

bool is_command_line(std::string_view key) {
    return key == "command" || kind_of(key);
}

std::string take_command_line(std::string_view key, std::string_view value, std::vector<Command>& commands) {
    const auto kind = kind_of(key);
    if (!kind) return take_command(value, commands);
    if (commands.empty()) return fmt::format("the {} has no command before it", key);
    return take_part(*kind, value, commands.back());
}

std::string why_no_route(std::string_view method, std::string_view path) {
    if (std::find(std::begin(kMethods), std::end(kMethods), method) == std::end(kMethods))
        return fmt::format("\"{}\" is not GET, POST, PUT, PATCH or DELETE", method);
    const bool is_path =
        !path.empty() && path.size() <= kLongestPath && path.front() != '/' && path.back() != '/' &&
        std::all_of(path.begin(), path.end(), [](char c) {
            return is_alpha(c) || is_digit(c) || std::string_view("-._~/").find(c) != std::string_view::npos;
        });
    return is_path ? std::string() : fmt::format("\"{}\" is no path of a route", path);
}

}  // namespace gantry::module
