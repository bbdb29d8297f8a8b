// Pieces of files for a loop that must not wait for a disk: what the kernel has in memory is read at once,
// for the rest a thread of the pool waits.
#pragma once

#include "core/base/chain.hpp"
#include "core/net/socket_op.hpp"

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

namespace gantry::net {

// Reads what one connection sends, in order. [worker] throughout.
class FileReader {
public:
    // `connection` owns this object, and is called on_writable() when what was fetched is here.
    explicit FileReader(SocketOp& connection) : connection_(connection) {}
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;
    ~FileReader();

    // Up to `size` bytes from where the rest of the segment begins; 0 at the end of the file. -1: errno says
    // why, EAGAIN: the disk would be needed, fetch() them.
    ssize_t read(const Segment& segment, char* to, std::size_t size);
    // Has the segment's next bytes read elsewhere. False: there is no one to do it, so the next read() waits.
    bool fetch(const Segment& segment);
    bool is_fetching() const { return fetch_ != nullptr; }

private:
    struct Fetch;
    SocketOp& connection_;
    Fetch* fetch_ = nullptr;
    std::uint32_t fetched_ = 0;  // of the bytes to come; those are read whatever the kernel says
};

}  // namespace gantry::net
