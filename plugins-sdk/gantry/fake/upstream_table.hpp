// gantry.upstream/1 of a fake host.
#pragma once

#include "gantry/fake/hook_tables.hpp"
#include "gantry/fake/http_table.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::fake::detail {

struct UpstreamTable {
    static gantry_result_t set_preface(gantry_exchange_t* raw, gantry_bytes_t preface) noexcept {
        ExchangeState* exchange = HttpTable::usable(raw, "set_preface");
        if (exchange == nullptr || exchange->is_head_sent) return GANTRY_ERROR_STATE;
        if (preface.size > GANTRY_PREFACE_MAX) return GANTRY_ERROR_LIMIT;
        exchange->preface = view(preface);
        return GANTRY_OK;
    }

    static ScopeState* of_upstream(gantry_scope_t* raw, const char* function) {
        ScopeState* scope = PhaseTable::writable(raw, function);
        if (scope == nullptr || scope->kind == GANTRY_IN_UPSTREAM) return scope;
        scope->host->violation(std::string{function} + " is for configure_upstream()");
        return nullptr;
    }

    static gantry_peers_t* peers(gantry_scope_t* raw) noexcept {
        const ScopeState* scope = of_upstream(raw, "peers()");
        if (scope == nullptr) return nullptr;
        Generation* generation = scope->host->generations.back().get();
        generation->finders.push_back({scope->host, generation, scope->name});
        return reinterpret_cast<gantry_peers_t*>(&generation->finders.back());
    }

    static bool is_address(std::string_view text) {
        if (text.starts_with("unix:/")) return true;
        const std::size_t colon = text.rfind(':');
        return colon != text.npos && colon > 0 && colon + 1 < text.size() && colon + 6 >= text.size() &&
               std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                           [](char byte) { return byte >= '0' && byte <= '9'; });
    }

    static gantry_result_t set_peers(gantry_peers_t* raw, const gantry_peer_t* all, std::size_t peer_size,
                                     std::uint32_t count) noexcept {
        const auto& finder = *reinterpret_cast<FinderState*>(raw);
        if (count > GANTRY_PEERS_MAX) return GANTRY_ERROR_LIMIT;
        if (finder.host->serving != finder.generation) return GANTRY_ERROR_STATE;
        std::vector<FoundPeer> found;
        for (std::uint32_t index = 0; index < count; ++index) {
            gantry_peer_t peer;
            std::memcpy(&peer, reinterpret_cast<const char*>(all) + index * peer_size, sizeof(peer));
            if (!is_address(view(peer.address)) || peer.weight > GANTRY_PEER_WEIGHT_MAX)
                return GANTRY_ERROR_ARGUMENT;
            found.push_back({std::string{view(peer.address)}, peer.weight});
        }
        const std::lock_guard lock{finder.host->mutex};
        finder.host->peers[finder.upstream] = std::move(found);
        return GANTRY_OK;
    }

    static gantry_result_t set_picker(gantry_scope_t* raw, const gantry_picker_t* picker) noexcept {
        ScopeState* scope = of_upstream(raw, "set_picker()");
        if (scope == nullptr) return GANTRY_ERROR_STATE;
        if (picker->size < sizeof(gantry_picker_t) || picker->pick == nullptr || picker->name == nullptr)
            return GANTRY_ERROR_ARGUMENT;
        if (scope->picker.pick != nullptr) return GANTRY_ERROR_LIMIT;
        scope->picker = *picker;
        return GANTRY_OK;
    }

    static constexpr gantry_upstream_1_t kTable{sizeof(gantry_upstream_1_t), &set_preface, &peers, &set_peers,
                                                &set_picker};
};

}  // namespace gantry::fake::detail
