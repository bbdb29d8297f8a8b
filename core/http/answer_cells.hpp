// Answers counted by method and class of status: a number for each pair.
#pragma once

#include "core/base/metrics.hpp"
#include "core/http/method.hpp"

#include <cstdint>

namespace gantry::http {

inline constexpr std::uint32_t kStatusClasses = 6;  // by the first digit; 0: none
inline constexpr std::uint32_t kAnswerCells =
    (static_cast<std::uint32_t>(Method::Other) + 1) * kStatusClasses;

constexpr std::uint32_t status_class(int status) {
    const auto digit = static_cast<std::uint32_t>(status) / 100;
    return digit < kStatusClasses ? digit : 0;
}
constexpr std::uint32_t answer_cell(Method method, int status) {
    return static_cast<std::uint32_t>(method) * kStatusClasses + status_class(status);
}

// With the labels method and status; kAnswerCells of them.
metrics::Family answer_family(std::string name, std::string help);

}  // namespace gantry::http
