#include "core/net/file_reader.hpp"

#include "core/net/blocking_pool.hpp"
#include "core/net/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace gantry::net {

namespace {

constexpr std::size_t kFetched = 512 * 1024;  // at a time: worth the way to another thread and back

// So that the kernel has it; what was read is of no interest. A failure is met again by whoever wants it.
void read_through(int fd, off_t offset, std::size_t size) {
    char scrap[64 * 1024];
    while (size > 0) {
        const ssize_t got = ::pread(fd, scrap, std::min(size, sizeof scrap), offset);
        if (got <= 0) return;
        offset += got;
        size -= static_cast<std::size_t>(got);
    }
}

std::uint32_t bytes_of(const Segment& segment) {
    return static_cast<std::uint32_t>(std::min(segment.size, kFetched));
}

}  // namespace

// Under way to the other thread and back; created and destroyed on the worker. Keeps the file open when the
// connection goes away.
struct FileReader::Fetch {
    Fetch(FileReader& asking, Ref<RefCounted> file) : reader(&asking), owner(std::move(file)) {}
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;
    ~Fetch() {
        if (reader != nullptr) reader->fetch_ = nullptr;
    }
    FileReader* reader;
    Ref<RefCounted> owner;
};

FileReader::~FileReader() {
    if (fetch_ != nullptr) fetch_->reader = nullptr;
}

ssize_t FileReader::read(const Segment& segment, char* to, std::size_t size) {
    ssize_t got = -1;
    if (fetched_ == 0) {
        iovec vector{to, size};
        got = ::preadv2(segment.fd, &vector, 1, segment.offset, RWF_NOWAIT);
        if (got >= 0 || errno != EOPNOTSUPP) return got;
        fetched_ = bytes_of(segment);  // this file system cannot tell; as often it has no disk
    }
    size = std::min<std::size_t>(size, fetched_);
    got = ::pread(segment.fd, to, size, segment.offset);
    fetched_ = got > 0 ? fetched_ - static_cast<std::uint32_t>(got) : 0;
    return got;
}

std::size_t FileReader::ready(const Segment& segment, std::size_t wanted) {
    if (fetched_ != 0) return std::min<std::size_t>(wanted, fetched_);
    if (wanted <= kUnasked) return wanted;
    for (const std::size_t at : {std::size_t{0}, wanted - 1}) {
        char byte;
        iovec vector{&byte, 1};
        if (::preadv2(segment.fd, &vector, 1, segment.offset + static_cast<off_t>(at), RWF_NOWAIT) >= 0)
            continue;
        return errno == EAGAIN ? 0 : wanted;  // whatever else is wrong, sendfile() will say
    }
    return wanted;
}

void FileReader::took(std::size_t bytes) {
    fetched_ -= static_cast<std::uint32_t>(std::min<std::size_t>(bytes, fetched_));
}

bool FileReader::fetch(const Segment& segment) {
    Worker& worker = *Worker::current();
    const std::uint32_t size = bytes_of(segment);
    fetched_ = size;
    if (worker.blocking() == nullptr) return false;
    auto fetch = std::make_shared<Fetch>(*this, segment.owner);
    fetch_ = fetch.get();
    // Moved on each time, so that the last of it goes on the worker.
    return worker.blocking()->submit(
        [fetch = std::move(fetch), &worker, fd = segment.fd, offset = segment.offset, size]() mutable {
            read_through(fd, offset, size);
            worker.post([fetch = std::move(fetch)] {
                if (fetch->reader == nullptr) return;
                FileReader& reader = *std::exchange(fetch->reader, nullptr);
                reader.fetch_ = nullptr;
                reader.on_fetched_(reader.owner_);
            });
        });
}

}  // namespace gantry::net
