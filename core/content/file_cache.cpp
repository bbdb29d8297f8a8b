#include "core/content/file_cache.hpp"

#include "core/http/date.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <sys/resource.h>
#include <sys/uio.h>
#include <tuple>

namespace gantry::content {
namespace {

// From here on sendfile() costs less than sending from memory, where nothing is encrypted.
constexpr std::uint64_t kSendfileFrom = 32 * 1024;
constexpr std::size_t kOpenFiles = 1024;  // kept open by all workers together, at most

// How many descriptors one of `workers` may keep: connections need most of what the process may have.
std::size_t open_limit(std::size_t workers) {
    rlimit limit{};
    const bool is_known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    const std::size_t all = is_known ? std::min<std::size_t>(kOpenFiles, limit.rlim_cur / 4) : kOpenFiles;
    return std::max<std::size_t>(all / workers, 16);
}

bool is_same_version(const struct stat& a, const struct stat& b) {
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

enum class Reading : std::uint8_t { Done, NeedsDisk, Changed, Failed };  // Failed: errno says why

// Reads the whole file, the version that `before` describes.
Reading read_all(int fd, const struct stat& before, std::string& content, Disk disk) {
    content.resize(static_cast<std::size_t>(before.st_size));
    std::size_t at = 0;
    while (at < content.size()) {
        iovec vector{content.data() + at, content.size() - at};
        const int flags = disk == Disk::Cached ? RWF_NOWAIT : 0;
        ssize_t got = ::preadv2(fd, &vector, 1, static_cast<off_t>(at), flags);
        if (got < 0 && errno == EOPNOTSUPP) got = ::preadv(fd, &vector, 1, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN && disk == Disk::Cached ? Reading::NeedsDisk : Reading::Failed;
        if (got == 0) break;
        at += static_cast<std::size_t>(got);
    }
    struct stat after;
    const bool is_same = at == content.size() && ::fstat(fd, &after) == 0 && is_same_version(before, after);
    return is_same ? Reading::Done : Reading::Changed;
}

// A file that is being written is sent as it was read, in one version.
bool rests(const FileEntry& entry) {
    constexpr time_t kSeconds = 10;
    return ::time(nullptr) - entry.stat.st_mtim.tv_sec >= kSeconds;
}

// What would be sent from the descriptor is what the entry says.
bool is_untouched(const FileEntry& entry) {
    struct stat now;
    return !entry.fd || (::fstat(entry.fd.get(), &now) == 0 && is_same_version(now, entry.stat));
}

// What ran out is ours, and says nothing about the file.
bool is_shortage(const FileEntry& entry) {
    const int error = entry.error.system;
    return entry.kind == FileEntry::Kind::Failed && (error == EMFILE || error == ENFILE || error == ENOMEM);
}

void describe(FileEntry& entry) {
    entry.size = static_cast<std::uint64_t>(entry.stat.st_size);
    entry.modified = entry.stat.st_mtim.tv_sec;
    entry.etag =
        fmt::format("\"{:x}-{:x}-{:x}\"", entry.stat.st_mtim.tv_sec, entry.stat.st_mtim.tv_nsec, entry.size);
    entry.last_modified.resize(http::kDateBytes);
    http::write_date(entry.last_modified.data(), entry.modified);
}

Ref<FileEntry> entry_of(FileEntry::Kind kind, const Error& error = {}) {
    auto entry = make_ref<FileEntry>();
    entry->kind = kind;
    entry->error = error;
    return entry;
}

enum class IfChanged : std::uint8_t { ReadAgain, KeepDescriptor };

// Opens and reads one version. Null: the disk would be needed. A small file that changed while it was read
// has neither content nor descriptor when it is to be read once more, else its descriptor.
Ref<FileEntry> load_once(int root, const FileRoot& options, const std::string& path, Disk disk,
                         IfChanged if_changed) {
    auto fd = open_beneath(root, path.c_str(), options.links, disk);
    if (!fd) {
        if (fd.error().system == EAGAIN && disk == Disk::Cached) return {};
        if (fd.error().code == Code::NotFound) return entry_of(FileEntry::Kind::NotFound);
        if (fd.error().code == Code::Forbidden) return entry_of(FileEntry::Kind::Forbidden);
        return entry_of(FileEntry::Kind::Failed, fd.error());
    }
    auto entry = make_ref<FileEntry>();
    if (::fstat(fd->get(), &entry->stat) != 0) {
        return entry_of(FileEntry::Kind::Failed,
                        {Code::Internal, Side::Us, Retry::No, errno, "while looking at the file"});
    }
    if (S_ISDIR(entry->stat.st_mode)) {
        entry->kind = FileEntry::Kind::Directory;
        return entry;
    }
    // Devices, FIFOs and sockets are nothing that a web server hands out.
    if (!S_ISREG(entry->stat.st_mode)) return entry_of(FileEntry::Kind::Forbidden);
    entry->kind = FileEntry::Kind::File;
    describe(*entry);
    if (entry->size > options.max_memory_file) {
        entry->fd = std::move(*fd);
        return entry;
    }
    switch (read_all(fd->get(), entry->stat, entry->content, disk)) {
        case Reading::Done:
            entry->in_memory = true;
            if (entry->size >= kSendfileFrom && rests(*entry)) entry->fd = std::move(*fd);
            return entry;
        case Reading::NeedsDisk:
            return {};
        case Reading::Changed:
            entry->content = {};
            if (if_changed == IfChanged::KeepDescriptor) entry->fd = std::move(*fd);
            return entry;
        case Reading::Failed:
            break;
    }
    return entry_of(FileEntry::Kind::Failed,
                    {Code::Internal, Side::Us, Retry::No, errno, "while reading the file"});
}

// A file that was replaced while we read it is read again; one that never rests, such as a log, is sent from
// its descriptor with the size that it had.
Ref<FileEntry> load(int root, const FileRoot& options, const std::string& path, Disk disk) {
    constexpr int kAttempts = 3;
    for (int attempt = 1; attempt < kAttempts; ++attempt) {
        Ref<FileEntry> entry = load_once(root, options, path, disk, IfChanged::ReadAgain);
        const bool has_changed =
            entry && entry->kind == FileEntry::Kind::File && !entry->in_memory && !entry->fd;
        if (!has_changed) return entry;
    }
    return load_once(root, options, path, disk, IfChanged::KeepDescriptor);
}

}  // namespace

std::uint32_t file_root_id(const FileRoot& root) {
    static std::mutex mutex;
    static std::map<std::tuple<std::string, int, std::uint64_t>, std::uint32_t> ids;
    const std::lock_guard lock(mutex);
    const auto key = std::make_tuple(root.path, static_cast<int>(root.links), root.max_memory_file);
    return ids.try_emplace(key, static_cast<std::uint32_t>(ids.size() + 1)).first->second;
}

FileCache::FileCache(server::WorkerContext& worker)
    : worker_(worker), open_limit_(open_limit(worker.workers())) {}

FileCache::~FileCache() = default;

// The root's own path is followed anew now and then, so that a deployment that moves a link is seen.
int FileCache::root_fd(const FileRoot& root, Millis now) {
    Root& entry = roots_[root.id];
    if (!entry.fd || now - entry.opened_at >= root.check) {
        UniqueFd fd(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (fd || errno == ENOENT || errno == ENOTDIR) entry.fd = std::move(fd);
        entry.opened_at = now;
    }
    return entry.fd.get();
}

Ref<FileEntry> FileCache::find(const FileRoot& root, std::string_view path, Disk disk) {
    key_.assign(reinterpret_cast<const char*>(&root.id), sizeof root.id).append(path);
    const Millis now = worker_.net().now();
    const auto known = files_.find(key_);
    if (known != files_.end() && now - static_cast<Millis>(known->second->checked_at) < root.check &&
        is_untouched(*known->second)) {
        touch(*known->second);
        return known->second;
    }
    const std::string relative(path);
    const int fd = root_fd(root, now);
    if (fd < 0) return entry_of(FileEntry::Kind::NotFound);
    if (known != files_.end() && known->second->kind == FileEntry::Kind::File) {
        auto opened = open_beneath(fd, relative.c_str(), root.links, disk);
        struct stat stat;
        if (opened && ::fstat(opened->get(), &stat) == 0 && is_same_version(stat, known->second->stat)) {
            known->second->checked_at = static_cast<std::uint64_t>(now);
            touch(*known->second);
            return known->second;
        }
    }
    Ref<FileEntry> entry = load(fd, root, relative, disk);
    if (!entry) return entry;
    if (known != files_.end() && is_shortage(*entry) && is_untouched(*known->second)) {
        // What was right at the last look is better than nothing; the next one is due as ever.
        known->second->checked_at = static_cast<std::uint64_t>(now);
        touch(*known->second);
        return known->second;
    }
    entry->checked_at = static_cast<std::uint64_t>(now);
    if (known != files_.end()) drop(*known->second);
    // Failures of the moment (no descriptors, a file in the middle of being written) are not remembered.
    if (entry->kind != FileEntry::Kind::Failed) insert(root, key_, *entry);
    return entry;
}

void FileCache::warm(const FileRoot& root, const std::string& path) {
    const UniqueFd fd(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd) load(fd.get(), root, path, Disk::MayBlock);
}

void FileCache::insert(const FileRoot& root, std::string_view key, FileEntry& entry) {
    const std::uint64_t limit = std::max<std::uint64_t>(root.cache_bytes / worker_.workers(), 64 * 1024);
    if (entry.cost() > limit) return;
    while (bytes_ + entry.cost() > limit && oldest_ != nullptr) drop(*oldest_);
    if (entry.fd && !may_stay_open()) {
        if (!entry.in_memory) return;
        entry.fd = {};
    }
    open_ += entry.fd ? 1 : 0;
    const auto place = files_.emplace(std::string(key), Ref<FileEntry>(&entry)).first;
    entry.key = place->first;
    bytes_ += entry.cost();
    touch(entry);
}

// Descriptors are few: the oldest entry that holds one has to go. Which is looked for among the oldest only,
// as this is done while other requests wait.
bool FileCache::may_stay_open() {
    FileEntry* entry = oldest_;
    for (int looked = 0; open_ >= open_limit_ && entry != nullptr && looked < 64; ++looked) {
        FileEntry* const next = entry->newer;
        if (entry->fd) drop(*entry);
        entry = next;
    }
    return open_ < open_limit_;
}

void FileCache::touch(FileEntry& entry) {
    if (newest_ == &entry) return;
    unlink(entry);
    entry.older = newest_;
    if (newest_ != nullptr) newest_->newer = &entry;
    newest_ = &entry;
    if (oldest_ == nullptr) oldest_ = &entry;
}

void FileCache::unlink(FileEntry& entry) {
    if (entry.newer != nullptr) entry.newer->older = entry.older;
    if (entry.older != nullptr) entry.older->newer = entry.newer;
    if (newest_ == &entry) newest_ = entry.older;
    if (oldest_ == &entry) oldest_ = entry.newer;
    entry.newer = entry.older = nullptr;
}

void FileCache::drop(FileEntry& entry) {
    unlink(entry);
    bytes_ -= entry.cost();
    open_ -= entry.fd ? 1 : 0;
    files_.erase(files_.find(std::string(entry.key)));  // may be the last reference
}

}  // namespace gantry::content
