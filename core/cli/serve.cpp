#include "core/cli/serve.hpp"

#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/heartbeat.hpp"
#include "core/net/socket_broker.hpp"
#include "core/server/server.hpp"

#include <csignal>
#include <limits>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Before there is any thread, and before anything is read for good: what the start can read and write, a
// reload can.
bool drop_privileges(const RunOptions& options, net::BrokeredSockets& sockets) {
    const auto identity = identity_of_configuration(options);
    if (!identity) {
        log::critical("{}", identity.error());
        return false;
    }
    if (!*identity) {
        if (::geteuid() == 0) log::info("workers run as root, as they were told to");
        return true;
    }
    sockets.limit_to((*identity)->user, (*identity)->group);
    if (const auto done = become(**identity); !done) {
        log::critical("{}", done.error());
        return false;
    }
    log::info("workers run as user={} uid={} gid={}", (*identity)->name, (*identity)->user,
              (*identity)->group);
    return true;
}

// Settings that belong to the process, not to a generation.
void warn_of_restart(const conf::Server& before, const conf::Server& after) {
    std::string keys;
    const auto compare = [&keys](const char* key, bool is_same) {
        if (!is_same) keys.append(keys.empty() ? "" : ", ").append(key);
    };
    compare("user", before.user == after.user);
    compare("group", before.group == after.group);
    compare("workers", before.workers == after.workers);
    compare("blocking_threads", before.blocking_threads == after.blocking_threads);
    if (!keys.empty()) log::warn("[server] {} changed: that takes a restart", keys);
}

class Process {
public:
    Process(const RunOptions& options, net::BrokeredSockets& sockets, Millis heartbeat_every)
        : options_(options), heartbeat_every_(heartbeat_every), sockets_(sockets) {}
    int run();

private:
    bool reload();
    void reopen_logs();
    int stop(Millis timeout);
    std::string status() const;

    const RunOptions& options_;
    const Millis heartbeat_every_;
    net::BrokeredSockets& sockets_;
    server::LogThread logs_;
    content::Services services_;
    std::unique_ptr<server::Server> server_;
    std::unique_ptr<Heartbeat> heartbeat_;
};

// True: the new generation serves. Otherwise everything stays as it was, and the log says why.
bool Process::reload() {
    Configuration next = load_configuration(options_, logs_, services_);
    if (!next.generation) {
        log::error("configuration not loaded, the old one goes on:\n{}", next.report);
        return false;
    }
    if (!next.report.empty()) log::warn("configuration has warnings:\n{}", next.report);
    warn_of_restart(server_->generation()->settings().server, next.generation->settings().server);
    for (const std::string& error : server_->apply(next.generation)) {
        log::error("configuration not applied, the old one goes on: {}", error);
        return false;
    }
    open_error_log(next.generation->settings().log);
    log::info("reloaded generation={} hosts={}", next.generation->number(), next.generation->host_count());
    return true;
}

void Process::reopen_logs() {
    log::reopen();
    logs_.reopen();
    log::info("log files opened anew");
}

std::string Process::status() const {
    const auto generation = server_->generation();
    return fmt::format("serving hosts={} listeners={} workers={} generation={}", generation->host_count(),
                       generation->settings().listeners.size(), server_->workers(), generation->number());
}

// A negative timeout: without limit.
int Process::stop(Millis timeout) {
    log::info("draining connections={}", server_->open_connections());
    sockets_.report({net::Report::State::Stopping,
                     fmt::format("draining connections={}", server_->open_connections()), timeout});
    const std::uint64_t left = server_->drain(timeout < 0 ? std::numeric_limits<Millis>::max() / 2 : timeout);
    if (left > 0) {
        log::warn("stopped with connections open: count={} after the drain timeout", left);
        logs_.stop();
        log::flush();
        ::_exit(kOk);  // what is still in use is not worth tearing down
    }
    heartbeat_.reset();
    server_.reset();
    log::info("stopped");
    return kOk;
}

int Process::run() {
    raise_file_limit();
    Configuration configuration = load_configuration(options_, logs_, services_);
    if (!configuration.generation) {
        log::critical("configuration not loaded:\n{}", configuration.report);
        return kInvalidConfiguration;
    }
    const conf::Settings& settings = configuration.generation->settings();
    // As before, unless somebody else was meant: by whoever is not root, or in an edit of this very moment.
    if (const auto identity = identity_for(settings.server, options_.user); !identity || *identity) {
        log::critical("{}",
                      identity ? "the configuration changed its user while it was read" : identity.error());
        return kInvalidConfiguration;
    }
    open_error_log(settings.log);
    if (!configuration.report.empty()) log::warn("configuration has warnings:\n{}", configuration.report);
    server_ = std::make_unique<server::Server>(settings.server, sockets_, logs_);
    bool bound = true;
    for (const std::string& error : server_->apply(configuration.generation)) {
        log::critical("{}", error);
        bound = false;
    }
    if (!bound) return kFailure;
    log::info("ready version={} workers={} generation={} pid={}", version(), server_->workers(),
              configuration.generation->number(), ::getpid());
    configuration.generation.reset();
    // The files as they were read took more than what became of them, and the process lives long.
    ::malloc_trim(0);
    sockets_.report({net::Report::State::Ready, status(), 0});
    heartbeat_ = std::make_unique<Heartbeat>(*server_, sockets_, heartbeat_every_);

    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGQUIT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    for (;;) {
        int number = 0;
        if (::sigwait(&set, &number) != 0) continue;
        if (number == SIGHUP) {
            sockets_.report({net::Report::State::Reloading, {}, 0});
            const bool done = reload();
            sockets_.report({net::Report::State::Ready,
                             status() + (done ? "" : "; the last reload failed, the log says why"), 0});
            continue;
        }
        if (number == SIGUSR1) {
            reopen_logs();
            continue;
        }
        const Millis timeout =
            number == SIGQUIT ? -1 : server_->generation()->settings().server.drain_timeout.count();
        return stop(timeout);
    }
}

}  // namespace

int serve(const RunOptions& options, FromSupervisor supervisor) {
    net::BrokeredSockets sockets(std::move(supervisor.socket));
    if (!drop_privileges(options, sockets)) return kInvalidConfiguration;
    return Process(options, sockets, supervisor.heartbeat).run();
}

}  // namespace gantry::cli
