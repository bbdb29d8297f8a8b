// Filters of connections: what sees a connection after it was accepted, before anything of TLS or HTTP is
// read of it. They run one after the other; each may refuse the connection, look at its first bytes, take
// some of them away (a preface, such as that of the PROXY protocol), and say who is really there.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/http/connection_notes.hpp"
#include "core/net/address.hpp"
#include "core/server/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

class BoundListener;
class WorkerContext;
struct GenerationUse;

// A connection as filters see it. [worker]
struct Newcomer {
    const BoundListener* listener = nullptr;
    int fd = -1;  // for getsockname; never read or written
    net::PeerAddress client;
    std::unique_ptr<http::ConnectionNotes> notes;  // null: there are none

    http::ConnectionNotes& note();
};

// Whether more bytes can come than a filter is shown.
enum class Arrival : std::uint8_t {
    Open,   // yes
    Full,   // no: these are as many as it wanted to see
    Ended,  // no: the client has ended its direction
    Late,   // no: its deadline has passed
};

struct ConnFilter {
    // Next: it is through, and `taken` of the bytes are its own. Wait: it has to see more; unless the arrival
    // is open, that is a refusal. Anything else refuses. The bytes are all that were received and not taken,
    // from the first one; they may be none, and the same as the last time. [borrow:call]
    Verdict (*run)(Newcomer& newcomer, const void* self, std::string_view bytes, Arrival arrival,
                   std::size_t& taken) = nullptr;
    const void* self = nullptr;  // lives as long as the generation
    std::size_t most = 0;        // bytes that it wants to see at most; 0: none, and it does not wait
    Millis deadline = 0;         // for which it may wait
    std::string name;
};

// Where connections go that all filters let through.
class NewcomerTaker {
public:
    virtual void on_through(UniqueFd fd, Newcomer newcomer) = 0;
    // It was closed.
    virtual void on_refused() = 0;

protected:
    ~NewcomerTaker() = default;
};

// Has `filters`, which belong to the worker's current generation, look at a fresh connection; `taker` hears
// of it once, within the call or later, and lives as long as the worker. [worker]
void filter_connection(UniqueFd fd, Newcomer newcomer, const std::vector<ConnFilter>& filters,
                       WorkerContext& worker, NewcomerTaker& taker);

}  // namespace gantry::server
