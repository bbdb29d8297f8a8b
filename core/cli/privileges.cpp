#include "core/cli/privileges.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <grp.h>
#include <limits>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::cli {
namespace {

constexpr const char* kDefaultUser = "gantry";

// The greatest id means "no change" to the kernel.
template <class Id>
std::optional<Id> number(const std::string& text) {
    const auto id = parse_decimal(text);
    if (!id || *id >= std::numeric_limits<Id>::max()) return std::nullopt;
    return static_cast<Id>(*id);
}

// Of a name or a number. Loading has checked that a name exists, but accounts come and go.
tl::expected<Identity, std::string> find_user(const std::string& name) {
    const passwd* account = ::getpwnam(name.c_str());
    const auto id = number<uid_t>(name);
    if (account == nullptr && id) account = ::getpwuid(*id);
    if (account != nullptr) return Identity{account->pw_uid, account->pw_gid, account->pw_name};
    if (!id) return tl::unexpected(fmt::format("[server] user: there is no user \"{}\"", name));
    // A number alone, as in a container: its group is the same unless the configuration names one.
    return Identity{*id, *id, {}};
}

tl::expected<gid_t, std::string> find_group(const std::string& name) {
    if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
    if (const auto id = number<gid_t>(name)) return *id;
    return tl::unexpected(fmt::format("[server] group: there is no group \"{}\"", name));
}

bool is_own_group(gid_t wanted) {
    if (::getegid() == wanted) return true;
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    return count > 0 && std::find(groups.begin(), groups.begin() + count, wanted) != groups.begin() + count;
}

std::string only_root(const char* key, const std::string& value) {
    return fmt::format(
        "[server] {} = \"{}\": only root can become another {}, and gantry was started by uid "
        "{}; start it as root, or take \"{}\" out and start it as whom it is to run (User= and "
        "Group= of the service)",
        key, value, key, ::geteuid(), key);
}

// For a process that is not root: what of this it cannot be, or "".
std::string why_not_as_we_are(const std::string& user, const std::string& group) {
    if (!user.empty()) {
        const auto wanted = find_user(user);
        if (!wanted) return wanted.error();
        if (wanted->user != ::geteuid()) return only_root("user", user);
    }
    if (!group.empty()) {
        const auto wanted = find_group(group);
        if (!wanted) return wanted.error();
        if (!is_own_group(*wanted)) return only_root("group", group);
    }
    return {};
}

tl::expected<Identity, std::string> of_root(const std::string& user) {
    if (!user.empty()) return find_user(user);
    if (::getpwnam(kDefaultUser) != nullptr) return find_user(kDefaultUser);
    return tl::unexpected(std::string(
        "the workers do not run as root unless told: write user = \"NAME\" into [server], an account "
        "of their own (useradd --system gantry), or user = \"root\" if that is meant"));
}

tl::unexpected<std::string> failed(const char* step) {
    return tl::unexpected(fmt::format("{} while {}", std::strerror(errno), step));
}

}  // namespace

tl::expected<std::optional<Identity>, std::string> identity_for(const conf::Server& settings,
                                                                const std::string& told) {
    const std::string& user = told.empty() ? settings.user : told;
    if (::geteuid() != 0) {
        if (std::string why = why_not_as_we_are(user, settings.group); !why.empty()) {
            return tl::unexpected(std::move(why));
        }
        return std::nullopt;
    }
    tl::expected<Identity, std::string> identity = of_root(user);
    if (!identity) return tl::unexpected(std::move(identity.error()));
    if (!settings.group.empty()) {
        const auto group = find_group(settings.group);
        if (!group) return tl::unexpected(group.error());
        identity->group = *group;
    } else if (identity->user == 0) {
        return std::nullopt;
    }
    return std::optional<Identity>(std::in_place, std::move(*identity));
}

tl::expected<void, std::string> become(const Identity& identity) {
    const auto [name, user, group] = std::tie(identity.name, identity.user, identity.group);
    // A change of credentials takes this away (prctl(2)).
    int parent_signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &parent_signal);
    const pid_t parent = ::getppid();

    const int groups = name.empty() ? ::setgroups(1, &group) : ::initgroups(name.c_str(), group);
    if (groups != 0) return failed("setting the groups of the workers");
    if (::setresgid(group, group, group) != 0) return failed("setting the group of the workers");
    if (::setresuid(user, user, user) != 0) return failed("setting the user of the workers");

    if (user != 0) {
        // The kernel has taken the capabilities along with the user id, but for the inheritable ones.
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
        if (::syscall(SYS_capset, &header, none) != 0) return failed("giving up capabilities");
        if (::setuid(0) == 0 || ::seteuid(0) == 0) {
            return tl::unexpected(std::string("the user can become root again while giving up its rights"));
        }
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("forbidding new privileges");

    if (parent_signal != 0) {
        ::prctl(PR_SET_PDEATHSIG, parent_signal);
        if (::getppid() != parent) ::raise(parent_signal);
    }
    return {};
}

}  // namespace gantry::cli
