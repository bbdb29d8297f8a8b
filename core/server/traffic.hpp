// What each host answered: counters of each worker, which whoever asks adds up.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::server {

// A host keeps its number as long as the process lives, so what it answered is not forgotten in a reload. 0
// is for exchanges without a host, and for hosts beyond kMost. [any]
class HostNumbers {
public:
    static constexpr std::uint32_t kMost = 128 * 1024;

    static HostNumbers& instance();

    std::uint32_t number_of(std::string_view host);
    std::size_t count() const;
    std::vector<std::string> names() const;  // by number; that of 0 is ""

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::uint32_t> numbers_;
    std::vector<std::string> names_{""};
};

// Of one host, or of several together.
struct Traffic {
    // By the first digit of the status; 0: closed without an answer.
    std::array<std::uint64_t, 6> answers{};
    std::uint64_t bytes_sent = 0;

    std::uint64_t requests() const;
    Traffic& operator+=(const Traffic& other);
};

// Of one worker.
class TrafficCounters {
public:
    // Room for every number that was given by now. [worker]
    void make_room();
    // `number`: of a host known when room was made last. [worker]
    void count(std::uint32_t number, int status, std::uint64_t bytes_sent) {
        Counters& counters = (*chunks_[number / kChunk].load(std::memory_order_relaxed))[number % kChunk];
        const auto digit = static_cast<unsigned>(status) / 100;
        add(counters.answers[digit < 6 ? digit : 0], 1);
        add(counters.bytes_sent, bytes_sent);
    }
    // Nothing where there is no room for it yet. [any]
    Traffic read(std::uint32_t number) const;

private:
    static constexpr std::uint32_t kChunk = 64;
    using Number = std::atomic<std::uint64_t>;
    struct Counters {
        std::array<Number, 6> answers{};
        Number bytes_sent{0};
    };
    using Chunk = std::array<Counters, kChunk>;

    // Nobody else writes it.
    static void add(Number& to, std::uint64_t amount) {
        to.store(to.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }

    std::array<std::atomic<Chunk*>, HostNumbers::kMost / kChunk> chunks_{};
    std::vector<std::unique_ptr<Chunk>> owned_;
};

}  // namespace gantry::server
