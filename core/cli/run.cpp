#include "core/cli/run.hpp"

#include "core/base/log.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/privileges.hpp"
#include "core/cli/process.hpp"
#include "core/cli/supervisor.hpp"
#include "core/cli/upgrade.hpp"
#include "core/control/socket_path.hpp"

#include <unistd.h>

namespace gantry::cli {
namespace {

// Whose rights the first server process has, its successors have: nothing that came from it decides about
// that.
tl::expected<std::optional<Identity>, std::string> identity_of(const RunOptions& options,
                                                               const FromSupervisor& supervisor) {
    if (supervisor.history->empty()) return identity_of_configuration(options);
    return supervisor.identity;
}

// Before there is any thread, and before anything is read for good: what the start can read and write, a
// reload can.
bool drop_privileges(const RunOptions& options, const FromSupervisor& supervisor,
                     net::BrokeredSockets& sockets) {
    const auto identity = identity_of(options, supervisor);
    if (!identity) {
        log::critical("{}", identity.error());
        return false;
    }
    if (!*identity) {
        if (::geteuid() == 0) log::info("workers run as root, as they were told to");
        control::make_socket_folder(options.control, ::geteuid(), ::getegid());
        return true;
    }
    control::make_socket_folder(options.control, (*identity)->user, (*identity)->group);
    sockets.limit_to((*identity)->user, (*identity)->group, (*identity)->name);
    if (const auto done = become(**identity); !done) {
        log::critical("{}", done.error());
        return false;
    }
    log::info("workers run as user={} uid={} gid={}", (*identity)->name, (*identity)->user,
              (*identity)->group);
    return true;
}

int serve(const RunOptions& options, FromSupervisor supervisor) {
    net::BrokeredSockets sockets(std::move(supervisor.socket));
    if (!drop_privileges(options, supervisor, sockets)) return kInvalidConfiguration;
    return Process(options, sockets, std::move(supervisor)).run();
}

}  // namespace

int run_command(const RunOptions& given) {
    RunOptions options = given;
    if (options.quiet) log::set_level(log::Level::Warn);
    // While it is known who started us: whoever gives commands looks from there.
    options.control = control::default_socket_path(options.config);
    if (const auto code = rehearse(options)) return *code;
    auto handover = handover_to_us();
    if (!handover) {
        log::critical("{}", handover.error());
        return kFailure;
    }
    const int code =
        supervise([&](FromSupervisor supervisor) { return serve(options, std::move(supervisor)); },
                  std::move(*handover));
    control::remove_socket_folder(options.control);
    return code;
}

}  // namespace gantry::cli
