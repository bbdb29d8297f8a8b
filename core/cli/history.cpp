#include "core/cli/history.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace gantry::cli {

UniqueFd keep_in_memory(const std::string& bytes) {
    UniqueFd fd(::memfd_create("gantry-configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    std::size_t done = 0;
    while (fd && done < bytes.size()) {
        const ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return {};
        done += static_cast<std::size_t>(n);
    }
    if (fd) ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

std::optional<std::string> read_memory(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || status.st_size <= 0) return std::nullopt;
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        // By position: the descriptor is shared by every process that has it.
        const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return std::nullopt;
        done += static_cast<std::size_t>(n);
    }
    return bytes;
}

std::optional<conf::Snapshot> read_snapshot(int fd) {
    const auto bytes = read_memory(fd);
    return bytes ? conf::parse_snapshot(*bytes) : std::nullopt;
}

void History::add(Served served) {
    served_.push_back(std::move(served));
    std::size_t bytes = 0;
    for (const Served& one : served_) bytes += one.bytes;
    const std::uint64_t newest = served_.back().generation;
    while (served_.size() > kMost || bytes > kMostBytes) {
        const Served* const back = trusted();
        const auto oldest = std::find_if(served_.begin(), served_.end(), [&](const Served& one) {
            return one.generation != newest && &one != back;
        });
        if (oldest == served_.end()) return;
        bytes -= oldest->bytes;
        served_.erase(oldest);
    }
}

void History::confirm(std::uint64_t generation) {
    for (Served& one : served_) {
        if (one.generation == generation) one.is_confirmed = true;
    }
}

const Served* History::find(std::uint64_t generation) const {
    const auto found = std::find_if(served_.begin(), served_.end(),
                                    [&](const Served& one) { return one.generation == generation; });
    return found == served_.end() ? nullptr : &*found;
}

const Served* History::trusted() const {
    const auto found =
        std::find_if(served_.rbegin(), served_.rend(), [](const Served& one) { return one.is_confirmed; });
    return found == served_.rend() ? nullptr : &*found;
}

}  // namespace gantry::cli
