// What a route of a module is handed, and refusals as texts.
#pragma once

#include <gantry/ext/control.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::module {

// The C struct, and what it is read by.
struct ControlCall : gantry_call_t {
    ControlCall() : gantry_call_t{} {}
    const std::vector<std::pair<std::string, std::string>>* values = nullptr;
};

// {"error": …, "remedy": …}
std::string refusal_json(std::string_view error, std::string_view remedy);

}  // namespace gantry::module
