// expect: gantry::Handler<T>: T needs `gantry::Verdict handle(gantry::Exchange&)`
#include "gantry/module.hpp"

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
};
GANTRY_MODULE("a", "1.0", "Has no handler.", gantry::Handler<Module>);
