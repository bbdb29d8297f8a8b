#include "core/server/asked_request.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace gantry::server {
namespace {

struct Url {
    std::string_view scheme;     // "" where it is only a target
    std::string_view authority;  // as in a Host field
    std::string_view target;
    std::uint16_t port = 0;
};

// Only as much as has to be known to choose a listener: what is wrong is for the server to refuse.
Url split(std::string_view text) {
    Url url;
    const auto end = text.find("://");
    if (end == text.npos || text.find('/') < end) {
        url.target = text;
        return url;
    }
    url.scheme = text.substr(0, end);
    text.remove_prefix(end + 3);
    const auto path = std::min(text.find_first_of("/?#"), text.size());
    url.authority = text.substr(0, path);
    url.target = text.substr(path, text.find('#') - path);
    const auto colon = url.authority.rfind(':');
    if (colon != url.authority.npos && url.authority.find(']', colon) == url.authority.npos) {
        const std::string_view digits = url.authority.substr(colon + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    }
    return url;
}

bool has_line_break(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

bool has_port(const conf::Listener& listener, std::uint16_t port) {
    return std::any_of(listener.addresses.begin(), listener.addresses.end(),
                       [&](const conf::Address& address) {
                           return address.family != conf::Address::Family::Unix && address.port == port;
                       });
}

std::string head_of(const AskedRequest& asked, const Url& url) {
    std::string head = asked.method + " ";
    if (url.target.empty() || url.target.front() == '?') head += '/';
    head.append(url.target).append(" HTTP/1.1\r\n");
    const bool names_host = std::any_of(asked.headers.begin(), asked.headers.end(), [](const auto& field) {
        return equals_ignore_case(field.first, "host");
    });
    if (!names_host && !url.scheme.empty()) head.append("Host: ").append(url.authority).append("\r\n");
    for (const auto& [name, value] : asked.headers)
        head.append(name).append(": ").append(value).append("\r\n");
    return head.append("\r\n");
}

}  // namespace

tl::expected<std::size_t, std::string> find_listener(const conf::Settings& settings, std::string_view name,
                                                     std::string_view scheme, std::uint16_t port) {
    const auto& listeners = settings.listeners;
    if (!name.empty()) {
        for (std::size_t i = 0; i < listeners.size(); ++i) {
            if (listeners[i].name == name) return i;
        }
        return tl::unexpected(fmt::format("there is no listener \"{}\"", name));
    }
    const bool secure = scheme == "https";
    const std::uint16_t wanted = port != 0 ? port : secure ? 443 : 80;
    std::size_t first = listeners.size();
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (listeners[i].tls.has_value() != secure && !scheme.empty()) continue;
        if (has_port(listeners[i], wanted)) return i;
        first = std::min(first, i);
    }
    if (first < listeners.size() && port == 0) return first;
    if (first == listeners.size()) {
        return tl::unexpected(fmt::format("no listener speaks {}", secure ? "TLS" : "plain HTTP"));
    }
    return tl::unexpected(fmt::format("no listener with{} TLS has port {}", secure ? "" : "out", wanted));
}

tl::expected<net::PeerAddress, std::string> client_of(std::string_view text) {
    net::PeerAddress client;
    if (text == "unix") return client;
    if (!parse_ip(text, client.ip)) return tl::unexpected(fmt::format("\"{}\" is not an IP address", text));
    client.family = is_ipv4(client.ip) ? 4 : 6;
    return client;
}

tl::expected<RehearsalRequest, std::string> request_of(const conf::Settings& settings,
                                                       const AskedRequest& asked) {
    const Url url = split(asked.url);
    if (!url.scheme.empty() && url.scheme != "http" && url.scheme != "https") {
        return tl::unexpected(fmt::format("\"{}\" is neither http nor https", url.scheme));
    }
    if (asked.method.empty()) return tl::unexpected(std::string("there is no method"));
    bool is_broken = has_line_break(asked.method) || has_line_break(asked.url);
    for (const auto& [name, value] : asked.headers)
        is_broken = is_broken || has_line_break(name) || has_line_break(value);
    if (is_broken) return tl::unexpected(std::string("there is a line break in the request"));

    const auto listener = find_listener(settings, asked.listener, url.scheme, url.port);
    if (!listener) return tl::unexpected(listener.error());
    const auto client = client_of(asked.client);
    if (!client) return tl::unexpected(client.error());
    return RehearsalRequest{*listener, head_of(asked, url), *client};
}

}  // namespace gantry::server
