// Addresses of listeners, of peers, and networks.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace gantry::conf {
namespace {

bool is_ipv4(const std::string& text) {
    in_addr ignored{};
    return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1;
}

bool is_ipv6(const std::string& text) {
    in6_addr ignored{};
    return ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

// One spelling for one address, so that the same one is recognised.
std::string canonical_ipv6(const std::string& text) {
    in6_addr address{};
    char out[INET6_ADDRSTRLEN];
    ::inet_pton(AF_INET6, text.c_str(), &address);
    return ::inet_ntop(AF_INET6, &address, out, sizeof out) == nullptr ? text : out;
}

struct HostPort {
    std::string host;  // without brackets
    bool bracketed = false;
    std::uint16_t port = 0;
};

// Reports with `fix` as the remedy where there is no port.
std::optional<HostPort> split(Loading& in, std::string_view text, Place place,
                              std::string_view example_port) {
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(place, std::move(message), std::move(hint));
        return std::nullopt;
    };
    if (text.find("://") != text.npos) {
        return wrong(fmt::format("\"{}\" is a URL; an address is a host and a port", text),
                     fmt::format("for example: \"127.0.0.1:{}\"", example_port));
    }
    if (text.find_first_of(" \t") != text.npos) {
        return wrong(fmt::format("\"{}\" has a blank in it", text), "take it out");
    }
    if (lower_case(text.substr(0, 5)) == "unix:") {
        return wrong(fmt::format("\"{}\" is not an address", text),
                     fmt::format("write it in small letters: \"unix:{}\"", text.substr(5)));
    }
    if (text.starts_with('/')) {
        return wrong(fmt::format("\"{}\" is a path", text),
                     fmt::format("a unix socket is written \"unix:{}\"", text));
    }
    HostPort out;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == text.npos)
            return wrong(fmt::format("\"{}\" has no closing ]", text), "for example: \"[::1]:80\"");
        out.host = text.substr(1, close - 1);
        out.bracketed = true;
        const std::string_view rest = text.substr(close + 1);
        if (!rest.starts_with(':')) {
            return wrong(fmt::format("\"{}\" has no port", text),
                         fmt::format("for example: \"{}:{}\"", text.substr(0, close + 1), example_port));
        }
        port = rest.substr(1);
        if (!is_ipv6(out.host))
            return wrong(fmt::format("\"{}\" is not an IPv6 address", out.host), "for example: \"[::1]:80\"");
        out.host = canonical_ipv6(out.host);
    } else {
        if (const auto last = text.rfind(':'); is_ipv6(std::string(text))) {
            const std::string_view before = text.substr(0, last);
            if (is_ipv6(std::string(before))) {
                return wrong(fmt::format("\"{}\" does not say whether it ends with a port", text),
                             fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", before,
                                         text.substr(last + 1)));
            }
            return wrong(fmt::format("\"{}\" has no port", text),
                         fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", text, example_port));
        }
        const auto colon = text.rfind(':');
        if (text.empty()) {
            return wrong("this address is empty", fmt::format("for example: \"127.0.0.1:{}\"", example_port));
        }
        if (colon == text.npos) {
            const bool number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            return wrong(fmt::format("\"{}\" has no port", text),
                         number ? fmt::format("for example: \"127.0.0.1:{}\"", text)
                                : fmt::format("for example: \"{}:{}\"", text, example_port));
        }
        out.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (out.host.find(':') != out.host.npos) {
            const bool hexadecimal = out.host.find_first_not_of("0123456789abcdefABCDEF:.") == out.host.npos;
            return wrong(
                fmt::format("\"{}\" is not an address", text),
                hexadecimal ? std::string("an IPv6 address stands in brackets: \"[::1]:80\"")
                            : fmt::format("an address is a host and a port: \"127.0.0.1:{}\"", example_port));
        }
    }
    const auto number = parse_decimal(port);
    if (!number || *number > 65535) {
        return wrong(fmt::format("\"{}\" is not a port", port), "ports are numbers from 0 to 65535");
    }
    out.port = static_cast<std::uint16_t>(*number);
    return out;
}

bool unix_path(Loading& in, std::string_view text, Place place, std::string& out) {
    const std::string_view path = text.substr(5);
    if (path.empty()) {
        in.error(place, "\"unix:\" has no path", "for example: \"unix:/run/gantry.sock\"");
        return false;
    }
    if (path[0] == '@') {
        in.error(place,
                 "abstract unix sockets are not supported: any user of the machine could take the name",
                 "write a path: \"unix:/run/gantry.sock\"");
        return false;
    }
    auto full = in.resolve(path, place);
    if (!full) return false;
    out = std::move(*full);
    if (out.size() >= sizeof(sockaddr_un::sun_path)) {
        in.error(place,
                 fmt::format("the path of this unix socket has {} bytes; the system allows {}", out.size(),
                             sizeof(sockaddr_un::sun_path) - 1),
                 "choose a shorter one, such as \"unix:/run/gantry.sock\"");
        return false;
    }
    return true;
}

bool is_peer_name(std::string_view name) {
    return !name.empty() && name.size() <= 253 && name[0] != '.' && name[0] != '-' &&
           name.find("..") == name.npos && std::all_of(name.begin(), name.end(), [](char c) {
               return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
           });
}

