#include "core/base/chain.hpp"

#include <algorithm>
#include <cstring>

namespace gantry {

Chain::~Chain() {
    delete[] slots_;
}

Segment& Chain::push() {
    if (count_ == capacity_) {
        const std::size_t larger = capacity_ == 0 ? 8 : capacity_ * 2;
        auto* slots = new Segment[larger];
        for (std::size_t i = 0; i < count_; ++i) slots[i] = std::move(at(i));
        delete[] slots_;
        slots_ = slots;
        capacity_ = larger;
        first_ = 0;
    }
    return at(count_++);
}

char* Chain::reserve(std::size_t bytes) {
    if (!tail_ || tail_->room() < bytes) tail_ = pool_->take();
    return tail_->tail();
}

void Chain::commit(std::size_t bytes) {
    if (bytes == 0) return;
    const char* begin = tail_->tail();
    tail_->grow(bytes);
    bytes_ += bytes;
    // Bytes that continue the last segment make it longer, so that a head written in parts is one piece.
    if (count_ > 0) {
        Segment& last = at(count_ - 1);
        if (!last.is_file() && last.data + last.size == begin && last.owner.get() == tail_.get()) {
            last.size += bytes;
            return;
        }
    }
    Segment& segment = push();
    segment.data = begin;
    segment.size = bytes;
    segment.owner = tail_;
}

void Chain::append_copy(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!tail_ || tail_->room() == 0) tail_ = pool_->take();
        const std::size_t part = std::min(bytes.size(), tail_->room());
        std::memcpy(tail_->tail(), bytes.data(), part);
        commit(part);
        bytes.remove_prefix(part);
    }
}

void Chain::append(std::string_view bytes, Ref<RefCounted> owner) {
    if (bytes.empty()) return;
    Segment& segment = push();
    segment.data = bytes.data();
    segment.size = bytes.size();
    segment.owner = std::move(owner);
    bytes_ += bytes.size();
}

void Chain::append_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) {
    if (size == 0) return;
    Segment& segment = push();
    segment.data = nullptr;
    segment.size = size;
    segment.fd = fd;
    segment.offset = offset;
    segment.owner = std::move(owner);
    bytes_ += size;
}

void Chain::consume(std::size_t bytes) {
    bytes_ -= bytes;
    while (bytes > 0) {
        Segment& segment = front();
        if (bytes < segment.size) {
            segment.size -= bytes;
            if (segment.is_file()) {
                segment.offset += static_cast<off_t>(bytes);
            } else {
                segment.data += bytes;
            }
            return;
        }
        bytes -= segment.size;
        segment.owner.reset();
        first_ = (first_ + 1) & (capacity_ - 1);
        --count_;
    }
    if (count_ == 0) tail_.reset();
}

void Chain::splice(Chain& other) {
    for (; other.count_ > 0; --other.count_) {
        Segment& from = other.front();
        Segment& to = push();
        bytes_ += from.size;
        other.bytes_ -= from.size;
        to = std::move(from);
        other.first_ = (other.first_ + 1) & (other.capacity_ - 1);
    }
    other.tail_.reset();
}

void Chain::clear() {
    for (; count_ > 0; --count_) {
        front().owner.reset();
        first_ = (first_ + 1) & (capacity_ - 1);
    }
    bytes_ = 0;
    tail_.reset();
}

}  // namespace gantry
