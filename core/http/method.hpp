// Request methods (RFC 9110 9, RFC 5789). Others are passed on by name.
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::http {

enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Other };

// Case-sensitive, as methods are. Anything unknown is Other.
Method method_of(std::string_view token);

// "" for Other.
std::string_view name_of(Method method);

constexpr bool is_safe(Method method) {
    return method == Method::Get || method == Method::Head || method == Method::Options ||
           method == Method::Trace;
}
constexpr bool is_idempotent(Method method) {
    return is_safe(method) || method == Method::Put || method == Method::Delete;
}

}  // namespace gantry::http
