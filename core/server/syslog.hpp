// Lines as messages to a syslog: RFC 5424 over the unix datagram socket of this machine, or UDP (RFC 5426).
#pragma once

#include "core/base/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::server {

// "syslog:/dev/log", "udp://192.0.2.1:514".
bool is_syslog_name(std::string_view target);

// A socket that is connected to it and never blocks. Empty and errno in `error` on failure. Looks names up,
// which may take its time.
UniqueFd open_syslog(std::string_view target, int& error);

// One line, without its end, as one message: facility local7, severity info. Returns 0 or errno; never waits.
int send_syslog(int fd, std::string_view line);

// "<190>1 2026-11-21T12:00:00.000Z name gantry 4711 access - ": what stands before the text.
std::string syslog_head(std::int64_t wall_nanos, std::string_view host, int pid);

}  // namespace gantry::server
