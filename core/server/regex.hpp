// Regular expressions: the only door to PCRE2. Compiled at load, with the JIT where the machine allows it,
// and bounded so that no subject can burn the processor.
#pragma once

#include "core/base/arena.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

struct pcre2_real_code_8;

namespace gantry::server {

// The names of the groups of one expression; lives as long as the Regex.
struct CaptureName {
    std::string name;
    std::uint8_t group = 0;
};

// What a match captured: views into the subject, held by an arena. Copies are cheap and refer to the same
// groups; valid while the subject, the arena and the Regex are.
class Captures {
public:
    static constexpr std::size_t kMax = 16;  // groups beyond are not captured; 0 is the whole match

    Captures() = default;
    Captures(const std::string_view* groups, std::size_t count, const std::vector<CaptureName>& names)
        : groups_(groups), names_(&names), count_(count) {}

    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    // "" for a group that did not take part or does not exist.
    std::string_view group(std::size_t index) const {
        return index < count_ ? groups_[index] : std::string_view{};
    }
    // "" where the group has none.
    std::string_view name_of(std::size_t index) const;
    // False: the expression has no group of that name.
    bool find(std::string_view name, std::string_view& value) const;

private:
    const std::string_view* groups_ = nullptr;
    const std::vector<CaptureName>* names_ = nullptr;
    std::size_t count_ = 0;
};

enum class Matched : std::uint8_t {
    No,
    Yes,
    Failed,  // a limit was reached: fail closed, never treat it as No where No means "allowed"
};

struct RegexError {
    std::size_t offset = 0;  // bytes into the pattern
    std::string message;
};

enum class Case : std::uint8_t { Sensitive, Ignore };

// Immutable; match() may be called by any number of threads at once (match data is per thread). Works on
// bytes:
// "." is one byte, "$" only the very end. Not anchored.
class Regex {
public:
    // Control plane. Lookbehind, recursion and the like work within the limits below.
    static tl::expected<Regex, RegexError> compile(std::string_view pattern, Case letters = Case::Sensitive);

    Regex(Regex&& other) noexcept;
    Regex& operator=(Regex&& other) noexcept;
    ~Regex();

    // Backtracking steps before a match is given up as Failed: about a millisecond.
    static constexpr std::uint32_t kMatchLimit = 100'000;

    Matched match(std::string_view subject) const;
    // On Yes `captures` is filled with views into `subject`, kept in `arena`.
    Matched match(std::string_view subject, Arena& arena, Captures& captures) const;

    const std::vector<CaptureName>& names() const { return *names_; }
    // Groups that can be captured, the whole match not counted.
    std::size_t groups() const { return groups_; }
    bool is_jit() const { return is_jit_; }

private:
    Regex() = default;
    int run(std::string_view subject) const;

    pcre2_real_code_8* code_ = nullptr;
    const std::vector<CaptureName>* names_ =
        nullptr;  // owned; at a fixed address because Captures point to it
    std::uint8_t groups_ = 0;
    bool is_jit_ = false;
};

// How many matches ended as Failed since the start of the process. [any]
std::uint64_t regex_failures();

}  // namespace gantry::server
