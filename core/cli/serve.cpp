#include "core/cli/serve.hpp"

#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
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

class Process {
public:
    Process(const RunOptions& options, UniqueFd to_supervisor)
        : options_(options), sockets_(std::move(to_supervisor)) {}
    int run();

private:
    bool reload();
    int stop(Millis timeout);

    const RunOptions& options_;
    net::BrokeredSockets sockets_;
    server::LogThread logs_;
    content::Services services_;
    std::unique_ptr<server::Server> server_;
};

// True: the new generation serves. Otherwise everything stays as it was, and the log says why.
bool Process::reload() {
    Configuration next = load_configuration(options_, logs_, services_);
    if (!next.generation) {
        log::error("configuration not loaded, the old one goes on:\n{}", next.report);
        return false;
    }
    if (!next.report.empty()) log::warn("configuration has warnings:\n{}", next.report);
    for (const std::string& error : server_->apply(next.generation)) {
        log::error("configuration not applied, the old one goes on: {}", error);
        return false;
    }
    open_error_log(next.generation->settings().log);
    log::info("reloaded generation={} hosts={}", next.generation->number(), next.generation->host_count());
    return true;
}

int Process::stop(Millis timeout) {
    log::info("draining connections={}", server_->open_connections());
    const std::uint64_t left = server_->drain(timeout);
    if (left > 0) {
        log::warn("stopped with connections open: count={} after the drain timeout", left);
        logs_.stop();
        log::flush();
        ::_exit(kOk);  // what is still in use is not worth tearing down
    }
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
    sockets_.announce_ready();

    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&set, number);
    for (;;) {
        int number = 0;
        if (::sigwait(&set, &number) != 0) continue;
        if (number == SIGHUP) {
            reload();
            continue;
        }
        const Millis timeout = number == SIGQUIT
                                   ? std::numeric_limits<Millis>::max() / 2
                                   : server_->generation()->settings().server.drain_timeout.count();
        return stop(timeout);
    }
}

}  // namespace

int serve(const RunOptions& options, UniqueFd to_supervisor) {
    return Process(options, std::move(to_supervisor)).run();
}

}  // namespace gantry::cli
