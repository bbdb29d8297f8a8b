// The memory that encoders take: counted, limited, and used again.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace compression {

// What all encoders of the process hold together. [any]
class Budget {
public:
    static Budget& of_process();

    void set_limit(std::size_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
    std::size_t used() const { return used_.load(std::memory_order_relaxed); }
    bool has_room(std::size_t bytes) const {
        return used() + bytes <= limit_.load(std::memory_order_relaxed);
    }
    void take(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
    void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

private:
    std::atomic<std::size_t> limit_{128UL * 1024 * 1024};
    std::atomic<std::size_t> used_{0};
};

// What one encoder is charged with: what is typical, from the beginning, so that many that begin at once do
// not find room which all of them will need; and what it takes, where that is more.
class Charge {
public:
    Charge(Budget& budget, std::size_t typical) : budget_(&budget), typical_(typical), charged_(typical) {
        budget_->take(charged_);
    }
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    ~Charge() { budget_->give(charged_); }

    void update(std::size_t taken) {
        const std::size_t size = taken > typical_ ? taken : typical_;
        if (size == charged_) return;
        budget_->take(size);
        budget_->give(charged_);
        charged_ = size;
    }

private:
    Budget* budget_;
    std::size_t typical_;
    std::size_t charged_;
};

// The blocks of one encoder: what its library frees stays here, for the next body. On one thread.
class Blocks {
public:
    Blocks() = default;
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;
    ~Blocks();

    // Null: there is no memory.
    void* take(std::size_t size);
    void give(void* memory);
    // Gives back to the system what nobody has, the largest first, until no more than `kept` bytes are free.
    void trim(std::size_t kept);

    std::size_t held() const { return held_; }
    // How often the system was asked.
    static std::size_t allocations();

    // As libraries want them: `self` is a Blocks.
    static void* allocate(void* self, std::size_t size) { return static_cast<Blocks*>(self)->take(size); }
    static void release(void* self, void* memory) { static_cast<Blocks*>(self)->give(memory); }

private:
    struct Block {
        void* memory;
        std::size_t size;
        bool is_taken;
    };

    std::vector<Block> blocks_;
    std::size_t held_ = 0;
};

}  // namespace compression
