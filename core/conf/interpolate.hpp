// `${NAME}`, `${NAME:-default}` and `${file:/path}` in the strings of the configuration. Names in upper case
// are the environment, put in at load; names in lower case are variables of a request and stand only in
// templates; `$$` is a plain `$`.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/inputs.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gantry::conf {

enum class StringKind { Plain, Template };

// In a template, what is put in has its `$` doubled, so that it is never taken for a variable, and `$$`
// stays as it is; `${lower}` stays for the server. nullopt where something was wrong, which is reported.
std::optional<std::string> interpolate(std::string_view text, Place place, StringKind kind, Inputs& inputs,
                                       Diagnostics& diagnostics);

}  // namespace gantry::conf
