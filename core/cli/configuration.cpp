#include "core/cli/configuration.hpp"

#include "core/base/log.hpp"
#include "core/cli/verify.hpp"
#include "core/server/run_tests.hpp"

#include <chrono>
#include <unistd.h>
#include <utility>

namespace gantry::cli {

namespace {
constexpr std::chrono::seconds kNamesWait{2};
}

std::shared_ptr<const server::Generation> build_generation(conf::Settings settings,
                                                           const LoadContext& context,
                                                           conf::Diagnostics& diagnostics) {
    const server::LogOpener opener = [logs = context.logs](const std::string& target, std::string& error) {
        std::shared_ptr<server::LogTarget> opened;
        if (logs == nullptr) return opened;
        auto result = logs->open(target);
        result ? opened = std::move(*result) : (error = result.error(), opened);
        return opened;
    };
    const server::HandlerFactory handlers = [services = context.services](const server::HandlerScope& scope) {
        return content::make_handler(scope, services);
    };
    server::Problems problems;
    const bool is_sound = diagnostics.errors() == 0;
    auto generation =
        server::Generation::build(std::move(settings), handlers, opener, problems, context.number);
    if (generation && is_sound) server::run_tests(generation, problems);
    if (!problems.empty()) generation.reset();
    for (server::Problem& problem : problems) {
        diagnostics.error_within(problem.place, problem.offset, std::move(problem.message),
                                 std::move(problem.hint));
    }
    return generation;
}

Configuration load_configuration(const RunOptions& options, const LoadContext& context) {
    Configuration configuration;
    conf::LoadOptions load_options;
    load_options.strict = options.strict;
    load_options.replayed = context.replayed;
    load_options.recorded = context.recorded;
    // A broken certificate disables its own host; the others serve.
    if (!options.strict) load_options.broken_certificate = conf::Severity::Warning;
    load_options.verify = [&](conf::Settings& settings, conf::Diagnostics& diagnostics) {
        configuration.generation = build_generation(std::move(settings), context, diagnostics);
    };
    const conf::Loaded loaded = conf::load(options.config, load_options);
    configuration.report = loaded.diagnostics.render_text();
    configuration.diagnostics = loaded.diagnostics.render_json();
    if (!loaded.settings) configuration.generation.reset();
    // The first requests should find addresses; a name server that does not answer holds nothing up for
    // longer.
    if (context.services != nullptr) context.services->resolver.wait(kNamesWait);
    return configuration;
}

tl::expected<std::optional<Identity>, std::string> identity_of_configuration(const RunOptions& options) {
    if (::geteuid() != 0) return std::nullopt;
    conf::LoadOptions load_options;
    load_options.broken_certificate = conf::Severity::Warning;
    const conf::Loaded loaded = conf::load(options.config, load_options);
    if (loaded.settings) return identity_for(loaded.settings->server, options.user);
    load_options.verify = verify;  // all that is wrong, at once
    return tl::unexpected("configuration not loaded:\n" +
                          conf::load(options.config, load_options).diagnostics.render_text());
}

void open_error_log(const conf::Log& settings) {
    // The levels of both are the same list.
    const auto level = static_cast<log::Level>(static_cast<int>(settings.level));
    if (const std::string failure = log::open(settings.target, level); !failure.empty()) {
        log::error("error log not opened, it stays where it is: {}", failure);
    }
}

}  // namespace gantry::cli
