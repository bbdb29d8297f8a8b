#include "core/content/beneath.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::content {
namespace {

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

std::atomic<bool> g_has_openat2{true};

int open_by_kernel(int root, const char* path, conf::StaticOptions::Symlinks links, Disk disk) {
    open_how how{};
    how.flags = kFlags;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    if (links != conf::StaticOptions::Symlinks::Follow) how.resolve |= RESOLVE_BENEATH;
    if (links == conf::StaticOptions::Symlinks::Deny) how.resolve |= RESOLVE_NO_SYMLINKS;
#ifdef RESOLVE_CACHED
    if (disk == Disk::Cached) how.resolve |= RESOLVE_CACHED;
#endif
    return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

// For kernels (and sandboxes) without openat2: one component after the other, no links at all. Stricter than
// Beneath, never laxer.
int open_by_steps(int root, std::string_view path) {
    UniqueFd at(::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    while (at) {
        const std::size_t slash = path.find('/');
        const std::string part{path.substr(0, slash)};
        if (part == "..") return errno = EXDEV, -1;
        const bool is_last = slash == path.npos || slash + 1 == path.size();
        const char* name = part.empty() ? "." : part.c_str();
        if (is_last)
            return ::openat(at.get(), name, kFlags | O_NOFOLLOW | (slash != path.npos ? O_DIRECTORY : 0));
        at.reset(::openat(at.get(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        path.remove_prefix(slash + 1);
    }
    return -1;
}

}  // namespace

Result<UniqueFd> open_beneath(int root, const char* path, conf::StaticOptions::Symlinks links, Disk disk) {
    if (*path == '\0') path = ".";
    int fd = -1;
    if (g_has_openat2.load(std::memory_order_relaxed)) {
        fd = open_by_kernel(root, path, links, disk);
        if (fd < 0 && errno == EINVAL && disk == Disk::Cached)
            fd = open_by_kernel(root, path, links, Disk::MayBlock);
        if (fd < 0 && (errno == ENOSYS || errno == EPERM))
            g_has_openat2.store(false, std::memory_order_relaxed);
    }
    if (fd < 0 && !g_has_openat2.load(std::memory_order_relaxed)) {
        fd = links == conf::StaticOptions::Symlinks::Follow ? ::openat(root, path, kFlags)
                                                            : open_by_steps(root, path);
    }
    if (fd >= 0) return UniqueFd(fd);
    const int error = errno;
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ENAMETOOLONG:
            return fail(Code::NotFound, Side::Client, "while opening the file", error);
        case EACCES:
        case EPERM:
        case ELOOP:
        case EXDEV:
        case ENXIO:
            return fail(Code::Forbidden, Side::Client, "while opening the file", error);
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return fail(Code::Unavailable, Side::Us, "while opening the file", error);
        default:
            return fail(Code::Internal, Side::Us, "while opening the file", error);
    }
}

}  // namespace gantry::content
