// Whose rights the server process has: the user that the configuration names, and becoming that user for
// good.
#pragma once

#include "core/conf/settings.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>

namespace gantry::cli {

struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    std::string name;  // of the account, whose further groups come with it; "" = a number without account
};

// Whom the process is to become; nothing: it stays who it is. Started by root, it becomes `user`, else the
// account "gantry" where there is one, else the error is that nobody is named; it stays root only when `user`
// says so in words. Started by anyone else, it stays, and it is an error to ask for another. The error is a
// sentence with its remedy. `told`: on the command line, in place of `user`; or "".
tl::expected<std::optional<Identity>, std::string> identity_for(const conf::Server& settings,
                                                                const std::string& told);

// Gives up every right of root, with no way back: user, groups, capabilities, and what set-user-ID programs
// would bring. Before the first thread is started. The error is a sentence; then the process has to end.
tl::expected<void, std::string> become(const Identity& identity);

}  // namespace gantry::cli
