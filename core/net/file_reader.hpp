// Pieces of files for a loop that must not wait for a disk: what the kernel has in memory is read at once,
// for the rest a thread of the pool waits.
#pragma once

#include "core/base/chain.hpp"

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

namespace gantry::net {

// Reads what one response or connection sends, in order. [worker] throughout.
class FileReader {
public:
    static constexpr std::size_t kUnasked = 128 * 1024;  // ready() asks about ranges above this

    // on_fetched(owner) is called when what was fetched is here; it may destroy this object.
    FileReader(void* owner, void (*on_fetched)(void* owner)) : owner_(owner), on_fetched_(on_fetched) {}
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;
    ~FileReader();

    // Up to `size` bytes from where the rest of the segment begins; 0 at the end of the file. -1: errno says
    // why, EAGAIN: the disk would be needed, fetch() them.
    ssize_t read(const Segment& segment, char* to, std::size_t size);
    // For sendfile(), which waits for the disk without a word: how many of the next `wanted` bytes (at least
    // 1) may be sent; 0: fetch() them. Long ranges are judged by their ends, short ones are taken as they
    // are: the kernel reads as much ahead. took() says what was sent.
    std::size_t ready(const Segment& segment, std::size_t wanted);
    void took(std::size_t bytes);

    // Has the segment's next bytes read elsewhere. False: there is no one to do it, so the next read() waits.
    bool fetch(const Segment& segment);
    bool is_fetching() const { return fetch_ != nullptr; }

private:
    struct Fetch;
    void* owner_;
    void (*on_fetched_)(void* owner);
    Fetch* fetch_ = nullptr;
    std::uint32_t fetched_ = 0;  // of the bytes to come; those are read whatever the kernel says
};

}  // namespace gantry::net
