#include "core/http/negotiate.hpp"

#include "core/base/text.hpp"

namespace gantry::http {

namespace {

constexpr int kFull = 1000;
// Identity is acceptable unless it is excluded, but nobody asked for it.
constexpr int kUnasked = 1;
constexpr int kNotGiven = -1;

// "0.5" to 500; kNotGiven where it is no qvalue.
int qvalue(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return kNotGiven;
    if (text.size() > 1 && text[1] != '.') return kNotGiven;
    int value = (text[0] - '0') * kFull;
    int unit = 100;
    for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
        if (!is_digit(text[i])) return kNotGiven;
        value += (text[i] - '0') * unit;
    }
    return value <= kFull ? value : kNotGiven;
}

// The weight that an element such as "gzip;q=0.5" gives; kNotGiven when it is malformed.
int weight_of(std::string_view parameters) {
    int weight = kFull;
    while (!parameters.empty()) {
        const std::size_t end = parameters.find(';');
        const std::string_view parameter = trim(parameters.substr(0, end));
        parameters = end == parameters.npos ? std::string_view{} : parameters.substr(end + 1);
        if (!starts_with_ignore_case(parameter, "q=")) continue;
        weight = qvalue(parameter.substr(2));
        if (weight == kNotGiven) break;
    }
    return weight;
}

bool is_coding(std::string_view name, std::string_view coding) {
    // RFC 9110 8.4.1.3: "x-gzip" is the same as "gzip".
    return equals_ignore_case(name, coding) || (coding == "gzip" && equals_ignore_case(name, "x-gzip"));
}

}  // namespace

int encoding_weight(std::string_view accept_encoding, std::string_view coding) {
    const bool is_identity = coding == "identity";
    if (accept_encoding.empty()) return is_identity ? kFull : 0;
    int named = kNotGiven;
    int any = kNotGiven;
    for_each_element(accept_encoding, [&](std::string_view element) {
        const std::size_t end = element.find(';');
        const std::string_view name = trim(element.substr(0, end));
        const std::string_view parameters =
            end == element.npos ? std::string_view{} : element.substr(end + 1);
        if (name == "*") {
            any = weight_of(parameters);
        } else if (is_coding(name, coding)) {
            named = weight_of(parameters);
        }
        return named == kNotGiven;
    });
    if (named != kNotGiven) return named;
    if (any != kNotGiven) return any;
    return is_identity ? kUnasked : 0;
}

}  // namespace gantry::http
