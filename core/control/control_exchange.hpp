// One request to the control API, from its head to the answer.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/task_queue.hpp"
#include "core/control/api.hpp"
#include "core/http/stream.hpp"
#include "core/net/worker.hpp"

#include <memory>
#include <string>

namespace gantry::control {

// What the exchanges of one control server have in common. Outlives them.
struct ControlContext {
    const Api& api;
    TaskQueue& main;  // where routes run
    net::Worker& worker;
};

// Deletes itself with the last call of the codec. On the control thread throughout; the route runs elsewhere
// and its answer comes back by post.
class ControlExchange final : public http::ServerExchange, private http::BodyReader {
public:
    ControlExchange(ControlContext& context, http::ServerStream& stream);
    ~ControlExchange() { *self_ = nullptr; }
    ControlExchange(const ControlExchange&) = delete;
    ControlExchange& operator=(const ControlExchange&) = delete;

    http::RequestHead& request() override { return request_; }
    Arena& arena() override { return arena_; }
    void start() override;
    void start_failed(const Error& error) override;
    void on_drained() override {}
    void on_body_failed(const Error& error) override;
    void on_sent() override { delete this; }
    void on_aborted(const Error& /*error*/) override { delete this; }

private:
    static constexpr std::size_t kMaxBody = 1024 * 1024;

    void on_body(std::string_view bytes, const Ref<Block>& owner) override;
    void on_body_end(const http::Headers* trailers) override;
    void ask();
    void answer(const Reply& reply);

    ControlContext& context_;
    http::ServerStream& stream_;
    Arena arena_;
    http::RequestHead request_;
    std::string body_;
    bool is_answered_ = false;
    // Is this exchange still there when the answer comes? Read and written on the control thread.
    std::shared_ptr<ControlExchange*> self_;
};

}  // namespace gantry::control
