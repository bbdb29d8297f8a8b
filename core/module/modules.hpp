// All modules of the process: opened when a configuration names them, closed when the process ends.
#pragma once

#include "core/module/module.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gantry::module {

// [main] One per process: libraries stay loaded, and so does what this knows of them.
class Modules final : public conf::ModuleSource {
public:
    explicit Modules(Services& services);
    ~Modules();
    Modules(const Modules&) = delete;
    Modules& operator=(const Modules&) = delete;

    tl::expected<const conf::ModuleDoc*, conf::ModuleRefusal> open(const std::string& name) override;

    // As open() has it; null: not open.
    Module* find(const std::string& name) const;
    const std::vector<std::unique_ptr<Module>>& all() const { return modules_; }
    Services& services() const { return services_; }

    // After the last instance of all is retired.
    void close();

private:
    Services& services_;
    std::vector<std::unique_ptr<Module>> modules_;
    std::vector<std::unique_ptr<Module>>
        refused_;  // may have begun things that refer to what they were given
};

}  // namespace gantry::module
