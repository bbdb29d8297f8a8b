#include "core/net/readable_wait.hpp"

#include "core/net/worker.hpp"

#include <asio.hpp>
#include <utility>

namespace gantry::net {

// Held by what waits in the loop as well, which may complete behind the end of its owner.
struct ReadableWait::State : std::enable_shared_from_this<State> {
    State(Worker& of, std::function<void()> call)
        : worker(of),
          on_readable(std::move(call)),
          descriptor(*static_cast<asio::io_context*>(of.context())) {}

    // The reactor of Asio reports changes; to begin a wait has it ask the kernel how things are now.
    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](const asio::error_code& error) {
                                  if (error || !self->is_on) return;
                                  self->worker.enter_event();
                                  self->on_readable();
                                  if (self->is_on) self->wait();
                              });
    }

    Worker& worker;
    std::function<void()> on_readable;
    asio::posix::stream_descriptor descriptor;
    bool is_on = false;
};

ReadableWait::ReadableWait(Worker& worker, int fd, std::function<void()> on_readable)
    : state_(std::make_shared<State>(worker, std::move(on_readable))) {
    asio::error_code error;
    state_->descriptor.assign(fd, error);
    if (error) return;
    state_->is_on = true;
    state_->wait();
}

ReadableWait::~ReadableWait() {
    if (!std::exchange(state_->is_on, false)) return;
    state_->descriptor.release();
}

bool ReadableWait::is_on() const {
    return state_->is_on;
}

}  // namespace gantry::net
