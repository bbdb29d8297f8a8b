// What a process that dies of a bug leaves behind: the signal, where it happened, and which build it was.
#pragma once

#include <string>
#include <string_view>

namespace gantry::crash {

// From now on SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL write a report to the file `path` ("": to stderr,
// which is also where it goes when the file cannot be written) before they end the process as ever. Signals
// that somebody else handles already (a sanitizer) are left to him. Again with another path: from then on
// that one. [main]
void arm(const std::string& path, std::string_view version);

// Gives the calling thread a stack of its own for the report, so that there is one when it ran out of its
// stack.
void prepare_thread();

}  // namespace gantry::crash
