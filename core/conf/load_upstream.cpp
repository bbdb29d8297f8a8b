// [upstream.NAME] and upstreams that a location names by URL.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

constexpr std::uint64_t kDay = 24ull * 3600 * 1000;
constexpr std::string_view kBalances[] = {"round_robin"};

struct UpstreamDraft : Upstream {
    static constexpr KeyScope kKeyScope = KeyScope::Upstream;
    ModuleValues module_draft;
};

// ---- peers

struct PeerDraft {
    std::optional<std::string> address;
    std::uint32_t weight = 1;
};

constexpr Key<PeerDraft> kPeerKeys[] = {
    {{.name = "address",
      .type = Type::String,
      .example = "\"127.0.0.1:3000\"",
      .doc =
          "Where the peer is: a name or an address, and a port (\"[::1]:3000\" for IPv6); or \"unix:\" and "
          "a path. Names are looked up again from time to time.",
      .need = Need::Required},
     field<&PeerDraft::address>},
    {{.name = "weight",
      .type = Type::Integer,
      .standard = "1",
      .example = "2",
      .doc = "Its share of the requests, beside the weights of the other peers: one with 2 gets twice as "
             "many as one with 1.",
      .min = 1,
      .max = 1000},
     field<&PeerDraft::weight>},
};

void peer(Loading& in, const KeyDoc& key, const Node& node, UpstreamDraft& into) {
    PeerDraft draft;
    if (node.kind == Node::Kind::Table) {
        read_table(in, kPeerKeys, node, "a peer", draft);
        if (lacks(node, "address")) {
            in.error(node.place, "this peer has no \"address\"",
                     "for example: { address = \"127.0.0.1:3000\", weight = 2 }");
        }
    } else {
        draft.address = in.text(key, node);
    }
    if (!draft.address) return;
    Peer made;
    made.weight = draft.weight;
    if (!parse_peer_address(in, *draft.address, node.place, made)) return;
    for (const Peer& other : into.peers) {
        if (other.host != made.host || other.port != made.port || other.is_unix != made.is_unix) continue;
        in.error(node.place, fmt::format("the peer \"{}\" is listed twice", *draft.address),
                 "give one of them a weight instead: { address = \"…\", weight = 2 }",
                 Related{other.place, "first listed here", {}});
        return;
    }
    into.peers.push_back(std::move(made));
}

void peers(Loading& in, const KeyDoc& key, const Node& node, UpstreamDraft& into) {
    if (node.kind == Node::Kind::String || node.kind == Node::Kind::Table) return peer(in, key, node, into);
    if (node.kind != Node::Kind::Array) return in.wrong_type(key, node, "a list of peers");
    if (node.count == 0) {
        in.error(node.place, "\"peers\" is empty", "for example: peers = [\"127.0.0.1:3000\"]");
    }
    for (const Entry& item : node.children()) peer(in, key, *item.node, into);
}

// ---- tls

void tls_ca(Loading& in, const KeyDoc& key, const Node& node, UpstreamTls& into) {
    into.ca_place = node.place;
    if (in.read(key, node, into.ca_file) && !check_file(in, into.ca_file, node.place, "ca", FileUse::Public))
        into.ca_file.clear();
}

void server_name(Loading& in, const KeyDoc& key, const Node& node, UpstreamTls& into) {
    std::string name;
    if (!in.read(key, node, name)) return;
    const bool good = std::all_of(name.begin(), name.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == ':';
    });
    if (!good || (name.find(':') != name.npos && !is_ip_address(name))) {
        in.error(node.place, fmt::format("\"{}\" is neither a name nor an address", name),
                 "write what the peer's certificate names, without port and wildcard: \"app.internal\"");
        return;
    }
    into.server_name = std::move(name);
}

constexpr Key<UpstreamTls> kTlsKeys[] = {
    {{.name = "verify",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether the peer's certificate must be valid and carry its name. Without it anyone on the "
             "way can read along."},
     field<&UpstreamTls::verify>},
    {{.name = "ca",
      .type = Type::Path,
      .example = "\"ca.pem\"",
      .doc = "A file with the authorities (PEM) that the peers' certificates come from; absent = those "
             "that the system trusts."},
     tls_ca},
    {{.name = "server_name",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"app.internal\"",
      .doc = "The name to ask the peer for (SNI) and to verify its certificate by; empty = the peer's "
             "host."},
     server_name},
};

