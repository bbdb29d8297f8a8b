#include "core/base/block.hpp"

#include <new>

namespace gantry {

Block::Block(BlockPool& pool, std::size_t capacity)
    : pool_(pool), data_(static_cast<char*>(::operator new(capacity))), capacity_(capacity) {}

Block::~Block() {
    ::operator delete(data_);
}

void Block::on_unreferenced() {
    pool_.give_back(this);
}

BlockPool::~BlockPool() {
    while (free_ != nullptr) {
        Block* next = free_->next_free_;
        delete free_;
        free_ = next;
    }
}

Ref<Block> BlockPool::take() {
    ++in_use_;
    if (free_ == nullptr) return Ref<Block>(new Block(*this, kBytes));
    Block* block = free_;
    free_ = block->next_free_;
    --free_count_;
    block->size_ = 0;
    return Ref<Block>(block);
}

Ref<Block> BlockPool::take_large(std::size_t capacity) {
    if (capacity == kBytes) return take();
    ++in_use_;
    return Ref<Block>(new Block(*this, capacity));
}

void BlockPool::give_back(Block* block) {
    --in_use_;
    if (block->capacity_ != kBytes || free_count_ >= keep_) {
        delete block;
        return;
    }
    block->next_free_ = free_;
    free_ = block;
    ++free_count_;
}

}  // namespace gantry
