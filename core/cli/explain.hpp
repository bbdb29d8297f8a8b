// `gantry explain`: says, without a running server, what would answer a request and which lines decided it.
#pragma once

#include <string>
#include <vector>

namespace gantry::cli {

struct ExplainOptions {
    std::string config = "/etc/gantry/gantry.toml";
    std::string method = "GET";
    std::string url;                   // or what follows the method as a client sends it
    std::vector<std::string> headers;  // "Name: value"
    std::string client = "127.0.0.1";
    std::string listener;  // "": by scheme and port of the URL
    bool batch = false;    // requests as lines of JSON on stdin instead, explanations as such on stdout
    bool json = false;
    bool quiet = false;  // nothing but the exit code and errors
};

// Explanations go to stdout. Returns an ExitCode: 0 when there is one, whatever the answer would be.
int explain_command(const ExplainOptions& options);

}  // namespace gantry::cli
