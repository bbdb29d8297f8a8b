// Content negotiation by Accept-Encoding (RFC 9110 12.5.3).
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::http {

// The weight 0..1000 that the field gives to a coding ("br", "zstd", "gzip", "identity"); 0 = not acceptable.
// An absent field (null data) accepts only identity here: we never send a coding that was not asked for.
int encoding_weight(std::string_view accept_encoding, std::string_view coding);

}  // namespace gantry::http
