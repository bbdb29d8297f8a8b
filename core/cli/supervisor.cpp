#include "core/cli/supervisor.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/cli/server_watch.hpp"
#include "core/cli/upgrade.hpp"
#include "core/net/socket_broker.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::cli {
namespace {

constexpr Millis kFirstPause = 50;  // before a server process that died early is started again
constexpr Millis kLongestPause = 5'000;
constexpr Millis kUpgradePatience = 60'000;  // for the rehearsal, and for the start of the successor
constexpr Millis kStable = 1'000;            // one that served this long starts the count anew

class Supervisor {
public:
    explicit Supervisor(const std::function<int(FromSupervisor)>& serve) : serve_(serve) {}
    void go_on_from(Handover handover);
    int run();

private:
    struct Child {
        pid_t pid = -1;   // -1: there is none
        UniqueFd socket;  // to it
        UniqueFd recent;  // its memory of requests
    };

    bool start();
    void wait_for_event(int timeout);
    void on_report(net::Report report);
    std::optional<Identity> identity() const;
    void keep(net::Report report);
    void on_signal();
    void on_end(pid_t pid, int status);
    void on_child_exit(int status);

    void begin_upgrade();
    std::string why_no_upgrade() const;
    void on_rehearsed(int status);
    void on_upgrade_late();
    void on_successor_ready();
    void go_back(const std::string& why);
    void fail_upgrade(const std::string& why);
    Handover let_go();
    void take_up(Handover handover);
    void tell(const Child& child, net::Notice::Kind kind, std::string_view text, pid_t pid = 0);
    int next_timeout() const;

    const std::function<int(FromSupervisor)>& serve_;
    ServiceManager manager_;
    ServerWatch watch_{manager_};
    net::SocketBroker broker_{net::PassedSockets::take()};
    History history_;
    UniqueFd signals_;
    LastProcess last_;
    Child child_;
    // Of an upgrade. Until the successor is ready, the predecessor serves; afterwards it is among `leaving_`.
    Child predecessor_;
    std::vector<pid_t> leaving_;  // server processes that drain
    std::string program_ = own_program();
    UniqueFd previous_program_;
    std::string previous_version_;
    pid_t rehearsal_ = -1;
    UniqueFd rehearsal_output_;
    // When the rehearsal, or the start of the successor, has taken too long; 0: never.
    Millis upgrade_ends_ = 0;
    bool ready_ = false;       // the current child
    bool ever_ready_ = false;  // any child
    bool stopping_ = false;
    int exit_code_ = 0;
    bool ended_ = false;  // no child is to be started any more
    Millis started_ = 0;
    Millis pause_ = 0;
    Millis start_at_ = 0;
};

// In the parent: true. A failed fork is retried later.
bool Supervisor::start() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
    UniqueFd ours(pair[0]);
    UniqueFd theirs(pair[1]);
    UniqueFd recent(::memfd_create("gantry-recent", MFD_CLOEXEC));
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return false;
    if (child == 0) {
        ours.reset();
        signals_.reset();
        predecessor_ = {};
        broker_.forget();
        // A supervisor that is killed takes the server along: nobody would keep it alive any more.
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        const int code = serve_({std::move(theirs), watch_.heartbeat(), std::move(recent), std::move(last_),
                                 &history_, identity()});
        log::flush();
        std::exit(code);
    }
    child_ = {child, std::move(ours), std::move(recent)};
    ready_ = false;
    started_ = monotonic_millis();
    watch_.on_start(child);
    return true;
}

void Supervisor::on_signal() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        const int number = static_cast<int>(info.ssi_signo);
        if (number == SIGCHLD) continue;  // waitpid tells
        if (number == SIGUSR2) {
            begin_upgrade();
            continue;
        }
        if (number == SIGUSR1) log::reopen();  // its own descriptor of the error log
        if (number == SIGHUP) {
            watch_.on_reload_signal();
        } else if (number != SIGUSR1) {
            stopping_ = true;
            watch_.on_stop_signal();
            for (const pid_t pid : leaving_) ::kill(pid, number);
        }
        for (const pid_t pid : {child_.pid, predecessor_.pid}) {
            if (pid > 0) ::kill(pid, number == SIGINT ? SIGTERM : number);
        }
    }
}

