#include "core/cli/plan.hpp"

#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/conf/load.hpp"

#include <cstdio>
#include <optional>

namespace gantry::cli {
namespace {

namespace json = boost::json;

// Nothing after errors were told.
std::optional<conf::Settings> load(const std::string& path) {
    conf::LoadOptions options;
    options.contain = true;  // as `gantry run` does
    options.modules = &offline_modules();
    conf::Loaded loaded = conf::load(path, options);
    if (!loaded.settings) std::fputs(loaded.diagnostics.render_text().c_str(), stderr);
    return std::move(loaded.settings);
}

json::array list(const std::vector<std::string>& from) {
    json::array out;
    for (const std::string& text : from) out.emplace_back(text);
    return out;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

json::array plan_json(const std::vector<server::Change>& changes) {
    constexpr std::string_view kWhats[] = {"added", "removed", "changed"};
    constexpr std::string_view kKinds[] = {"server",   "log",  "store",   "listener",
                                           "upstream", "host", "location"};
    json::array out;
    for (const server::Change& change : changes) {
        out.push_back(json::object{{"what", kWhats[static_cast<std::size_t>(change.what)]},
                                   {"kind", kKinds[static_cast<std::size_t>(change.kind)]},
                                   {"name", text_or_null(change.name)},
                                   {"host", text_or_null(change.host)},
                                   {"subject", server::subject_of(change)},
                                   {"place", text_or_null(change.place)},
                                   {"details", list(change.details)},
                                   {"effects", list(change.effects)}});
    }
    return out;
}

int plan_command(const PlanOptions& options) {
    const auto old = load(options.against);
    const auto next = load(options.config);
    if (!old || !next) return kInvalidConfiguration;
    if (options.quiet) return kOk;
    const std::vector<server::Change> found = server::changes(*old, *next);
    std::string text =
        options.json ? json::serialize(plan_json(found)) + "\n" : server::render_changes(found);
    if (text.empty()) text = "nothing changes\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kOk;
}

}  // namespace gantry::cli
