#include "core/server/traffic.hpp"

#include <numeric>

namespace gantry::server {

HostNumbers& HostNumbers::instance() {
    static HostNumbers numbers;
    return numbers;
}

std::uint32_t HostNumbers::number_of(std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto known = numbers_.find(std::string(host));
    if (known != numbers_.end()) return known->second;
    if (names_.size() >= kMost) return 0;
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(host);
    numbers_.emplace(host, number);
    return number;
}

std::size_t HostNumbers::count() const {
    const std::lock_guard lock(mutex_);
    return names_.size();
}

std::vector<std::string> HostNumbers::names() const {
    const std::lock_guard lock(mutex_);
    return names_;
}

std::uint64_t Traffic::requests() const {
    return std::accumulate(answers.begin(), answers.end(), std::uint64_t{0});
}

Traffic& Traffic::operator+=(const Traffic& other) {
    for (std::size_t i = 0; i < answers.size(); ++i) answers[i] += other.answers[i];
    bytes_sent += other.bytes_sent;
    return *this;
}

void TrafficCounters::make_room() {
    const std::size_t wanted = (HostNumbers::instance().count() + kChunk - 1) / kChunk;
    while (owned_.size() < wanted) {
        owned_.push_back(std::make_unique<Chunk>());
        chunks_[owned_.size() - 1].store(owned_.back().get(), std::memory_order_release);
    }
}

Traffic TrafficCounters::read(std::uint32_t number) const {
    Traffic traffic;
    const Chunk* const chunk = chunks_[number / kChunk].load(std::memory_order_acquire);
    if (chunk == nullptr) return traffic;
    const Counters& counters = (*chunk)[number % kChunk];
    for (std::size_t i = 0; i < traffic.answers.size(); ++i) {
        traffic.answers[i] = counters.answers[i].load(std::memory_order_relaxed);
    }
    traffic.bytes_sent = counters.bytes_sent.load(std::memory_order_relaxed);
    return traffic;
}

}  // namespace gantry::server
