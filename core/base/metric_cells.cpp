#include "core/base/metric_cells.hpp"

#include <new>
#include <sys/mman.h>

namespace gantry::metrics {
namespace {
constexpr std::size_t kStep = 64 * 1024;  // cells
}

Cells::Cells() {
    // Not accessible, so that nothing is promised of memory that is not used yet.
    void* const at =
        ::mmap(nullptr, kMost * sizeof(Cell), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    // A number that is counted is to take one page, not 2 MiB.
    ::madvise(at, kMost * sizeof(Cell), MADV_NOHUGEPAGE);
    cells_ = static_cast<Cell*>(at);
}

Cells::~Cells() {
    ::munmap(cells_, kMost * sizeof(Cell));
}

bool Cells::make_room(std::size_t count) {
    if (count <= room_) return true;
    if (count > kMost) return false;
    const std::size_t wanted = (count + kStep - 1) / kStep * kStep;
    if (::mprotect(cells_, wanted * sizeof(Cell), PROT_READ | PROT_WRITE) != 0) return false;
    room_ = wanted;
    return true;
}

}  // namespace gantry::metrics
