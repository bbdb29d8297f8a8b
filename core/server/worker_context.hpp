// What one worker has for its exchanges: recycled exchanges, the current generation, tickets, log buffer, and
// whatever handlers keep per worker.
#pragma once

#include "core/base/metrics.hpp"
#include "core/http/stream.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/net/worker.hpp"
#include "core/server/exchange.hpp"
#include "core/server/log_writer.hpp"
#include "core/server/recent.hpp"
#include "core/server/request_id.hpp"
#include "core/server/request_variables.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace gantry::server {

class Generation;

// One worker's hold on a generation: counted without atomics.
struct GenerationUse {
    std::shared_ptr<const Generation> generation;
    std::uint64_t exchanges = 0;  // and connections that are being filtered
};

// [worker] throughout, unless said otherwise.
class WorkerContext final : public http::ServerExchanges {
public:
    WorkerContext(unsigned index, unsigned workers, net::BlockingPool& blocking,
                  std::unique_ptr<LogBuffer> log);
    ~WorkerContext();
    WorkerContext(const WorkerContext&) = delete;
    WorkerContext& operator=(const WorkerContext&) = delete;

    // Runs the loop on the calling thread until net().stop().
    void run();
    // Lets go of everything that lives on the loop; before net().stop().
    void shut_down();

    net::Worker& net() { return net_; }
    unsigned workers() const { return workers_; }  // how many there are
    net::BlockingPool& blocking() { return blocking_; }
    LogBuffer& log() { return *log_; }
    RequestIds& request_ids() { return request_ids_; }
    TimeText& time_text() { return time_text_; }

    // The T of this worker, made as T(WorkerContext&) when first asked for; lives as long as the worker.
    template <class T>
    T& local() {
        static const std::size_t index = next_local();
        if (locals_.size() <= index) locals_.resize(index + 1);
        if (!locals_[index]) locals_[index] = std::make_unique<Local<T>>(*this);
        return static_cast<Local<T>&>(*locals_[index]).value;
    }

    // Exchanges that begin from now on use this generation.
    void set_generation(std::shared_ptr<const Generation> generation);
    GenerationUse& current() { return *current_; }
    void release(GenerationUse& use);

    // ---- http::ServerExchanges
    // ---------------------------------------------------------------------------------
    http::ServerExchange& acquire(http::ServerStream& stream) override;
    void discard(http::ServerExchange& exchange) override;
    void give_back(Exchange& exchange);

    // Whether it is one of this worker's, and not over, wherever it points. Where exchanges are known.
    bool has_exchange(const Exchange& exchange) const;
    // Of workers that are made from now on. [main]
    static void know_exchanges(bool are_known);

    // ---- tickets
    // -----------------------------------------------------------------------------------------------
    Ticket suspend(Exchange& exchange, void* state, void (*dropped)(void*));
    // Wakes the exchange: Next goes on with the next hook, Done and Fail leave it to what was answered.
    // False: the ticket is stale, the exchange is gone or was woken already.
    bool resume(const Ticket& ticket, Verdict verdict);
    // Takes the ticket back without waking: the caller answers the exchange itself. Null: the ticket is
    // stale.
    Exchange* claim(const Ticket& ticket);
    // As resume(), but what the ticket was suspended with is told first: dropped(state), also here.
    bool wake(const Ticket& ticket, Verdict verdict);
    // The exchange that sleeps. Null: the ticket is stale.
    Exchange* sleeper(const Ticket& ticket) const;
    // The exchange ends while it sleeps.
    void drop_ticket(std::uint32_t slot);

    // The one that runs on this thread; null elsewhere. [any]
    static WorkerContext* here();

    // Null: requests are not remembered.
    RecentRing* recent() { return recent_ ? &*recent_ : nullptr; }
    void set_recent(const RecentRing& ring) { recent_ = ring; }  // before run()
    // What this worker counts, for all of metrics::Registry::process().
    metrics::Cells& cells() { return *cells_; }
    // Requests answered so far, for status. [any] to read
    std::atomic<std::uint64_t> requests{0};

private:
    struct LocalBase {
        virtual ~LocalBase() = default;
    };
    template <class T>
    struct Local final : LocalBase {
        explicit Local(WorkerContext& worker) : value(worker) {}
        T value;
    };
    struct Slot {
        Exchange* exchange = nullptr;  // null: free
        std::uint64_t serial = 0;
        void* state = nullptr;
        void (*dropped)(void*) = nullptr;
    };
    // Hands old log lines over.
    struct LogTick final : net::Deadline {
        explicit LogTick(WorkerContext& worker) : owner(worker) {}
        ~LogTick() override = default;
        void on_deadline() override;
        WorkerContext& owner;
    };
    static std::size_t next_local();

    net::Worker net_;
    unsigned workers_;
    net::BlockingPool& blocking_;
    std::unique_ptr<LogBuffer> log_;
    RequestIds request_ids_;
    TimeText time_text_;
    std::shared_ptr<metrics::Cells> cells_;
    std::optional<RecentRing> recent_;
    std::vector<std::unique_ptr<LocalBase>> locals_;
    std::vector<std::unique_ptr<Exchange>> free_;
    std::optional<std::unordered_set<const Exchange*>> known_;  // all there are
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::uint64_t next_serial_ = 1;
    GenerationUse* current_ = nullptr;
    LogTick log_tick_{*this};
};

}  // namespace gantry::server