void tls(Loading& in, const KeyDoc& key, const Node& node, UpstreamDraft& into) {
    if (node.kind == Node::Kind::Boolean) {
        if (node.integer != 0) into.tls.emplace();
        return;
    }
    UpstreamTls settings;
    if (!read_table(in, kTlsKeys, node, "tls", settings)) {
        in.wrong_type(key, node, "true, false or a table");
        return;
    }
    if (const Entry* ca = node.find("ca"); ca != nullptr && !settings.verify) {
        in.error(ca->place, "\"ca\" does nothing: verify is false", "take one of the two out");
    }
    into.tls = std::move(settings);
}

// ---- upstream

void balance(Loading& in, const KeyDoc& key, const Node& node, UpstreamDraft&) {
    const auto name = in.text(key, node);
    if (!name || *name == kBalances[0]) return;
    in.error(node.place, fmt::format("this version of gantry does not know the balance \"{}\"", *name),
             "write balance = \"round_robin\", or leave it out");
}

constexpr Key<UpstreamDraft> kKeys[] = {
    {{.name = "peers",
      .type = Type::Special,
      .example = "[\"127.0.0.1:3000\", { address = \"unix:/run/app.sock\", weight = 2 }]",
      .doc = "The servers: \"host:port\", \"unix:/path\", or tables with address and weight; one or a list. "
             "Needed, unless a key of a module stands here: then it is the module that finds them, beside "
             "these.",
      .forms = {.text = true, .list = true, .table = "upstream.peers"}},
     peers},
    {{.name = "balance",
      .type = Type::Choice,
      .standard = "\"round_robin\"",
      .example = "\"round_robin\"",
      .doc = "How a peer is chosen for a request. This version takes them in turn, by weight.",
      .choices = kBalances},
     balance},
    {{.name = "tls",
      .type = Type::Special,
      .standard = "false",
      .example = "true",
      .doc = "Whether the peers are spoken to over TLS: false, true, or a table with details.",
      .forms = {.boolean = true, .table = "upstream.tls"}},
     tls},
    {{.name = "keep_alive",
      .type = Type::Integer,
      .standard = "64",
      .example = "16",
      .doc = "Idle connections to each peer that each worker keeps for the next request; 0 = none.",
      .max = 100'000},
     field<&Upstream::keep_alive>},
    {{.name = "keep_alive_timeout",
      .type = Type::Timespan,
      .standard = "\"1m\"",
      .example = "\"30s\"",
      .doc = "How long an idle connection is kept. Choose less than the peer's own idle timeout, so that "
             "it is us who close.",
      .min = 1,
      .max = kDay},
     field<&Upstream::keep_alive_timeout>},
    {{.name = "connect_timeout",
      .type = Type::Timespan,
      .standard = "\"5s\"",
      .example = "\"2s\"",
      .doc = "How long connecting may take, TLS included. Then another peer is tried; without one the "
             "answer is 504.",
      .min = 1,
      .max = kDay},
     field<&Upstream::connect_timeout>},
    {{.name = "send_timeout",
      .type = Type::Timespan,
      .standard = "\"1m\"",
      .example = "\"30s\"",
      .doc = "How long a peer may pause in taking the request; beyond it the answer is 504.",
      .min = 1,
      .max = kDay},
     field<&Upstream::send_timeout>},
    {{.name = "response_timeout",
      .type = Type::Timespan,
      .standard = "\"1m\"",
      .example = "\"5m\"",
      .doc = "How long a peer may go without sending any byte of its answer, head or body; before the "
             "head the client gets 504, later its connection is closed.",
      .min = 1,
      .max = kDay},
     field<&Upstream::response_timeout>},
    {{.name = "max_head",
      .type = Type::Size,
      .standard = "\"64KiB\"",
      .example = "\"128KiB\"",
      .doc = "The largest head of an answer; beyond it the client gets 502.",
      .min = 1024,
      .max = 16u << 20},
     field<&Upstream::max_head>},
};

}  // namespace

