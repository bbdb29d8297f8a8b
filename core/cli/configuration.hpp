// From a file to a generation: loading, every check of the rooms above conf, and the report for people.
#pragma once

#include "core/cli/privileges.hpp"
#include "core/cli/run.hpp"
#include "core/conf/load.hpp"
#include "core/content/handlers.hpp"
#include "core/server/generation.hpp"

#include <memory>
#include <string>

namespace gantry::cli {

struct Configuration {
    std::shared_ptr<const server::Generation> generation;  // null: something is wrong
    std::string report;                                    // errors and warnings; may be empty
    std::string diagnostics;                               // the same as a JSON array
};

// What a generation is loaded with. `logs`: where access logs are opened. `services`: of the handlers; names
// of peers get a moment to resolve. Both null: nothing is opened or resolved, to see what would come of it.
struct LoadContext {
    server::LogThread* logs = nullptr;
    content::Services* services = nullptr;
    std::uint64_t number = 0;                  // of the generation
    const conf::Snapshot* replayed = nullptr;  // in place of the files
    conf::Snapshot* recorded = nullptr;        // gets what is read
};
Configuration load_configuration(const RunOptions& options, const LoadContext& context);

// Checks `settings` by building all that a generation consists of. What is wrong goes to `diagnostics`.
std::shared_ptr<const server::Generation> build_generation(conf::Settings settings,
                                                           const LoadContext& context,
                                                           conf::Diagnostics& diagnostics);

// Whom a process that root started is to become before it reads anything for good; see identity_for().
// Nothing for anyone else, without a look at the configuration. The error is a text for people.
tl::expected<std::optional<Identity>, std::string> identity_of_configuration(const RunOptions& options);

// Sends the error log where the configuration says; on failure it stays where it is, and says so.
void open_error_log(const conf::Log& settings);

}  // namespace gantry::cli
