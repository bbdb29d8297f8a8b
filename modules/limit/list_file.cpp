#include "list_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace limit {
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
        if (text.size() > kMostListBytes) {
            errno = 0;
            return false;
        }
    }
}

}  // namespace

ListFile::ListFile(std::string path) : path_(std::move(path)), list_(std::make_unique<AddressList>()) {}

ListFile::Identity ListFile::identity_of(const char* path) {
    struct stat found{};
    if (stat(path, &found) != 0) return {.error = errno};
    return {found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec,
            found.st_mtim.tv_nsec};
}

ListFile::Look ListFile::broken(std::string fault) {
    faults_.push_back(std::move(fault));
    return Look::Broken;
}

ListFile::Look ListFile::look() {
    return identity_of(path_.c_str()) == seen_ ? Look::Unchanged : read();
}

// Its identity is taken first: what changes while it is read is seen the next time.
ListFile::Look ListFile::read() {
    faults_.clear();
    seen_ = identity_of(path_.c_str());
    const auto because = [&](int error) {
        return broken(path_ + ": " + (error == 0 ? "it has more than 64 MiB" : std::strerror(error)) +
                      "; make it readable for the user that runs gantry");
    };
    if (seen_.error != 0) return because(seen_.error);
    // Without waiting: a pipe of that name has nobody at its other end.
    const Closed file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::string text;
    if (file.fd < 0 || !read_all(file.fd, text)) return because(errno);
    ParsedList parsed = parse_list(text);
    for (const ParsedList::Fault& fault : parsed.faults)
        faults_.push_back(path_ + ":" + std::to_string(fault.line) + ": " + fault.message);
    if (!faults_.empty()) return Look::Broken;
    size_ = parsed.lines;
    is_sound_ = true;
    list_.replace(std::make_unique<const AddressList>(std::move(parsed.list)));
    return Look::Replaced;
}

}  // namespace limit
