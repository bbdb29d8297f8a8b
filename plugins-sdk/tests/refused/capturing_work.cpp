// expect: blocking() takes a function, or a lambda without captures
#include "gantry/module.hpp"

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) {
        int local = 0;
        co_await exchange.blocking([&local] { ++local; });
        co_return gantry::Verdict::Next;
    }
};
GANTRY_MODULE("a", "1.0", "Lends what may be gone.", gantry::Access<Module>);
