// Values of variables as a test wants them.
#pragma once

#include "core/server/variable.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::server {

struct TestSource final : VariableSource {
    void set(VariableId id, std::string_view value, std::string argument = "") {
        values[{id, std::move(argument)}] = value;
    }
    std::string_view value(const Variable& variable, Arena&) const override {
        ++asked;
        last = variable;
        if (variable.id == VariableId::Capture && variable.argument.empty()) return groups[variable.group];
        const auto found = values.find({variable.id, std::string(variable.argument)});
        return found == values.end() ? std::string_view{} : found->second;
    }

    std::map<std::pair<VariableId, std::string>, std::string_view> values;
    std::array<std::string_view, 16> groups{};
    mutable int asked = 0;
    mutable Variable last;
};

}  // namespace gantry::server
