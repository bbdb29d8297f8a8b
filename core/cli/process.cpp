#include "core/cli/process.hpp"

#include "core/base/clock.hpp"
#include "core/base/crash.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/operations.hpp"
#include "core/cli/privileges.hpp"

#include <csignal>
#include <limits>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

constexpr Millis kWithoutLimit = std::numeric_limits<Millis>::max() / 2;
constexpr Millis kDrainLook = 20;
// Whoever sends SIGTERM to a whole process group reaches this process twice; only a later one is impatience.
constexpr Millis kImpatience = 1'000;

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::int64_t wall_seconds() {
    return wall_nanos() / 1'000'000'000;
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
    compare("recent_requests", before.recent_requests == after.recent_requests);
    if (!keys.empty()) log::warn("[server] {} changed: that takes a restart", keys);
}

}  // namespace

Process::Process(const RunOptions& options, net::BrokeredSockets& sockets, FromSupervisor supervisor)
    : options_(options), supervisor_(std::move(supervisor)), sockets_(sockets) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGQUIT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));  // blocked since the supervisor
    add_operations(api_, *this);
}

// ---- the life of the process

int Process::run() {
    raise_file_limit();
    if (const int code = start(); code != kOk) return code;
    while (!is_drained()) wait_for_event();
    return end();
}

int Process::start() {
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
    open_log(settings.log);
    report_death(supervisor_.last, settings.log.target);
    supervisor_.last = {};
    if (!configuration.report.empty()) log::warn("configuration has warnings:\n{}", configuration.report);
    server_ =
        std::make_unique<server::Server>(settings.server, sockets_, logs_, std::move(supervisor_.recent));
    bool bound = true;
    for (const std::string& error : server_->apply(configuration.generation)) {
        log::critical("{}", error);
        bound = false;
    }
    if (!bound) return kFailure;
    control_ = std::make_unique<control::ControlServer>(api_, tasks_);
    open_control(settings.server.control);
    started_ = loaded_ = wall_seconds();
    log::info("ready version={} workers={} generation={} pid={}", version(), server_->workers(),
              configuration.generation->number(), ::getpid());
    configuration.generation.reset();
    // The files as they were read took more than what became of them, and the process lives long.
    ::malloc_trim(0);
    sockets_.report({net::Report::State::Ready, summary(), 0});
    heartbeat_ = std::make_unique<Heartbeat>(*server_, sockets_, supervisor_.heartbeat);
    return kOk;
}

void Process::open_log(const conf::Log& settings) {
    open_error_log(settings);
    log_level_.on_configured();
    crash::arm(crash_report_path(settings.target, ::getpid()), version());
}

void Process::wait_for_event() {
    pollfd waits[2] = {{signals_.get(), POLLIN, 0}, {tasks_.fd(), POLLIN, 0}};
    ::poll(waits, 2, is_stopping() ? static_cast<int>(kDrainLook) : log_level_.next_check());
    log_level_.check();
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        on_signal(static_cast<int>(info.ssi_signo));
    }
    tasks_.run();
}

void Process::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            reload();
            break;
        case SIGUSR1:
            reopen_logs();
            break;
        case SIGQUIT:
            stop(kWithoutLimit);
            break;
        default:  // SIGTERM
            if (!is_stopping()) {
                stop(std::nullopt);
            } else if (monotonic_millis() - stop_asked_at_ >= kImpatience) {
                stop(0);
            }
    }
}

// What the service manager shows.
std::string Process::summary() const {
    const auto generation = server_->generation();
    return fmt::format("serving hosts={} listeners={} workers={} generation={}", generation->host_count(),
                       generation->settings().listeners.size(), server_->workers(), generation->number());
}

// ---- operations

