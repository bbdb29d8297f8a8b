// gantry.upstream/1
#include "core/base/log.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"

#include <fmt/format.h>
#include <span>

namespace gantry::module {
namespace {

gantry_result_t set_preface(gantry_exchange_t* handle, gantry_bytes_t bytes) noexcept {
    if (bytes.size > GANTRY_PREFACE_MAX) return GANTRY_ERROR_LIMIT;
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_answered()) return GANTRY_ERROR_STATE;
    exchange.set_preface(exchange.arena().copy(view_of(bytes)));
    return GANTRY_OK;
}

// ---- which peers there are

gantry_peers_t* peers(gantry_scope_t* scope) noexcept {
    if (scope == nullptr || scope->kind != GANTRY_IN_UPSTREAM) return nullptr;
    gantry_peers& made = scope->kept->peers.emplace_back();
    made.module = scope->module;
    made.upstream = scope->name;
    return &made;
}

gantry_result_t set_peers(gantry_peers_t* peers, const gantry_peer_t* all, std::size_t peer_size,
                          std::uint32_t count) noexcept {
    if (peers == nullptr || (all == nullptr && count > 0) || !is_enough<gantry_peer_t>(peer_size))
        return GANTRY_ERROR_ARGUMENT;
    if (count > GANTRY_PEERS_MAX) return GANTRY_ERROR_LIMIT;
    const std::uint64_t serial = peers->serial.load(std::memory_order_acquire);
    upstream::Registry* const registry = peers->module->services->upstreams;
    if (serial == 0 || registry == nullptr) return GANTRY_ERROR_STATE;
    std::vector<conf::Peer> found;
    found.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const gantry_peer_t peer = element(all, peer_size, i);
        auto parsed = parse_peer(view_of(peer.address));
        if (!parsed || peer.weight > GANTRY_PEER_WEIGHT_MAX) {
            log::error("peers not taken over: \"{}\" with weight {} is no peer upstream={} module={}",
                       view_of(peer.address), peer.weight, peers->upstream, peers->module->name);
            return GANTRY_ERROR_ARGUMENT;
        }
        parsed->weight = peer.weight;
        found.push_back(std::move(*parsed));
    }
    const bool is_taken = registry->set_found(peers->upstream, peers->module->name, serial, std::move(found));
    return is_taken ? GANTRY_OK : GANTRY_ERROR_STALE;
}

// ---- which of them a request goes to

std::size_t run_picker(server::Exchange& exchange, const void* self,
                       std::span<const upstream::Candidate> candidates) {
    const BoundPicker& bound = *static_cast<const BoundPicker*>(self);
    std::vector<gantry_candidate_t> told;
    told.reserve(candidates.size());
    for (const upstream::Candidate& one : candidates) {
        told.push_back(
            {bytes_of(one.address), one.weight,
             (one.is_resting ? GANTRY_CANDIDATE_RESTING : 0) | (one.was_tried ? GANTRY_CANDIDATE_TRIED : 0)});
    }
    const AtWork at_work(*bound.module, "picker", bound.name.c_str());
    const std::uint32_t picked =
        bound.pick(handle_of(exchange), bound.self, told.data(), sizeof(gantry_candidate_t),
                   static_cast<std::uint32_t>(told.size()));
    return picked == GANTRY_PICK_BALANCER ? upstream::Picker::kBalancer : picked;
}

gantry_result_t set_picker(gantry_scope_t* scope, const gantry_picker_t* given) noexcept {
    const auto picker = whole(given);
    if (scope == nullptr || !picker || picker->pick == nullptr || picker->name == nullptr)
        return GANTRY_ERROR_ARGUMENT;
    if (scope->choice == nullptr) return GANTRY_ERROR_STATE;
    if (scope->choice->pick != nullptr) {
        server::Problem problem;
        problem.place = scope->place;
        problem.message = fmt::format("both {} and {} choose the peers of this upstream", scope->choice->name,
                                      picker->name);
        problem.hint = "take the key of one of the two out";
        scope->problems->push_back(std::move(problem));
        return GANTRY_ERROR_LIMIT;
    }
    const BoundPicker& bound = scope->kept->pickers.emplace_back(
        BoundPicker{picker->pick, picker->self, scope->module, picker->name});
    *scope->choice = {&run_picker, &bound, bound.name};
    return GANTRY_OK;
}

}  // namespace

const gantry_upstream_1_t kUpstream = {sizeof(gantry_upstream_1_t), &set_preface, &peers, &set_peers,
                                       &set_picker};

}  // namespace gantry::module