void load_upstream(Loading& in, const Entry& entry) {
    check_name(in, entry, "upstream");
    UpstreamDraft upstream;
    upstream.name = entry.key;
    upstream.place = entry.place;
    const std::string scope = fmt::format("[upstream.{}]", entry.key);
    if (!read_table(in, kKeys, *entry.node, scope, upstream)) {
        in.error(entry.place, fmt::format("{} must be a table", scope),
                 "for example: [upstream.app] and below it peers = [\"127.0.0.1:3000\"]");
        return;
    }
    const bool finds_peers = !upstream.module_draft.empty();
    if (finds_peers) upstream.module_values = std::move(upstream.module_draft);
    if (!finds_peers && !in.has_unknown_modules && lacks(*entry.node, "peers")) {
        in.error(entry.place, fmt::format("{} has no \"peers\"", scope),
                 "for example: peers = [\"127.0.0.1:3000\"]");
    }
    if (const Entry* timeout = entry.node->find("keep_alive_timeout");
        timeout != nullptr && upstream.keep_alive == 0) {
        in.error(timeout->place, "\"keep_alive_timeout\" does nothing: keep_alive is 0",
                 "take one of the two out");
    }
    const bool has_unix = std::any_of(upstream.peers.begin(), upstream.peers.end(),
                                      [](const Peer& peer) { return peer.is_unix; });
    if (has_unix && upstream.tls && upstream.tls->verify && upstream.tls->server_name.empty()) {
        in.error(entry.node->find("tls")->place,
                 "the certificate behind a unix socket has no name that it could be verified by",
                 "set it: tls = { server_name = \"app.internal\" }");
    }
    in.upstreams.emplace(upstream.name, in.settings.upstreams.size());
    in.upstream_used.push_back(false);
    in.settings.upstreams.push_back(std::move(upstream));
}

std::optional<std::size_t> inline_upstream(Loading& in, const std::string& url, Place place,
                                           std::string& uri) {
    const bool is_tls = url.starts_with("https://");
    std::string authority = url.substr(is_tls ? 8 : 7);
    if (url.find_first_of("?#") != url.npos) {
        in.error(place, "the URL of a proxy cannot have a query or a fragment",
                 "take it out; the client's query is passed on");
        return std::nullopt;
    }
    if (const auto slash = authority.find('/'); slash != authority.npos && !authority.starts_with("unix:")) {
        uri = authority.substr(slash);
        authority.resize(slash);
    }
    if (authority.find('@') != authority.npos) {
        in.error(place, "the URL of a proxy cannot have a user and a password",
                 "set the field: request_headers = { set = { Authorization = \"Basic …\" } }");
        return std::nullopt;
    }
    if (authority.empty()) {
        in.error(place, fmt::format("the URL \"{}\" has no host", url),
                 "for example: \"http://127.0.0.1:3000\"");
        return std::nullopt;
    }
    const auto after_bracket = authority.rfind(']');
    const bool has_port =
        authority.find(':', after_bracket == authority.npos ? 0 : after_bracket) != authority.npos;
    if (!has_port && !authority.empty()) authority.append(is_tls ? ":443" : ":80");
    std::string name = (is_tls ? "https://" : "http://") + authority;
    if (const auto known = in.upstreams.find(name); known != in.upstreams.end()) return known->second;
    Upstream upstream;
    upstream.name = name;
    upstream.place = place;
    if (is_tls) upstream.tls.emplace();
    Peer made;
    made.place = place;
    if (!parse_peer_address(in, authority, place, made)) return std::nullopt;
    upstream.peers.push_back(std::move(made));
    const std::size_t index = in.settings.upstreams.size();
    in.upstreams.emplace(std::move(name), index);
    in.upstream_used.push_back(true);
    in.settings.upstreams.push_back(std::move(upstream));
    return index;
}

std::vector<Scope> upstream_scope_docs() {
    return {scope_of({.name = "[upstream.NAME]",
                      .path = "upstream",
                      .doc = "A group of servers that requests are passed to, and how they are spoken to.",
                      .frame = "[upstream.app]\n@",
                      .beside = "peers = [\"127.0.0.1:3000\"]"},
                     kKeys),
            scope_of({.name = "[upstream.NAME] peers",
                      .path = "upstream.peers",
                      .doc = "One server of an upstream.",
                      .frame = "[upstream.app]\npeers = [{ @ }]",
                      .beside = "address = \"127.0.0.1:3000\""},
                     kPeerKeys),
            scope_of({.name = "[upstream.NAME.tls]",
                      .path = "upstream.tls",
                      .doc = "TLS towards the peers. tls = true is this table with nothing in it.",
                      .frame = "[upstream.app]\npeers = [\"app.internal:443\"]\n\n[upstream.app.tls]\n@"},
                     kTlsKeys)};
}

}  // namespace gantry::conf
