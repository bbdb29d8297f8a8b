#include "core/module/extensions.hpp"

#include "core/module/contract.hpp"

namespace gantry::module {

namespace {

struct Extension {
    std::string_view id;
    const void* plain;
    const void* checked;
};

constexpr Extension kAll[] = {
    {GANTRY_LOG_1, &kLog, &kCheckedLog},
    {GANTRY_CONF_1, &kConf, &kCheckedConf},
    {GANTRY_PHASE_1, &kPhase, &kCheckedPhase},
    {GANTRY_HTTP_1, &kHttp, &kCheckedHttp},
    {GANTRY_FILTER_1, &kFilter, &kCheckedFilter},
    {GANTRY_ASYNC_1, &kAsync, &kCheckedAsync},
    {GANTRY_TIMER_1, &kTimer, &kCheckedTimer},
    {GANTRY_METRICS_1, &kMetrics, &kCheckedMetrics},
    {GANTRY_STORE_1, &kStore, &kCheckedStore},
    {GANTRY_CONN_1, &kConn, &kCheckedConn},
    {GANTRY_UPSTREAM_1, &kUpstream, &kCheckedUpstream},
    {GANTRY_CLIENT_1, &kClient, &kCheckedClient},
    {GANTRY_EVENTS_1, &kEvents, &kCheckedEvents},
    {GANTRY_TLS_1, &kTls, &kCheckedTls},
    {GANTRY_CONTROL_1, &kControl, &kCheckedControl},
    {GANTRY_FD_1, &kFd, &kCheckedFd},
};

}  // namespace

const void* find_extension(std::string_view id) {
    for (const Extension& extension : kAll) {
        if (extension.id == id) return contract::is_checked() ? extension.checked : extension.plain;
    }
    return nullptr;
}

}  // namespace gantry::module
