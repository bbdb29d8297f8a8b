// gantry.phase/1, and adding header filters of gantry.filter/1
#include "core/module/extensions.hpp"
#include "core/module/host_filter.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

namespace gantry::module {
namespace {

std::optional<server::Phase> phase_of(std::string_view name) {
    for (const server::Phase phase :
         {server::Phase::Rewrite, server::Phase::Preaccess, server::Phase::Access, server::Phase::Precontent,
          server::Phase::Content, server::Phase::Log}) {
        if (name == server::name_of(phase)) return phase;
    }
    return std::nullopt;
}

gantry_result_t add(gantry_scope_t* scope, const gantry_hook_t* given) noexcept {
    const auto hook = whole(given);
    if (scope == nullptr || !hook) return GANTRY_ERROR_ARGUMENT;
    if (scope->added == nullptr || scope->kind != GANTRY_IN_LOCATION) return GANTRY_ERROR_STATE;
    const auto phase = hook->phase == nullptr ? std::nullopt : phase_of(hook->phase);
    if (!phase || hook->name == nullptr || hook->run == nullptr) return GANTRY_ERROR_ARGUMENT;
    const auto& open = scope->settings->server.fail_open;
    const bool fails_open = *phase < server::Phase::Content &&
                            std::find(open.begin(), open.end(), scope->module->name) != open.end();
    const BoundHook& bound =
        scope->kept->hooks.emplace_back(BoundHook{hook->run, hook->self, scope->module, hook->name,
                                                  (hook->flags & GANTRY_HOOK_PREFLIGHTS) != 0, fails_open});
    scope->added->hooks.push_back({*phase, order_of(*hook), &bound});
    return GANTRY_OK;
}

}  // namespace

const gantry_phase_1_t kPhase = {sizeof(gantry_phase_1_t), &add};

gantry_result_t add_header_filter(gantry_scope_t* scope, const gantry_header_filter_t* given) noexcept {
    const auto filter = whole(given);
    if (scope == nullptr || !filter || filter->name == nullptr || filter->run == nullptr)
        return GANTRY_ERROR_ARGUMENT;
    if (scope->added == nullptr) return GANTRY_ERROR_STATE;
    const BoundFilter& bound = scope->kept->filters.emplace_back(
        BoundFilter{filter->run, filter->self, scope->module, filter->name});
    scope->added->filters.push_back({order_of(*filter), &bound});
    return GANTRY_OK;
}

}  // namespace gantry::module
