// File extensions to media types: a table made from Debian's media-types and committed, so that both releases
// agree.
#pragma once

#include <string_view>

namespace gantry::http {

// `extension` without dot, any case. "" when unknown.
std::string_view mime_type(std::string_view extension);

// Does this type carry text, so that a charset parameter makes sense?
bool is_text_type(std::string_view type);

}  // namespace gantry::http
