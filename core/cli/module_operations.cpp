#include "core/cli/module_operations.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

namespace json = boost::json;

json::array modules_json(const module::Modules& modules) {
    json::array out;
    for (const auto& module : modules.all()) {
        json::array keys;
        for (const conf::ModuleKey& key : module->doc.keys) keys.emplace_back(key.doc.name);
        const module::Cost cost = module->costs.sum();
        const gantry_module_entry_t& entry = *module->library.entry;
        out.push_back({{"name", module->name},
                       {"version", entry.version},
                       {"abi", fmt::format("{}.{}", entry.abi_major, entry.abi_minor)},
                       {"path", module->library.path},
                       {"keys", std::move(keys)},
                       {"calls", cost.calls},
                       {"seconds", static_cast<double>(cost.nanos) / 1e9},
                       {"slow_calls", cost.slow}});
    }
    return out;
}

}  // namespace

void add_module_operations(control::Api& api, const module::Modules& modules) {
    api.add(http::Method::Get, "/v1/modules", [&](const control::Request&, const control::Answer& answer) {
        answer({200, {{"modules", modules_json(modules)}}});
    });
}

}  // namespace gantry::cli
