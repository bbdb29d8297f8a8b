// expect: a module has one State at most
#include "gantry/module.hpp"

struct One {
    static std::unique_ptr<One> prepare(gantry::Scope&, One*) { return nullptr; }
};
struct Other {
    static std::unique_ptr<Other> prepare(gantry::Scope&, Other*) { return nullptr; }
};
GANTRY_MODULE("a", "1.0", "Shares two things.", gantry::State<One>, gantry::State<Other>);