// Addresses that bind() would refuse, or that nobody could connect to.
bool check_bindable(Loading& in, const Address& address) {
    const auto wrong = [&](std::string message, std::string hint) {
        in.error(address.place, std::move(message), std::move(hint));
        return false;
    };
    if (address.family == Address::Family::Ipv4) {
        in_addr bytes{};
        ::inet_pton(AF_INET, address.host.c_str(), &bytes);
        if (ntohl(bytes.s_addr) < 0xE0000000) return true;
        return wrong(fmt::format("nobody can connect to {}: it is for multicast or broadcast", address.host),
                     fmt::format("write an address of this machine, or \"*:{}\" for all", address.port));
    }
    in6_addr bytes{};
    ::inet_pton(AF_INET6, address.host.c_str(), &bytes);
    if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
        return wrong(fmt::format("{} is an IPv4 address in disguise", address.host),
                     fmt::format("write \"{}.{}.{}.{}:{}\"", bytes.s6_addr[12], bytes.s6_addr[13],
                                 bytes.s6_addr[14], bytes.s6_addr[15], address.port));
    }
    if (IN6_IS_ADDR_MULTICAST(&bytes)) {
        return wrong(fmt::format("nobody can connect to {}: it is for multicast", address.host),
                     fmt::format("write an address of this machine, or \"*:{}\" for all", address.port));
    }
    if (IN6_IS_ADDR_LINKLOCAL(&bytes)) {
        return wrong(fmt::format("{} means something on each network interface, and cannot be listened on",
                                 address.host),
                     fmt::format("write \"[::]:{}\", or an address that is not link-local", address.port));
    }
    return true;
}

// The folder of a socket may be made when the service starts, so it may be missing now.
bool check_socket_path(Loading& in, const std::string& path, Place place) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        in.error(place, fmt::format("{} is there already, and is not a socket", path),
                 "name a file that does not exist yet");
        return false;
    }
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        in.warning(place, fmt::format("there is no folder {} for the socket", folder),
                   fmt::format("make it before gantry starts: mkdir -p {}", folder));
    }
    return true;
}

}  // namespace

bool is_ip_address(const std::string& text) {
    return is_ipv4(text) || is_ipv6(text);
}

bool parse_listener_address(Loading& in, std::string_view text, Place place, std::vector<Address>& out) {
    Address address;
    address.place = place;
    if (text.starts_with("unix:")) {
        address.family = Address::Family::Unix;
        if (!unix_path(in, text, place, address.host)) return false;
        if (!check_socket_path(in, address.host, place)) return false;
        out.push_back(std::move(address));
        return true;
    }
    if (text.starts_with(':') && !is_ipv6(std::string(text))) {
        in.error(
            place, fmt::format("\"{}\" does not say which addresses", text),
            fmt::format("\"*{}\" is every address of this machine, \"127.0.0.1{}\" only itself", text, text));
        return false;
    }
    const auto parts = split(in, text, place, "80");
    if (!parts) return false;
    address.host = parts->host;
    address.port = parts->port;
    if (parts->bracketed) {
        address.family = Address::Family::Ipv6;
    } else if (parts->host == "*") {
        address.host = "0.0.0.0";
        out.push_back(address);
        address.host = "::";
        address.family = Address::Family::Ipv6;
    } else if (!is_ipv4(parts->host)) {
        in.error(
            place, fmt::format("\"{}\" is not a numeric address", parts->host),
            parts->host == "localhost"
                ? fmt::format("write \"127.0.0.1:{}\", and \"[::1]:{}\" for IPv6", parts->port, parts->port)
                : fmt::format("listeners do not look names up: write \"192.0.2.1:{}\", or \"*:{}\" for every "
                              "address of this machine",
                              parts->port, parts->port));
        return false;
    }
    if (!check_bindable(in, address)) return false;
    out.push_back(std::move(address));
    return true;
}

bool parse_peer_address(Loading& in, std::string_view text, Place place, Peer& out) {
    out.place = place;
    if (text.starts_with("unix:")) {
        out.is_unix = true;
        return unix_path(in, text, place, out.host);
    }
    const auto parts = split(in, text, place, "3000");
    if (!parts) return false;
    if (parts->port == 0) {
        in.error(place, "a peer cannot have port 0", "write the port that the peer listens on");
        return false;
    }
    const bool numeric = parts->host.find_first_not_of("0123456789.") == parts->host.npos;
    const bool good = parts->bracketed || is_ipv4(parts->host) || (!numeric && is_peer_name(parts->host));
    if (!good) {
        in.error(place, fmt::format("\"{}\" is neither a name nor an address", parts->host),
                 "for example: \"127.0.0.1:3000\" or \"app.internal:3000\"");
        return false;
    }
    if (parts->host == "0.0.0.0" || parts->host == "::") {
        in.error(place, fmt::format("{} is every address of a machine, and no peer", parts->host),
                 fmt::format("for this machine write \"127.0.0.1:{}\"", parts->port));
        return false;
    }
    out.host = parts->bracketed ? parts->host : lower_case(parts->host);
    out.port = parts->port;
    return true;
}

}  // namespace gantry::conf
