// Takes the bytes that a peer sends back apart: interim heads, the head, the body without its framing,
// trailers (RFC 9112). Does no I/O, so tests and the fuzzer feed it strings.
#pragma once

#include "core/http/chunked.hpp"
#include "core/http/h1_parser.hpp"

#include <cstdint>
#include <string_view>

namespace gantry::http {

// Where a response is parsed to. Trivial to destroy, so that it may live in the arena of its exchange.
struct IncomingResponse {
    explicit IncomingResponse(Arena& arena) : head(arena), trailers(arena) {}

    ResponseHead head;
    Headers trailers;
};

// One response after the other, on one connection.
class H1ResponseReader {
public:
    enum class Upgrade : std::uint8_t { Refused, Wanted };  // what the request asked for
    enum class Event : std::uint8_t {
        NeedMore,  // call again with the bytes that were not consumed, and more behind them
        Interim,   // response.head is a 1xx; another head follows
        Head,      // response.head is the final one; a 101 makes everything behind it raw body
        Body,      // `data`: a piece of the body
        End,       // complete; response.trailers is filled where trailers came
    };
    struct Step {
        Event event = Event::NeedMore;
        std::size_t consumed = 0;  // `data` included
        std::string_view data{};   // a view into the input
    };

    // Makes it ready for the answer to a request with this method.
    void start(Method method, Upgrade upgrade, const HeadLimits& limits);

    // The next event of `input`. Views of the head and the trailers point into `input`. Errors are
    // Side::Upstream; nothing may be fed after one, nor after End.
    Result<Step> feed(std::string_view input, IncomingResponse& response);

    // The peer ended the connection in order: End where that ends the body, else an error. `unread`: bytes of
    // an incomplete head or trailers are left.
    Result<Step> feed_end(bool unread);

    bool is_raw() const { return state_ == State::Raw; }
    // Is the body delimited by the end of the connection (or raw)? Known from Head on.
    bool needs_close() const { return closes_; }
    bool is_head_complete() const { return state_ != State::Head; }

private:
    enum class State : std::uint8_t { Head, Length, Chunked, Trailers, UntilClose, Raw, End, Done };

    Result<Step> feed_head(std::string_view input, IncomingResponse& response);
    Result<Step> feed_chunked(std::string_view input, IncomingResponse& response);
    Result<Step> feed_trailers(std::string_view input, IncomingResponse& response);
    Result<Step> choose_body(std::size_t consumed, const ResponseHead& head);

    State state_ = State::Done;
    Method method_ = Method::Get;
    Upgrade upgrade_ = Upgrade::Refused;
    bool closes_ = false;
    std::uint8_t interims_ = 0;
    std::uint64_t left_ = 0;
    std::size_t scanned_ = 0;
    HeadLimits limits_;
    ChunkedDecoder chunks_{Side::Upstream};
};

}  // namespace gantry::http
