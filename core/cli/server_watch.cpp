#include "core/cli/server_watch.hpp"

#include "core/base/log.hpp"

#include <algorithm>
#include <csignal>
#include <limits>

namespace gantry::cli {
namespace {

constexpr Millis kAbortTime = 2'000;    // from SIGABRT, which may write a core, to SIGKILL
constexpr Millis kExtendEvery = 5'000;  // and each time by three times as much
constexpr Millis kDrainMargin = 5'000;  // what ending takes besides draining

}  // namespace

void ServerWatch::on_start(pid_t server) {
    server_ = server;
    ready_ = false;
    heard_ = monotonic_millis();
    kill_at_ = 0;
}

void ServerWatch::on_report(const net::Report& report) {
    heard_ = monotonic_millis();
    switch (report.state) {
        case net::Report::State::Ready:
            ready_ = true;
            // Under way to the end, "ready" would be taken for a service that stays.
            if (!stopping_) manager_.ready(report.text);
            manager_.alive();
            break;
        case net::Report::State::Reloading:
            manager_.reloading();
            break;
        case net::Report::State::Alive:
            manager_.alive();
            break;
        case net::Report::State::Serving:
        case net::Report::State::Confirmed:
        case net::Report::State::Upgrade:
            break;  // the supervisor's
        case net::Report::State::Stopping:
            manager_.status(report.text);
            if (!stopping_) break;
            extend_at_ = heard_;
            drained_by_ = report.limit < 0 ? -1 : heard_ + report.limit + kDrainMargin;
            check_drain(heard_);
            break;
    }
}

void ServerWatch::on_end() {
    server_ = -1;
    ready_ = false;
    extend_at_ = 0;
    if (!stopping_) manager_.status("the server process died; the next one starts");
}

// Told at once, and ready() follows from whichever server process lives next: then nobody who waits for the
// reload waits for ever.
void ServerWatch::on_reload_signal() {
    if (!stopping_) manager_.reloading();
}

void ServerWatch::on_stop_signal() {
    if (stopping_) return;
    stopping_ = true;
    manager_.stopping();
}

int ServerWatch::next_check() const {
    Millis next = std::numeric_limits<int>::max();
    const Millis never = next;
    const Millis now = monotonic_millis();
    if (server_ > 0 && manager_.watchdog() > 0 && ready_ && !stopping_) {
        next = (kill_at_ != 0 ? kill_at_ : heard_ + manager_.watchdog() / 2) - now;
    }
    if (extend_at_ != 0) next = std::min(next, extend_at_ - now);
    return next == never ? -1 : static_cast<int>(std::max<Millis>(next, 0));
}

void ServerWatch::check() {
    const Millis now = monotonic_millis();
    if (server_ > 0 && manager_.watchdog() > 0 && ready_ && !stopping_) check_answer(now);
    if (extend_at_ != 0 && now >= extend_at_) check_drain(now);
}

void ServerWatch::check_answer(Millis now) {
    if (kill_at_ != 0) {
        if (now < kill_at_) return;
        ::kill(server_, SIGKILL);
        kill_at_ = now + kAbortTime;
        return;
    }
    if (now - heard_ < manager_.watchdog() / 2) return;
    log::critical("server process does not answer: its workers have not turned for {} ms pid={}; it is ended",
                  now - heard_, server_);
    ::kill(server_, SIGABRT);
    kill_at_ = now + std::min(kAbortTime, manager_.watchdog() / 8);
}

void ServerWatch::check_drain(Millis now) {
    if (drained_by_ >= 0 && now >= drained_by_) {
        extend_at_ = 0;
        return;
    }
    manager_.extend(kExtendEvery * 3);
    extend_at_ = now + kExtendEvery;
}

}  // namespace gantry::cli
