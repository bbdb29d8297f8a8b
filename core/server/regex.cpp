#include "core/server/regex.hpp"

#include <algorithm>
#include <atomic>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace gantry::server {

namespace {

std::atomic<std::uint64_t> g_failures{0};

constexpr std::uint32_t kDepthLimit = 5'000;
constexpr std::uint32_t kHeapLimitKib = 4 * 1024;  // of the interpreter
constexpr std::size_t kJitStackMin = 16 * 1024;
constexpr std::size_t kJitStackMax = 256 * 1024;

// What a thread needs to match, made when it matches for the first time.
struct Scratch {
    pcre2_match_data* data = pcre2_match_data_create(Captures::kMax, nullptr);
    pcre2_match_context* context = pcre2_match_context_create(nullptr);
    pcre2_jit_stack* stack = pcre2_jit_stack_create(kJitStackMin, kJitStackMax, nullptr);

    Scratch() {
        if (context == nullptr) return;
        pcre2_set_match_limit(context, Regex::kMatchLimit);
        pcre2_set_depth_limit(context, kDepthLimit);
        pcre2_set_heap_limit(context, kHeapLimitKib);
        if (stack != nullptr) pcre2_jit_stack_assign(context, nullptr, stack);
    }
    ~Scratch() {
        pcre2_jit_stack_free(stack);
        pcre2_match_context_free(context);
        pcre2_match_data_free(data);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
};

Scratch& scratch() {
    thread_local Scratch instance;
    return instance;
}

std::string message_of(int code) {
    PCRE2_UCHAR text[256] = {};
    if (pcre2_get_error_message(code, text, sizeof text) < 0) return "error " + std::to_string(code);
    return reinterpret_cast<const char*>(text);
}

std::vector<CaptureName> names_of(const pcre2_code* code) {
    std::uint32_t count = 0;
    std::uint32_t entry_bytes = 0;
    PCRE2_SPTR table = nullptr;
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry_bytes);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, static_cast<void*>(&table));
    std::vector<CaptureName> names;
    for (std::uint32_t i = 0; i < count; ++i, table += entry_bytes) {
        const unsigned group = static_cast<unsigned>(table[0]) << 8 | table[1];
        if (group >= Captures::kMax) continue;
        names.push_back({reinterpret_cast<const char*>(table + 2), static_cast<std::uint8_t>(group)});
    }
    return names;
}

}  // namespace

bool Captures::find(std::string_view name, std::string_view& value) const {
    if (names_ == nullptr) return false;
    for (const CaptureName& known : *names_) {
        if (known.name != name) continue;
        value = group(known.group);
        return true;
    }
    return false;
}

std::string_view Captures::name_of(std::size_t index) const {
    if (names_ == nullptr) return {};
    for (const CaptureName& known : *names_) {
        if (known.group == index) return known.name;
    }
    return {};
}

tl::expected<Regex, RegexError> Regex::compile(std::string_view pattern, Case letters) {
    // UTF mode would need every subject checked, and paths may hold any bytes: "(*UTF)" is refused.
    std::uint32_t options = PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY;
    if (letters == Case::Ignore) options |= PCRE2_CASELESS;
    int error = 0;
    std::size_t offset = 0;
    pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                           options, &error, &offset, nullptr);
    if (code == nullptr)
        return tl::unexpected(RegexError{std::min(offset, pattern.size()), message_of(error)});

    Regex regex;
    regex.code_ = code;
    // A system that forbids writable code refuses here; then the interpreter matches.
    std::size_t jit_bytes = 0;
    regex.is_jit_ = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0 &&
                    pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &jit_bytes) == 0 && jit_bytes > 0;
    regex.names_ = new std::vector<CaptureName>(names_of(code));
    std::uint32_t groups = 0;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    regex.groups_ = static_cast<std::uint8_t>(std::min<std::uint32_t>(groups, Captures::kMax - 1));
    return regex;
}

Regex::Regex(Regex&& other) noexcept
    : code_(std::exchange(other.code_, nullptr)),
      names_(std::exchange(other.names_, nullptr)),
      groups_(other.groups_),
      is_jit_(other.is_jit_) {}

Regex& Regex::operator=(Regex&& other) noexcept {
    std::swap(code_, other.code_);
    std::swap(names_, other.names_);
    std::swap(groups_, other.groups_);
    std::swap(is_jit_, other.is_jit_);
    return *this;
}

Regex::~Regex() {
    pcre2_code_free(code_);
    delete names_;
}

int Regex::run(std::string_view subject) const {
    Scratch& own = scratch();
    if (own.data == nullptr || own.context == nullptr) return PCRE2_ERROR_NOMEMORY;
    // PCRE2 10.42 takes no null pointer, not even with length 0.
    const auto* const bytes = reinterpret_cast<PCRE2_SPTR>(subject.empty() ? "" : subject.data());
    if (is_jit_) return pcre2_jit_match(code_, bytes, subject.size(), 0, 0, own.data, own.context);
    return pcre2_match(code_, bytes, subject.size(), 0, PCRE2_NO_JIT, own.data, own.context);
}

Matched Regex::match(std::string_view subject) const {
    const int result = run(subject);
    if (result >= 0) return Matched::Yes;
    if (result == PCRE2_ERROR_NOMATCH) return Matched::No;
    g_failures.fetch_add(1, std::memory_order_relaxed);
    return Matched::Failed;
}

Matched Regex::match(std::string_view subject, Arena& arena, Captures& captures) const {
    if (const Matched matched = match(subject); matched != Matched::Yes) return matched;
    const std::size_t* const ends = pcre2_get_ovector_pointer(scratch().data);
    const std::size_t count = groups_ + 1u;
    auto* const groups = arena.make_array<std::string_view>(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t begin = ends[2 * i];
        const std::size_t end = ends[2 * i + 1];
        // "\K" in a lookaround can put the begin behind the end.
        if (begin != PCRE2_UNSET && begin <= end && end <= subject.size())
            groups[i] = subject.substr(begin, end - begin);
    }
    captures = Captures(groups, count, *names_);
    return Matched::Yes;
}

std::uint64_t regex_failures() {
    return g_failures.load(std::memory_order_relaxed);
}

}  // namespace gantry::server
