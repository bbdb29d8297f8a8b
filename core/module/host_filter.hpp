// The part of gantry.filter/1 that belongs to loading.
#pragma once

#include <gantry/ext/filter.h>

namespace gantry::module {

gantry_result_t add_header_filter(gantry_scope_t* scope, const gantry_header_filter_t* filter) noexcept;

}  // namespace gantry::module