// Of any child of ours.
void Supervisor::on_end(pid_t pid, int status) {
    if (pid == child_.pid) {
        on_child_exit(status);
    } else if (pid == predecessor_.pid) {
        predecessor_ = {};  // the successor starts already
    } else if (pid == rehearsal_) {
        rehearsal_ = -1;
        on_rehearsed(status);
    } else if (std::erase(leaving_, pid) > 0) {
        log::info("the server process from before the upgrade has ended pid={}", pid);
    }
}

void Supervisor::on_child_exit(int status) {
    if (ready_ || last_.pid == 0) last_ = {child_.pid, status, std::move(child_.recent)};
    child_ = {};
    watch_.on_end();
    const bool exited = WIFEXITED(status);
    const int code = exited ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (upgrade_ends_ != 0 && !ready_ && !stopping_ && previous_program_) {
        go_back(fmt::format("the new server process ended before it was ready: {} {}",
                            exited ? "exit code" : "signal", exited ? code : WTERMSIG(status)));
        return;
    }
    if (stopping_ || (!ever_ready_ && exited)) {
        ended_ = true;
        exit_code_ = code;
        return;
    }
    const Millis lived = monotonic_millis() - started_;
    pause_ = ready_ && lived >= kStable ? 0 : std::min(kLongestPause, std::max(kFirstPause, pause_ * 2));
    if (ready_ && lived < kStable && pause_ == kFirstPause)
        pause_ = 0;  // the first death is answered at once
    start_at_ = monotonic_millis() + pause_;
    log::critical("server process died: {} {}; the listening sockets are kept, the next one starts in {} ms",
                  exited ? "exit code" : "signal", exited ? code : WTERMSIG(status), pause_);
    if (pause_ == 0) pause_ = kFirstPause;
}

std::optional<Identity> Supervisor::identity() const {
    if (history_.empty() || !broker_.limit()) return std::nullopt;
    const auto& [user, group, name] = *broker_.limit();
    return Identity{user, group, name};
}

void Supervisor::on_report(net::Report report) {
    if (report.state == net::Report::State::Serving) return keep(std::move(report));
    if (report.state == net::Report::State::Upgrade) begin_upgrade();
    if (report.state == net::Report::State::Confirmed) history_.confirm(report.generation);
    if (report.state == net::Report::State::Ready) {
        ready_ = ever_ready_ = true;
        last_ = {};  // has been spoken of
        broker_.report_unused();
        if (upgrade_ends_ != 0 && previous_program_) on_successor_ready();
    }
    if (report.state == net::Report::State::Stopping) stopping_ = true;  // asked for on its control socket
    watch_.on_report(report);
}

// Not looked into: whoever took over the server process could have made it.
void Supervisor::keep(net::Report report) {
    struct stat status{};
    const bool is_sound = report.snapshot && ::fstat(report.snapshot.get(), &status) == 0;
    history_.add({report.generation, report.loaded, std::move(report.text), report.is_confirmed,
                  std::move(report.snapshot), is_sound ? static_cast<std::size_t>(status.st_size) : 0});
}

int Supervisor::next_timeout() const {
    int timeout = watch_.next_check();
    if (upgrade_ends_ != 0) {
        const auto left = static_cast<int>(std::max<Millis>(upgrade_ends_ - monotonic_millis(), 0));
        timeout = timeout < 0 ? left : std::min(timeout, left);
    }
    return timeout;
}

