// What a supervisor leaves to the program that replaces it: descriptors, and what they are.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/cli/history.hpp"
#include "core/net/socket_broker.hpp"

#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>

namespace gantry::cli {

struct Handover {
    net::BrokerState sockets;
    History history;
    pid_t server = -1;       // the server process that serves; -1: it died
    UniqueFd server_socket;  // to it
    std::string program;     // the path of the program, as it was started
    UniqueFd previous;       // the program that made the handover, which can be gone from its path by now
    std::string version;     // of that program
    std::string failure;  // not "": this program was tried, did not do, and the previous one takes over again
};

// A file in memory. The descriptors in it are numbers: those that are open in the process that reads it,
// which either is a copy of this one or goes on in its place. Empty where the system has none to give.
UniqueFd render(const Handover& handover);

// Takes the descriptors over; from then on nothing that is started inherits them. The error is a sentence.
tl::expected<Handover, std::string> take_handover(int fd);

// Whether every program that is started from here inherits what `handover` names.
void set_inherited(const Handover& handover, bool is_inherited);

}  // namespace gantry::cli
