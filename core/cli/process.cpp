#include "core/cli/process.hpp"

#include "core/base/clock.hpp"
#include "core/base/crash.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/module_operations.hpp"
#include "core/cli/operations.hpp"
#include "core/cli/privileges.hpp"
#include "core/cli/process_events.hpp"

#include <csignal>
#include <cstdio>
#include <iterator>
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

}  // namespace

Process::Process(const RunOptions& options, net::BrokeredSockets& sockets, FromSupervisor supervisor)
    : options_(options),
      supervisor_(std::move(supervisor)),
      sockets_(sockets),
      history_(*supervisor_.history) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGQUIT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));  // blocked since the supervisor
    module_services_.main = &tasks_;
    module_services_.blocking = &services_.blocking;
    module_services_.timers = &timers_;
    module_services_.store = &store_;
    module_services_.upstreams = &services_.upstreams;
    add_operations(api_, *this);
    add_module_operations(api_, modules_, [this] { return server_->generation(); });
}

// ---- the life of the process

int Process::run() {
    raise_file_limit();
    if (const int code = start(); code != kOk) return code;
    while (!is_drained()) wait_for_event();
    return end();
}

int Process::start() {
    const bool is_first = history_.empty();
    const std::uint64_t served = is_first ? 0 : history_.all().back().generation;
    Candidate first = load_first();
    Configuration& configuration = first.configuration;
    if (!configuration.generation) {
        log::critical("configuration not loaded:\n{}", configuration.report);
        if (options_.json) std::fputs(configuration.diagnostics.c_str(), stdout);
        return kInvalidConfiguration;
    }
    const conf::Settings& settings = configuration.generation->settings();
    if (is_first) {
        // As before, unless somebody else was meant: by whoever is not root, or in an edit of this very
        // moment.
        if (const auto identity = identity_for(settings.server, options_.user); !identity || *identity) {
            log::critical(
                "{}", identity ? "the configuration changed its user while it was read" : identity.error());
            return kInvalidConfiguration;
        }
    }
    open_log(settings.log);
    report_death(supervisor_.last, settings.log.target);
    supervisor_.last = {};
    tell_report(configuration);
    server_ = std::make_unique<server::Server>(settings.server, sockets_, logs_, certificates_,
                                               std::move(supervisor_.recent));
    module_services_.set_server(server_.get());
    bool bound = true;
    module_services_.offers.show_held();
    for (const std::string& error : server_->apply(configuration.generation)) {
        log::critical("{}", error);
        bound = false;
    }
    if (!bound) return kFailure;
    open_store(settings.store);
    module::set_call_limit(settings.server.hook_limit.count());
    commit_modules();
    control_ = std::make_unique<control::ControlServer>(api_, tasks_);
    open_control(settings.server.control);
    started_ = wall_seconds();
    up_since_ = monotonic_millis();
    if (configuration.generation->number() != served) {
        keep(first.snapshot, is_first ? "start" : "the server process before it died", true);
    }
    log::info("ready version={} workers={} generation={} pid={}", version(), server_->workers(),
              configuration.generation->number(), ::getpid());
    tell_ready(module_services_.events, configuration.generation->number());
    first = {};
    // The files as they were read took more than what became of them, and the process lives long.
    ::malloc_trim(0);
    sockets_.report({.state = net::Report::State::Ready, .text = summary()});
    heartbeat_ = std::make_unique<Heartbeat>(*server_, sockets_, supervisor_.heartbeat);
    return kOk;
}

void Process::commit_modules() {
    module::Instances* const instances = module::instances_of(server_->generation()->kept());
    module_services_.events.serve(instances);
    if (instances != nullptr) instances->commit();
}

void Process::open_store(const conf::Store& settings) {
    const bool is_full = settings.durability == conf::Store::Durability::Full;
    store_.set_place({settings.file, is_full ? store::Durability::Full : store::Durability::Normal});
}

void Process::open_log(const conf::Log& settings) {
    open_error_log(settings, options_);
    log_level_.on_configured();
    crash::arm(crash_report_path(settings.target, ::getpid()), version());
}

int Process::next_timeout() const {
    if (is_stopping()) return static_cast<int>(kDrainLook);
    const Millis trial = std::min<Millis>(trial_left(), std::numeric_limits<int>::max());
    int first = trial == 0 ? -1 : static_cast<int>(trial);
    for (const int next : {log_level_.next_check(), timers_.next_check()}) {
        if (next >= 0 && (first < 0 || next < first)) first = next;
    }
    return first;
}

void Process::wait_for_event() {
    // The supervisor's end is not waited for: it ends this process as well (PR_SET_PDEATHSIG).
    pollfd waits[] = {{signals_.get(), POLLIN, 0},
                      {tasks_.fd(), POLLIN, 0},
                      {sockets_.fd(), POLLIN, 0},
                      {module_services_.watches.fd(), POLLIN, 0}};
    ::poll(waits, std::size(waits), next_timeout());
    log_level_.check();
    // Before the signals: who is told of an upgrade is told to stop next.
    while (const auto notice = sockets_.next_notice()) on_notice(*notice);
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        on_signal(static_cast<int>(info.ssi_signo));
    }
    tasks_.run();
    timers_.check();
    if (waits[3].revents != 0) module_services_.watches.check();
    if (trial_ends_ != 0 && trial_left() == 0 && !is_stopping()) end_trial();
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

void Process::on_notice(const net::Notice& notice) {
    using Kind = net::Notice::Kind;
    is_upgrading_ = notice.kind == Kind::UpgradeBegins;
    if (notice.kind != Kind::Upgraded && notice.kind != Kind::UpgradeFailed) return;
    Upgraded result;
    if (notice.kind == Kind::Upgraded) {
        result.version = notice.text;
        result.pid = notice.pid;
        control_->listen(UniqueFd());  // the successor accepts there
    } else {
        result.error = notice.text;
    }
    for (const auto& told : std::exchange(on_upgraded_, {})) told(result);
}

void Process::upgrade(std::function<void(const Upgraded&)> done) {
    on_upgraded_.push_back(std::move(done));
    sockets_.report({.state = net::Report::State::Upgrade});
}

// What the service manager shows.
std::string Process::summary() const {
    const auto generation = server_->generation();
    return fmt::format("serving hosts={} listeners={} workers={} generation={}", generation->host_count(),
                       generation->settings().listeners.size(), server_->workers(), generation->number());
}

// ---- operations; those on configurations are in process_configuration.cpp

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
    sockets_.report({.state = net::Report::State::Stopping,
                     .text = draining,
                     .limit = limit == kWithoutLimit ? -1 : limit});
    stop_at_ = at;
    stop_asked_at_ = monotonic_millis();
    tell_stopping(module_services_.events);
    server_->drain();
}

bool Process::is_drained() const {
    return is_stopping() && (server_->open_connections() == 0 || monotonic_millis() >= stop_at_);
}

int Process::end() {
    const std::uint64_t left = server_->open_connections();
    for (const auto& told : on_end_) told(left);
    module_services_.calls.cancel_all();
    api_.close();  // what was asked meanwhile would find nobody
    control_.reset();
    store_.finish();
    if (left > 0) {
        log::warn("stopped with connections open: count={} after the drain timeout", left);
        logs_.stop();
        log::flush();
        ::_exit(kOk);  // what is still in use is not worth tearing down
    }
    heartbeat_.reset();
    module_services_.set_server(nullptr);
    server_.reset();
    tasks_.run();  // what was let go of with it is retired here
    modules_.close();
    log::info("stopped");
    return kOk;
}

}  // namespace gantry::cli
