// expect: gantry::BodyFilter<T>: T needs a type Body and `std::optional<Body> filter(gantry::Exchange&)`
#include "gantry/module.hpp"

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    bool filter(gantry::Exchange&) { return true; }
};
GANTRY_MODULE("a", "1.0", "Has no body.", gantry::BodyFilter<Module>);
