#include "core/base/arena.hpp"

#include <algorithm>
#include <cstdlib>

namespace gantry {

Arena::~Arena() {
    while (chunks_ != nullptr) std::free(std::exchange(chunks_, chunks_->next));
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t align) {
    const std::size_t size = std::max(kChunkBytes, sizeof(Chunk) + bytes + align);
    auto* chunk = static_cast<Chunk*>(std::malloc(size));
    if (chunk == nullptr) throw std::bad_alloc();
    chunk->next = chunks_;
    chunk->bytes = size;
    chunks_ = chunk;
    next_ = reinterpret_cast<char*>(chunk + 1);
    end_ = reinterpret_cast<char*>(chunk) + size;
    return allocate(bytes, align);
}

void Arena::reset() {
    if (chunks_ == nullptr) return;
    while (chunks_->next != nullptr) std::free(std::exchange(chunks_, chunks_->next));
    // A first chunk that had to be larger than usual is not kept: it would pin memory for ever.
    if (chunks_->bytes > kChunkBytes) {
        std::free(std::exchange(chunks_, nullptr));
        next_ = end_ = nullptr;
        return;
    }
    next_ = reinterpret_cast<char*>(chunks_ + 1);
    end_ = reinterpret_cast<char*>(chunks_) + chunks_->bytes;
}

}  // namespace gantry
