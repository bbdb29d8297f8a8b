// Settings as text, one value a line: what the configuration came to, with every reference by its name.
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>

namespace gantry::conf {

enum class Detail : std::uint8_t {
    Everything,
    Changed,  // only what is not at its default
};

// Lines such as `listener.web.backlog = 1024`, in the order of the files; the same settings always give the
// same text.
std::string dump(const Settings& settings, Detail detail);

}  // namespace gantry::conf
