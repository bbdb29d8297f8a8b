#include "core/control/control_exchange.hpp"

#include <boost/json/serialize.hpp>
#include <sys/socket.h>
#include <utility>

namespace gantry::control {
namespace {

Caller caller_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return {static_cast<int>(peer.pid), static_cast<int>(peer.uid)};
}

}  // namespace

ControlExchange::ControlExchange(ControlContext& context, http::ServerStream& stream)
    : context_(context), stream_(stream), request_(arena_), self_(std::make_shared<ControlExchange*>(this)) {}

void ControlExchange::start() {
    stream_.read_body(*this);
}

void ControlExchange::start_failed(const Error& error) {
    answer(refusal(status_of(error), describe(error), "send an HTTP/1.1 request"));
}

void ControlExchange::on_body_failed(const Error& error) {
    answer(refusal(status_of(error), describe(error), "send a shorter body, and all of it"));
}

void ControlExchange::on_body(std::string_view bytes, const Ref<Block>& /*owner*/) {
    if (is_answered_) return;
    if (body_.size() + bytes.size() > kMaxBody) {
        answer(refusal(413, "the body is too large", "it may have 1 MiB"));
        return;
    }
    body_.append(bytes);
}

void ControlExchange::on_body_end(const http::Headers* /*trailers*/) {
    if (!is_answered_) ask();
}

void ControlExchange::ask() {
    const Answer reply = [self = self_, &worker = context_.worker](Reply given) {
        worker.post([self, given = std::move(given)] {
            if (*self != nullptr) (*self)->answer(given);
        });
    };
    Request request{request_.method,
                    std::string(request_.path),
                    std::string(request_.query),
                    {},
                    caller_of(stream_.facts().fd)};
    context_.main.post([&api = context_.api, request = std::move(request), body = std::move(body_), reply] {
        api.handle(request, body, reply);
    });
}

void ControlExchange::answer(const Reply& reply) {
    if (std::exchange(is_answered_, true)) return;
    const std::string text = boost::json::serialize(reply.body) + "\n";
    http::ResponseHead head(arena_);
    head.status = reply.status;
    head.body = http::BodyKind::Length;
    head.content_length = text.size();
    head.headers.add(http::HeaderId::ContentType, "application/json");
    head.headers.add(http::HeaderId::CacheControl, "no-store");
    stream_.send_head(head);
    stream_.send_body(text, {});
    stream_.finish(nullptr);
}

}  // namespace gantry::control
