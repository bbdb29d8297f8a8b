// The requests that each worker finished last, in memory that outlives the server process when its parent
// holds the descriptor: what gantry tail and top show, and what is known of the last moments before a crash.
#pragma once

#include "core/base/error.hpp"
#include "core/base/unique_fd.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

// What is kept of one request. The layout is that of kRecentLayout; times are of CLOCK_MONOTONIC.
struct alignas(64) RecentRecord {
    std::atomic<std::uint64_t> sequence;  // of the request at position p: 2p+2; 2p+1 while it is written
    std::int64_t start_nanos;
    std::int64_t end_nanos;
    std::int64_t handler_nanos;     // to the head of the response; -1: there was none
    std::int64_t connect_nanos;     // to the peer; -1: no peer
    std::int64_t first_byte_nanos;  // of the peer's response; -1: none
    std::uint64_t bytes_sent;
    std::uint64_t body_received;
    std::uint16_t status;  // 499: the client left before an answer; 0: closed without one
    std::uint16_t upstream_status;
    std::uint16_t port;
    std::uint8_t family;  // as in net::PeerAddress
    std::uint8_t is_tls;
    std::uint8_t ip[16];
    std::int32_t error_system;
    std::uint8_t error;  // Code + 1; 0: none
    std::uint8_t error_side;
    std::uint8_t version;  // http::Version
    std::uint8_t method_size;
    std::uint8_t host_size;
    std::uint8_t peer_size;
    std::uint8_t path_size;
    std::uint8_t unused;
    char method[12];
    static constexpr std::size_t kText = 128;
    static constexpr std::size_t kHost = 40;  // the most of it
    static constexpr std::size_t kPeer = 32;
    char text[kText];  // host, peer and path, without ends
};
static_assert(sizeof(RecentRecord) == 256 && std::atomic<std::uint64_t>::is_always_lock_free);

// ThreadSanitizer does not know fences (g++ refuses them there); its builds go without.
#if defined(__SANITIZE_THREAD__)  // g++
#define GANTRY_THREAD_SANITIZER 1
#elif defined(__has_feature)  // clang
#if __has_feature(thread_sanitizer)
#define GANTRY_THREAD_SANITIZER 1
#endif
#endif
inline void recent_fence([[maybe_unused]] std::memory_order order) {
#if !defined(GANTRY_THREAD_SANITIZER)
    std::atomic_thread_fence(order);
#endif
}

// The writing end of one worker. Nothing here waits, allocates or takes a lock. [worker]
class RecentRing {
public:
    RecentRing(std::atomic<std::uint64_t>& next, RecentRecord* records, std::uint64_t capacity)
        : published_(&next), records_(records), mask_(capacity - 1) {}

    // A record to fill, all but `sequence`; then commit().
    RecentRecord& begin() {
        RecentRecord& record = records_[next_ & mask_];
        record.sequence.store(2 * next_ + 1, std::memory_order_relaxed);
        recent_fence(std::memory_order_release);
        return record;
    }
    void commit(RecentRecord& record) {
        record.sequence.store(2 * next_ + 2, std::memory_order_release);
        published_->store(++next_, std::memory_order_release);
    }

private:
    std::atomic<std::uint64_t>* published_;
    RecentRecord* records_;
    std::uint64_t mask_;
    std::uint64_t next_ = 0;
};

// A copy for whoever looks.
struct RecentRequest {
    std::int64_t wall_nanos = 0;  // when it was finished
    std::int64_t duration_nanos = 0;
    std::int64_t handler_nanos = -1;
    std::int64_t connect_nanos = -1;
    std::int64_t first_byte_nanos = -1;
    std::uint64_t bytes_sent = 0;
    std::uint64_t body_received = 0;
    int status = 0;
    int upstream_status = 0;
    bool is_tls = false;
    std::string_view protocol;
    std::string client;  // address without port
    std::string method;
    std::string host;  // its configured name; cut like the following where it is long
    std::string peer;
    std::string path;   // as received, without the query
    std::string error;  // "" where all was well
};

// The rings of all workers. Writing ends are given out by the process that made it; any process that has the
// descriptor can read. What is read may be of a process that died badly: nothing in it is trusted.
class RecentRings {
public:
    // `requests` per worker, rounded up to a power of two. `memory`: where; empty: memory of its own. Null
    // when there is none to be had.
    static std::unique_ptr<RecentRings> make(unsigned workers, std::uint32_t requests, UniqueFd memory);
    // What another process left. Null: nothing that can be understood.
    static std::unique_ptr<RecentRings> look_at(const UniqueFd& memory);
    ~RecentRings();
    RecentRings(const RecentRings&) = delete;
    RecentRings& operator=(const RecentRings&) = delete;

    RecentRing ring(unsigned worker);  // once for each
    int pid() const { return pid_; }

    // Where a reader has got to, by worker. Empty: nowhere yet.
    using Cursor = std::vector<std::uint64_t>;
    struct Batch {
        std::vector<RecentRequest> requests;  // by the time at which they were finished
        Cursor cursor;                        // to go on from
        std::uint64_t missed = 0;             // finished since, and overwritten before they were read
    };
    // What was finished since. [any]
    Batch read(const Cursor& since) const;

private:
    struct Header;
    RecentRings() = default;
    bool map(int fd, std::size_t bytes, bool is_writable);
    std::atomic<std::uint64_t>& next_of(unsigned worker) const;
    RecentRecord* records_of(unsigned worker) const;
    static bool copy(const RecentRecord& from, std::uint64_t position, RecentRecord& to);
    static RecentRequest describe(const RecentRecord& record, std::int64_t offset);

    char* memory_ = nullptr;
    std::size_t bytes_ = 0;
    // Checked copies of what the header says.
    unsigned workers_ = 0;
    std::uint64_t capacity_ = 0;
    std::int64_t wall_offset_ = 0;
    int pid_ = 0;
};

}  // namespace gantry::server
