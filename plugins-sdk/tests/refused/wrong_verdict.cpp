// expect: gantry::Access<T>: T needs `gantry::Verdict access(gantry::Exchange&)`
#include "gantry/module.hpp"

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    int access(gantry::Exchange&) { return 403; }
};
GANTRY_MODULE("a", "1.0", "Takes a status for a verdict.", gantry::Access<Module>);
