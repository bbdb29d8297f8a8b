#include "core/store/service.hpp"

#include "core/base/log.hpp"

#include <chrono>
#include <pthread.h>
#include <utility>
#include <vector>

namespace gantry::store {
namespace {

constexpr std::size_t kMostTogether = 512;  // operations in one transaction
constexpr Millis kTryAgain = 1'000;
constexpr Millis kCleanEvery = 10'000;

Millis wall_millis() {
    return wall_nanos() / 1'000'000;
}

std::size_t bytes_of(const Operation& operation) {
    if (const auto* put = std::get_if<Put>(&operation)) return put->key.size() + put->value.size();
    if (const auto* append = std::get_if<Append>(&operation))
        return append->stream.size() + append->value.size();
    return kLongestKey;
}

}  // namespace

void Service::set_place(Place place) {
    const std::lock_guard lock(mutex_);
    place_ = std::move(place);
    wake_.notify_one();
}

bool Service::submit(std::string space, Operation operation, Done done) {
    const std::size_t bytes = bytes_of(operation);
    const std::lock_guard lock(mutex_);
    if (is_over_ || tasks_.size() >= limit_ || waiting_bytes_ + bytes > limit_bytes_) return false;
    tasks_.push_back({{std::move(space), std::move(operation)}, std::move(done), bytes});
    waiting_bytes_ += bytes;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wake_.notify_one();
    return true;
}

void Service::finish() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Service::run() {
    ::pthread_setname_np(::pthread_self(), "store");
    for (;;) {
        std::deque<Task> batch;
        Place place;
        {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, std::chrono::milliseconds(kCleanEvery),
                           [this] { return is_over_ || (!tasks_.empty() && !place_.file.empty()); });
            if (place_.file.empty() && !is_over_) continue;
            if (tasks_.empty() && is_over_) break;
            while (!tasks_.empty() && batch.size() < kMostTogether) {
                waiting_bytes_ -= tasks_.front().bytes;
                batch.push_back(std::move(tasks_.front()));
                tasks_.pop_front();
            }
            place = place_;
        }
        run_batch(batch, place);
    }
    backend_.reset();
}

void Service::run_batch(std::deque<Task>& batch, const Place& place) {
    if (!batch.empty()) answer(batch, place);
    for (Task& task : batch) task.done(std::move(task.job.answer));
    if (!backend_ || monotonic_millis() - cleaned_ < kCleanEvery) return;
    if (!backend_->clean(wall_millis())) cleaned_ = monotonic_millis();
}

void Service::answer(std::deque<Task>& batch, const Place& place) {
    if (!open(place)) {
        for (Task& task : batch) task.job.answer = {.outcome = Outcome::Unavailable};
        return;
    }
    std::vector<Job*> jobs;
    jobs.reserve(batch.size());
    for (Task& task : batch) jobs.push_back(&task.job);
    const std::string error = backend_->run(jobs, wall_millis());
    tell(error);
    if (!error.empty()) backend_.reset();  // somebody may have mended the file, or put another in its place
}

bool Service::open(const Place& place) {
    if (place.file.empty()) return false;
    if (backend_ && opened_ == place) return true;
    if (opened_ == place && monotonic_millis() < try_again_) return false;
    backend_.reset();
    opened_ = place;
    auto opened = open_sqlite(place.file, place.durability);
    if (opened) {
        backend_ = std::move(*opened);
        return true;
    }
    try_again_ = monotonic_millis() + kTryAgain;
    tell(opened.error());
    return false;
}

// Once for each fault, not for each operation that meets it.
void Service::tell(const std::string& error) {
    if (error == last_error_) return;
    if (error.empty()) {
        log::info("the store works again file={}", opened_.file);
    } else {
        log::error("the store fails file={}: {}", opened_.file, error);
    }
    last_error_ = error;
}

}  // namespace gantry::store