void Supervisor::wait_for_event(int timeout) {
    using Client = net::SocketBroker::Client;
    if (const int next = next_timeout(); next >= 0 && (timeout < 0 || next < timeout)) timeout = next;
    // A descriptor of -1 is passed over.
    pollfd waits[3] = {{signals_.get(), POLLIN, 0},
                       {child_.socket.get(), POLLIN, 0},
                       {predecessor_.socket.get(), POLLIN, 0}};
    ::poll(waits, std::size(waits), timeout);
    constexpr int kSome = POLLIN | POLLHUP;
    if ((waits[1].revents & kSome) != 0 &&
        !broker_.serve(child_.socket.get(), Client::Current,
                       [this](net::Report report) { on_report(std::move(report)); })) {
        child_.socket.reset();
    }
    if ((waits[2].revents & kSome) != 0 && predecessor_.socket &&
        !broker_.serve(predecessor_.socket.get(), Client::Predecessor, [this](net::Report report) {
            if (report.state == net::Report::State::Alive) watch_.on_report(report);
        })) {
        predecessor_.socket.reset();
    }
    if ((waits[0].revents & POLLIN) != 0) on_signal();
    watch_.check();
    if (upgrade_ends_ != 0 && monotonic_millis() >= upgrade_ends_) on_upgrade_late();
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) on_end(pid, status);
}

int Supervisor::run() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD})
        sigaddset(&set, number);
    // Blocked in the child as well: its main thread reads them, and its workers never see them.
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    while (!ended_ || !leaving_.empty()) {
        if (child_.pid < 0 && !ended_) {
            if (stopping_) {
                ended_ = true;
                continue;
            }
            const Millis left = start_at_ - monotonic_millis();
            if (left > 0 || !start()) {
                wait_for_event(static_cast<int>(std::max<Millis>(left, 10)));
                continue;
            }
        }
        wait_for_event(-1);
    }
    return exit_code_;
}

// ---- upgrade: a rehearsal of the new program, this process becomes it, its server process starts beside the
// one that serves, and that one drains. go_on_from() is where the new program takes over.

std::string Supervisor::why_no_upgrade() const {
    if (stopping_) return "gantry is stopping";
    if (upgrade_ends_ != 0) return "an upgrade is under way already";
    if (child_.pid < 0 || !ready_ || history_.empty()) return "no server process is ready";
    if (!history_.all().back().is_confirmed)
        return "a configuration is on trial: confirm it or roll it back first";
    return {};
}

void Supervisor::begin_upgrade() {
    if (const std::string why = why_no_upgrade(); !why.empty()) {
        // An upgrade that is under way ends with a notice of its own.
        log::error("no upgrade: {}", why);
        if (upgrade_ends_ == 0) tell(child_, net::Notice::Kind::UpgradeFailed, why);
        return;
    }
    log::info("upgrade: trying program={}", program_);
    tell(child_, net::Notice::Kind::UpgradeBegins, {});
    rehearsal_output_ = UniqueFd(::memfd_create("gantry-rehearsal", MFD_CLOEXEC));
    const std::optional<Identity> whose = identity();
    Handover handover = let_go();
    rehearsal_ = start_rehearsal(handover, whose, rehearsal_output_.get());
    const int error = errno;
    take_up(std::move(handover));
    upgrade_ends_ = monotonic_millis() + kUpgradePatience;
    if (rehearsal_ < 0) fail_upgrade(fmt::format("it could not be tried: {}", std::strerror(error)));
}

void Supervisor::on_rehearsed(int status) {
    const std::string said = read_memory(rehearsal_output_.get()).value_or("");
    rehearsal_output_.reset();
    if (stopping_) return;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_upgrade(fmt::format("{} does not do: {} {}{}{}", program_,
                                 WIFEXITED(status) ? "exit code" : "signal",
                                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                                 said.empty() ? "" : "; it said:\n", said));
        return;
    }
    if (child_.pid < 0) return fail_upgrade("the server process died meanwhile");
    Handover handover = let_go();
    const std::string why = become_program(handover, -1);
    take_up(std::move(handover));
    fail_upgrade(why);
}

