// The contracts of the SDK, checked where a module calls: the right thread, a time at which it may be, things
// that it still has, structs of their size. Who breaks one ends the process with a sentence that names the
// module, the function and the contract.
//
// What checks is a second set of tables (contract_*.cpp) that judge each call and pass it on; modules are
// given these, or the plain ones. So where nothing is checked, nothing of it is on the request path.
#pragma once

#include <cstdint>
#include <gantry/base.h>
#include <string>
#include <string_view>
#include <vector>

struct gantry_scope;
struct gantry_value;

namespace gantry::module {
struct Module;
}

namespace gantry::module::contract {

// Whether the modules that are opened from now on are checked: in debug builds, elsewhere with
// GANTRY_CONTRACTS=on, which "off" turns off. [main]
bool is_checked();
void set_checked(bool is_checked);

// Who is told in place of the log and of stderr; what it does not end ends by abort(). Before the first
// module is opened.
void set_teller(void (*tell)(std::string_view sentence));

// ---- what the host knows of its modules. Nothing where nothing is checked. [main]

// From before open() until close() has returned.
void enter(const Module& module);
void leave(const Module& module);

// While it lives, the scope and those around it may be used.
class Lent {
public:
    explicit Lent(const gantry_scope& scope);
    ~Lent();
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

private:
    const gantry_scope& scope_;
};

// What an instance was given to keep; it may be used while this lives.
class Given {
public:
    Given() = default;
    ~Given();
    Given(const Given&) = delete;
    Given& operator=(const Given&) = delete;

    void add(const void* handle);

private:
    std::vector<const void*> handles_;
};

}  // namespace gantry::module::contract
