// Requests answered without sockets, disks and peers, by the code that answers real ones: for `gantry
// explain` and the tests of a configuration.
#pragma once

#include "core/net/address.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/explain.hpp"
#include "core/server/generation.hpp"
#include "core/server/handler.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::server {

struct RehearsalRequest {
    std::size_t listener = 0;  // index into settings().listeners
    std::string head;          // as a client would send it, with the empty line at its end
    net::PeerAddress client;
};

// What would happen. Pointers belong to the generation.
struct Rehearsed {
    // Of the answer; 0 where it depends on a file or a peer: then `outlook` says what would be tried.
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // but for those of the codec (Date, framing)
    std::string body;
    std::string error;                // why it is an error, as the log would say it; "" where it is none
    bool is_head_refused = false;     // before any routing: the connection would be closed
    bool is_head_incomplete = false;  // nothing would be answered: the end of the head is missing

    const HostEntry* host = nullptr;          // null: none
    const LocationEntry* location = nullptr;  // null: none
    std::string path;                         // in normal form; "" where it did not come to that
    std::string pattern;                      // that matched; "" for an expression
    std::vector<std::pair<std::string, std::string>> captures;  // by name, or by number where there is none
    std::vector<const Hook*> hooks;                             // that ran, the handler among them
    Outlook outlook;
    // The line that the answer comes from: of the handler, or of the host or listener that refused.
    conf::Place decided;
    const conf::HostName* name = nullptr;   // of the host, that matched; null: it is the default
    const conf::Pattern* chosen = nullptr;  // of the location, that matched
    std::vector<Unchosen> unchosen;         // the other locations of the host, where asked for
};

enum class Thoroughness : std::uint8_t { Outcome, Everything };

// Has a worker of its own that never runs; one thread at a time.
class Rehearsal {
public:
    explicit Rehearsal(std::shared_ptr<const Generation> generation);
    ~Rehearsal();
    Rehearsal(const Rehearsal&) = delete;
    Rehearsal& operator=(const Rehearsal&) = delete;

    const Generation& generation() const { return *generation_; }
    // Everything: fills `name`, `chosen` and `unchosen` as well.
    Rehearsed run(const RehearsalRequest& request, Thoroughness thoroughness = Thoroughness::Outcome);

private:
    class Stage;

    void answer(Exchange& exchange, Rehearsed& rehearsed) const;
    static void tell(Exchange& exchange, const Stage& stage, Rehearsed& rehearsed);
    static void find_reasons(Exchange& exchange, const RehearsalRequest& request, Rehearsed& rehearsed);
    static void let_go(Exchange& exchange);

    std::shared_ptr<const Generation> generation_;
    net::BlockingPool nobody_{0};
    std::unique_ptr<WorkerContext> worker_;
    std::vector<std::unique_ptr<BoundListener>> listeners_;
};

}  // namespace gantry::server
