// The layout in C++, and the names of the extensions.
#define STATIC_ASSERT(condition, text) static_assert(condition, text)
#include "layout.h"

#include <string_view>

static_assert(std::string_view{GANTRY_INSTANCE_1} == "gantry.instance/1");
static_assert(std::string_view{GANTRY_ASYNC_1} == "gantry.async/1");
static_assert(std::string_view{GANTRY_CERTIFICATE_SOURCE_1} == "gantry.certificate-source/1");
static_assert(std::string_view{GANTRY_CLIENT_1} == "gantry.client/1");
static_assert(std::string_view{GANTRY_CONF_1} == "gantry.conf/1");
static_assert(std::string_view{GANTRY_CONN_1} == "gantry.conn/1");
static_assert(std::string_view{GANTRY_CONTROL_1} == "gantry.control/1");
static_assert(std::string_view{GANTRY_EVENTS_1} == "gantry.events/1");
static_assert(std::string_view{GANTRY_FD_1} == "gantry.fd/1");
static_assert(std::string_view{GANTRY_FILTER_1} == "gantry.filter/1");
static_assert(std::string_view{GANTRY_HTTP_1} == "gantry.http/1");
static_assert(std::string_view{GANTRY_LOG_1} == "gantry.log/1");
static_assert(std::string_view{GANTRY_METRICS_1} == "gantry.metrics/1");
static_assert(std::string_view{GANTRY_PHASE_1} == "gantry.phase/1");
static_assert(std::string_view{GANTRY_STORE_1} == "gantry.store/1");
static_assert(std::string_view{GANTRY_TIMER_1} == "gantry.timer/1");
static_assert(std::string_view{GANTRY_TLS_1} == "gantry.tls/1");
static_assert(std::string_view{GANTRY_UPSTREAM_1} == "gantry.upstream/1");
static_assert(std::string_view{GANTRY_MANIFEST_SECTION} == ".gantry.manifest");
static_assert(std::string_view{GANTRY_MANIFEST_TEXT("a", "1.2", "b c")} ==
              "name=a\nversion=1.2\nabi=" GANTRY_STRING_OF(GANTRY_ABI_MAJOR) "." GANTRY_STRING_OF(
                  GANTRY_ABI_MINOR) "\ndescription=b c\n");
