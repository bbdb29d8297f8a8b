#include "core/server/worker_context.hpp"

#include "core/server/as_worker.hpp"
#include "core/server/generation.hpp"

#include <atomic>
#include <utility>

namespace gantry::server {

namespace {
constexpr std::size_t kRecycled = 256;  // exchanges kept
thread_local WorkerContext* current_context = nullptr;
std::atomic<bool> are_exchanges_known{false};
}  // namespace

WorkerContext::WorkerContext(unsigned index, unsigned workers, net::BlockingPool& blocking,
                             std::unique_ptr<LogBuffer> log)
    : net_(index, &blocking),
      workers_(workers),
      blocking_(blocking),
      log_(std::move(log)),
      cells_(metrics::Registry::process().lease()),
      known_(are_exchanges_known ? decltype(known_)(std::in_place) : std::nullopt) {}

WorkerContext::~WorkerContext() {
    free_.clear();
    locals_.clear();
    delete current_;
}

WorkerContext* WorkerContext::here() {
    return current_context;
}

AsWorker::AsWorker(WorkerContext& worker) : before_(std::exchange(current_context, &worker)) {}

AsWorker::~AsWorker() {
    current_context = before_;
}

void WorkerContext::run() {
    current_context = this;
    metrics::Registry::use_here(cells_.get());
    log_tick_.on_deadline();
    net_.run();
    metrics::Registry::use_here(nullptr);
}

void WorkerContext::shut_down() {
    net_.wheel().clear(log_tick_);
    // One that goes may still ask for another one, which is made for it and then goes as well.
    for (std::size_t i = 0; i < locals_.size(); ++i) {
        if (!locals_[i]) continue;
        locals_[i].reset();
        i = static_cast<std::size_t>(-1);
    }
    locals_.clear();
    log_->hand_over();
}

void WorkerContext::LogTick::on_deadline() {
    owner.log().tick(owner.net().now());
    owner.net().wheel().set(*this, owner.net().now() + 500);
}

std::size_t WorkerContext::next_local() {
    static std::atomic<std::size_t> next{0};
    return next.fetch_add(1);
}

void WorkerContext::set_generation(std::shared_ptr<const Generation> generation) {
    GenerationUse* const old = std::exchange(current_, new GenerationUse{std::move(generation), 0});
    if (old == nullptr) return;
    ++old->exchanges;
    release(*old);
}

// The last exchange of an old generation frees it; not here, because ten thousand hosts take their time.
void WorkerContext::release(GenerationUse& use) {
    if (--use.exchanges > 0 || &use == current_) return;
    blocking_.submit([generation = std::move(use.generation)]() mutable { generation.reset(); });
    delete &use;
}

http::ServerExchange& WorkerContext::acquire(http::ServerStream& stream) {
    Exchange* exchange;
    if (free_.empty()) {
        exchange = new Exchange(*this);
        if (known_) known_->insert(exchange);
    } else {
        exchange = free_.back().release();
        free_.pop_back();
    }
    exchange->begin(stream, *current_);
    return *exchange;
}

void WorkerContext::discard(http::ServerExchange& exchange) {
    static_cast<Exchange&>(exchange).recycle();
}

void WorkerContext::give_back(Exchange& exchange) {
    std::unique_ptr<Exchange> owned(&exchange);
    if (free_.size() < kRecycled) return free_.push_back(std::move(owned));
    if (known_) known_->erase(&exchange);
    // Not now: functions of its own may be on the stack.
    net_.post([last = std::move(owned)] {});
}

bool WorkerContext::has_exchange(const Exchange& exchange) const {
    return known_ && known_->count(&exchange) > 0 && !exchange.is_over();
}

void WorkerContext::know_exchanges(bool are_known) {
    are_exchanges_known = are_known;
}

Ticket WorkerContext::suspend(Exchange& exchange, void* state, void (*dropped)(void*)) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = {&exchange, next_serial_++, state, dropped};
    return {net_.index(), slot, slots_[slot].serial};
}

Exchange* WorkerContext::claim(const Ticket& ticket) {
    if (ticket.worker != net_.index() || ticket.slot >= slots_.size()) return nullptr;
    Slot& slot = slots_[ticket.slot];
    if (slot.exchange == nullptr || slot.serial != ticket.serial) return nullptr;
    free_slots_.push_back(ticket.slot);
    Exchange* const exchange = std::exchange(slot.exchange, nullptr);
    exchange->slot_ = Exchange::kNoSlot;
    return exchange;
}

bool WorkerContext::resume(const Ticket& ticket, Verdict verdict) {
    Exchange* const exchange = claim(ticket);
    if (exchange == nullptr) return false;
    exchange->resume(verdict);
    return true;
}

Exchange* WorkerContext::sleeper(const Ticket& ticket) const {
    if (ticket.worker != net_.index() || ticket.slot >= slots_.size()) return nullptr;
    const Slot& slot = slots_[ticket.slot];
    return slot.serial == ticket.serial ? slot.exchange : nullptr;
}

bool WorkerContext::wake(const Ticket& ticket, Verdict verdict) {
    if (sleeper(ticket) == nullptr) return false;
    const Slot slot = slots_[ticket.slot];
    Exchange* const exchange = claim(ticket);
    if (slot.dropped != nullptr) slot.dropped(slot.state);
    exchange->resume(verdict);
    return true;
}

void WorkerContext::drop_ticket(std::uint32_t index) {
    const Slot slot = slots_[index];
    slots_[index].exchange = nullptr;
    free_slots_.push_back(index);
    if (slot.dropped != nullptr) slot.dropped(slot.state);
}

}  // namespace gantry::server
