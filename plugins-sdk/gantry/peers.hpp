// Peers of upstreams: who finds them, and who chooses among them. gantry/ext/upstream.h says what each thing means.
//
// A type that finds peers is created for each upstream where a key of the module stands (gantry::kInUpstream):
//
//     struct Roster {
//         static std::unique_ptr<Roster> create(gantry::Scope& upstream);
//         void discover(gantry::Peers peers);        // [main] the generation serves: peers.set({…}), now and later
//     };
//     GANTRY_MODULE("roster", "1.0.0", "…", gantry::Discovery<Roster>);
//
// And one that chooses, with the role PeerPicker<T>:
//
//         std::optional<std::size_t> pick(gantry::Exchange& exchange, gantry::Candidates candidates);   // [worker]
//
// Nothing: the balancer is to choose.
#pragma once

#include "gantry/roles.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inline sdk {

struct Peer {
    std::string address;       // "127.0.0.1:3000", "app.internal:80", "unix:/run/app.sock"
    std::uint32_t weight = 1;  // 0: it gets no new requests

    bool operator==(const Peer&) const = default;
};

// Those of one upstream that this module has found. A value; valid until the instance is retired. [any]
class Peers {
public:
    Peers() = default;
    Peers(gantry_peers_t* raw, const Host& host) noexcept : raw_(raw), host_(&host) {}

    // All that there are now. What is no GANTRY_OK says that nothing was changed.
    Result set(std::span<const Peer> peers) const {
        if (raw_ == nullptr) return GANTRY_ERROR_STATE;
        std::vector<gantry_peer_t> all;
        all.reserve(peers.size());
        for (const Peer& peer : peers) all.push_back({bytes(peer.address), peer.weight, 0});
        return host_->upstream()->set_peers(raw_, all.data(), sizeof(gantry_peer_t),
                                            static_cast<std::uint32_t>(all.size()));
    }

private:
    gantry_peers_t* raw_ = nullptr;
    const Host* host_ = nullptr;
};

struct Candidate {
    std::string_view address;
    std::uint32_t weight;
    bool is_resting;  // it did not answer a moment ago
    bool was_tried;   // by this request, in vain: it cannot be chosen
};

// The peers that a request could go to. Valid in pick() alone.
class Candidates {
public:
    Candidates(const gantry_candidate_t* first, std::size_t stride, std::size_t size) noexcept
        : first_(reinterpret_cast<const char*>(first)), stride_(stride), size_(size) {}

    std::size_t size() const noexcept { return size_; }
    Candidate operator[](std::size_t index) const noexcept {
        gantry_candidate_t raw;
        std::memcpy(&raw, first_ + index * stride_, sizeof(raw));
        return {view(raw.address), raw.weight, (raw.flags & GANTRY_CANDIDATE_RESTING) != 0,
                (raw.flags & GANTRY_CANDIDATE_TRIED) != 0};
    }

private:
    const char* first_;
    std::size_t stride_;
    std::size_t size_;
};

template <class T>
struct Discovery {
    static_assert(
        requires(T& object, Peers peers) {
            { object.discover(peers) } -> std::same_as<void>;
        }, "gantry::Discovery<T>: T needs `void discover(gantry::Peers)`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kIsOfUpstreams = true;
    static constexpr bool kStarts = true;  // with the generation

    static gantry_peers_t* prepare(Scope& scope) noexcept {
        return scope.host().upstream()->peers(scope.raw());
    }
    static void start(detail::Place<T>& place, gantry_peers_t* peers) {
        place.object->discover(Peers{peers, *place.host});
    }
};

template <class T>
struct PeerPicker {
    static_assert(
        requires(T& object, Exchange& exchange, Candidates candidates) {
            { object.pick(exchange, candidates) } -> std::same_as<std::optional<std::size_t>>;
        },
        "gantry::PeerPicker<T>: T needs `std::optional<std::size_t> pick(gantry::Exchange&, "
        "gantry::Candidates)`");
    using Object = T;
    static constexpr bool kIsState = false;
    static constexpr bool kNeedsFilter = false;
    static constexpr bool kNeedsAsync = false;
    static constexpr bool kIsOfUpstreams = true;

    static Result add(Scope& scope, detail::Place<T>& place) noexcept {
        const gantry_picker_t picker{sizeof(gantry_picker_t), 0, place.name(), &run, &place};
        return scope.host().upstream()->set_picker(scope.raw(), &picker);
    }

private:
    static std::uint32_t run(gantry_exchange_t* raw, void* self, const gantry_candidate_t* candidates,
                             std::size_t stride, std::uint32_t count) noexcept {
        auto& place = *static_cast<detail::Place<T>*>(self);
        return detail::guarded(*place.host, place.name(), GANTRY_PICK_BALANCER, [&] {
            Exchange exchange{raw, *place.host};
            const std::optional<std::size_t> picked =
                place.object->pick(exchange, Candidates{candidates, stride, count});
            return picked ? static_cast<std::uint32_t>(*picked) : GANTRY_PICK_BALANCER;
        });
    }
};

}  // namespace gantry::inline sdk
