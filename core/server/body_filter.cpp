#include "core/server/body_filter.hpp"

#include "core/server/exchange.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gantry::server {

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
    void pause() {
        if (!body_.has_failed_ && !filter_->on_pause(*this)) body_.has_failed_ = true;
    }
    void end() {
        if (!filter_->on_end(*this)) body_.has_failed_ = true;
    }

private:
    FilteredBody& body_;
    std::size_t index_;
    std::unique_ptr<BodyFilter> filter_;
};

struct FilteredBody::Alive {
    FilteredBody* body;  // null: it is gone
};

FilteredBody::FilteredBody(Exchange& exchange)
    : exchange_(exchange),
      waiting_(exchange.worker().net().blocks()),
      trailers_(exchange.arena()),
      files_(this, [](void* self) { static_cast<FilteredBody*>(self)->on_fetched(); }),
      alive_(std::make_shared<Alive>(Alive{this})) {}

FilteredBody::~FilteredBody() {
    alive_->body = nullptr;
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

// While something is held for the client there is more to come soon.
void FilteredBody::pause() {
    if (is_finished_ || has_failed_ || is_holding() || !std::exchange(is_fresh_, false)) return;
    for (const std::unique_ptr<Link>& link : links_) link->pause();
    if (has_failed_) fail();
}

bool FilteredBody::pass(std::string_view bytes, const Ref<RefCounted>& owner) {
    is_fresh_ = true;
    links_.front()->take(bytes, owner);
    if (has_failed_) fail();
    return !has_failed_;
}

// As much of what waits as the client may get now.
void FilteredBody::pump() {
    while (is_holding() && !files_.is_fetching() && !exchange_.is_output_full()) {
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
    Ref<Block> block = exchange_.worker().net().blocks().take();
    const std::size_t wanted = std::min(block->room(), waiting_.front().size);
    ssize_t got = files_.read(waiting_.front(), block->tail(), wanted);
    if (got < 0 && errno == EAGAIN) {
        if (files_.fetch(waiting_.front())) return false;
        got = files_.read(waiting_.front(), block->tail(), wanted);
    }
    if (got <= 0) {  // the file became shorter, or cannot be read: nothing may stand in for it
        fail();
        return false;
    }
    block->grow(static_cast<std::size_t>(got));
    waiting_.consume(static_cast<std::size_t>(got));
    return pass(block->view(), block);
}

void FilteredBody::on_fetched() {
    const std::shared_ptr<Alive> alive = alive_;
    pump();
    if (alive->body != nullptr) exchange_.flush();
}

// The handler may be on the stack and does not expect its exchange to end here.
void FilteredBody::fail() {
    has_failed_ = true;
    waiting_.clear();
    exchange_.worker().net().post([alive = alive_] {
        if (alive->body != nullptr) {
            alive->body->exchange_.fail(
                {Code::Internal, Side::Us, Retry::No, 0, "while a filter changed the body"});
        }
    });
}

void FilteredBody::end() {
    for (std::size_t i = 0; i < links_.size() && !has_failed_; ++i) links_[i]->end();
    if (has_failed_) return fail();
    exchange_.end_body(has_trailers_ ? &trailers_ : nullptr);  // the last thing: this may be gone now
}

}  // namespace gantry::server
