#include "core/control/socket_path.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::control {
namespace {

constexpr const char* kSystemFolder = "/run/gantry";
constexpr const char* kSystemConfig = "/etc/gantry/gantry.toml";

std::string canonical(const std::string& path) {
    std::error_code error;
    const std::filesystem::path full = std::filesystem::weakly_canonical(path, error);
    return error ? path : full.string();
}

// FNV-1a: the same in every version of gantry, as the commands of one may look for the server of another.
std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

// "site-1f3a…/control.sock" for …/site.toml: two files of one name do not share a socket.
std::string own_path(const std::string& config) {
    const std::string full = canonical(config);
    return fmt::format("{}-{:016x}/control.sock", std::filesystem::path(full).stem().string().substr(0, 32),
                       stable_hash(full));
}

std::string user_folder() {
    if (::geteuid() == 0) return kSystemFolder;
    if (const char* const runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
        return fmt::format("{}/gantry", runtime);
    }
    return fmt::format("/tmp/gantry-{}", ::geteuid());
}

// A folder that others could put a socket into would let them take our commands.
bool is_safe(const std::string& folder, uid_t user) {
    struct stat found{};
    return ::lstat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
           (found.st_uid == user || found.st_uid == 0) && (found.st_mode & S_IWOTH) == 0;
}

}  // namespace

std::string default_socket_path(const std::string& config) {
    if (canonical(config) == kSystemConfig) return fmt::format("{}/control.sock", kSystemFolder);
    return fmt::format("{}/{}", user_folder(), own_path(config));
}

void make_socket_folder(const std::string& path, uid_t user, gid_t group) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    const mode_t mode = ::geteuid() == 0 ? 0755 : 0700;
    const bool is_system = folder == kSystemFolder;  // with systemd it is there, and the user's
    if (!is_system) {
        ::mkdir(folder.parent_path().c_str(), mode);
        if (::geteuid() != 0 && !is_safe(folder.parent_path(), user)) return;
    }
    const bool is_made = ::mkdir(folder.c_str(), mode) == 0;
    if (::geteuid() != 0 || user == 0 || (!is_made && is_system)) return;
    // Left over from another user: nobody can have put a link there but those who own the folder above.
    [[maybe_unused]] const int done = ::lchown(folder.c_str(), user, group);
}

void remove_socket_folder(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder != kSystemFolder) ::rmdir(folder.c_str());
}

std::vector<std::string> default_socket_candidates(const std::string& config) {
    std::vector<std::string> out{default_socket_path(config)};
    const std::string system = fmt::format("{}/{}", kSystemFolder, own_path(config));
    if (canonical(config) != kSystemConfig && out.front() != system) out.push_back(system);
    return out;
}

}  // namespace gantry::control
