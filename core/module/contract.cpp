#include "core/module/contract.hpp"

#include "core/base/log.hpp"
#include "core/module/contract_call.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <link.h>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unistd.h>
#include <unordered_set>

namespace gantry::module::contract {
namespace {

bool is_checked_at_first() {
#ifdef NDEBUG
    constexpr bool kIsUsual = false;
#else
    constexpr bool kIsUsual = true;
#endif
    const char* const given = std::getenv("GANTRY_CONTRACTS");
    if (given == nullptr || *given == '\0') return kIsUsual;
    return std::string_view(given) != "off";
}

bool& checked() {
    static bool is_checked = [] {
        const bool is_on = is_checked_at_first();
        server::WorkerContext::know_exchanges(is_on);
        return is_on;
    }();
    return is_checked;
}

void (*teller)(std::string_view) = nullptr;

// Where the code of a module lies.
struct Known {
    const Module* module;
    std::uintptr_t base = 0;
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> parts;
};

// Modules, and handles that may be used.
struct Registry {
    std::shared_mutex mutex;
    std::vector<Known> modules;
    std::unordered_set<const void*> handles;
    std::map<const void*, int> scopes;
};
Registry& registry() {
    static Registry& all = *new Registry;  // modules are closed when statics are gone as well
    return all;
}

bool has(const Known& known, const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return std::any_of(known.parts.begin(), known.parts.end(),
                       [&](const auto& part) { return at >= part.first && at < part.second; });
}

Known look_at(const Module& module) {
    Known known{&module, 0, {}};
    const auto look = [](dl_phdr_info* info, std::size_t /*size*/, void* data) {
        Known& to = *static_cast<Known*>(data);
        std::vector<std::pair<std::uintptr_t, std::uintptr_t>> parts;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& part = info->dlpi_phdr[i];
            if (part.p_type != PT_LOAD) continue;
            const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
            parts.emplace_back(begin, begin + part.p_memsz);
        }
        to.parts.swap(parts);
        to.base = info->dlpi_addr;
        return has(to, to.module->library.entry) ? 1 : 0;
    };
    if (::dl_iterate_phdr(look, &known) == 0) known.parts.clear();
    return known;
}

// "gantry-x.so+0x1139"
std::string text_of(const void* address) {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    for (const Known& known : all.modules) {
        if (!has(known, address)) continue;
        const std::string& path = known.module->library.path;
        return fmt::format("{}+{:#x}", path.substr(path.rfind('/') + 1),
                           reinterpret_cast<std::uintptr_t>(address) - known.base);
    }
    return {};
}

std::string_view name_of(Place place) {
    constexpr std::string_view kNames[] = {"hook",
                                           "hook of the log phase",
                                           "header filter",
                                           "body filter",
                                           "body reader",
                                           "response",
                                           "on_end of a response",
                                           "picker",
                                           "filter of connections",
                                           "hook of hellos",
                                           "route of the control API"};
    return kNames[static_cast<std::size_t>(place)];
}

}  // namespace

bool is_checked() {
    return checked();
}

void set_checked(bool is_checked) {
    checked() = is_checked;
    server::WorkerContext::know_exchanges(is_checked);
}

void set_teller(void (*tell)(std::string_view)) {
    teller = tell;
}

void enter(const Module& module) {
    if (!is_checked()) return;
    Registry& all = registry();
    Known known = look_at(module);
    const std::unique_lock lock(all.mutex);
    all.modules.push_back(std::move(known));
}

void leave(const Module& module) {
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    std::erase_if(all.modules, [&](const Known& known) { return known.module == &module; });
}

// ---- lent and given

Lent::Lent(const gantry_scope& scope) : scope_(scope) {
    if (!is_checked()) return;
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    for (const gantry_scope* at = &scope; at != nullptr; at = at->parent) ++all.scopes[at];
}

Lent::~Lent() {
    if (!is_checked()) return;
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    for (const gantry_scope* at = &scope_; at != nullptr; at = at->parent) {
        if (--all.scopes[at] == 0) all.scopes.erase(at);
    }
}

void Given::add(const void* handle) {
    handles_.push_back(handle);
    begin(handle);
}

Given::~Given() {
    if (handles_.empty()) return;
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    for (const void* const handle : handles_) all.handles.erase(handle);
}

void begin(const void* handle) {
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    all.handles.insert(handle);
}

void end(const void* handle) {
    Registry& all = registry();
    const std::unique_lock lock(all.mutex);
    all.handles.erase(handle);
}

void give(Given& given, const gantry_value& value) {
    given.add(&value);
    for (const gantry_value& item : value.items) give(given, item);
}

void judge_handle(const Call& call, const void* handle, const char* what) {
    if (handle == nullptr) return;
    Registry& all = registry();
    {
        const std::shared_lock lock(all.mutex);
        if (all.handles.count(handle) > 0) return;
    }
    broken(call,
           fmt::format("[borrow:instance] {} is used that is gone: its instance is retired, or it was ended",
                       what));
}

void judge_scope(const Call& call, const gantry_scope_t* scope) {
    if (scope == nullptr) broken(call, "[borrow:call] called without a scope");
    Registry& all = registry();
    {
        const std::shared_lock lock(all.mutex);
        if (all.scopes.count(scope) > 0) return;
    }
    broken(call, "[loading] a scope is used after the call that it was lent to has returned");
}

void judge_host(const Call& call, const gantry_host_t* host) {
    Registry& all = registry();
    {
        const std::shared_lock lock(all.mutex);
        for (const Known& known : all.modules) {
            if (&known.module->host == host) return;
        }
    }
    broken({call.table, call.function, call.from},
           host == nullptr ? "called without the host" : "called with a host that is none, or after close()");
}

void judge_loading(const Call& call) {
    const Module* const module = caller_of(call);
    if (module == nullptr || !module->is_open) return;
    Registry& all = registry();
    {
        const std::shared_lock lock(all.mutex);
        if (!all.scopes.empty()) return;
    }
    broken(call, "[loading] called after open() and outside of prepare() and configure()");
}

// ---- where it comes from

bool is_main() {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    return !all.modules.empty() &&
           all.modules.front().module->services->main_thread == std::this_thread::get_id();
}

std::string_view here() {
    if (server::WorkerContext::here() != nullptr) return "a worker";
    return is_main() ? "the main thread" : "a thread that is no worker's and not the main one";
}

const Module* caller_of(const Call& call) {
    Registry& all = registry();
    const std::shared_lock lock(all.mutex);
    for (const Known& known : all.modules) {
        if (has(known, call.from) || &known.module->host == call.host) return known.module;
    }
    const Running* const running = Running::innermost();
    return running == nullptr ? nullptr : running->callback().module;
}

void broken(const Call& call, std::string_view what) {
    const Module* const module = caller_of(call);
    const Running* const running = Running::innermost();
    const std::string from = text_of(call.from);
    std::string sentence =
        module == nullptr ? std::string("a module") : fmt::format("module {}", module->name);
    sentence += fmt::format(": {} {}: {}", call.table, call.function, what);
    if (!from.empty()) sentence += fmt::format(", from {}", from);
    if (running != nullptr) {
        const Callback& callback = running->callback();
        sentence += fmt::format(", in the {}{}{}", name_of(callback.place), callback.name.empty() ? "" : " ",
                                callback.name);
    }
    if (teller != nullptr) {
        teller(sentence);
    } else {
        log::critical("contract broken: {}", sentence);
        log::flush();
        sentence = fmt::format("gantry: contract broken: {}\n", sentence);
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, sentence.data(), sentence.size());
    }
    std::abort();
}

}  // namespace gantry::module::contract
