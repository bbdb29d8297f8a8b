// expect: what a std::string_view stands for may be gone before blocking() is done
#include "gantry/module.hpp"

struct Module {
    static std::unique_ptr<Module> create(gantry::Scope&) { return nullptr; }
    gantry::Task<gantry::Verdict> access(gantry::Exchange exchange) {
        co_await exchange.blocking([](std::string_view path) { return path.size(); }, exchange.path());
        co_return gantry::Verdict::Next;
    }
};
GANTRY_MODULE("a", "1.0", "Lends what may be gone.", gantry::Access<Module>);
