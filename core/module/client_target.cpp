#include "core/module/client_target.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <optional>

namespace gantry::module {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kUnix = "http+unix://";
constexpr std::string_view kUpstream = "upstream:";
constexpr std::size_t kLongestName = 253;

tl::unexpected<TargetFault> wrong(std::string message, std::string hint) {
    return tl::unexpected(TargetFault{std::move(message), std::move(hint)});
}

// Letters of any case, digits, and what separates them: names of hosts, also those of containers.
bool is_name(std::string_view host) {
    return !host.empty() && host.size() <= kLongestName && host.front() != '.' && host.front() != '-' &&
           host.find("..") == host.npos && std::all_of(host.begin(), host.end(), [](char c) {
               return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
           });
}

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}
bool is_ipv6(const std::string& text) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

struct Authority {
    std::string host;  // without brackets
    bool is_bracketed = false;
    std::optional<std::uint64_t> port;
};

// Nothing: it is no HOST or HOST:PORT.
std::optional<Authority> split(std::string_view text) {
    Authority out;
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos) return std::nullopt;
        out.host = text.substr(1, end - 1);
        out.is_bracketed = true;
        text.remove_prefix(end + 1);
        has_port = !text.empty();
        if (has_port && text.front() != ':') return std::nullopt;
        if (has_port) port = text.substr(1);
        if (!is_ipv6(out.host)) return std::nullopt;
    } else {
        const std::size_t colon = text.find(':');
        has_port = colon != text.npos;
        if (has_port) port = text.substr(colon + 1);
        out.host = text.substr(0, colon);
        const bool is_numeric = out.host.find_first_not_of("0123456789.") == out.host.npos;
        if (is_numeric ? !is_ipv4(out.host) : !is_name(out.host)) return std::nullopt;
    }
    if (!has_port) return out;
    out.port = parse_decimal(port);
    if (!out.port || *out.port == 0 || *out.port > 65535) return std::nullopt;
    return out;
}

bool take_path(std::string_view text, TargetUrl& out) {
    out.path = text.empty() ? "/" : std::string(text);
    if (text.starts_with('?')) out.path = '/' + out.path;
    return is_origin_form(out.path);
}

constexpr std::size_t kLongestSocket = 107;

bool is_absolute(std::string_view path) {
    return path.starts_with('/') && path.size() > 1 && path.find('\0') == path.npos;
}
bool is_socket_path(std::string_view path) {
    return is_absolute(path) && path.size() <= kLongestSocket;
}

tl::expected<TargetUrl, TargetFault> parse_upstream(std::string_view url, std::string_view rest) {
    TargetUrl out;
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    out.upstream = rest.substr(0, end);
    if (out.upstream.empty() || !take_path(rest.substr(end), out)) {
        return wrong(fmt::format("\"{}\" does not name an upstream", url), "for example: \"upstream:app\"");
    }
    return out;
}

tl::expected<TargetUrl, TargetFault> parse_unix(std::string_view url, std::string_view rest) {
    TargetUrl out;
    const std::size_t end = std::min(rest.find(":/"), rest.size());
    out.peer.is_unix = true;
    out.peer.host = rest.substr(0, end);
    out.host = "localhost";
    if (!is_absolute(out.peer.host) ||
        !take_path(end < rest.size() ? rest.substr(end + 1) : std::string_view(), out)) {
        return wrong(fmt::format("\"{}\" does not name a socket", url),
                     "the path is absolute, and what is asked for stands behind a colon: "
                     "\"http+unix:///run/app.sock:/check\"");
    }
    if (out.peer.host.size() > kLongestSocket) {
        return wrong(fmt::format("the path of the socket {} is too long", out.peer.host),
                     fmt::format("{} bytes at the most", kLongestSocket));
    }
    return out;
}

tl::expected<TargetUrl, TargetFault> parse_host(std::string_view url, std::string_view rest, bool is_tls) {
    TargetUrl out;
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, end);
    if (authority.find('@') != authority.npos) {
        return wrong("the URL has a user and a password", "send them in a field, Authorization");
    }
    const auto parts = split(authority);
    if (!parts) {
        return wrong(fmt::format("\"{}\" is neither a host nor a host and a port", authority),
                     "for example: \"http://127.0.0.1:3000\" or \"https://id.example.com\"");
    }
    if (!take_path(rest.substr(end), out)) {
        return wrong(fmt::format("\"{}\" has bytes that a URL cannot have", url),
                     "encode them, as %20 for a blank, and leave out what stands behind #");
    }
    const std::uint64_t standard = is_tls ? 443 : 80;
    out.is_tls = is_tls;
    out.peer.host = parts->host;
    out.peer.port = static_cast<std::uint16_t>(parts->port.value_or(standard));
    out.host = parts->is_bracketed ? '[' + parts->host + ']' : parts->host;
    if (out.peer.port != standard) out.host += ':' + std::to_string(out.peer.port);
    return out;
}

}  // namespace

std::optional<conf::Peer> parse_peer(std::string_view text) {
    constexpr std::string_view kSocket = "unix:";
    conf::Peer out;
    if (text.starts_with(kSocket)) {
        out.is_unix = true;
        out.host = text.substr(kSocket.size());
        if (!is_socket_path(out.host)) return std::nullopt;
        return out;
    }
    auto parts = split(text);
    if (!parts || !parts->port) return std::nullopt;
    out.host = std::move(parts->host);
    out.port = static_cast<std::uint16_t>(*parts->port);
    return out;
}

bool is_origin_form(std::string_view path) {
    return path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) {
               return c > 0x20 && c < 0x7F &&
                      std::string_view("\"#<>\\^`{|}").find(c) == std::string_view::npos;
           });
}

bool is_host_value(std::string_view host) {
    return !host.empty() && host.size() <= kLongestName + 6 &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return is_alpha(c) || is_digit(c) ||
                      std::string_view("-._~%:[]").find(c) != std::string_view::npos;
           });
}

tl::expected<TargetUrl, TargetFault> parse_target(std::string_view url) {
    if (url.starts_with(kUpstream)) return parse_upstream(url, url.substr(kUpstream.size()));
    if (url.starts_with(kUnix)) return parse_unix(url, url.substr(kUnix.size()));
    if (url.starts_with(kHttps)) return parse_host(url, url.substr(kHttps.size()), true);
    if (url.starts_with(kHttp)) return parse_host(url, url.substr(kHttp.size()), false);
    return wrong(fmt::format("\"{}\" is not a URL", url),
                 "it begins with \"http://\", \"https://\", \"http+unix:///\" or \"upstream:\"");
}

}  // namespace gantry::module
