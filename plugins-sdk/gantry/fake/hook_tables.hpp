// gantry.phase/1 and gantry.filter/1 of a fake host, and the order of hooks.
#pragma once

#include "gantry/fake/http_table.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::fake::detail {

// Hooks in the order of `before` and `after`, and else as they were added. False: some would have to come before
// themselves.
class HookOrder {
public:
    template <class AnyHook>
    static bool sort(std::vector<AnyHook*>& hooks) {
        std::vector<AnyHook*> rest = std::exchange(hooks, {});
        while (!rest.empty()) {
            const auto next = std::find_if(rest.begin(), rest.end(), [&](const AnyHook* candidate) {
                return std::none_of(rest.begin(), rest.end(), [&](const AnyHook* other) {
                    return other != candidate && precedes(*other, *candidate);
                });
            });
            if (next == rest.end()) return false;
            hooks.push_back(*next);
            rest.erase(next);
        }
        return true;
    }

private:
    template <class AnyHook>
    static bool precedes(const AnyHook& one, const AnyHook& other) {
        return one.phase == other.phase && (names(one.before, other.name) || names(other.after, one.name));
    }
    static bool names(std::string_view list, std::string_view name) {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            std::string_view one = list.substr(0, comma);
            while (one.starts_with(' ')) one.remove_prefix(1);
            while (one.ends_with(' ')) one.remove_suffix(1);
            if (one == name) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
        return false;
    }
};

struct PhaseTable {
    static constexpr std::string_view kPhases[] = {"rewrite",    "preaccess", "access",
                                                   "precontent", "content",   "log"};

    static std::string text_or_nothing(const char* text) { return text == nullptr ? "" : text; }

    static ScopeState* writable(gantry_scope_t* raw, const char* function) {
        auto& scope = *reinterpret_cast<ScopeState*>(raw);
        if (!scope.host->is_in_step(Step::Configuring, function, "configure()")) return nullptr;
        if (scope.host->configured == &scope) return &scope;
        scope.host->violation(std::string{function} + ": not the scope that configure() was given");
        return nullptr;
    }

    static gantry_result_t add(gantry_scope_t* raw, const gantry_hook_t* hook) noexcept {
        ScopeState* scope = writable(raw, "add()");
        if (scope == nullptr) return GANTRY_ERROR_STATE;
        if (scope->kind == GANTRY_IN_HOST) {
            scope->host->violation("add(): a host takes no hooks, but header filters");
            return GANTRY_ERROR_STATE;
        }
        if (hook->size < sizeof(gantry_hook_t) || hook->run == nullptr || hook->name == nullptr) {
            scope->host->violation("add(): a hook has its size, a name and a function");
            return GANTRY_ERROR_ARGUMENT;
        }
        const std::string phase = text_or_nothing(hook->phase);
        if (std::find(std::begin(kPhases), std::end(kPhases), phase) == std::end(kPhases)) {
            scope->host->violation("add(): there is no phase \"" + phase + "\"");
            return GANTRY_ERROR_ARGUMENT;
        }
        scope->hooks.push_back({phase, hook->name, text_or_nothing(hook->before),
                                text_or_nothing(hook->after), hook->run, nullptr, hook->self});
        return GANTRY_OK;
    }

    static constexpr gantry_phase_1_t kTable{sizeof(gantry_phase_1_t), &add};
};

struct FilterTable {
    static gantry_result_t add_header_filter(gantry_scope_t* raw,
                                             const gantry_header_filter_t* filter) noexcept {
        ScopeState* scope = PhaseTable::writable(raw, "add_header_filter()");
        if (scope == nullptr) return GANTRY_ERROR_STATE;
        if (filter->size < sizeof(gantry_header_filter_t) || filter->run == nullptr ||
            filter->name == nullptr) {
            scope->host->violation("add_header_filter(): a filter has its size, a name and a function");
            return GANTRY_ERROR_ARGUMENT;
        }
        scope->hooks.push_back({"header_filter", filter->name, PhaseTable::text_or_nothing(filter->before),
                                PhaseTable::text_or_nothing(filter->after), nullptr, filter->run,
                                filter->self});
        return GANTRY_OK;
    }

    static gantry_result_t add_body_filter(gantry_exchange_t* raw, const gantry_body_filter_t* filter,
                                           void* state) noexcept {
        ExchangeState* exchange = HttpTable::usable(raw, "add_body_filter");
        if (exchange == nullptr) return GANTRY_ERROR_STATE;
        if (!exchange->is_in_header_filter) {
            exchange->host->violation("add_body_filter() is for header filters");
            return GANTRY_ERROR_STATE;
        }
        if (exchange->status == 204 || exchange->status == 304 || exchange->announced == 0)
            return GANTRY_ERROR_STALE;
        Passage& passage = exchange->passages.emplace_back(Passage{{}, state});
        std::memcpy(&passage.filter, filter, std::min<std::size_t>(filter->size, sizeof(passage.filter)));
        return GANTRY_OK;
    }

    static void send(gantry_sink_t* raw, gantry_bytes_t data) noexcept {
        Sink& sink = *reinterpret_cast<Sink*>(raw);
        Drive::pass(*sink.exchange, sink.next, view(data));
    }

    static constexpr gantry_filter_1_t kTable{sizeof(gantry_filter_1_t), &add_header_filter, &add_body_filter,
                                              &send};
};

}  // namespace gantry::fake::detail
