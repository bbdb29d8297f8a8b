#include "core/conf/inputs.hpp"

#include "core/base/unique_fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <utility>

namespace gantry::conf {
namespace {

std::optional<std::string> from_process(std::string_view name) {
    const char* const value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string too_large(std::size_t limit) {
    return fmt::format("it is larger than {} MiB", limit >> 20);
}

Snapshot::File read_from_disk(const std::string& path, Pipes pipes, std::size_t limit) {
    Snapshot::File out;
    const auto failed = [&out](std::string why) {
        out.text.clear();
        out.error = std::move(why);
        return std::move(out);
    };
    const int wait = pipes == Pipes::Refused ? O_NONBLOCK : 0;
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | wait));
    if (!fd) return failed(std::strerror(errno));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return failed(std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return failed("it is a folder");
    if (pipes == Pipes::Refused && !S_ISREG(status.st_mode)) return failed("it is not a regular file");
    out.is_everyones = (status.st_mode & S_IROTH) != 0;
    if (status.st_size > 0) out.text.reserve(std::min(static_cast<std::size_t>(status.st_size), limit));
    char block[64 * 1024];
    for (;;) {
        const ssize_t n = ::read(fd.get(), block, sizeof block);
        if (n == 0) return out;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(std::strerror(errno));
        out.text.append(block, static_cast<std::size_t>(n));
        if (out.text.size() > limit) return failed(too_large(limit));
    }
}

std::optional<std::vector<std::string>> match_on_disk(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> out;
    // A folder that is not there matches nothing; one that may not be read hides what might match.
    const auto on_error = [](const char*, int error) { return error == ENOENT || error == ENOTDIR ? 0 : 1; };
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT, on_error, &found);
    if (result == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) return std::nullopt;
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Inputs::Inputs(Environment environment, const Snapshot* replayed, Snapshot* recorded)
    : environment_(environment ? std::move(environment) : Environment(from_process)),
      replayed_(replayed),
      recorded_(recorded) {}

Snapshot::File Inputs::read_file(const std::string& path, Pipes pipes, std::size_t limit) {
    return read(&Snapshot::files, path, pipes, limit);
}

Snapshot::File Inputs::read_value(const std::string& path, std::size_t limit) {
    return read(&Snapshot::values, path, Pipes::Refused, limit);
}

Snapshot::File Inputs::read(Files Snapshot::* files, const std::string& path, Pipes pipes,
                            std::size_t limit) {
    if (replayed_ != nullptr) {
        const auto kept = (replayed_->*files).find(path);
        if (kept == (replayed_->*files).end()) return {{}, std::strerror(ENOENT), false};
        return kept->second;
    }
    Snapshot::File file = read_from_disk(path, pipes, limit);
    if (recorded_ != nullptr) (recorded_->*files).insert_or_assign(path, file);
    return file;
}

std::optional<std::vector<std::string>> Inputs::match(const std::string& pattern) {
    if (replayed_ != nullptr) {
        const auto kept = replayed_->patterns.find(pattern);
        return kept == replayed_->patterns.end() ? std::vector<std::string>() : kept->second;
    }
    auto matches = match_on_disk(pattern);
    if (recorded_ != nullptr && matches) recorded_->patterns.insert_or_assign(pattern, *matches);
    return matches;
}

std::optional<std::string> Inputs::variable(std::string_view name) {
    if (replayed_ != nullptr) {
        const auto kept = replayed_->variables.find(name);
        return kept == replayed_->variables.end() ? std::nullopt : std::optional(kept->second);
    }
    auto value = environment_(name);
    if (recorded_ != nullptr && value) recorded_->variables.insert_or_assign(std::string(name), *value);
    return value;
}

std::string Inputs::identity(const std::string& path) const {
    std::error_code error;
    const auto canonical = replayed_ != nullptr ? std::filesystem::absolute(path, error).lexically_normal()
                                                : std::filesystem::weakly_canonical(path, error);
    return error ? path : canonical.string();
}

}  // namespace gantry::conf