Verdict Process::load_and_apply() {
    Configuration next = load_configuration(options_, logs_, services_);
    Verdict verdict;
    verdict.report = std::move(next.report);
    verdict.diagnostics = std::move(next.diagnostics);
    verdict.generation = server_->generation()->number();
    if (!next.generation) {
        verdict.error = "the configuration has errors";
        log::error("configuration not loaded, the old one goes on:\n{}", verdict.report);
        return verdict;
    }
    if (!verdict.report.empty()) log::warn("configuration has warnings:\n{}", verdict.report);
    const auto before = server_->generation();
    warn_of_restart(before->settings().server, next.generation->settings().server);
    for (const std::string& error : server_->apply(next.generation)) {
        log::error("configuration not applied, the old one goes on: {}", error);
        verdict.error.append(verdict.error.empty() ? "" : "; ").append(error);
    }
    if (!verdict.error.empty()) return verdict;
    const conf::Settings& settings = next.generation->settings();
    verdict.changes = server::changes(before->settings(), settings);
    open_log(settings.log);
    open_control(settings.server.control);
    verdict.is_applied = true;
    verdict.generation = next.generation->number();
    log::info("reloaded generation={} hosts={}", verdict.generation, next.generation->host_count());
    return verdict;
}

Verdict Process::reload() {
    if (is_stopping()) {
        Verdict verdict;
        verdict.generation = server_->generation()->number();
        verdict.error = "gantry is stopping";
        return verdict;
    }
    sockets_.report({net::Report::State::Reloading, {}, 0});
    Verdict verdict = load_and_apply();
    sockets_.report({net::Report::State::Ready,
                     summary() + (verdict.is_applied ? "" : "; the last reload failed, the log says why"),
                     0});
    verdict.is_applied ? ++reloads_ : ++failed_reloads_;
    if (verdict.is_applied) loaded_ = wall_seconds();
    last_failure_ = verdict.error;
    return verdict;
}

void Process::reopen_logs() {
    log::reopen();
    logs_.reopen();
    log::info("log files opened anew");
}

// A gantry without a control socket still serves, so nothing about it is fatal.
void Process::open_control(const conf::Server::Control& settings) {
    std::string path;
    if (settings.is_enabled) {
        path = settings.path.empty() ? options_.control : settings.path;
    }
    if (path == control_path_) return;
    const auto address_of = [](const std::string& file) {
        conf::Address address;
        address.family = conf::Address::Family::Unix;
        address.host = file;
        return address;
    };
    UniqueFd socket;
    if (!path.empty()) {
        conf::Listener listener;
        listener.unix_mode = 0660;
        auto opened = sockets_.open(address_of(path), listener, 1);
        if (!opened) {
            log::warn("no control socket on {}: {}; set [server] control to another path", path,
                      describe(opened.error()));
            return;
        }
        socket = std::move(opened->front());
    }
    control_->listen(std::move(socket));
    if (!control_path_.empty()) sockets_.close(address_of(control_path_));
    control_path_ = path;
}

void Process::stop(std::optional<Millis> timeout, std::function<void(std::uint64_t)> on_end) {
    const Millis limit = timeout.value_or(server_->generation()->settings().server.drain_timeout.count());
    const Millis at = monotonic_millis() + limit;
    if (on_end) on_end_.push_back(std::move(on_end));
    if (is_stopping()) {
        stop_at_ = std::min(stop_at_, at);
        return;
    }
    const std::string draining = fmt::format("draining connections={}", server_->open_connections());
    log::info("{}", draining);
    sockets_.report({net::Report::State::Stopping, draining, limit == kWithoutLimit ? -1 : limit});
    stop_at_ = at;
    stop_asked_at_ = monotonic_millis();
    server_->drain();
}

bool Process::is_drained() const {
    return is_stopping() && (server_->open_connections() == 0 || monotonic_millis() >= stop_at_);
}

int Process::end() {
    const std::uint64_t left = server_->open_connections();
    for (const auto& told : on_end_) told(left);
    control_.reset();
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

}  // namespace gantry::cli
