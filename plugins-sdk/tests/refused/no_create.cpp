// expect: a type with a role needs `static std::unique_ptr<T> create(gantry::Scope&)`
#include "gantry/module.hpp"

struct Module {
    gantry::Verdict handle(gantry::Exchange&) { return gantry::Verdict::Next; }
};
GANTRY_MODULE("a", "1.0", "Cannot be made.", gantry::Handler<Module>);
