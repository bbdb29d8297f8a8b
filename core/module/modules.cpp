#include "core/module/modules.hpp"

#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/module/contract.hpp"
#include "core/module/extensions.hpp"
#include "core/module/sized.hpp"

#include <cstring>
#include <fmt/format.h>
#include <utility>

namespace gantry::module {
namespace {

const void* get_extension(const gantry_host_t* /*host*/, const char* id) noexcept {
    return id == nullptr ? nullptr : find_extension(id);
}

gantry_host_t host_of(Module& module) {
    gantry_host_t host{};
    host.size = sizeof host;
    host.abi_major = GANTRY_ABI_MAJOR;
    host.abi_minor = GANTRY_ABI_MINOR;
    host.version = version().data();
    host.data = &module;
    host.get_extension = &get_extension;
    return host;
}

// What of it is needed whatever the module is for.
conf::ModuleRefusal begin(Module& module) {
    const gantry_module_entry_t& entry = *module.library.entry;
    if (!entry.open(&module.host, &module.state)) {
        return {fmt::format("the module {} {} cannot run here", module.name, entry.version),
                "the log may say more"};
    }
    module.is_open = true;
    if (!module.failure.empty()) {
        return {fmt::format("the module {} {} is not sound: {}", module.name, entry.version, module.failure),
                "its author has to mend it"};
    }
    const auto instances =
        whole(static_cast<const gantry_instance_1_t*>(entry.get_extension(module.state, GANTRY_INSTANCE_1)));
    if (!instances || instances->prepare == nullptr || instances->retire == nullptr) {
        return {fmt::format("the module {} {} lacks prepare or retire", module.name, entry.version),
                "its author has to mend it"};
    }
    module.instances = *instances;
    const auto* const source = static_cast<const gantry_certificate_source_1_t*>(
        entry.get_extension(module.state, GANTRY_CERTIFICATE_SOURCE_1));
    if (source == nullptr) return {};
    module.source = whole(source);
    if (!module.source || module.source->want == nullptr) {
        return {
            fmt::format("the module {} {} offers certificates and lacks want", module.name, entry.version),
            "its author has to mend it"};
    }
    module.doc.offers_certificates = true;
    return {};
}

}  // namespace

Modules::Modules(Services& services) : services_(services) {
    static_cast<void>(contract::is_checked());  // before there are workers
}

Modules::~Modules() {
    close();
}

tl::expected<const conf::ModuleDoc*, conf::ModuleRefusal> Modules::open(const std::string& name) {
    auto path = find_library(name, module_folders());
    if (!path) return tl::unexpected(std::move(path.error()));
    for (const auto& module : modules_) {
        if (module->library.path == *path) return &module->doc;
    }
    auto library = open_library(*path);
    if (!library) return tl::unexpected(std::move(library.error()));
    auto module = std::make_unique<Module>();
    module->name = library->entry->name;
    module->library = std::move(*library);
    module->host = host_of(*module);
    module->services = &services_;
    module->doc.name = module->name;
    for (const auto& other : modules_) {
        if (other->name != module->name) continue;
        return tl::unexpected(conf::ModuleRefusal{
            fmt::format("a module {} is loaded already, from {}", module->name, other->library.path),
            "to use another library of the same name, gantry has to be upgraded or restarted"});
    }
    contract::enter(*module);
    if (conf::ModuleRefusal wrong = begin(*module); !wrong.message.empty()) {
        refused_.push_back(std::move(module));
        return tl::unexpected(std::move(wrong));
    }
    std::vector<const conf::ModuleDoc*> others;
    for (const auto& other : modules_) others.push_back(&other->doc);
    if (const std::string wrong = conf::complete(module->doc, others); !wrong.empty()) {
        const std::string title = fmt::format("{} {}", module->name, module->library.entry->version);
        module->library.entry->close(module->state);
        refused_.push_back(std::move(module));
        return tl::unexpected(conf::ModuleRefusal{fmt::format("the module {} is not sound: {}", title, wrong),
                                                  "its author has to mend it"});
    }
    modules_.push_back(std::move(module));
    Module& opened = *modules_.back();
    opened.shown_costs.emplace(opened.name, opened.costs);
    log::debug("module loaded name={} version={} path={}", opened.name, opened.library.entry->version,
               opened.library.path);
    return &opened.doc;
}

Module* Modules::find(const std::string& name) const {
    const auto path = find_library(name, module_folders());
    for (const auto& module : modules_) {
        if (path && module->library.path == *path) return module.get();
    }
    return nullptr;
}

void Modules::close() {
    services_.fetches.cancel_all();
    while (!modules_.empty()) {
        modules_.back()->library.entry->close(modules_.back()->state);
        contract::leave(*modules_.back());
        modules_.pop_back();
    }
}

}  // namespace gantry::module
