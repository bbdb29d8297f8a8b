#include "core/cli/configuration.hpp"

#include "core/base/log.hpp"
#include "core/content/handlers.hpp"

namespace gantry::cli {

std::shared_ptr<const server::Generation> build_generation(const conf::Settings& settings, server::LogThread* logs,
                                                           conf::Diagnostics& diagnostics) {
    const server::LogOpener opener = [logs](const std::string& target, std::string& error) {
        std::shared_ptr<server::LogTarget> opened;
        if (logs == nullptr) return opened;
        auto result = logs->open(target);
        result ? opened = std::move(*result) : (error = result.error(), opened);
        return opened;
    };
    server::Problems problems;
    auto generation = server::Generation::build(settings, content::make_handler, opener, problems);
    for (server::Problem& problem : problems) {
        problem.place.column += problem.offset;
        diagnostics.error(problem.place, std::move(problem.message), std::move(problem.hint));
    }
    return generation;
}

Configuration load_configuration(const RunOptions& options, server::LogThread* logs) {
    Configuration configuration;
    conf::LoadOptions load_options;
    load_options.strict = options.strict;
    load_options.verify = [&](const conf::Settings& settings, conf::Diagnostics& diagnostics) {
        configuration.generation = build_generation(settings, logs, diagnostics);
    };
    const conf::Loaded loaded = conf::load(options.config, load_options);
    configuration.report = loaded.diagnostics.render_text();
    if (!loaded.settings) configuration.generation.reset();
    return configuration;
}

void open_error_log(const conf::Log& settings) {
    // The levels of both are the same list.
    const auto level = static_cast<log::Level>(static_cast<int>(settings.level));
    if (const std::string failure = log::open(settings.target, level); !failure.empty()) {
        log::error("error log not opened, it stays where it is: {}", failure);
    }
}

}  // namespace gantry::cli
