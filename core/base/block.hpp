// Blocks: counted buffers that bytes are received into and sent from, recycled per worker.
#pragma once

#include "core/base/ref.hpp"

#include <cstddef>
#include <string_view>

namespace gantry {

class BlockPool;

// A buffer with a fill mark. Whoever holds a view into it holds a Ref to it as well. [worker]
class Block final : public RefCounted {
public:
    char* data() { return data_; }
    std::size_t capacity() const { return capacity_; }
    std::size_t size() const { return size_; }  // bytes filled, from the start
    std::size_t room() const { return capacity_ - size_; }
    char* tail() { return data_ + size_; }
    void grow(std::size_t bytes) { size_ += bytes; }  // after writing at tail()
    void set_size(std::size_t size) { size_ = size; }
    std::string_view view() const { return {data_, size_}; }

private:
    friend class BlockPool;
    Block(BlockPool& pool, std::size_t capacity);
    ~Block() override;
    void on_unreferenced() override;

    BlockPool& pool_;
    char* data_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    Block* next_free_ = nullptr;
};

// One per worker. Keeps up to `keep` free blocks of kBytes, newest on top so that the next user finds it in
// the cache; other sizes go back to the heap. Outlives its blocks.
class BlockPool {
public:
    static constexpr std::size_t kBytes = 16 * 1024;

    explicit BlockPool(std::size_t keep = 256) : keep_(keep) {}
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;
    ~BlockPool();

    Ref<Block> take();                            // kBytes, empty
    Ref<Block> take_large(std::size_t capacity);  // exactly `capacity` bytes, empty
    std::size_t in_use() const { return in_use_; }

private:
    friend class Block;
    void give_back(Block* block);

    Block* free_ = nullptr;
    std::size_t free_count_ = 0;
    std::size_t in_use_ = 0;
    std::size_t keep_;
};

}  // namespace gantry
