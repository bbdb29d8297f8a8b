#include "core/net/worker.hpp"

#include <algorithm>
#include <asio.hpp>
#include <asio/detail/reactor.hpp>
#include <asio/detail/scheduler.hpp>
#include <chrono>
#include <utility>

namespace gantry::net {
namespace {

thread_local Worker* t_current = nullptr;

constexpr std::size_t kBatch = 32;          // tasks: more would only displace each other from the caches
constexpr std::size_t kWorthwhile = 3;      // tasks in a batch for which the next one is waited for
constexpr std::uint32_t kProbeAfter = 256;  // refusals until a batch is tried again

void write_two(char* to, int value) {
    to[0] = static_cast<char>('0' + value / 10);
    to[1] = static_cast<char>('0' + value % 10);
}

// RFC 9110 5.6.7; http/date.hpp has the general one, two rooms up.
void write_http_date(char* to, std::int64_t seconds) {
    static constexpr char kDays[] = "SunMonTueWedThuFriSat";
    static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t time = seconds;
    tm parts;
    ::gmtime_r(&time, &parts);
    std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").copy(to, 29);
    std::memcpy(to, kDays + parts.tm_wday * 3, 3);
    write_two(to + 5, parts.tm_mday);
    std::memcpy(to + 8, kMonths + parts.tm_mon * 3, 3);
    write_two(to + 12, (parts.tm_year + 1900) / 100);
    write_two(to + 14, (parts.tm_year + 1900) % 100);
    write_two(to + 17, parts.tm_hour);
    write_two(to + 20, parts.tm_min);
    write_two(to + 23, parts.tm_sec);
}

}  // namespace

struct Worker::Loop {
    // In the queue once at most, which costs no memory.
    template <void (Worker::*Call)()>
    struct Operation : asio::detail::scheduler_operation {
        explicit Operation(Worker& owner) : scheduler_operation(&Operation::run), worker(owner) {}
        static void run(void* loop, scheduler_operation* base, const asio::error_code&, std::size_t) {
            if (loop != nullptr) (static_cast<Operation*>(base)->worker.*Call)();
        }
        Worker& worker;
    };

    explicit Loop(Worker& worker) : batch_end(worker), posted(worker) {}
    void enqueue(asio::detail::scheduler_operation& operation, bool is_continuation) {
        scheduler.post_immediate_completion(&operation, is_continuation);
    }

    // Before the context, whose queue may hold them. The first comes to its turn behind the events that are
    // in the queue when it is posted. In between the loop asks the kernel for more events once, without
    // waiting.
    Operation<&Worker::end_batch> batch_end;
    Operation<&Worker::run_posted> posted;
    // Only this worker's thread touches its sockets, so the reactor needs no locks; the queue keeps its own,
    // for post().
    asio::io_context context{ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    asio::detail::scheduler& scheduler{asio::use_service<asio::detail::scheduler>(context)};
    asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
    asio::steady_timer tick{context};
};

Worker::Worker(unsigned index, BlockingPool* blocking)
    : index_(index),
      blocking_(blocking),
      now_nanos_(monotonic_nanos()),
      now_(now_nanos_ / 1'000'000),
      wheel_(now_),
      loop_(std::make_unique<Loop>(*this)),
      scheduler_(&loop_->scheduler) {
    auto& reactor = asio::use_service<asio::detail::reactor>(loop_->context);
    reactor.init_task();
    reactor_ = &reactor;
    enter_event();
}

// Tasks that were posted but never ran may own things of this worker, and what they own may need the loop.
Worker::~Worker() {
    while (!posted_.empty()) std::exchange(posted_, {}).clear();
    loop_.reset();
    free_chains_.clear();
}

void Worker::run() {
    t_current = this;
    arm_tick();
    loop_->context.run();
    t_current = nullptr;
}

void Worker::stop() {
    loop_->context.stop();
}

void Worker::post(Task task) {
    {
        const std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(task));
        if (posted_.size() > 1) return;
    }
    loop_->enqueue(loop_->posted, false);
}

void Worker::run_posted() {
    {
        const std::lock_guard lock(posted_mutex_);
        running_.swap(posted_);
    }
    for (Task& task : running_) {
        enter_event();
        task();
    }
    running_.clear();
}

bool Worker::postpone(Postponed& task) {
    if (postponed_.size() >= kBatch) return false;
    if (postponed_.empty()) {
        if (!is_busy_ && ++refusals_ < kProbeAfter) return false;
        refusals_ = 0;
        loop_->enqueue(loop_->batch_end, true);
    }
    postponed_.push_back(&task);
    return true;
}

void Worker::forget(Postponed& task) {
    std::erase(postponed_, &task);
    std::replace(batch_.begin(), batch_.end(), &task, static_cast<Postponed*>(nullptr));
}

void Worker::end_batch() {
    enter_event();
    is_busy_ = postponed_.size() >= kWorthwhile;
    batch_.swap(postponed_);
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        if (Postponed* const task = std::exchange(batch_[i], nullptr)) task->on_batch_end();
    }
    batch_.clear();
}

Worker* Worker::current() {
    return t_current;
}

void* Worker::context() {
    return &loop_->context;
}

void Worker::enter_event() {
    now_nanos_ = monotonic_nanos();
    now_ = now_nanos_ / 1'000'000;
    if (now_ < next_second_) return;
    timespec wall;
    ::clock_gettime(CLOCK_REALTIME, &wall);
    next_second_ = now_ + 1 + (1'000'000'000 - wall.tv_nsec) / 1'000'000;
    if (wall.tv_sec == wall_seconds_) return;
    wall_seconds_ = wall.tv_sec;
    write_http_date(date_, wall_seconds_);
}

void Worker::arm_tick() {
    loop_->tick.expires_after(std::chrono::milliseconds(Wheel::kTick));
    loop_->tick.async_wait([this](const asio::error_code& error) {
        if (!error) fire_deadlines();
    });
}

void Worker::fire_deadlines() {
    enter_event();
    if (!wheel_.advance(now_)) return arm_tick();
    asio::post(loop_->context, [this] { fire_deadlines(); });  // behind what the sockets have
}

Chain* Worker::take_chain() {
    if (free_chains_.empty()) return new Chain(blocks_);
    Chain* chain = free_chains_.back().release();
    free_chains_.pop_back();
    return chain;
}

void Worker::give_chain(Chain* chain) {
    chain->clear();
    std::unique_ptr<Chain> owned(chain);
    if (free_chains_.size() < 64) free_chains_.push_back(std::move(owned));
}

}  // namespace gantry::net
