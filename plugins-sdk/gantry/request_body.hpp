// The body of a request in a coroutine, piece by piece:
//
//     gantry::Task<gantry::Verdict> handle(gantry::Exchange exchange) {
//         gantry::RequestBody body{exchange};
//         std::uint64_t size = 0;
//         while (const auto piece = co_await body.next()) size += piece->size();
//         exchange.response().body(std::to_string(size));
//         co_return gantry::Verdict::Done;
//     }
//
// The client is read as fast as pieces are taken: a body of any size takes little memory. Where it does not come whole
// (the client left or is too slow, more than max_body of the location, bad framing), the coroutine is destroyed where
// it waits, and gantry answers.
#pragma once

#include "gantry/async.hpp"

#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::inline sdk {

// A local variable of a coroutine, used by it alone, once in an exchange; begins with the first co_await. What was not
// taken is thrown away when the exchange is answered.
class RequestBody {
    struct Awaiting;

public:
    explicit RequestBody(const Exchange& exchange) noexcept : exchange_(exchange) {}
    RequestBody(const RequestBody&) = delete;
    RequestBody& operator=(const RequestBody&) = delete;
    ~RequestBody() {
        if (reader_ != nullptr) reader_->body = nullptr;
    }

    // For co_await. std::optional<std::string_view>: a piece, valid until the next one; nothing: that was all, or it
    // cannot be read, and result() says why.
    Awaiting next() noexcept { return {*this}; }

    // GANTRY_ERROR_STATE: it is read already, or the exchange is answered.
    Result result() const noexcept { return result_; }

private:
    static constexpr std::size_t kEnough = 64 * 1024;  // waits here before the client waits

    // Lives as long as the exchange, which may have more of the body when the coroutine is done.
    struct Reader {
        RequestBody* body;

        void data(Exchange, std::string_view data) {
            if (body != nullptr) body->take_in(data);
        }
        void end(Exchange) {
            if (body == nullptr) return;
            body->is_over_ = true;
            body->go_on();
        }
    };

    struct Awaiting {
        RequestBody& body;

        bool await_ready() const noexcept { return body.is_over_ || !body.pending_.empty(); }
        template <class Promise>
        bool await_suspend(std::coroutine_handle<Promise> here) {
            if (body.reader_ == nullptr && !body.begin()) return false;
            body.waiting_ = here.promise().waiting;
            body.waiting_->wait_at(here);
            return true;
        }
        std::optional<std::string_view> await_resume() const { return body.give_out(); }
    };

    bool begin() {
        reader_ = exchange_.make<Reader>(Reader{this});
        result_ = reader_ == nullptr ? GANTRY_ERROR_LIMIT : exchange_.read_body(*reader_);
        is_over_ = result_ != GANTRY_OK;
        return !is_over_;
    }

    std::optional<std::string_view> give_out() {
        if (pending_.empty()) return std::nullopt;
        given_.clear();
        std::swap(given_, pending_);
        if (std::exchange(is_paused_, false)) static_cast<void>(exchange_.resume_body());
        return given_;
    }

    void take_in(std::string_view data) {
        pending_.append(data);
        if (pending_.size() >= kEnough && !is_paused_) is_paused_ = exchange_.pause_body() == GANTRY_OK;
        go_on();
    }

    // The coroutine, if it waits for this. It may end, and this object with it.
    void go_on() noexcept {
        if (waiting_ != nullptr) detail::Waiting::go_on(std::exchange(waiting_, nullptr));
    }

    Exchange exchange_;
    detail::Waiting* waiting_ = nullptr;
    Reader* reader_ = nullptr;
    std::string pending_ = {};  // came, and was not taken
    std::string given_ = {};    // was taken last
    Result result_ = GANTRY_OK;
    bool is_paused_ = false;
    bool is_over_ = false;
};

}  // namespace gantry::inline sdk
