#include "core/server/router.hpp"

#include "core/http/uri.hpp"
#include "core/server/generation.hpp"

#include <algorithm>

namespace gantry::server {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

// The host in an authority that the parser has accepted.
std::string_view host_part(std::string_view authority) {
    if (!authority.empty() && authority.front() == '[') return authority.substr(0, authority.find(']') + 1);
    return authority.substr(0, authority.find(':'));
}

Error of_client(Code code, const char* context) {
    return {code, Side::Client, Retry::No, 0, context};
}

Error of_ours(const char* context) {
    return {Code::Internal, Side::Us, Retry::No, 0, context};
}

Unrouted unrouted_by(const HostMatch& match) {
    if (match.is_failed) return {500, of_ours("while matching the host against an expression"), {}};
    return {421, of_client(Code::Misdirected, "no such host here"), {}};
}

Unrouted unrouted_by(const LocationMatch& match) {
    switch (match.outcome) {
        case LocationMatch::Outcome::MethodNotAllowed:
            return {405, of_client(Code::MethodNotAllowed, "no location takes this method"), match.allow};
        case LocationMatch::Outcome::Failed:
            return {500, of_ours("while matching the path against an expression"), {}};
        default:
            return {404, of_client(Code::NotFound, "no location for this path"), {}};
    }
}

bool takes_preflights(const LocationEntry& location) {
    const std::vector<Hook>& hooks = location.pipeline.hooks;
    return std::any_of(hooks.begin(), hooks.end(), [](const Hook& hook) { return hook.takes_preflights; });
}

// A browser asks on its own, by OPTIONS, whether a page may use another method: it means the location that
// takes that one, if this has to do with preflights.
std::optional<LocationMatch> find_for_preflight(const HostEntry& host, const http::RequestHead& head,
                                                std::string_view path, const IpBytes& client, Arena& arena) {
    if (head.method != http::Method::Options || !head.headers.has(http::HeaderId::Origin))
        return std::nullopt;
    const http::Field* const method = head.headers.find("Access-Control-Request-Method");
    if (method == nullptr) return std::nullopt;
    http::RequestHead asked = head;
    asked.method_name = method->value;
    asked.method = http::method_of(method->value);
    LocationMatch match = host.table.find(asked, path, client, arena);
    const bool is_found = match.outcome == LocationMatch::Outcome::Found;
    return is_found && takes_preflights(host.locations[match.location]) ? std::optional(match) : std::nullopt;
}

}  // namespace

std::optional<Unrouted> find_route(const Generation& generation, std::size_t listener,
                                   const http::RequestHead& head, const IpBytes& client, Arena& arena,
                                   Route& route) {
    const HostTable& hosts = generation.hosts_of(listener);
    if (const auto only = hosts.only_host()) {
        route.host = &generation.host(*only);
    } else {
        const HostMatch match = hosts.find(host_part(head.authority), arena);
        if (match.is_failed || !match.is_found) return unrouted_by(match);
        route.host = &generation.host(match.host);
        route.host_captures = match.captures;
    }
    if (route.host->is_disabled()) {
        return Unrouted{503, {Code::Unavailable, Side::Us, Retry::No, 0, "this host is disabled"}, {}};
    }
    if (head.method == http::Method::Connect || head.method == http::Method::Trace) {
        return Unrouted{501, of_client(Code::NotImplemented, "CONNECT and TRACE are not served"), {}};
    }
    // OPTIONS * asks about the server as a whole (RFC 9110 9.3.7).
    if (head.target == "*") return Unrouted{204, {}, kMethods};

    const conf::Host& settings = *route.host->settings;
    const auto path =
        http::normalize_path(head.path, encoded_slash_of(settings), settings.merge_slashes, arena);
    if (!path) return Unrouted{status_of(path.error()), path.error(), {}};
    route.path = *path;

    LocationMatch match = route.host->table.find(head, route.path, client, arena);
    if (const auto meant = find_for_preflight(*route.host, head, route.path, client, arena)) {
        const bool is_found = match.outcome == LocationMatch::Outcome::Found;
        route.is_preflight = !is_found || match.location != meant->location;
        route.preflight_allow = is_found ? std::string_view{} : match.allow;
        match = *meant;
    }
    if (match.outcome != LocationMatch::Outcome::Found) return unrouted_by(match);
    route.location = &route.host->locations[match.location];
    route.location_captures = match.captures;
    route.pattern = match.pattern;
    return std::nullopt;
}

}  // namespace gantry::server
