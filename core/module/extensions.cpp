#include "core/module/extensions.hpp"

#include <utility>

namespace gantry::module {

const void* find_extension(std::string_view id) {
    constexpr std::pair<std::string_view, const void*> kAll[] = {
        {GANTRY_LOG_1, &kLog},       {GANTRY_CONF_1, &kConf},         {GANTRY_PHASE_1, &kPhase},
        {GANTRY_HTTP_1, &kHttp},     {GANTRY_FILTER_1, &kFilter},     {GANTRY_ASYNC_1, &kAsync},
        {GANTRY_TIMER_1, &kTimer},   {GANTRY_METRICS_1, &kMetrics},   {GANTRY_STORE_1, &kStore},
        {GANTRY_CONN_1, &kConn},     {GANTRY_UPSTREAM_1, &kUpstream}, {GANTRY_CLIENT_1, &kClient},
        {GANTRY_EVENTS_1, &kEvents}, {GANTRY_TLS_1, &kTls},           {GANTRY_CONTROL_1, &kControl},
    };
    for (const auto& [known, table] : kAll) {
        if (known == id) return table;
    }
    return nullptr;
}

}  // namespace gantry::module
