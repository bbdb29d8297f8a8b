// Chain: bytes waiting to be sent, as a list of pieces that are not copied: a view into a block or a cached
// file, a literal, or a range of an open file.
#pragma once

#include "core/base/block.hpp"
#include "core/base/ref.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/types.h>

namespace gantry {

// One piece. `owner` keeps what `data` points to (or the file behind `fd`) alive; empty for literals.
struct Segment {
    const char* data = nullptr;  // null: a file range
    std::size_t size = 0;        // bytes left
    int fd = -1;                 // borrowed from owner
    off_t offset = 0;            // where the rest of the file range begins
    Ref<RefCounted> owner;

    bool is_file() const { return data == nullptr; }
    std::string_view view() const { return {data, size}; }
};

// First in, first out. Small enough to be recycled per worker; a connection has one only while it has bytes
// to send. [worker]
class Chain {
public:
    explicit Chain(BlockPool& pool) : pool_(&pool) {}
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    ~Chain();

    bool empty() const { return count_ == 0; }
    std::size_t bytes() const { return bytes_; }  // file ranges included
    std::size_t segments() const { return count_; }
    Segment& at(std::size_t index) { return slots_[(first_ + index) & (capacity_ - 1)]; }
    Segment& front() { return at(0); }

    // Copies into the tail block, which is shared with what was copied before.
    void append_copy(std::string_view bytes);
    // References; `owner` lives until the bytes are sent. An empty view is ignored.
    void append(std::string_view bytes, Ref<RefCounted> owner);
    // References text that lives for ever.
    void append_literal(std::string_view bytes) { append(bytes, Ref<RefCounted>()); }
    // A range of a file that `owner` keeps open.
    void append_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner);
    // Room for at least `bytes` (at most BlockPool::kBytes) contiguous bytes in the tail block. Write there,
    // then commit() what was written.
    char* reserve(std::size_t bytes);
    void commit(std::size_t bytes);

    // `bytes` were sent.
    void consume(std::size_t bytes);
    // Moves everything of `other` behind what is here.
    void splice(Chain& other);
    void clear();

private:
    Segment& push();

    BlockPool* pool_;
    Segment* slots_ = nullptr;  // a ring whose capacity is a power of two
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    Ref<Block> tail_;  // where copies go; may be the owner of the last segment
};

}  // namespace gantry
