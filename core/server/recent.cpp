#include "core/server/recent.hpp"

#include "core/base/arena.hpp"
#include "core/base/clock.hpp"
#include "core/http/message.hpp"
#include "core/net/address.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// The reader finds out by the sequence that the writer was in the way, which ThreadSanitizer cannot know.
#if defined(GANTRY_THREAD_SANITIZER)
#define GANTRY_RACES_BY_DESIGN __attribute__((no_sanitize("thread")))
#else
#define GANTRY_RACES_BY_DESIGN
#endif

namespace gantry::server {

namespace {

constexpr std::uint64_t kMagic = 0x31746e6563655247;  // "GRecent1"
constexpr std::size_t kPage = 4096;
constexpr unsigned kMostWorkers = 4096;
constexpr std::uint64_t kMostRequests = 1 << 20;
constexpr std::size_t kPerWorker = 64;  // of the line that tells how far it is

std::size_t bytes_for(unsigned workers, std::uint64_t capacity) {
    return kPage + workers * (kPerWorker + static_cast<std::size_t>(capacity) * sizeof(RecentRecord));
}

// Bytes of clients, for JSON and terminals.
std::string printable(std::string_view text) {
    std::string out(text);
    std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
}

}  // namespace

struct RecentRings::Header {
    std::uint64_t magic;
    std::uint32_t record_size;
    std::uint32_t workers;
    std::uint64_t capacity;
    std::int64_t wall_offset;  // of CLOCK_REALTIME to CLOCK_MONOTONIC
    std::int32_t pid;
};

std::unique_ptr<RecentRings> RecentRings::make(unsigned workers, std::uint32_t requests, UniqueFd memory) {
    if (requests == 0 || workers == 0 || workers > kMostWorkers || requests > kMostRequests) return nullptr;
    std::unique_ptr<RecentRings> rings(new RecentRings);
    rings->workers_ = workers;
    rings->capacity_ = std::bit_ceil(requests);
    rings->wall_offset_ = wall_nanos() - monotonic_nanos();
    rings->pid_ = ::getpid();
    const std::size_t bytes = bytes_for(workers, rings->capacity_);
    if (!memory) memory.reset(::memfd_create("gantry-recent", MFD_CLOEXEC));
    if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) return nullptr;
    if (!rings->map(memory.get(), bytes, true)) return nullptr;
    auto* const header = reinterpret_cast<Header*>(rings->memory_);
    header->record_size = sizeof(RecentRecord);
    header->workers = workers;
    header->capacity = rings->capacity_;
    header->wall_offset = rings->wall_offset_;
    header->pid = rings->pid_;
    header->magic = kMagic;
    return rings;
}

std::unique_ptr<RecentRings> RecentRings::look_at(const UniqueFd& memory) {
    struct stat status{};
    if (!memory || ::fstat(memory.get(), &status) != 0) return nullptr;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    std::unique_ptr<RecentRings> rings(new RecentRings);
    if (bytes < kPage || !rings->map(memory.get(), bytes, false)) return nullptr;
    Header header;
    std::memcpy(&header, rings->memory_, sizeof header);
    const bool is_ours = header.magic == kMagic && header.record_size == sizeof(RecentRecord) &&
                         header.workers <= kMostWorkers && header.capacity <= kMostRequests &&
                         std::has_single_bit(header.capacity) &&
                         bytes_for(header.workers, header.capacity) <= bytes;
    if (!is_ours) return nullptr;
    rings->workers_ = header.workers;
    rings->capacity_ = header.capacity;
    rings->wall_offset_ = header.wall_offset;
    rings->pid_ = header.pid;
    return rings;
}

bool RecentRings::map(int fd, std::size_t bytes, bool is_writable) {
    void* const at =
        ::mmap(nullptr, bytes, is_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return false;
    memory_ = static_cast<char*>(at);
    bytes_ = bytes;
    return true;
}

RecentRings::~RecentRings() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

std::atomic<std::uint64_t>& RecentRings::next_of(unsigned worker) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(memory_ + kPage + worker * kPerWorker);
}

