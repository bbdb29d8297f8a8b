#include "core/http/h1_response.hpp"

#include <algorithm>

namespace gantry::http {

namespace {

// A peer that sends interim answers for ever would keep the exchange alive for ever.
constexpr std::uint8_t kMaxInterims = 32;

}  // namespace

void H1ResponseReader::start(Method method, Upgrade upgrade, const HeadLimits& limits) {
    state_ = State::Head;
    method_ = method;
    upgrade_ = upgrade;
    closes_ = false;
    interims_ = 0;
    left_ = 0;
    scanned_ = 0;
    limits_ = limits;
    // A status line has no limit of its own.
    limits_.line_bytes = limits.head_bytes;
}

Result<H1ResponseReader::Step> H1ResponseReader::feed(std::string_view input, IncomingResponse& response) {
    switch (state_) {
        case State::Head:
            return feed_head(input, response);
        case State::Length: {
            if (input.empty()) return Step{};
            const std::string_view data =
                input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
            left_ -= data.size();
            if (left_ == 0) state_ = State::End;
            return Step{Event::Body, data.size(), data};
        }
        case State::Chunked:
            return feed_chunked(input, response);
        case State::Trailers:
            return feed_trailers(input, response);
        case State::UntilClose:
        case State::Raw:
            if (input.empty()) return Step{};
            return Step{Event::Body, input.size(), input};
        case State::End:
            state_ = State::Done;
            return Step{Event::End};
        case State::Done:
            break;
    }
    return fail(Code::BadResponse, Side::Upstream, "because of bytes behind the response");
}

Result<H1ResponseReader::Step> H1ResponseReader::feed_head(std::string_view input,
                                                           IncomingResponse& response) {
    if (input.empty()) return Step{};
    ResponseHead& head = response.head;
    const auto size = parse_response_head(input, limits_, method_, head, scanned_);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) return Step{};
    scanned_ = 0;
    if (head.status >= 200) return choose_body(*size, head);
    if (head.status == 101) {
        if (upgrade_ == Upgrade::Refused) {
            return fail(Code::BadResponse, Side::Upstream, "because of an upgrade that nobody asked for");
        }
        closes_ = true;
        state_ = State::Raw;
        return Step{Event::Head, *size};
    }
    if (++interims_ > kMaxInterims) {
        return fail(Code::BadResponse, Side::Upstream, "because of too many interim responses");
    }
    return Step{Event::Interim, *size};
}

Result<H1ResponseReader::Step> H1ResponseReader::choose_body(std::size_t consumed, const ResponseHead& head) {
    switch (head.body) {
        case BodyKind::None:
            state_ = State::End;
            break;
        case BodyKind::Length:
            left_ = head.content_length;
            state_ = left_ == 0 ? State::End : State::Length;
            break;
        case BodyKind::Chunked:
            chunks_ = ChunkedDecoder(Side::Upstream);
            state_ = State::Chunked;
            break;
        case BodyKind::UntilClose:
            closes_ = true;
            state_ = State::UntilClose;
            break;
    }
    return Step{Event::Head, consumed};
}

Result<H1ResponseReader::Step> H1ResponseReader::feed_chunked(std::string_view input,
                                                              IncomingResponse& response) {
    std::size_t consumed = 0;
    for (;;) {
        const auto step = chunks_.feed(input.substr(consumed));
        if (!step) return tl::unexpected(step.error());
        consumed += step->consumed;
        if (step->last) state_ = State::Trailers;
        if (!step->data.empty()) return Step{Event::Body, consumed, step->data};
        if (step->last) break;
        if (step->consumed == 0) return Step{Event::NeedMore, consumed};
    }
    auto end = feed_trailers(input.substr(consumed), response);
    if (end) end->consumed += consumed;
    return end;
}

Result<H1ResponseReader::Step> H1ResponseReader::feed_trailers(std::string_view input,
                                                               IncomingResponse& response) {
    const auto size = parse_trailers(input, limits_, Side::Upstream, response.trailers, scanned_);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) return Step{};
    state_ = State::Done;
    return Step{Event::End, *size};
}

Result<H1ResponseReader::Step> H1ResponseReader::feed_end(bool unread) {
    switch (state_) {
        case State::UntilClose:
        case State::Raw:
            state_ = State::Done;
            return Step{Event::End};
        case State::Head:
            if (unread || interims_ > 0) break;
            // Nothing of an answer was seen: a kept connection may simply have been closed meanwhile.
            return fail(Code::Closed, Side::Upstream, "while waiting for the response", 0,
                        Retry::OnlyIfReused);
        default:
            break;
    }
    return fail(Code::Closed, Side::Upstream, "in the middle of the response");
}

}  // namespace gantry::http
