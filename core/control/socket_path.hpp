// Where the control socket of a configuration is, for the server that opens it and the commands that look for
// it.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace gantry::control {

// The socket's path where the configuration names none: /run/gantry/control.sock for
// /etc/gantry/gantry.toml; for other files one in a folder of its own in /run/gantry (root), in
// $XDG_RUNTIME_DIR/gantry or in /tmp/gantry-UID.
std::string default_socket_path(const std::string& config);

// Makes the folder of such a path, and gives it to this user, who is to make the socket; on failure opening
// the socket will say why. [main]
void make_socket_folder(const std::string& path, uid_t user, gid_t group);
// Removes it, if it is one of its own and empty. [main]
void remove_socket_folder(const std::string& path);

// Where a gantry that serves `config` may have put its socket: one run by this user, or one run by root.
std::vector<std::string> default_socket_candidates(const std::string& config);

}  // namespace gantry::control