void Supervisor::on_upgrade_late() {
    const pid_t late = rehearsal_ > 0 ? rehearsal_ : child_.pid;
    if (late <= 0) return go_back("the new server process could not be started");
    upgrade_ends_ = monotonic_millis() + kUpgradePatience;
    ::kill(late, SIGKILL);  // its end is what goes on from here
}

Handover Supervisor::let_go() {
    Handover out;
    Child& serves = predecessor_.pid > 0 ? predecessor_ : child_;
    out.sockets = broker_.release();
    out.history = std::move(history_);
    out.server = serves.pid;
    out.server_socket = std::move(serves.socket);
    out.program = program_;
    out.previous = open_own_program();
    out.version = version();
    return out;
}

void Supervisor::take_up(Handover handover) {
    broker_.adopt(std::move(handover.sockets));
    history_ = std::move(handover.history);
    (predecessor_.pid > 0 ? predecessor_ : child_).socket = std::move(handover.server_socket);
}

void Supervisor::tell(const Child& child, net::Notice::Kind kind, std::string_view text, pid_t pid) {
    net::Notice notice;
    notice.kind = kind;
    notice.pid = pid;
    text.copy(notice.text, sizeof notice.text - 1);
    if (child.socket) net::SocketBroker::notify(child.socket.get(), notice);
}

void Supervisor::fail_upgrade(const std::string& why) {
    upgrade_ends_ = 0;
    previous_program_.reset();
    log::error("upgrade failed, gantry {} goes on: {}", version(), why);
    tell(child_, net::Notice::Kind::UpgradeFailed, why);
}

void Supervisor::go_on_from(Handover handover) {
    program_ = handover.program;
    broker_.adopt(std::move(handover.sockets));
    history_ = std::move(handover.history);
    Child server{handover.server, std::move(handover.server_socket), {}};
    if (handover.failure.empty()) {
        predecessor_ = std::move(server);
        previous_program_ = std::move(handover.previous);
        previous_version_ = handover.version;
        upgrade_ends_ = monotonic_millis() + kUpgradePatience;
        return;
    }
    child_ = std::move(server);
    ready_ = ever_ready_ = true;
    if (child_.pid > 0) watch_.on_start(child_.pid);
    watch_.on_report(
        {.state = net::Report::State::Ready, .text = "serving; an upgrade failed, the log says why"});
    fail_upgrade(handover.failure);
}

void Supervisor::on_successor_ready() {
    upgrade_ends_ = 0;
    previous_program_.reset();
    log::info("upgraded from={} to={} pid={}", previous_version_, version(), child_.pid);
    if (predecessor_.pid < 0) return;
    tell(predecessor_, net::Notice::Kind::Upgraded, version(), child_.pid);
    ::kill(predecessor_.pid, SIGTERM);
    leaving_.push_back(predecessor_.pid);
    predecessor_ = {};
}

// The program that made the handover may be gone from the disk, but not from the descriptor.
void Supervisor::go_back(const std::string& why) {
    log::error("upgrade failed, back to gantry {}: {}", previous_version_, why);
    Handover handover = let_go();
    handover.failure = why;
    const UniqueFd program = std::move(previous_program_);
    const std::string failure = become_program(handover, program.get());
    // Then this program looks after the server process of the other one, for what it is worth.
    log::critical("there is no way back: {}", failure);
    handover.failure = why + "; and there is no way back: " + failure;
    predecessor_ = {};
    go_on_from(std::move(handover));
}

}  // namespace

int supervise(const std::function<int(FromSupervisor)>& serve, std::optional<Handover> handover) {
    Supervisor supervisor(serve);
    if (handover) supervisor.go_on_from(std::move(*handover));
    return supervisor.run();
}

}  // namespace gantry::cli
