// Files and folders that settings name: are they there, may we read them, may too many others?
#include "core/conf/loading.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::conf {

bool check_file(Loading& in, const std::string& path, Place place, std::string_view what, FileUse use) {
    const auto wrong = [&](std::string message, std::string hint) {
        if (use != FileUse::Public && in.options().broken_certificate == Severity::Warning) {
            in.warning(place, std::move(message), std::move(hint));
        } else {
            in.error(place, std::move(message), std::move(hint));
        }
        return false;
    };
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return wrong(fmt::format("{}: {} cannot be read: {}", what, path, std::strerror(errno)),
                     "a relative path starts from the folder of this configuration file");
    }
    if (!S_ISREG(status.st_mode)) {
        return wrong(fmt::format("{}: {} is not a file", what, path), "name a file");
    }
    if (::access(path.c_str(), R_OK) != 0) {
        return wrong(fmt::format("{}: {} cannot be read: {}", what, path, std::strerror(errno)),
                     "give the user that runs gantry the right to read it");
    }
    if (use == FileUse::Secret && (status.st_mode & S_IROTH) != 0) {
        return wrong(fmt::format("{}: every user of this machine can read {}", what, path),
                     fmt::format("make it private: chmod o-rwx {}", path));
    }
    return true;
}

bool check_folder(Loading& in, const std::string& path, Place place, std::string_view what) {
    // One system call where all is well: there may be ten thousand of them.
    if (::access((path + "/.").c_str(), X_OK) == 0) return true;
    const int error = errno;
    in.error(place, fmt::format("{}: {} cannot be opened: {}", what, path, std::strerror(error)),
             error == ENOENT    ? fmt::format("make it: mkdir -p {}", path)
             : error == ENOTDIR ? std::string("name the folder that holds the files")
                                : std::string("give the user that runs gantry the right to enter it"));
    return false;
}

bool check_log_target(Loading& in, const std::string& path, Place place) {
    struct stat status{};
    const auto unwritable = [&] {
        in.error(place, fmt::format("the log: {} cannot be written: {}", path, std::strerror(errno)),
                 "give the user that runs gantry the right to write it");
        return false;
    };
    if (::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            in.error(place, fmt::format("the log: {} is a folder", path), "name a file in it");
            return false;
        }
        return ::access(path.c_str(), W_OK) == 0 || unwritable();
    }
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        in.error(place, fmt::format("the log: there is no folder {}", folder),
                 fmt::format("make it: mkdir -p {}", folder));
        return false;
    }
    return ::access(folder.c_str(), W_OK | X_OK) == 0 || unwritable();
}

}  // namespace gantry::conf
