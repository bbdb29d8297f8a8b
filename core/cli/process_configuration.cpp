// What a server process does with configurations: reload, rollback, trial, plan.
#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/time_buckets.hpp"
#include "core/cli/process.hpp"
#include "core/cli/process_events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry::cli {
namespace {

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

// Applied, refused; and whether the last one was applied.
const metrics::Series& reload_counts() {
    static const metrics::Series series = [] {
        metrics::Group group;
        auto reloads =
            metrics::counter_family("gantry_reloads", "Reloads and rollbacks, by what became of them.");
        reloads.dimensions = {{"result", {"applied", "refused"}}};
        auto last =
            metrics::gauge_family("gantry_last_reload_applied", "1, or 0 after a reload that was refused.");
        group.families = {std::move(reloads), std::move(last)};
        auto& registry = metrics::Registry::process();
        auto made = registry.series(registry.declare(std::move(group)).value(), {});
        registry.set(made.cell() + 2, 1);
        return made;
    }();
    return series;
}

void count_reload(bool is_applied) {
    auto& registry = metrics::Registry::process();
    registry.add(reload_counts().cell() + (is_applied ? 0 : 1), 1);
    registry.set(reload_counts().cell() + 2, is_applied ? 1 : 0);
}

// "host a.test changed", "host a.test changed and 3 more": what the history shows of it.
std::string summary_of(const std::vector<server::Change>& changes) {
    if (changes.empty()) return "nothing changed";
    constexpr std::string_view kWhats[] = {"added", "removed", "changed"};
    const server::Change& first = changes.front();
    std::string out =
        fmt::format("{} {}", server::subject_of(first), kWhats[static_cast<std::size_t>(first.what)]);
    if (changes.size() > 1) out += fmt::format(" and {} more", changes.size() - 1);
    return out;
}

}  // namespace

// ---- loading

// A kept one, or the files.
Process::Candidate Process::load(const Served* kept, std::uint64_t number, Strictness strictness) {
    Candidate out;
    conf::Snapshot& seen = out.snapshot;
    LoadContext context;
    context.logs = &logs_;
    context.services = &services_;
    context.certificates = &certificates_;
    context.modules = &modules_;
    context.main = &tasks_;
    context.number = number;
    context.strictness = strictness;
    if (server_) {
        context.before = &server_->generation()->settings();
        context.instances = module::instances_of(server_->generation()->kept());
    }
    if (kept != nullptr) {
        auto replayed = read_snapshot(kept->snapshot.get());
        if (!replayed) {
            out.configuration.report = fmt::format("generation {} was not kept\n", kept->generation);
            return out;
        }
        seen = std::move(*replayed);
        context.replayed = &seen;
    } else {
        context.recorded = &seen;
    }
    // What modules offer while they are loaded is shown when it is clear that they are.
    module_services_.offers.hold();
    out.configuration = load_configuration(options_, context);
    if (!out.configuration.generation) module_services_.offers.drop_held();
    return out;
}

// What the server process before this one served, for its files may be half edited by now; unless that was on
// trial: then what served before. The files, where this is the first server process or nothing else is left.
Process::Candidate Process::load_first() {
    reload_counts();  // shown from the beginning
    const Served* const kept = history_.trusted();
    if (kept == nullptr) return load(nullptr, history_.next_generation());
    const bool is_newest = kept->generation == history_.all().back().generation;
    if (!is_newest) {
        log::warn("generation {} was on trial when the server process died: back to generation {}",
                  history_.all().back().generation, kept->generation);
    }
    Candidate out = load(kept, is_newest ? kept->generation : history_.next_generation());
    if (out.configuration.generation) return out;
    log::critical("generation {}, which served, cannot be loaded any more; the files are loaded instead:\n{}",
                  kept->generation, out.configuration.report);
    return load(nullptr, history_.next_generation());
}

void Process::keep(const conf::Snapshot& snapshot, std::string cause, bool is_confirmed) {
    const std::string rendered = conf::render(snapshot);
    net::Report report;
    report.state = net::Report::State::Serving;
    report.generation = server_->generation()->number();
    report.loaded = wall_seconds();
    report.is_confirmed = is_confirmed;
    report.text = cause;
    report.snapshot = keep_in_memory(rendered);
    sockets_.report(report);
    history_.add({report.generation, report.loaded, std::move(cause), is_confirmed,
                  std::move(report.snapshot), rendered.size()});
}

// Once per load.
void Process::tell_report(const Configuration& loaded) {
    const auto disabled = disabled_hosts(*loaded.generation, services_.resolver);
    if (!disabled.empty()) {
        log::error("configuration has faults:\n{}", loaded.report);
        log::error("hosts disabled: {} count={}", names_text(disabled), disabled.size());
    } else if (!loaded.report.empty()) {
        log::warn("configuration has warnings:\n{}", loaded.report);
    }
}

