#include "encoder.hpp"

namespace compression {

char* Scratch::of_thread() {
    static thread_local char bytes[kSize];
    return bytes;
}

std::size_t typical_size(Coding coding) {
    constexpr std::size_t kKiB = 1024;
    switch (coding) {
        case Coding::Zstd:
            return 1850 * kKiB;
        case Coding::Brotli:
            return 1950 * kKiB;
        case Coding::Gzip:
            return 264 * kKiB;
    }
    return 0;
}

std::unique_ptr<Encoder> Encoder::make(Coding coding, Budget& budget) {
    switch (coding) {
        case Coding::Zstd:
            return make_zstd(budget);
        case Coding::Brotli:
            return make_brotli(budget);
        case Coding::Gzip:
            return make_gzip(budget);
    }
    return nullptr;
}

Pool& Pool::of_thread() {
    static thread_local Pool pool{Budget::of_process()};
    return pool;
}

std::unique_ptr<Encoder> Pool::take(Coding coding, int level, std::uint64_t size) {
    auto& idle = idle_[static_cast<std::size_t>(coding)];
    std::unique_ptr<Encoder> encoder;
    if (!idle.empty()) {
        encoder = std::move(idle.back());
        idle.pop_back();
    } else {
        const std::size_t wanted = typical_size(coding);
        if (!budget_.has_room(wanted)) {
            for (auto& others : idle_) others.clear();
            if (!budget_.has_room(wanted)) return nullptr;
        }
        encoder = Encoder::make(coding, budget_);
    }
    if (encoder == nullptr || !encoder->begin(level, size)) return nullptr;
    return encoder;
}

void Pool::give(Coding coding, std::unique_ptr<Encoder> encoder) {
    encoder->end();
    auto& idle = idle_[static_cast<std::size_t>(coding)];
    if (idle.size() < kMostIdle) idle.push_back(std::move(encoder));
}

}  // namespace compression
