// A bump allocator for everything that dies with one exchange. Nothing is freed before reset().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gantry {

// Not thread-safe: one exchange, one worker. The first chunk is kept over reset(), so a recycled arena
// serves ordinary requests without touching the heap.
class Arena {
public:
    static constexpr std::size_t kChunkBytes = 4096;

    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();

    // Never returns null; throws std::bad_alloc when the machine is out of memory. `align` is a power of two.
    void* allocate(std::size_t bytes, std::size_t align = alignof(std::max_align_t)) {
        const auto at = (reinterpret_cast<std::uintptr_t>(next_) + align - 1) & ~(align - 1);
        if (next_ != nullptr && at + bytes <= reinterpret_cast<std::uintptr_t>(end_)) {
            next_ = reinterpret_cast<char*>(at + bytes);
            return reinterpret_cast<void*>(at);
        }
        return allocate_slow(bytes, align);
    }

    // For types whose destructor need not run.
    template <class T, class... Args>
    T* make(Args&&... args) {
        static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
        return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
    }

    template <class T>
    T* make_array(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
        return new (allocate(sizeof(T) * count, alignof(T))) T[count]{};
    }

    // A copy of `text` that lives as long as the exchange.
    std::string_view copy(std::string_view text) {
        if (text.empty()) return {};
        char* to = static_cast<char*>(allocate(text.size(), 1));
        std::memcpy(to, text.data(), text.size());
        return {to, text.size()};
    }

    // All parts behind one another, as one string.
    template <class... Parts>
    std::string_view join(const Parts&... parts) {
        const std::size_t size = (std::string_view(parts).size() + ... + 0);
        char* const begin = static_cast<char*>(allocate(size == 0 ? 1 : size, 1));
        char* to = begin;
        (append(to, std::string_view(parts)), ...);
        return {begin, size};
    }

    // Forgets everything; keeps the first chunk.
    void reset();

private:
    struct Chunk {
        Chunk* next;
        std::size_t bytes;
    };

    static void append(char*& to, std::string_view part) {
        if (!part.empty()) std::memcpy(to, part.data(), part.size());
        to += part.size();
    }
    void* allocate_slow(std::size_t bytes, std::size_t align);

    char* next_ = nullptr;
    char* end_ = nullptr;
    Chunk* chunks_ = nullptr;  // newest first; the last one in the list is the chunk that reset() keeps
};

}  // namespace gantry
