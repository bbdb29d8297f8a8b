#include "core/cli/configuration.hpp"

#include "core/base/log.hpp"
#include "core/cli/disabled.hpp"
#include "core/cli/verify.hpp"
#include "core/conf/containment.hpp"
#include "core/server/run_tests.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace gantry::cli {

namespace {
constexpr std::chrono::seconds kNamesWait{2};

// What is wrong with some hosts alone.
void tell_contained(const server::Generation& generation, server::Problems& problems,
                    conf::Diagnostics& diagnostics) {
    for (server::Problem& problem : problems) {
        if (!problem.hosts) continue;
        diagnostics.contained_error(problem.place, problem.offset, problem.message, problem.hint,
                                    conf::names_of(generation.settings(), *problem.hosts));
    }
    for (const server::HostEntry& host : generation.hosts()) {
        if (host.awaited == nullptr) continue;
        for (const conf::Fault& fault : host.faults)
            diagnostics.contained_error(fault.place, 0, fault.message, fault.hint, {host.settings->name});
    }
}

}  // namespace

module::Modules& offline_modules() {
    static module::Services nothing;
    static module::Modules modules(nothing);
    return modules;
}

std::shared_ptr<const server::Generation> build_generation(conf::Settings settings,
                                                           const LoadContext& context,
                                                           conf::Diagnostics& diagnostics) {
    const server::LogOpener opener = [&](const std::string& target, std::string& error) {
        std::shared_ptr<server::LogTarget> opened;
        if (context.logs == nullptr) return opened;
        auto result = context.logs->open(target);
        result ? opened = std::move(*result) : (error = result.error(), opened);
        return opened;
    };
    server::Problems problems;
    std::shared_ptr<module::Instances> instances;
    if (context.modules != nullptr) {
        instances =
            module::Instances::prepare(*context.modules, settings, context.instances, problems, diagnostics);
    }
    const server::HandlerFactory handlers = [&](const server::HandlerScope& scope) {
        auto handler = content::make_handler(scope, context.services);
        if (instances) instances->configure(scope);
        return handler;
    };
    server::Additions additions;
    if (instances) {
        additions.to_host = [&](const server::HostScope& scope) { instances->configure_host(scope); };
        additions.to_listener = [&](const server::ListenerScope& scope) {
            instances->configure_listener(scope);
        };
        additions.certificates = [&](const server::HostScope& scope) {
            return instances->certificates(scope);
        };
        additions.to_upstream = [&](const server::UpstreamScope& scope) {
            instances->configure_upstream(scope);
        };
    }
    server::CertificateSource certificates;
    if (context.certificates != nullptr) {
        certificates = [&](const conf::Host& host) {
            return context.certificates->acquire(host.certificates, server::certified_names(host));
        };
    }
    const server::Contain contain = [&](const conf::Settings& known, const server::Problem& problem) {
        const conf::Containment* const containment = diagnostics.containment();
        return containment != nullptr ? containment->hosts_of(known, problem.place, problem.cause)
                                      : std::nullopt;
    };
    const bool is_sound = diagnostics.errors() == 0;
    auto generation =
        server::Generation::build(std::move(settings), handlers, opener, problems, context.number,
                                  certificates, contain, module::keep(instances, context.main), additions);
    const std::size_t built = problems.size();
    if (generation && is_sound) server::run_tests(generation, problems);
    if (generation) tell_contained(*generation, problems, diagnostics);
    if (problems.size() != built) generation.reset();
    for (server::Problem& problem : problems) {
        if (problem.hosts) continue;
        diagnostics.error_within(problem.place, problem.offset, std::move(problem.message),
                                 std::move(problem.hint));
    }
    return generation;
}

Configuration load_configuration(const RunOptions& options, const LoadContext& context) {
    Configuration configuration;
    conf::LoadOptions load_options;
    load_options.strict = options.strict || context.strictness == Strictness::Strict;
    load_options.replayed = context.replayed;
    load_options.recorded = context.recorded;
    load_options.contain = true;
    load_options.before = context.before;
    load_options.overlay = options.overlay;
    load_options.modules = context.modules;
    load_options.verify = [&](conf::Settings& settings, conf::Diagnostics& diagnostics) {
        configuration.generation = build_generation(std::move(settings), context, diagnostics);
        if (context.services == nullptr) return;
        // The first requests should find addresses; a name server that does not answer holds nothing up for
        // longer.
        context.services->resolver.wait(kNamesWait);
        if (configuration.generation)
            tell_unresolved(*configuration.generation, context.services->resolver, diagnostics);
    };
    const conf::Loaded loaded = conf::load(options.config, load_options);
    configuration.report = loaded.diagnostics.render_text();
    configuration.diagnostics = loaded.diagnostics.render_json();
    if (!loaded.settings) configuration.generation.reset();
    return configuration;
}

tl::expected<std::optional<Identity>, std::string> identity_of_configuration(const RunOptions& options) {
    if (::geteuid() != 0) return std::nullopt;
    conf::LoadOptions load_options;
    load_options.contain = true;
    load_options.overlay = options.overlay;
    const conf::Loaded loaded = conf::load(options.config, load_options);
    if (loaded.settings) return identity_for(loaded.settings->server, options.user);
    load_options.verify = verify;  // all that is wrong, at once
    if (options.json)
        std::fputs(conf::load(options.config, load_options).diagnostics.render_json().c_str(), stdout);
    return tl::unexpected("configuration not loaded:\n" +
                          conf::load(options.config, load_options).diagnostics.render_text());
}

void open_error_log(const conf::Log& settings, const RunOptions& options) {
    // The levels of both are the same list.
    auto level = static_cast<log::Level>(static_cast<int>(settings.level));
    if (options.quiet) level = std::max(level, log::Level::Warn);
    if (const std::string failure = log::open(settings.target, level); !failure.empty()) {
        log::error("error log not opened, it stays where it is: {}", failure);
    }
}

}  // namespace gantry::cli
