#include "core/cli/supervisor.hpp"

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/cli/server_watch.hpp"
#include "core/net/socket_broker.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

constexpr Millis kFirstPause = 50;  // before a server process that died early is started again
constexpr Millis kLongestPause = 5'000;
constexpr Millis kStable = 10'000;  // one that lived this long starts the count anew

class Supervisor {
public:
    explicit Supervisor(const std::function<int(FromSupervisor)>& serve) : serve_(serve) {}
    int run();

private:
    bool start();
    void wait_for_event(int timeout);
    void on_report(const net::Report& report);
    void on_signal();
    void on_child_exit(int status);

    const std::function<int(FromSupervisor)>& serve_;
    ServiceManager manager_;
    ServerWatch watch_{manager_};
    net::SocketBroker broker_{net::PassedSockets::take()};
    UniqueFd signals_;
    UniqueFd child_socket_;
    UniqueFd child_recent_;
    LastProcess last_;
    pid_t child_ = -1;
    bool ready_ = false;       // the current child
    bool ever_ready_ = false;  // any child
    bool stopping_ = false;
    bool ended_ = false;
    int exit_code_ = 0;
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
    child_recent_.reset(::memfd_create("gantry-recent", MFD_CLOEXEC));
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return false;
    if (child == 0) {
        ours.reset();
        signals_.reset();
        broker_.forget();
        // A supervisor that is killed takes the server along: nobody would keep it alive any more.
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        const int code =
            serve_({std::move(theirs), watch_.heartbeat(), std::move(child_recent_), std::move(last_)});
        log::flush();
        std::exit(code);
    }
    child_ = child;
    child_socket_ = std::move(ours);
    ready_ = false;
    started_ = monotonic_millis();
    watch_.on_start(child);
    broker_.expect_new_client();
    return true;
}

void Supervisor::on_signal() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        const int number = static_cast<int>(info.ssi_signo);
        if (number == SIGCHLD) continue;       // waitpid tells
        if (number == SIGUSR1) log::reopen();  // its own descriptor of the error log
        if (number == SIGHUP) {
            watch_.on_reload_signal();
        } else if (number != SIGUSR1) {
            stopping_ = true;
            watch_.on_stop_signal();
        }
        if (child_ > 0) ::kill(child_, number == SIGINT ? SIGTERM : number);
    }
}

void Supervisor::on_child_exit(int status) {
    if (ready_ || last_.pid == 0) last_ = {child_, status, std::move(child_recent_)};
    child_ = -1;
    child_socket_.reset();
    watch_.on_end();
    const bool exited = WIFEXITED(status);
    const int code = exited ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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

void Supervisor::on_report(const net::Report& report) {
    if (report.state == net::Report::State::Ready) {
        ready_ = ever_ready_ = true;
        last_ = {};  // has been spoken of
        broker_.report_unused();
    }
    if (report.state == net::Report::State::Stopping) stopping_ = true;  // asked for on its control socket
    watch_.on_report(report);
}

void Supervisor::wait_for_event(int timeout) {
    if (const int check = watch_.next_check(); check >= 0 && (timeout < 0 || check < timeout))
        timeout = check;
    pollfd waits[2] = {{signals_.get(), POLLIN, 0}, {child_socket_.get(), POLLIN, 0}};
    ::poll(waits, child_socket_ ? 2 : 1, timeout);
    if ((waits[0].revents & POLLIN) != 0) on_signal();
    if (child_socket_ && (waits[1].revents & (POLLIN | POLLHUP)) != 0) {
        const bool open =
            broker_.serve(child_socket_.get(), [this](const net::Report& report) { on_report(report); });
        if (!open) child_socket_.reset();
    }
    watch_.check();
    int status = 0;
    if (child_ > 0 && ::waitpid(child_, &status, WNOHANG) == child_) on_child_exit(status);
}

int Supervisor::run() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD}) sigaddset(&set, number);
    // Blocked in the child as well: its main thread reads them, and its workers never see them.
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    while (!ended_) {
        if (child_ < 0) {
            if (stopping_) break;
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

}  // namespace

int supervise(const std::function<int(FromSupervisor)>& serve) {
    return Supervisor(serve).run();
}

}  // namespace gantry::cli
