// Phases and the hooks that run in them.
#pragma once

#include "core/server/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gantry::server {

// In this order. Routing happens between PostRead and Rewrite; the log phase always runs, last.
enum class Phase : std::uint8_t { PostRead, Rewrite, Preaccess, Access, Precontent, Content, Log };

constexpr std::string_view name_of(Phase phase) {
    constexpr std::string_view kNames[] = {"post_read",  "rewrite", "preaccess", "access",
                                           "precontent", "content", "log"};
    return kNames[static_cast<std::size_t>(phase)];
}

// A function in a phase. `self` is what it works for (a handler, a module's instance) and lives as long as
// the generation.
struct Hook {
    Phase phase = Phase::Content;
    Verdict (*run)(Exchange& exchange, const void* self) = nullptr;
    const void* self = nullptr;
    std::string_view name;    // lives as long as `self`: for explain and the log
    bool is_foreign = false;  // a module's: a rehearsal names it, and does not run it
    // Answers preflights (Fetch 3.2.2): they come here also where the location does not take OPTIONS.
    bool takes_preflights = false;
};

// Changes a response head just before it is sent. Runs for every response, error pages included. May add a
// body filter (Exchange::add_body_filter).
struct HeaderFilter {
    void (*run)(Exchange& exchange, const void* self) = nullptr;
    const void* self = nullptr;
    std::string_view name;
};

// What a location does, flattened at load: hooks in the order of their phases, but those of the log phase.
struct Pipeline {
    std::vector<Hook> hooks;
    std::vector<HeaderFilter> header_filters;
    std::vector<Hook> log_hooks;  // their verdicts mean nothing
};

}  // namespace gantry::server