RecentRecord* RecentRings::records_of(unsigned worker) const {
    return reinterpret_cast<RecentRecord*>(memory_ + kPage + workers_ * kPerWorker) + worker * capacity_;
}

RecentRing RecentRings::ring(unsigned worker) {
    return {next_of(worker), records_of(worker), capacity_};
}

// False: another request has taken the place, or is about to.
GANTRY_RACES_BY_DESIGN bool RecentRings::copy(const RecentRecord& from, std::uint64_t position,
                                              RecentRecord& to) {
    const std::uint64_t wanted = 2 * position + 2;
    if (from.sequence.load(std::memory_order_acquire) != wanted) return false;
    const auto* const source = reinterpret_cast<const volatile std::uint64_t*>(&from);
    std::uint64_t words[sizeof(RecentRecord) / 8];
    for (std::size_t i = 1; i < std::size(words); ++i) words[i] = source[i];
    std::memcpy(reinterpret_cast<char*>(&to) + 8, words + 1, sizeof to - 8);
    recent_fence(std::memory_order_acquire);
    return from.sequence.load(std::memory_order_relaxed) == wanted;
}

RecentRequest RecentRings::describe(const RecentRecord& record, std::int64_t offset) {
    RecentRequest out;
    out.wall_nanos = record.end_nanos + offset;
    out.duration_nanos = std::max<std::int64_t>(record.end_nanos - record.start_nanos, 0);
    out.handler_nanos = record.handler_nanos;
    out.connect_nanos = record.connect_nanos;
    out.first_byte_nanos = record.first_byte_nanos;
    out.bytes_sent = record.bytes_sent;
    out.body_received = record.body_received;
    out.status = record.status;
    out.upstream_status = record.upstream_status;
    out.is_tls = record.is_tls != 0;
    out.protocol = http::protocol_text(static_cast<http::Version>(record.version));
    net::PeerAddress address;
    std::copy(std::begin(record.ip), std::end(record.ip), address.ip.begin());
    address.family = record.family == 4 || record.family == 6 ? record.family : 0;
    Arena arena;
    out.client = address.ip_text(arena);
    const auto size_of = [](std::uint8_t size, std::size_t most) {
        return std::min<std::size_t>(size, most);
    };
    out.method = printable({record.method, size_of(record.method_size, sizeof record.method)});
    std::string_view text(record.text, RecentRecord::kText);
    const auto take = [&](std::uint8_t size) {
        const std::string_view part = text.substr(0, size);
        text.remove_prefix(part.size());
        return printable(part);
    };
    out.host = take(record.host_size);
    out.peer = take(record.peer_size);
    out.path = take(record.path_size);
    if (record.error != 0 && record.error - 1 <= static_cast<int>(Code::Internal)) {
        out.error = gantry::describe(
            {static_cast<Code>(record.error - 1), Side::Us, Retry::No, record.error_system, ""});
    }
    return out;
}

RecentRings::Batch RecentRings::read(const Cursor& since) const {
    Batch batch;
    RecentRecord record{};
    // The clock may have been set since.
    const std::int64_t offset = pid_ == ::getpid() ? wall_nanos() - monotonic_nanos() : wall_offset_;
    for (unsigned worker = 0; worker < workers_; ++worker) {
        const std::uint64_t end = next_of(worker).load(std::memory_order_acquire);
        const std::uint64_t oldest = end - std::min(end, capacity_);
        // A cursor beyond the end is of somebody else.
        const std::uint64_t wanted = worker < since.size() ? std::min(since[worker], end) : oldest;
        const std::uint64_t begin = std::max(wanted, oldest);
        batch.missed += begin - wanted;
        const RecentRecord* const records = records_of(worker);
        for (std::uint64_t position = begin; position < end; ++position) {
            if (copy(records[position & (capacity_ - 1)], position, record)) {
                batch.requests.push_back(describe(record, offset));
            } else {
                ++batch.missed;
            }
        }
        batch.cursor.push_back(end);
    }
    std::stable_sort(
        batch.requests.begin(), batch.requests.end(),
        [](const RecentRequest& a, const RecentRequest& b) { return a.wall_nanos < b.wall_nanos; });
    return batch;
}

}  // namespace gantry::server
