// From a file to a generation: loading, every check of the rooms above conf, and the report for people.
#pragma once

#include "core/cli/privileges.hpp"
#include "core/cli/run.hpp"
#include "core/conf/load.hpp"
#include "core/content/handlers.hpp"
#include "core/module/instances.hpp"
#include "core/server/generation.hpp"

#include <memory>
#include <string>

namespace gantry::cli {

struct Configuration {
    std::shared_ptr<const server::Generation> generation;  // null: something is wrong
    std::string report;                                    // errors and warnings; may be empty
    std::string diagnostics;                               // the same as a JSON array
};

enum class Strictness : std::uint8_t {
    Lenient,  // what is wrong with some hosts alone disables these
    Strict,   // it is fatal, as are warnings
};

// What a generation is loaded with. The first three outlive it; null where nothing is to be served: then no
// log is opened, no name resolved (else they get a moment for it), no certificate looked at.
struct LoadContext {
    server::LogThread* logs = nullptr;
    content::Services* services = nullptr;
    net::CertificateStore* certificates = nullptr;
    module::Modules* modules = nullptr;        // null: a configuration that names any is refused
    module::Instances* instances = nullptr;    // that serve so far
    TaskQueue* main = nullptr;                 // of this thread, where instances are retired
    std::uint64_t number = 0;                  // of the generation
    const conf::Snapshot* replayed = nullptr;  // in place of the files
    conf::Snapshot* recorded = nullptr;        // gets what is read
    Strictness strictness = Strictness::Lenient;
    const conf::Settings* before = nullptr;  // what is served so far
};
Configuration load_configuration(const RunOptions& options, const LoadContext& context);

// The modules of a command that serves nothing. [main]
module::Modules& offline_modules();

// Checks `settings` by building all that a generation consists of. What is wrong goes to `diagnostics`; where
// that is not of some hosts alone, there is no generation.
std::shared_ptr<const server::Generation> build_generation(conf::Settings settings,
                                                           const LoadContext& context,
                                                           conf::Diagnostics& diagnostics);

// Whom a process that root started is to become before it reads anything for good; see identity_for().
// Nothing for anyone else, without a look at the configuration. The error is a text for people.
tl::expected<std::optional<Identity>, std::string> identity_of_configuration(const RunOptions& options);

// Sends the error log where the configuration says; on failure it stays where it is, and says so.
void open_error_log(const conf::Log& settings, const RunOptions& options);

}  // namespace gantry::cli
