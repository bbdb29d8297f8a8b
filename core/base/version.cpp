#include "core/base/version.hpp"

namespace gantry {
std::string_view version() {
    return GANTRY_VERSION;
}
std::string_view server_token() {
    return "gantry";
}
}  // namespace gantry
