#include "core/server/log_channel.hpp"

#include <cstring>
#include <new>
#include <unistd.h>

namespace gantry::server {

LogChannel::~LogChannel() {
    while (LogChunk* chunk = full_.pop()) delete chunk;
    while (LogChunk* chunk = free_.pop()) delete chunk;
}

LogChunk* LogChannel::take() {
    if (LogChunk* chunk = free_.pop()) return chunk;
    if (chunks_.load(std::memory_order_acquire) >= LogQueue::kCapacity) return nullptr;
    auto* const chunk = new (std::nothrow) LogChunk;
    if (chunk != nullptr) chunks_.fetch_add(1, std::memory_order_relaxed);
    return chunk;
}

void LogChannel::hand_over(LogChunk* chunk) {
    full_.push(chunk);
    wake();
}

void LogChannel::close() {
    closed_.store(true, std::memory_order_release);
    wake();
}

// Two stay with the worker; what a burst needed goes back to the heap.
void LogChannel::give_back(LogChunk* chunk) {
    if (chunks_.load(std::memory_order_relaxed) > 2) {
        delete chunk;
        chunks_.fetch_sub(1, std::memory_order_release);
        return;
    }
    chunk->size = 0;
    chunk->run_count = 0;
    free_.push(chunk);
}

void LogChannel::wake() {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the thread is awake anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof one);
}

LogBuffer::LogBuffer(std::shared_ptr<LogChannel> channel) : channel_(std::move(channel)) {}

LogBuffer::~LogBuffer() {
    hand_over();
    channel_->close();
}

char* LogBuffer::reserve(LogTarget& target) {
    if (chunk_ == nullptr) chunk_ = channel_->take();
    if (chunk_ == nullptr) {
        target.dropped_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    return chunk_->bytes.data() + chunk_->size;
}

void LogBuffer::commit(LogTarget& target, std::size_t bytes, Millis now) {
    if (bytes == 0) return;
    if (chunk_->size == 0) oldest_ = now;
    chunk_->size += bytes;
    if (chunk_->run_count == 0 || chunk_->runs[chunk_->run_count - 1].target != &target)
        chunk_->runs[chunk_->run_count++] = {&target, 0, 0};
    LogChunk::Run& run = chunk_->runs[chunk_->run_count - 1];
    run.end = static_cast<std::uint32_t>(chunk_->size);
    ++run.lines;
    if (chunk_->size >= kHandOver || chunk_->run_count == LogChunk::kRuns) hand_over();
}

void LogBuffer::append(LogTarget& target, std::string_view line, Millis now) {
    if (line.size() > kMaxLine) {
        target.dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    char* const to = reserve(target);
    if (to == nullptr) return;
    std::memcpy(to, line.data(), line.size());
    commit(target, line.size(), now);
}

void LogBuffer::tick(Millis now) {
    if (chunk_ != nullptr && chunk_->size > 0 && now - oldest_ >= kMaxAge) hand_over();
}

void LogBuffer::hand_over() {
    if (chunk_ == nullptr || chunk_->size == 0) return;
    channel_->hand_over(chunk_);
    chunk_ = nullptr;
}

}  // namespace gantry::server
