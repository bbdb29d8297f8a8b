// Files as a worker has them: small ones in memory, large ones open, absent ones remembered; bounded, and
// compared with the disk at most every so often.
#pragma once

#include "core/base/ref.hpp"
#include "core/base/unique_fd.hpp"
#include "core/conf/settings.hpp"
#include "core/content/beneath.hpp"
#include "core/http/prepared_fields.hpp"
#include "core/server/worker_context.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unordered_map>
#include <vector>

namespace gantry::content {

// One version of a file, or the fact that there is none. Immutable once in the cache: who serves it keeps
// this very version, whatever happens on the disk meanwhile.
struct FileEntry final : RefCounted {
    enum class Kind : std::uint8_t { File, Directory, NotFound, Forbidden, Failed };
    Kind kind = Kind::NotFound;
    Error error{};  // of Failed
    bool in_memory = false;
    std::string content;  // when in_memory
    UniqueFd fd;          // of a File that is not in memory, or so large that the kernel may send it cheaper
    std::uint64_t size = 0;
    std::int64_t modified = 0;  // seconds
    struct stat stat{};
    std::string etag;           // strong, with quotes
    std::string last_modified;  // an HTTP date

    // The fields of a response with the whole file, as the FileTypes of that number describe it.
    Ref<http::PreparedFields> fields;
    std::uint32_t fields_of = 0;

    std::string_view key;  // in the map
    std::uint64_t checked_at = 0;
    std::uint64_t cost() const { return content.size() + 1024; }
    FileEntry* newer = nullptr;  // list of use, newest first
    FileEntry* older = nullptr;
};

// What one static location asks of the cache. Those with equal values share an id, and so their files, over
// reloads too.
struct FileRoot {
    std::uint32_t id = 0;
    std::string path;
    conf::StaticOptions::Symlinks links = conf::StaticOptions::Symlinks::Deny;
    std::uint64_t max_memory_file = 0;
    std::uint64_t cache_bytes = 0;  // of the process
    Millis check = 1000;
};
// Gives the id. [any]
std::uint32_t file_root_id(const FileRoot& root);

// One per worker, through WorkerContext::local(). [worker]
class FileCache {
public:
    explicit FileCache(server::WorkerContext& worker);
    ~FileCache();

    // The file at `path`, relative to the root. Null: the answer would need the disk, and `disk` forbids to
    // wait; warm() it elsewhere and ask again.
    Ref<FileEntry> find(const FileRoot& root, std::string_view path, Disk disk);

    // Reads what find() would read, so that it is in the kernel's caches. [any] Blocks.
    static void warm(const FileRoot& root, const std::string& path);

private:
    struct Root {
        UniqueFd fd;
        Millis opened_at = 0;
    };
    int root_fd(const FileRoot& root, Millis now);
    void touch(FileEntry& entry);
    void unlink(FileEntry& entry);
    void drop(FileEntry& entry);
    bool may_stay_open();
    void insert(const FileRoot& root, std::string_view key, FileEntry& entry);

    server::WorkerContext& worker_;
    std::unordered_map<std::string, Ref<FileEntry>> files_;
    std::unordered_map<std::uint32_t, Root> roots_;
    std::string key_;
    FileEntry* newest_ = nullptr;
    FileEntry* oldest_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::size_t open_ = 0;    // entries with a descriptor
    std::size_t open_limit_;  // of them
};

}  // namespace gantry::content
