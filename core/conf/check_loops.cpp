// Requests that would go round in circles: redirects that lead to themselves, and peers that are listeners of
// this very process. Only what is certain is an error.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

bool is_unconditional(const Location& location) {
    return location.methods.empty() && location.conditions.empty() && location.clients.empty();
}

// The location that answers a path for certain; null where expressions or priorities have a say.
const Location* find_location(const Host& host, std::string_view path) {
    const Location* best = nullptr;
    std::size_t longest = 0;
    bool is_exact = false;
    for (const Location& location : host.locations) {
        if (location.priority != 0) return nullptr;
        for (const Pattern& pattern : location.patterns) {
            if (pattern.kind == Pattern::Kind::Regex) return nullptr;
            const bool exact = pattern.kind == Pattern::Kind::Exact;
            if (exact ? pattern.text != path : !path.starts_with(pattern.text)) continue;
            if (is_exact || (!exact && best != nullptr && pattern.text.size() <= longest)) continue;
            best = &location;
            longest = pattern.text.size();
            is_exact = exact;
        }
    }
    return best;
}

// Does a request that `location` answers come to it again by `target`, what stands behind the host of a URL?
bool comes_back(const Host& host, const Location& location, std::string_view target) {
    if (target == "${uri}" || target == "${path}") return true;
    if (target.find_first_of("$%") != target.npos) return false;
    target = target.substr(0, target.find_first_of("?#"));
    return find_location(host, target.empty() ? "/" : target) == &location;
}

// Takes `https://` and a name of `host` off `target`.
bool takes_authority(const Host& host, std::string_view scheme, std::string_view& target) {
    if (!target.starts_with(scheme)) return false;
    const std::string_view rest = target.substr(scheme.size());
    const std::string_view own = "${host}";
    if (rest.starts_with(own)) {
        target = rest.substr(own.size());
        return target.empty() || target[0] == '/' || target[0] == '$' || target[0] == '?';
    }
    const std::size_t end = std::min(rest.find_first_of("/?#$"), rest.size());
    const std::string name = lower_case(rest.substr(0, end));
    target = rest.substr(end);
    return std::any_of(host.names.begin(), host.names.end(),
                       [&](const HostName& n) { return n.kind == HostName::Kind::Exact && n.text == name; });
}

const Listener* find_listener(const Loading& in, const Host& host, std::uint16_t port, bool tls) {
    for (const std::size_t index : host.listeners) {
        const Listener& listener = in.settings.listeners[index];
        if (listener.tls.has_value() != tls) continue;
        for (const Address& address : listener.addresses) {
            if (address.family != Address::Family::Unix && address.port == port) return &listener;
        }
    }
    return nullptr;
}

void check_redirects(Loading& in, const Host& host) {
    for (const Location& location : host.locations) {
        const auto* redirect = std::get_if<Redirect>(&location.handler);
        if (redirect == nullptr || !is_unconditional(location)) continue;
        std::string_view target = redirect->to.text;
        const bool is_path = (target.starts_with('/') && !target.starts_with("//")) || target == "${uri}" ||
                             target == "${path}";
        if (is_path && comes_back(host, location, target)) {
            in.error(redirect->to.place, "this redirect leads to itself",
                     "lead to a path that another location answers");
            continue;
        }
        const bool is_tls = takes_authority(host, "https://", target);
        if (!is_tls && !takes_authority(host, "http://", target)) continue;
        const Listener* const listener = find_listener(in, host, is_tls ? 443 : 80, is_tls);
        if (listener == nullptr || !comes_back(host, location, target)) continue;
        in.error(redirect->to.place,
                 fmt::format("on the listener \"{}\" this redirect leads to itself", listener->name),
                 "move it to a host that is on the other listener only: listeners = [\"…\"]");
    }
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_same_socket(const Peer& peer, const Address& address) {
    if (peer.is_unix != (address.family == Address::Family::Unix)) return false;
    if (peer.is_unix) return peer.host == address.host;
    if (peer.port != address.port || address.port == 0) return false;
    const bool is_any = address.host == "0.0.0.0" || address.host == "::";
    return peer.host == address.host ||
           (is_loopback(peer.host) && (is_any || (peer.host == "localhost" && is_loopback(address.host))));
}

// With another Host or another path it may be meant.
void check_peers(Loading& in, const Location& location) {
    const auto* proxy = std::get_if<Proxy>(&location.handler);
    if (proxy == nullptr || !proxy->uri.empty() || proxy->options->host) return;
    for (const Peer& peer : in.settings.upstreams[proxy->upstream].peers) {
        for (const Listener& listener : in.settings.listeners) {
            const bool same = std::any_of(listener.addresses.begin(), listener.addresses.end(),
                                          [&](const Address& a) { return is_same_socket(peer, a); });
            if (!same) continue;
            in.warning(
                peer.place,
                fmt::format("this peer is the listener \"{}\" itself: requests may go round in circles",
                            listener.name),
                "write the address of the application", Related{listener.place, "the listener", {}});
        }
    }
}

}  // namespace

void check_loops(Loading& in) {
    for (const Host& host : in.settings.hosts) {
        check_redirects(in, host);
        for (const Location& location : host.locations) check_peers(in, location);
    }
}

}  // namespace gantry::conf
