#include "core/cli/module_check.hpp"

#include "core/cli/exit_code.hpp"
#include "core/module/trial.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;

json::array list(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) out.emplace_back(text);
    return out;
}

json::object trial_json(const module::Trial& trial, const std::string& path) {
    json::array keys;
    for (const auto& key : trial.keys)
        keys.push_back(json::object{{"name", key.name}, {"type", key.type}, {"doc", key.doc}});
    return {{"path", path},
            {"name", trial.name.empty() ? json::value(nullptr) : json::value(trial.name)},
            {"version", trial.version.empty() ? json::value(nullptr) : json::value(trial.version)},
            {"keys", std::move(keys)},
            {"passed", list(trial.passed)},
            {"notes", list(trial.notes)},
            {"fault", trial.fault.empty() ? json::value(nullptr) : json::value(trial.fault)}};
}

void print_trial(const module::Trial& trial) {
    if (!trial.name.empty()) fmt::print("{} {}\n", trial.name, trial.version);
    for (const auto& key : trial.keys) fmt::print("  key {} ({}): {}\n", key.name, key.type, key.doc);
    for (const std::string& text : trial.passed) fmt::print("  ok    {}\n", text);
    for (const std::string& text : trial.notes) fmt::print("  note  {}\n", text);
}

}  // namespace

int module_check_command(const ModuleCheckOptions& options) {
    // A bare name would be looked for in the folders of modules.
    const std::string path = std::filesystem::absolute(options.path).string();
    std::fflush(stdout);
    const module::Trial trial = module::try_module(path);
    if (options.json && !options.quiet) {
        fmt::print("{}\n", json::serialize(trial_json(trial, path)));
    } else if (!options.quiet) {
        print_trial(trial);
    }
    if (trial.fault.empty()) return kOk;
    if (!options.json || options.quiet) {
        std::fflush(stdout);
        fmt::print(stderr, "gantry: {}\n", trial.fault);
    }
    return kFailure;
}

}  // namespace gantry::cli
