#include "core/module/store_answer.hpp"

#include "core/module/extensions.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace gantry::module {
namespace {

std::uint64_t nanos_of(Millis millis) {
    return static_cast<std::uint64_t>(
               std::clamp<Millis>(millis, 0, std::numeric_limits<Millis>::max() / 1'000'000)) *
           kNanosPerMilli;
}

gantry_outcome_t outcome_of(store::Outcome outcome) {
    switch (outcome) {
        case store::Outcome::Done:
            return GANTRY_STORED;
        case store::Outcome::Absent:
            return GANTRY_ABSENT;
        case store::Outcome::Conflict:
            return GANTRY_CONFLICT;
        case store::Outcome::Full:
            return GANTRY_FULL;
        case store::Outcome::Unavailable:
            break;
    }
    return GANTRY_UNAVAILABLE;
}

void tell(const gantry_store_reply_t& reply, const store::Answer& answer) {
    std::vector<gantry_store_entry_t> entries;
    entries.reserve(answer.entries.size());
    for (const store::Entry& entry : answer.entries) {
        entries.push_back({bytes_of(entry.key), bytes_of(entry.value), entry.version, entry.id,
                           nanos_of(entry.time), entry.attempts, 0});
    }
    const gantry_store_answer_t told{sizeof(gantry_store_answer_t),
                                     outcome_of(answer.outcome),
                                     answer.version,
                                     answer.id,
                                     answer.count,
                                     answer.previous,
                                     nanos_of(answer.into_window),
                                     entries.data(),
                                     entries.size()};
    reply.done(reply.state, &told);
}

// An answer on its way. Told once, also where the thread that it was for ends before: modules clean up in
// done().
class Delivery {
public:
    Delivery(const gantry_store_reply_t& reply, store::Answer&& answer)
        : reply_(reply), answer_(std::move(answer)) {}
    ~Delivery() { arrive(); }
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    void arrive() {
        if (std::exchange(is_told_, true)) return;
        tell(reply_, answer_);
    }

private:
    gantry_store_reply_t reply_;
    store::Answer answer_;
    bool is_told_ = false;
};

}  // namespace

void deliver(const Module& module, const gantry_store_reply_t& reply, store::Answer&& answer) {
    auto delivery = std::make_shared<Delivery>(reply, std::move(answer));
    if (reply.ticket.place == 0 && reply.ticket.serial == 0) {
        return module.services->main->post([delivery] { delivery->arrive(); });
    }
    const server::Ticket ticket = ticket_of(reply.ticket);
    module.services->post_to_worker(ticket.worker, [&module, ticket, delivery] {
        run_beside(module, ticket, "an answer of the store", [&] { delivery->arrive(); });
    });
}

}  // namespace gantry::module
