// Where numbers are counted: an array for each worker, which it alone writes, and one for everybody else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gantry::metrics {

using Cell = std::atomic<std::uint64_t>;
static_assert(Cell::is_always_lock_free && sizeof(Cell) == 8);

// Address space for all the numbers that there may ever be, so that a number's place never moves and is found
// without a look-up; memory is taken by those that were counted.
class Cells {
public:
    static constexpr std::size_t kMost = std::size_t{1} << 26;

    // Throws std::bad_alloc where there is no address space.
    Cells();
    ~Cells();
    Cells(const Cells&) = delete;
    Cells& operator=(const Cells&) = delete;

    // Room for this many at least; false: there is no memory, or they are too many. One at a time. [any]
    bool make_room(std::size_t count);

    // By whom the array belongs to. No other thread writes to it.
    void add(std::size_t index, std::uint64_t amount) { add_to(cells_[index], amount); }
    static void add_to(Cell& cell, std::uint64_t amount) {
        cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    // Of the array for everybody else. [any]
    void add_shared(std::size_t index, std::uint64_t amount) {
        cells_[index].fetch_add(amount, std::memory_order_relaxed);
    }

    Cell* at(std::size_t index) { return cells_ + index; }
    std::uint64_t read(std::size_t index) const { return cells_[index].load(std::memory_order_relaxed); }

private:
    Cell* cells_ = nullptr;
    std::size_t room_ = 0;
};

}  // namespace gantry::metrics
