// argv into one command: the only place that knows how the command line is written.
#pragma once

namespace gantry::cli {

// Runs the command and returns an ExitCode.
int run_command_line(int argc, char** argv);

}  // namespace gantry::cli
