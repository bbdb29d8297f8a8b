#include "core/server/body_filter.hpp"

#include "core/server/exchange.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace gantry::server {

namespace {

constexpr std::size_t kFetch = 256 * 1024;  // asked of the disk at once

// Reads into the kernel's cache. Runs on a thread of the pool.
void fetch(int fd, off_t offset, std::size_t size) {
    char scratch[16 * 1024];
    for (std::size_t done = 0; done < size;) {
        const ssize_t got =
            ::pread(fd, scratch, std::min(sizeof scratch, size - done), offset + static_cast<off_t>(done));
        if (got <= 0) return;
        done += static_cast<std::size_t>(got);
    }
}

}  // namespace

// A filter and what comes behind it.
class FilteredBody::Link final : public BodySink {
public:
    Link(FilteredBody& body, std::size_t index, std::unique_ptr<BodyFilter> filter)
        : body_(body), index_(index), filter_(std::move(filter)) {}
    virtual ~Link() = default;

    void send(std::string_view bytes, Ref<RefCounted> owner) override {
        if (bytes.empty() || body_.has_failed_) return;
        if (index_ + 1 == body_.links_.size()) return body_.exchange_.deliver(bytes, std::move(owner));
        body_.links_[index_ + 1]->take(bytes, owner);
    }
    void take(std::string_view bytes, const Ref<RefCounted>& owner) {
        if (!filter_->on_piece(bytes, owner, *this)) body_.has_failed_ = true;
    }
    void end() {
        if (!filter_->on_end(*this)) body_.has_failed_ = true;
    }

private:
    FilteredBody& body_;
    std::size_t index_;
    std::unique_ptr<BodyFilter> filter_;
};

struct FilteredBody::Later {
    FilteredBody* body;  // null: it is gone
};

FilteredBody::FilteredBody(Exchange& exchange)
    : exchange_(exchange),
      waiting_(exchange.worker().net().blocks()),
      trailers_(exchange.arena()),
      later_(std::make_shared<Later>(Later{this})) {}

FilteredBody::~FilteredBody() {
    later_->body = nullptr;
}

void FilteredBody::add(std::unique_ptr<BodyFilter> filter) {
    links_.push_back(std::make_unique<Link>(*this, links_.size(), std::move(filter)));
}

void FilteredBody::send(std::string_view bytes, Ref<RefCounted> owner) {
    if (has_failed_ || bytes.empty()) return;
    if (!is_holding()) {
        pass(bytes, owner);
    } else if (owner) {
        waiting_.append(bytes, std::move(owner));
    } else {
        waiting_.append_copy(bytes);
    }
}

void FilteredBody::send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) {
    if (has_failed_ || size == 0) return;
    waiting_.append_file(fd, offset, size, std::move(owner));
    pump();
}

void FilteredBody::finish(const http::Headers* trailers) {
    is_finished_ = true;
    if (trailers != nullptr) {
        has_trailers_ = true;
        Arena& arena = exchange_.arena();
        for (const http::Field& field : *trailers) {
            trailers_.add(field.id, arena.copy(field.name), arena.copy(field.value));
        }
    }
    if (!is_holding()) end();
}

bool FilteredBody::pass(std::string_view bytes, const Ref<RefCounted>& owner) {
    links_.front()->take(bytes, owner);
    // The handler may be on the stack and does not expect its exchange to end here.
    if (has_failed_) {
        waiting_.clear();
        put_off(&FilteredBody::cut);
    }
    return !has_failed_;
}

// As much of what waits as the client may get now.
void FilteredBody::pump() {
    while (is_holding() && !waits_for_disk_ && !exchange_.is_output_full()) {
        if (waiting_.front().is_file()) {
            if (!read_file()) return;
            continue;
        }
        const Segment segment = waiting_.front();
        waiting_.consume(segment.size);
        if (!pass(segment.view(), segment.owner)) return;
    }
    if (!is_holding() && is_finished_) end();
}

// The next piece of the file in front. False: it has to be waited for, or everything is over.
bool FilteredBody::read_file() {
    const Segment& file = waiting_.front();
    Ref<Block> block = exchange_.worker().net().blocks().take();
    iovec to{block->tail(), std::min(block->room(), file.size)};
    const int flags = was_on_disk_ ? 0 : RWF_NOWAIT;
    ssize_t got = ::preadv2(file.fd, &to, 1, file.offset, flags);
    if (got < 0 && errno == EOPNOTSUPP) got = ::preadv(file.fd, &to, 1, file.offset);
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 && errno == EAGAIN && !was_on_disk_) {
        wait_for_disk(file.fd, file.offset, std::min(file.size, kFetch));
        return false;
    }
    was_on_disk_ = false;
    if (got <= 0) {  // the file became shorter, or cannot be read: nothing may stand in for it
        has_failed_ = true;
        waiting_.clear();
        put_off(&FilteredBody::cut);
        return false;
    }
    block->grow(static_cast<std::size_t>(got));
    waiting_.consume(static_cast<std::size_t>(got));
    return pass(block->view(), block);
}

void FilteredBody::wait_for_disk(int fd, off_t offset, std::size_t size) {
    waits_for_disk_ = true;
    // A descriptor of its own: the exchange may be gone before the disk has answered.
    UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    net::Worker& worker = exchange_.worker().net();
    const auto back = [later = later_, &worker] {
        worker.post([later] {
            if (later->body != nullptr) later->body->on_disk();
        });
    };
    const bool queued = own && exchange_.worker().blocking().submit(
                                   [back, offset, size, file = std::make_shared<UniqueFd>(std::move(own))] {
                                       fetch(file->get(), offset, size);
                                       back();
                                   });
    if (!queued) back();
}

void FilteredBody::on_disk() {
    waits_for_disk_ = false;
    was_on_disk_ = true;
    const std::shared_ptr<Later> later = later_;
    pump();
    if (later->body != nullptr) exchange_.flush();
}

void FilteredBody::put_off(void (FilteredBody::*step)()) {
    exchange_.worker().net().post([later = later_, step] {
        if (later->body != nullptr) (later->body->*step)();
    });
}

void FilteredBody::cut() {
    exchange_.fail({Code::Internal, Side::Us, Retry::No, 0, "while a filter changed the body"});
}

void FilteredBody::end() {
    for (std::size_t i = 0; i < links_.size() && !has_failed_; ++i) links_[i]->end();
    if (has_failed_) return put_off(&FilteredBody::cut);
    exchange_.end_body(has_trailers_ ? &trailers_ : nullptr);  // the last thing: this may be gone now
}

}  // namespace gantry::server
