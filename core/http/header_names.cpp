#include "core/http/header_names.hpp"

#include "core/http/header_lookup.hpp"

namespace gantry::http {

HeaderId header_id(std::string_view name) {
    return header_lookup::find(name);
}

std::string_view canonical_name(HeaderId id) {
    return header_lookup::kNames[static_cast<std::size_t>(id)];
}

}  // namespace gantry::http
