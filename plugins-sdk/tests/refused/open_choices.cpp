// expect: the_last_choice_has_to_be_nullptr
#include "gantry/module.hpp"

struct Module {
    static constexpr const char* kChoices[] = {"low", "high"};
    static constexpr gantry::Key keys[] = {gantry::Key::choice("level", kChoices).in(gantry::kAnywhere)};
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    gantry::Verdict handle(gantry::Exchange&) { return gantry::Verdict::Next; }
};
GANTRY_MODULE("a", "1.0", "Has choices without end.", gantry::Handler<Module>);
