// expect: memory of an exchange is freed without destructors
#include "gantry/module.hpp"

#include <string>

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    gantry::Verdict handle(gantry::Exchange& exchange) {
        exchange.make<std::string>("lost");
        return gantry::Verdict::Next;
    }
};
GANTRY_MODULE("a", "1.0", "Leaves something behind.", gantry::Handler<Module>);
