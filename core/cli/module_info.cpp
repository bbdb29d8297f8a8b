#include "core/cli/module_info.hpp"

#include "core/base/version.hpp"
#include "core/cli/exit_code.hpp"
#include "core/module/manifest.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;

std::string text_of(const module::AbiVersion& abi) {
    return fmt::format("{}.{}", abi.major, abi.minor);
}

std::string manifest_text(const module::Manifest& manifest, bool is_loaded) {
    std::string out;
    const auto line = [&out](std::string_view key, std::string_view value) {
        fmt::format_to(std::back_inserter(out), "{:<13}{}\n", key, value);
    };
    line("name", manifest.name);
    line("version", manifest.version);
    line("description", manifest.description);
    line("abi", text_of(manifest.abi));
    line("libraries", fmt::format("{}", fmt::join(manifest.needed, ", ")));
    for (const module::Command& command : manifest.commands)
        line("command", fmt::format("{}: {}", command.name, command.help));
    for (const auto& [key, value] : manifest.more) line(key + " ", value);
    line("loads", fmt::format("{}: gantry {} has abi {}", is_loaded ? "yes" : "no", version(),
                              text_of(module::abi_of_this_gantry())));
    return out;
}

json::array commands_json(const std::vector<module::Command>& commands) {
    json::array out;
    for (const module::Command& command : commands) {
        json::array options;
        for (const module::CommandPart& part : command.parts) {
            const bool is_argument = part.kind == module::CommandPart::Kind::Argument;
            options.push_back(json::object{
                {"name", is_argument ? part.name : "--" + part.name},
                {"value", part.value.empty() ? json::value(nullptr) : json::value(part.value)},
                {"help", part.help},
                {"required", part.is_required},
                {"default", part.standard.empty() ? json::value(nullptr) : json::value(part.standard)}});
        }
        out.push_back(json::object{{"name", command.name},
                                   {"help", command.help},
                                   {"route", fmt::format("{} {}", command.method, command.path)},
                                   {"options", std::move(options)}});
    }
    return out;
}

json::object manifest_json(const module::Manifest& manifest) {
    json::array libraries;
    for (const std::string& library : manifest.needed) libraries.emplace_back(library);
    json::array more;
    for (const auto& [key, value] : manifest.more)
        more.push_back(json::object{{"key", key}, {"value", value}});
    return {{"name", manifest.name},
            {"version", manifest.version},
            {"description", manifest.description},
            {"abi", text_of(manifest.abi)},
            {"libraries", std::move(libraries)},
            {"commands", commands_json(manifest.commands)},
            {"more", std::move(more)}};
}

}  // namespace

int module_info_command(const ModuleInfoOptions& options) {
    const auto manifest = module::read_manifest(options.path);
    const std::string why = manifest ? module::why_refused(*manifest) : manifest.error();
    if (options.json && !options.quiet) {
        json::object out = manifest ? manifest_json(*manifest) : json::object();
        out["path"] = options.path;
        out["loads"] = why.empty();
        out["why_not"] = why.empty() ? json::value(nullptr) : json::value(why);
        fmt::print("{}\n", json::serialize(out));
    } else if (manifest && !options.quiet) {
        fmt::print("{}", manifest_text(*manifest, why.empty()));
    }
    if (why.empty()) return kOk;
    if (!options.json || options.quiet) {
        std::fflush(stdout);
        fmt::print(stderr, "gantry: {}\n", why);
    }
    return kFailure;
}

}  // namespace gantry::cli
