#include "core/module/field_rules.hpp"

#include "core/base/text.hpp"
#include "core/http/hop_headers.hpp"

#include <algorithm>

namespace gantry::module {

bool may_change_field(std::string_view name) {
    constexpr std::string_view kConnection[] = {
        "content-length", "transfer-encoding", "connection",      "keep-alive", "te",
        "trailer",        "upgrade",           "proxy-connection"};
    const bool is_token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
        return is_alpha(c) || is_digit(c) || kOthers.find(c) != kOthers.npos;
    });
    return is_token && std::none_of(std::begin(kConnection), std::end(kConnection),
                                    [&](std::string_view other) { return equals_ignore_case(name, other); });
}

bool may_be_value(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    });
}

}  // namespace gantry::module
