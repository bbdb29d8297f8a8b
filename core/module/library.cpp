#include "core/module/library.hpp"

#include "core/module/manifest.hpp"
#include "core/module/sized.hpp"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

namespace gantry::module {
namespace {

conf::ModuleRefusal refusal(std::string message, std::string hint) {
    return {std::move(message), std::move(hint)};
}

std::string_view file_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::vector<std::string> module_folders() {
    const char* const given = std::getenv("GANTRY_MODULE_PATH");
    std::string_view text = given != nullptr && *given != '\0' ? given : GANTRY_MODULE_FOLDERS;
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto colon = std::min(text.find(':'), text.size());
        if (colon > 0) out.emplace_back(text.substr(0, colon));
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return out;
}

tl::expected<std::string, conf::ModuleRefusal> find_library(std::string_view name,
                                                            const std::vector<std::string>& folders) {
    if (name.find('/') != name.npos) return std::string(name);
    if (!is_module_name(name)) {
        return tl::unexpected(refusal(fmt::format("\"{}\" is not the name of a module", name),
                                      "names are made of a-z, 0-9 and -; a path has a / in it"));
    }
    for (const std::string& folder : folders) {
        std::string path = fmt::format("{}/gantry-{}.so", folder, name);
        if (::access(path.c_str(), F_OK) == 0) return path;
    }
    return tl::unexpected(
        refusal(fmt::format("there is no module \"{}\"", name),
                fmt::format("gantry-{}.so was looked for in {}; install it, or write the path "
                            "of the library",
                            name, fmt::join(folders, ", "))));
}

std::optional<conf::ModuleRefusal> judge(const gantry_module_entry_t& entry, const std::string& path) {
    // The size and the versions come first, and have to be right before anything else is looked at.
    if (entry.abi_major != GANTRY_ABI_MAJOR || entry.abi_minor > GANTRY_ABI_MINOR) {
        const bool is_newer = entry.abi_major >= GANTRY_ABI_MAJOR;
        return refusal(fmt::format("{} needs ABI {}.{}, and this gantry has {}.{}", path, entry.abi_major,
                                   entry.abi_minor, GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR),
                       is_newer ? "upgrade gantry, or build the module with the SDK of this gantry"
                                : "build the module with the SDK of this gantry");
    }
    if (!is_enough<gantry_module_entry_t>(entry.size)) {
        return refusal(fmt::format("the entry of {} has {} bytes, and {} are needed", path, entry.size,
                                   kLeastOf<gantry_module_entry_t>),
                       "build the module anew; its entry is made by GANTRY_ENTRY()");
    }
    if (entry.name == nullptr || !is_module_name(entry.name) || entry.version == nullptr) {
        return refusal(fmt::format("{} has no proper name and version", path),
                       "names are made of a-z, 0-9 and -, 32 at most");
    }
    if (file_of(path) != fmt::format("gantry-{}.so", entry.name)) {
        return refusal(fmt::format("{} calls itself \"{}\"", path, entry.name),
                       fmt::format("its file has to be gantry-{}.so", entry.name));
    }
    if (entry.open == nullptr || entry.close == nullptr || entry.get_extension == nullptr) {
        return refusal(fmt::format("the entry of {} lacks open, close or get_extension", path),
                       "its author has to mend it");
    }
    return std::nullopt;
}

tl::expected<Library, conf::ModuleRefusal> open_library(const std::string& path) {
    const auto manifest = read_manifest(path);
    if (!manifest)
        return tl::unexpected(refusal(manifest.error(), "is it a module of gantry, for this system?"));
    if (const std::string why = why_refused(*manifest); !why.empty()) {
        return tl::unexpected(refusal(why, "gantry module info tells more about it"));
    }
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
        const char* const why = ::dlerror();
        return tl::unexpected(
            refusal(fmt::format("the module cannot be loaded: {}", why == nullptr ? path : why),
                    "is it a shared library of this system, with all that it needs?"));
    }
    const auto* const entry =
        static_cast<const gantry_module_entry_t*>(::dlsym(handle, "gantry_module_entry"));
    if (entry == nullptr) {
        return tl::unexpected(
            refusal(fmt::format("{} is not a module of gantry", path),
                    "it has no gantry_module_entry; a module is made with GANTRY_ENTRY() of "
                    "gantry/entry.h"));
    }
    if (auto wrong = judge(*entry, path)) return tl::unexpected(std::move(*wrong));
    return Library{path, manifest->commands, entry};
}

}  // namespace gantry::module
