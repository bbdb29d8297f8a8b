// gantry.upstream/1
#include "core/module/extensions.hpp"

namespace gantry::module {
namespace {

gantry_result_t set_preface(gantry_exchange_t* handle, gantry_bytes_t bytes) noexcept {
    if (bytes.size > GANTRY_PREFACE_MAX) return GANTRY_ERROR_LIMIT;
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_answered()) return GANTRY_ERROR_STATE;
    exchange.set_preface(exchange.arena().copy(view_of(bytes)));
    return GANTRY_OK;
}

}  // namespace

const gantry_upstream_1_t kUpstream = {sizeof(gantry_upstream_1_t), &set_preface};

}  // namespace gantry::module
