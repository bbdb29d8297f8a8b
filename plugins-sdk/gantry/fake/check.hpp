// The two macros and the result of a test of a module; no test framework is needed.
//
// A test is a program: main() calls functions that check, and returns gantry::fake::result(). Each function has a
// Host of its own, so that what is found when it goes is counted as well.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

// Goes on where it fails, so that one run shows everything.
#define GANTRY_CHECK(condition) \
    ((condition) ? void() : ::gantry::fake::report_failure(__FILE__, __LINE__, "not true: " #condition))

#define GANTRY_CHECK_EQUAL(actual, expected) \
    ::gantry::fake::check_equal(__FILE__, __LINE__, #actual, (actual), (expected))

namespace gantry::fake {

inline std::atomic<int> failures{0};

// What main() returns: 0 where all was well.
inline int result() {
    if (failures == 0) return 0;
    std::fprintf(stderr, "%d failed\n", failures.load());
    return 1;
}

inline void report_failure(const char* file, int line, const std::string& text) {
    ++failures;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, text.c_str());
}

inline std::string shown(std::string_view text) {
    return '"' + std::string{text} + '"';
}
template <std::integral Number>
std::string shown(Number number) {
    if constexpr (std::same_as<Number, bool>) return number ? "true" : "false";
    return std::to_string(number);
}

template <class Actual, class Expected>
void check_equal(const char* file, int line, const char* text, const Actual& actual,
                 const Expected& expected) {
    const bool is_equal = [&] {
        if constexpr (std::convertible_to<const Actual&, std::string_view>) {
            return std::string_view{actual} == std::string_view{expected};
        } else {
            return actual == static_cast<Actual>(expected);
        }
    }();
    if (is_equal) return;
    report_failure(file, line, std::string{text} + " is " + shown(actual) + ", not " + shown(expected));
}

}  // namespace gantry::fake
