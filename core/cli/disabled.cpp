#include "core/cli/disabled.hpp"

#include "core/upstream/upstream.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gantry::cli {
namespace {

std::string place_text(const conf::Settings& settings, const conf::Place& place) {
    if (place.line == 0 || place.file >= settings.files.size()) return {};
    return fmt::format("{}:{}", settings.files[place.file], place.line);
}

bool has_address(const conf::Upstream& upstream, net::Resolver& resolver) {
    if (!upstream.module_values->empty()) return true;  // a module finds peers, sooner or later
    return std::any_of(upstream.peers.begin(), upstream.peers.end(), [&](const conf::Peer& peer) {
        return resolver.find(peer.host, peer.port, peer.is_unix)->version() != 0;
    });
}

// The hosts that need an upstream without any address, by upstream. Those that nobody uses are not asked for:
// nothing looks their names up.
std::map<std::size_t, std::vector<const conf::Host*>> unresolved(const server::Generation& generation,
                                                                 net::Resolver& resolver) {
    const conf::Settings& settings = generation.settings();
    std::vector<int> known(settings.upstreams.size(), -1);
    std::map<std::size_t, std::vector<const conf::Host*>> out;
    for (const server::HostEntry& host : generation.hosts()) {
        if (host.is_disabled()) continue;
        for (const conf::Location& location : host.settings->locations) {
            const auto* proxy = std::get_if<conf::Proxy>(&location.handler);
            if (proxy == nullptr) continue;
            int& has = known[proxy->upstream];
            if (has < 0) has = has_address(settings.upstreams[proxy->upstream], resolver) ? 1 : 0;
            if (has == 1) continue;
            auto& hosts = out[proxy->upstream];
            if (hosts.empty() || hosts.back() != host.settings) hosts.push_back(host.settings);
        }
    }
    return out;
}

std::string reason_of(const conf::Upstream& upstream) {
    std::vector<std::string> names;
    for (const conf::Peer& peer : upstream.peers) names.push_back(fmt::format("\"{}\"", peer.host));
    return fmt::format("the {} {} {} not resolve, so that the upstream \"{}\" has no peer",
                       names.size() == 1 ? "name" : "names", fmt::join(names, ", "),
                       names.size() == 1 ? "does" : "do", upstream.name);
}

constexpr std::string_view kResolve =
    "it is looked up again while requests ask for it; until then they are answered with 503";

conf::Place place_of(const conf::Upstream& upstream) {
    return upstream.peers.empty() ? upstream.place : upstream.peers.front().place;
}

}  // namespace

std::vector<DisabledHost> disabled_hosts(const server::Generation& generation, net::Resolver& resolver) {
    const conf::Settings& settings = generation.settings();
    std::vector<DisabledHost> out;
    for (const server::HostEntry& host : generation.hosts()) {
        if (!host.is_disabled()) continue;
        const conf::Fault& fault = host.faults.front();
        out.push_back({host.settings->name, fault.message, fault.hint, place_text(settings, fault.place)});
    }
    for (const conf::Fault& fault : settings.faults)
        out.push_back({"", fault.message, fault.hint, place_text(settings, fault.place)});
    for (const auto& [index, hosts] : unresolved(generation, resolver)) {
        const conf::Upstream& upstream = settings.upstreams[index];
        for (const conf::Host* host : hosts) {
            out.push_back({host->name, reason_of(upstream), std::string(kResolve),
                           place_text(settings, place_of(upstream))});
        }
    }
    return out;
}

void tell_unresolved(const server::Generation& generation, net::Resolver& resolver,
                     conf::Diagnostics& diagnostics) {
    for (const auto& [index, hosts] : unresolved(generation, resolver)) {
        const conf::Upstream& upstream = generation.settings().upstreams[index];
        std::vector<std::string> names;
        for (const conf::Host* host : hosts) names.push_back(host->name);
        diagnostics.contained_error(place_of(upstream), 0, reason_of(upstream), std::string(kResolve),
                                    std::move(names));
    }
}

std::string names_text(const std::vector<DisabledHost>& disabled) {
    constexpr std::size_t kNamed = 10;
    std::vector<std::string_view> names;
    for (const DisabledHost& one : disabled) {
        const std::string_view name = one.host.empty() ? std::string_view(one.place) : one.host;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        if (names.size() == kNamed) break;
    }
    const std::size_t more = disabled.size() > kNamed ? disabled.size() - kNamed : 0;
    return fmt::format("{}{}", fmt::join(names, ", "), more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace gantry::cli
