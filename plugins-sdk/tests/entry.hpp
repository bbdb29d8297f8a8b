// Modules that stand in a test: the entry that GANTRY_MODULE would export.
#pragma once

#include "gantry/fake_host.hpp"
#include "gantry/gantry.hpp"

namespace test {

struct Name {
    static constexpr const char* value = "test";
};

template <class... Roles>
const gantry_module_entry_t& entry() {
    using Module = gantry::detail::Module<Name, Roles...>;
    static constexpr gantry_module_entry_t kEntry{sizeof(gantry_module_entry_t),
                                                  GANTRY_ABI_MAJOR,
                                                  GANTRY_ABI_MINOR,
                                                  "test",
                                                  "1.0.0",
                                                  &Module::open,
                                                  &Module::close,
                                                  &Module::get_extension};
    return kEntry;
}

// The key that the types of these tests have, and an object wherever it holds.
template <class T>
struct WithKey {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("on").in(gantry::kAnywhere).example("true").doc("Does it.")};

    static std::unique_ptr<T> create(gantry::Scope& scope) {
        return scope.find("on").boolean() ? std::make_unique<T>() : nullptr;
    }
};

// A host that runs a module of these roles in the location "/".
template <class... Roles>
void load(gantry::fake::Host& host) {
    GANTRY_CHECK(host.load(entry<Roles...>()));
    host.location("/", {{"on", true}});
    GANTRY_CHECK(host.reload());
}

}  // namespace test