Verdict Process::load_and_apply(const Wanted& wanted) {
    Candidate candidate = load(wanted.kept, history_.next_generation(), wanted.strictness);
    Configuration& next = candidate.configuration;
    Verdict verdict;
    verdict.report = next.report;
    verdict.diagnostics = std::move(next.diagnostics);
    verdict.generation = server_->generation()->number();
    verdict.remedy = "mend what the report names and try again; what served before goes on";
    if (!next.generation) {
        verdict.error = "the configuration has errors";
        log::error("configuration not loaded, the old one goes on:\n{}", verdict.report);
        return verdict;
    }
    tell_report(next);
    const auto before = server_->generation();
    warn_of_restart(before->settings().server, next.generation->settings().server);
    module_services_.offers.show_held();
    for (const std::string& error : server_->apply(next.generation)) {
        log::error("configuration not applied, the old one goes on: {}", error);
        verdict.error.append(verdict.error.empty() ? "" : "; ").append(error);
    }
    if (!verdict.error.empty()) return verdict;
    const conf::Settings& settings = next.generation->settings();
    verdict.changes = server::changes(before->settings(), settings);
    open_store(settings.store);
    module::set_call_limit(settings.server.hook_limit.count());
    commit_modules();
    open_log(settings.log);
    open_control(settings.server.control);
    verdict.is_applied = true;
    verdict.generation = next.generation->number();
    keep(candidate.snapshot, fmt::format("{}: {}", wanted.cause, summary_of(verdict.changes)),
         wanted.trial == 0);
    trial_ends_ = wanted.trial == 0 ? 0 : monotonic_millis() + wanted.trial;
    log::info("reloaded generation={} hosts={} cause={}", verdict.generation, next.generation->host_count(),
              wanted.cause);
    return verdict;
}

// ---- what is asked for

Verdict Process::untimely(std::string error, std::string remedy) const {
    Verdict verdict;
    verdict.is_untimely = true;
    verdict.generation = server_->generation()->number();
    verdict.error = std::move(error);
    verdict.remedy = std::move(remedy);
    log::error("configuration not loaded, the old one goes on: {}; {}", verdict.error, verdict.remedy);
    return verdict;
}

std::optional<Verdict> Process::why_not_now() const {
    if (is_stopping()) return untimely("gantry is stopping", "start it again");
    if (is_upgrading_) return untimely("an upgrade is under way", "try again when it is done");
    return std::nullopt;
}

Verdict Process::change(const Wanted& wanted) {
    sockets_.report({.state = net::Report::State::Reloading});
    Verdict verdict = load_and_apply(wanted);
    const char* const failed = verdict.is_applied ? "" : "; the last reload failed, the log says why";
    sockets_.report({.state = net::Report::State::Ready, .text = summary() + failed});
    auto& events = module_services_.events;
    verdict.is_applied ? tell_reloaded(events, verdict.generation, verdict.changes)
                       : tell_reload_refused(events, verdict.error);
    verdict.is_applied ? ++reloads_ : ++failed_reloads_;
    count_reload(verdict.is_applied);
    last_failure_ = verdict.error;
    return verdict;
}

Verdict Process::reload(Millis trial, Strictness strictness) {
    if (auto verdict = why_not_now()) return *std::move(verdict);
    if (trial_ends_ != 0 && trial == 0) {
        // The service manager was told of a reload, and waits to hear of its end.
        sockets_.report({.state = net::Report::State::Ready, .text = summary()});
        return untimely(fmt::format("generation {} is on trial", server_->generation()->number()),
                        "\"gantry confirm\" keeps it, \"gantry rollback\" ends it");
    }
    return change({nullptr, trial == 0 ? "reload" : "reload on trial", trial, strictness});
}

Verdict Process::rollback(std::uint64_t generation) {
    if (auto verdict = why_not_now()) return *std::move(verdict);
    const Served* const kept = history_.find(generation);
    if (kept == nullptr) {
        return untimely(fmt::format("there is no generation {}", generation),
                        "\"gantry history\" lists those that are kept");
    }
    return change({kept, fmt::format("rollback to {}", generation)});
}

bool Process::confirm() {
    if (trial_ends_ == 0) return false;
    trial_ends_ = 0;
    const std::uint64_t generation = server_->generation()->number();
    history_.confirm(generation);
    sockets_.report({.state = net::Report::State::Confirmed, .generation = generation});
    log::info("confirmed generation={}", generation);
    return true;
}

std::int64_t Process::loaded() const {
    const Served* const serves = history_.find(server_->generation()->number());
    return serves == nullptr ? started_ : serves->loaded;
}

std::int64_t Process::uptime() const {
    return (monotonic_millis() - up_since_) / 1000;
}

Millis Process::trial_left() const {
    return trial_ends_ == 0 ? 0 : std::max<Millis>(trial_ends_ - monotonic_millis(), 0);
}

void Process::end_trial() {
    trial_ends_ = 0;
    const Served* const back = history_.trusted();
    if (back == nullptr) return;
    log::warn("generation {} was not confirmed in time: back to generation {}",
              server_->generation()->number(), back->generation);
    change({back, fmt::format("rollback to {}, as {} was not confirmed", back->generation,
                              server_->generation()->number())});
}

Verdict Process::plan() {
    LoadContext context;
    context.modules = &modules_;
    context.main = &tasks_;
    context.number = history_.next_generation();
    context.before = &server_->generation()->settings();
    module_services_.offers.hold();
    Configuration next = load_configuration(options_, context);
    module_services_.offers.drop_held();
    Verdict verdict;
    verdict.generation = server_->generation()->number();
    verdict.report = std::move(next.report);
    verdict.diagnostics = std::move(next.diagnostics);
    if (!next.generation) {
        verdict.error = "the configuration has errors: a reload would be refused";
        verdict.remedy = "mend what the report names";
        return verdict;
    }
    verdict.changes = server::changes(server_->generation()->settings(), next.generation->settings());
    return verdict;
}

}  // namespace gantry::cli
