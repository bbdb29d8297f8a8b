#include "text_file.hpp"

#include "bytes.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace auth {
namespace {

struct Closed {
    int fd;
    explicit Closed(int opened) : fd(opened) {}
    ~Closed() {
        if (fd >= 0) close(fd);
    }
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;
};

// False: errno says why; 0: it is too large.
bool read_all(int fd, std::string& text) {
    char buffer[65536];
    while (true) {
        const ssize_t size = read(fd, buffer, sizeof buffer);
        if (size == 0) return true;
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return false;
        text.append(buffer, static_cast<std::size_t>(size));
        if (text.size() > kMostFileBytes) {
            errno = 0;
            return false;
        }
    }
}

}  // namespace

void each_line(std::string_view text, const std::function<void(std::string_view, std::size_t)>& visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = trimmed(next_part(text, '\n'));
        if (!line.empty() && line.front() != '#') visit(line, number);
    }
}

FileIdentity FileIdentity::of(const char* path) {
    struct stat found{};
    if (stat(path, &found) != 0) return {.error = errno};
    return {found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec,
            found.st_mtim.tv_nsec};
}

std::optional<std::string> read_file(const std::string& path, std::string& fault) {
    // Without waiting: a pipe of that name has nobody at its other end.
    const Closed file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::string text;
    if (file.fd >= 0 && read_all(file.fd, text)) return text;
    fault = std::string(errno == 0 ? "it has more than 16 MiB" : std::strerror(errno)) +
            "; make it readable for the user that runs gantry";
    return std::nullopt;
}

}  // namespace auth
