// Version 1, in text: "PROXY TCP4 192.0.2.1 198.51.100.1 50000 80\r\n" (section 2.1).
#include "header.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <string>

namespace proxy_protocol::detail {
namespace {

constexpr std::size_t kMostLine = 107;  // with its end

// Taken from the front, up to the next blank; there is exactly one between two.
std::string_view next_word(std::string_view& rest) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

bool take_ip(std::string_view word, bool is_v6, Endpoint& to) {
    char text[INET6_ADDRSTRLEN] = {};
    if (word.empty() || word.size() >= sizeof text || word.find('\0') != word.npos) return false;
    std::copy(word.begin(), word.end(), text);
    if (is_v6) {
        if (inet_pton(AF_INET6, text, to.ip.data()) != 1) return false;
        to.family = family_of(to.ip);
        return true;
    }
    if (inet_pton(AF_INET, text, to.ip.data() + 12) != 1) return false;
    to.ip[10] = to.ip[11] = 0xff;
    to.family = 4;
    return true;
}

bool take_port(std::string_view word, Endpoint& to) {
    if (word.empty() || word.size() > 5 || (word.size() > 1 && word[0] == '0')) return false;
    unsigned number = 0;
    for (const char c : word) {
        if (c < '0' || c > '9') return false;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    to.port = static_cast<std::uint16_t>(number);
    return number <= 65'535;
}

}  // namespace

Parsed parse_v1(std::string_view bytes) {
    const std::size_t end = bytes.substr(0, kMostLine).find('\n');
    if (end == bytes.npos) {
        return bytes.size() < kMostLine ? Parsed{} : broken("its line has no end within 107 bytes");
    }
    if (bytes[end - 1] != '\r') return broken("its line does not end in CRLF");
    std::string_view rest = bytes.substr(0, end - 1);
    next_word(rest);
    Parsed out;
    out.outcome = Outcome::Complete;
    out.header.version = 1;
    out.header.size = end + 1;
    const std::string_view protocol = next_word(rest);
    if (protocol == "UNKNOWN") return out;  // the rest of the line is to be ignored
    if (protocol != "TCP4" && protocol != "TCP6") return broken("its protocol is not TCP4, TCP6 or UNKNOWN");
    const bool is_v6 = protocol == "TCP6";
    Header& header = out.header;
    header.has_addresses = true;
    if (!take_ip(next_word(rest), is_v6, header.source) ||
        !take_ip(next_word(rest), is_v6, header.destination))
        return broken("one of its addresses is none");
    const std::string_view source = next_word(rest);
    // Nothing, not even a blank, follows.
    if (!take_port(source, header.source) || !take_port(rest, header.destination))
        return broken("one of its ports is none");
    return out;
}

}  // namespace proxy_protocol::detail
