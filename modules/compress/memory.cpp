#include "memory.hpp"

#include <algorithm>
#include <cstdlib>

namespace compression {
namespace {

std::atomic<std::size_t> asked{0};

}  // namespace

Budget& Budget::of_process() {
    static Budget budget;
    return budget;
}

Blocks::~Blocks() {
    for (const Block& block : blocks_) std::free(block.memory);
}

void* Blocks::take(std::size_t size) {
    // The smallest that is free and large enough, but no waste of more than half.
    Block* best = nullptr;
    for (Block& block : blocks_) {
        if (block.is_taken || block.size < size || block.size / 2 > size) continue;
        if (best == nullptr || block.size < best->size) best = &block;
    }
    if (best != nullptr) {
        best->is_taken = true;
        return best->memory;
    }
    void* const memory = std::malloc(size);
    if (memory == nullptr) return nullptr;
    asked.fetch_add(1, std::memory_order_relaxed);
    blocks_.push_back({memory, size, true});
    held_ += size;
    return memory;
}

void Blocks::give(void* memory) {
    for (Block& block : blocks_) {
        if (block.memory == memory) block.is_taken = false;
    }
}

void Blocks::trim(std::size_t kept) {
    std::size_t free = 0;
    for (const Block& block : blocks_) free += block.is_taken ? 0 : block.size;
    while (free > kept) {
        const auto largest =
            std::max_element(blocks_.begin(), blocks_.end(), [](const Block& one, const Block& other) {
                return (one.is_taken ? 0 : one.size) < (other.is_taken ? 0 : other.size);
            });
        std::free(largest->memory);
        free -= largest->size;
        held_ -= largest->size;
        blocks_.erase(largest);
    }
}

std::size_t Blocks::allocations() {
    return asked.load(std::memory_order_relaxed);
}

}  // namespace compression
