// Structs that modules fill in. Each says its size, or its size is handed over beside it; the headers that
// the module was built with may be older than these, or newer: what is missing counts as 0, what is not known
// here is left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <gantry/gantry.h>
#include <optional>
#include <type_traits>

namespace gantry::module {

// The bytes that each has to have: up to the last member of the first ABI that had the struct, or the last
// one that nobody can do without. It stays as it is when members are appended.
template <class Struct>
inline constexpr std::size_t kLeastOf = 0;  // not filled by modules

// NOLINTBEGIN(bugprone-macro-parentheses): it is a declaration
#define GANTRY_LEAST(type, last) \
    template <>                  \
    inline constexpr std::size_t kLeastOf<type> = offsetof(type, last) + sizeof(type::last)
// NOLINTEND(bugprone-macro-parentheses)

GANTRY_LEAST(gantry_module_entry_t, get_extension);
GANTRY_LEAST(gantry_instance_1_t, retire);
GANTRY_LEAST(gantry_certificate_source_1_t, want);
GANTRY_LEAST(gantry_key_t, deprecated);
GANTRY_LEAST(gantry_hook_t, self);
GANTRY_LEAST(gantry_header_filter_t, self);
GANTRY_LEAST(gantry_body_filter_t, drop);
GANTRY_LEAST(gantry_body_reader_t, self);
GANTRY_LEAST(gantry_conn_filter_t, self);
GANTRY_LEAST(gantry_hello_hook_t, self);
GANTRY_LEAST(gantry_certificate_pem_t, key);
GANTRY_LEAST(gantry_certificate_report_t, not_after);
GANTRY_LEAST(gantry_picker_t, self);
GANTRY_LEAST(gantry_peer_t, weight);
GANTRY_LEAST(gantry_metric_t, steps);
GANTRY_LEAST(gantry_metric_visitor_t, on_sample);
GANTRY_LEAST(gantry_route_t, self);
GANTRY_LEAST(gantry_subscription_t, at_a_time);
GANTRY_LEAST(gantry_target_options_t, flags);
GANTRY_LEAST(gantry_client_request_t, timeout);
GANTRY_LEAST(gantry_client_events_t, on_end);
GANTRY_LEAST(gantry_fd_events_t, on_end);

#undef GANTRY_LEAST

template <class Struct>
constexpr bool is_enough(std::size_t size) {
    static_assert(kLeastOf<Struct> > 0, "a struct that modules fill needs its least size");
    return size >= kLeastOf<Struct>;
}

// One of an array whose elements have `size` bytes, which are enough.
template <class Struct>
Struct element(const Struct* all, std::size_t size, std::size_t index) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    Struct out{};
    std::memcpy(static_cast<void*>(&out), reinterpret_cast<const char*>(all) + index * size,
                std::min(size, sizeof out));
    if constexpr (requires { out.size; }) out.size = sizeof out;
    return out;
}

// As it is today. Nothing: there is none, or it is too short.
template <class Struct>
std::optional<Struct> whole(const Struct* given) {
    if (given == nullptr || !is_enough<Struct>(given->size)) return std::nullopt;
    return element(given, given->size, 0);
}

}  // namespace gantry::module
