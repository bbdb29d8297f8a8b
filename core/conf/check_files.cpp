// Files and folders that settings name: are they there, may we read them, may too many others?
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::conf {

namespace {

// A certificate alone is no secret, even where a key was to be with it.
bool holds_key(const std::string& path) {
    static constexpr std::size_t kMost = 1024 * 1024;
    std::ifstream file(path, std::ios::binary);
    std::string text(kMost, '\0');
    file.read(text.data(), static_cast<std::streamsize>(kMost));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text.find("PRIVATE KEY-----") != text.npos;
}

}  // namespace

bool check_file(Loading& in, const std::string& path, Place place, std::string_view what, FileUse use) {
    const auto wrong = [&](std::string message, std::string hint) {
        if (use == FileUse::Public || !in.options().contain)
            in.diagnostics().environment_error(place, std::move(message), std::move(hint));
        return false;
    };
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return wrong(fmt::format("{}: {} cannot be read: {}", what, path, std::strerror(errno)),
                     errno == ENOENT
                         ? "it must exist; a relative path starts from the folder of this configuration "
                           "file"
                         : "give the user that runs gantry the right to reach it");
    }
    if (!S_ISREG(status.st_mode)) {
        return wrong(fmt::format("{}: {} is not a file", what, path), "name a file");
    }
    if (::access(path.c_str(), R_OK) != 0) {
        return wrong(fmt::format("{}: {} cannot be read: {}", what, path, std::strerror(errno)),
                     "give the user that runs gantry the right to read it");
    }
    if (use == FileUse::Secret && (status.st_mode & S_IROTH) != 0 && holds_key(path)) {
        std::string message = fmt::format("{}: every user of this machine can read {}", what, path);
        std::string hint = fmt::format("make it private: chmod o-rwx {}", path);
        if (in.options().contain) {
            in.warning(place, std::move(message), std::move(hint));
        } else {
            in.error(place, std::move(message), std::move(hint));
        }
        return false;
    }
    return true;
}

bool check_folder(Loading& in, const std::string& path, Place place, std::string_view what) {
    // One system call where all is well: there may be ten thousand of them.
    if (::access((path + "/.").c_str(), X_OK) == 0) return true;
    const int error = errno;
    in.diagnostics().environment_error(
        place, fmt::format("{}: {} cannot be opened: {}", what, path, std::strerror(error)),
        error == ENOENT    ? fmt::format("make it: mkdir -p {}", path)
        : error == ENOTDIR ? std::string("name the folder that holds the files")
                           : std::string("give the user that runs gantry the right to enter it"));
    return false;
}

bool check_log_word(Loading& in, std::string_view target, Place place) {
    const std::string word = lower_case(target);
    if (word == "off" || word == "none" || word == "false" || word == "no") {
        in.error(place, fmt::format("\"{}\" would be a file of that name", target),
                 "nothing is written with access_log = false, and with level = \"off\" of [log]");
        return false;
    }
    if (word == "syslog" || word == "journal" || word == "journald") {
        in.error(place, fmt::format("\"{}\" would be a file of that name", target),
                 "under systemd, what is written to \"stderr\" and \"stdout\" is in the journal");
        return false;
    }
    if (target.find_first_of("./") != target.npos) return true;
    std::string hint = did_you_mean(target, {"stdout", "stderr"});
    if (hint.empty()) return true;
    in.error(place, fmt::format("\"{}\" would be a file of that name", target), std::move(hint));
    return false;
}

bool check_log_target(Loading& in, const std::string& path, Place place) {
    struct stat status{};
    const auto unwritable = [&] {
        in.diagnostics().environment_error(
            place, fmt::format("the log: {} cannot be written: {}", path, std::strerror(errno)),
            "give the user that runs gantry the right to write it");
        return false;
    };
    if (::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            in.diagnostics().environment_error(place, fmt::format("the log: {} is a folder", path),
                                               "name a file in it");
            return false;
        }
        return ::access(path.c_str(), W_OK) == 0 || unwritable();
    }
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        in.diagnostics().environment_error(place, fmt::format("the log: there is no folder {}", folder),
                                           fmt::format("make it: mkdir -p {}", folder));
        return false;
    }
    return ::access(folder.c_str(), W_OK | X_OK) == 0 || unwritable();
}

}  // namespace gantry::conf
