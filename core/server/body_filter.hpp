// Body filters: what changes the body of a response on its way from the handler to the codec. A header filter
// that wants to see a body adds one to the exchange.
#pragma once

#include "core/base/chain.hpp"
#include "core/http/headers.hpp"
#include "core/net/file_reader.hpp"

#include <memory>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace gantry::server {

class Exchange;

// Where a body filter's output goes: to the next filter, at last to the codec.
class BodySink {
public:
    // `owner` keeps `bytes` alive; without one they are copied now.
    virtual void send(std::string_view bytes, Ref<RefCounted> owner) = 0;

protected:
    ~BodySink() = default;
};

// At work on one response. [worker] Must not call the exchange but for its facts.
class BodyFilter {
public:
    BodyFilter() = default;
    BodyFilter(const BodyFilter&) = delete;
    BodyFilter& operator=(const BodyFilter&) = delete;
    virtual ~BodyFilter() = default;

    // The next bytes of the body, never none. Whatever comes of them, now or later, goes to `next`. Without
    // an `owner` they are valid during the call only. False: the body cannot be made; nothing else comes, and
    // the response is cut so that the client can tell.
    virtual bool on_piece(std::string_view bytes, const Ref<RefCounted>& owner, BodySink& next) = 0;
    // More is to come, but not soon: what is held back should go out, where it is of use to the client.
    virtual bool on_pause(BodySink& next) {
        static_cast<void>(next);
        return true;
    }
    // The body is complete: what was held back has to go out. Not called when the response ends early.
    virtual bool on_end(BodySink& next) = 0;
};

// The filters of one response, and what waits in front of them: ranges of files are read piece by piece, as
// fast as the client takes what comes of them, and never wait for a disk on the worker's loop. [worker]
class FilteredBody {
public:
    explicit FilteredBody(Exchange& exchange);
    ~FilteredBody();
    FilteredBody(const FilteredBody&) = delete;
    FilteredBody& operator=(const FilteredBody&) = delete;

    // Behind those that are there.
    void add(std::unique_ptr<BodyFilter> filter);

    void send(std::string_view bytes, Ref<RefCounted> owner);
    void send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner);
    // The producer has nothing more for now.
    void pause();
    // The exchange may be over, and this with it, when it returns.
    void finish(const http::Headers* trailers);

    // Something waits for the client to take what was sent before.
    bool is_holding() const { return !waiting_.empty(); }
    // The client took what was queued: goes on. As finish().
    void on_drained() { pump(); }

private:
    class Link;
    struct Alive;

    void pump();
    bool read_file();
    void on_fetched();
    void fail();
    bool pass(std::string_view bytes, const Ref<RefCounted>& owner);
    void end();

    Exchange& exchange_;
    std::vector<std::unique_ptr<Link>> links_;
    Chain waiting_;
    http::Headers trailers_;  // a copy, where the end has to wait
    net::FileReader files_;
    std::shared_ptr<Alive> alive_;  // outlives this where something was put off
    bool has_trailers_ = false;
    bool is_fresh_ = false;     // something passed since the last pause
    bool is_finished_ = false;  // finish() was called
    bool has_failed_ = false;   // nothing passes any more
};

}  // namespace gantry::server
