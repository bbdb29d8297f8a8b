// `proxy` of a location.
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

struct ProxyDraft : ProxyOptions {
    std::optional<std::size_t> upstream;
    std::string uri;
};

bool is_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://");
}

bool check_uri(Loading& in, std::string_view uri, Place place) {
    const bool plain = std::all_of(uri.begin(), uri.end(),
                                   [](char c) { return c > 0x20 && c < 0x7F && c != '?' && c != '#'; });
    const bool dots = (std::string(uri) + '/').find("/../") != std::string::npos;
    if (uri.starts_with('/') && plain && !dots) return true;
    in.error(place, fmt::format("\"uri\": \"{}\" is not a path", uri),
             !plain ? "write blanks and what is not ASCII as %XX; the client's query is passed on"
                    : "for example: uri = \"/\"");
    return false;
}

void upstream(Loading& in, const KeyDoc& key, const Node& node, ProxyDraft& into) {
    const auto text = in.text(key, node);
    if (!text) return;
    if (text->empty()) {
        in.error(node.place, "this names no upstream", "for example: proxy = \"http://127.0.0.1:3000\"");
        return;
    }
    if (is_url(*text)) {
        std::string path;
        const auto index = inline_upstream(in, *text, node.place, path);
        if (!index || (!path.empty() && !check_uri(in, path, node.place))) return;
        into.upstream = index;
        if (!path.empty() && !into.uri.empty()) {
            in.error(node.place, "this URL has a path, and \"uri\" is set as well",
                     "take one of the two out");
            return;
        }
        if (!path.empty()) into.uri = std::move(path);
        return;
    }
    if (const auto scheme = text->find("://"); scheme != text->npos) {
        in.error(
            node.place, fmt::format("\"{}\" is not the URL of a peer", *text),
            fmt::format("write \"http{}\", or https://; WebSockets pass through both", text->substr(scheme)));
        return;
    }
    if (const auto found = in.upstreams.find(*text); found != in.upstreams.end()) {
        into.upstream = found->second;
        in.upstream_used[found->second] = true;
        return;
    }
    std::vector<std::string_view> known;
    for (const Upstream& other : in.settings.upstreams) {
        if (!is_url(other.name)) known.push_back(other.name);
    }
    std::string hint = did_you_mean(*text, known);
    if (text->find(':') != text->npos) {
        hint = fmt::format("an address is written as a URL: \"http://{}\"", *text);
    } else if (hint.empty()) {
        hint = fmt::format("define it: [upstream.{}]; or write a URL: \"http://127.0.0.1:3000\"", *text);
    }
    in.missing(node.place, fmt::format("there is no upstream \"{}\"", *text), std::move(hint));
}

void uri(Loading& in, const KeyDoc& key, const Node& node, ProxyDraft& into) {
    std::string text;
    if (!in.read(key, node, text)) return;
    if (text.empty() || !check_uri(in, text, node.place)) return;
    if (!into.uri.empty()) {
        in.error(node.place, "\"uri\" is set, and the URL of the upstream has a path as well",
                 "take one of the two out");
        return;
    }
    into.uri = std::move(text);
}

void host(Loading& in, const KeyDoc& key, const Node& node, ProxyDraft& into) {
    Template value;
    if (!in.read(key, node, value)) return;
    const auto is_odd = [](char c) { return (c >= 0 && c <= 0x20) || c == 0x7F || c == '/' || c == '@'; };
    if (value.text.empty() || std::any_of(value.text.begin(), value.text.end(), is_odd)) {
        in.error(node.place, fmt::format("\"host\" cannot be \"{}\"", value.text),
                 "write a name, perhaps with a port: host = \"app.internal\"");
        return;
    }
    into.host = std::move(value);
}

constexpr Key<ProxyDraft> kKeys[] = {
    {{.name = "upstream",
      .type = Type::String,
      .example = "\"http://127.0.0.1:3000\"",
      .doc = "The name of an upstream; or the URL of a single server, whose path, if it has one, is taken "
             "as uri.",
      .need = Need::Required},
     upstream},
    {{.name = "uri",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"/\"",
      .doc = "What the location's prefix in the path is replaced by: with \"/\", /app/x in the location "
             "\"/app/\" is /x for the peer. Empty = the path is passed on as it is. The query is passed on "
             "in either case."},
     uri},
    {{.name = "host",
      .type = Type::Template,
      .example = "\"app.internal\"",
      .doc = "The Host that the peer sees; may have variables. Absent = what the client sent."},
     host},
    {{.name = "forwarded",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether the peer is told about the client: X-Forwarded-For, X-Forwarded-Proto, "
             "X-Forwarded-Host and Forwarded."},
     field<&ProxyOptions::forwarded>},
    {{.name = "trusted",
      .type = Type::Strings,
      .example = "[\"10.0.0.0/8\"]",
      .doc = "Networks of proxies before us. What these clients send as X-Forwarded-* and Forwarded is "
             "kept and extended; from all others it is replaced."},
     [](Loading& in, const KeyDoc& key, const Node& node, ProxyDraft& into) {
         load_networks(in, key, node, into.trusted);
     }},
    {{.name = "upgrade",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether a client and a peer may leave HTTP together, as WebSockets do."},
     field<&ProxyOptions::upgrade>},
    {{.name = "buffer_requests",
      .type = Type::Boolean,
      .standard = "false",
      .example = "true",
      .doc = "Whether a request is read as a whole before a peer is connected to. It spares applications "
             "slow uploads, and takes memory for them."},
     field<&ProxyOptions::buffer_requests>},
    {{.name = "timeout",
      .type = Type::Timespan,
      .example = "\"5m\"",
      .doc = "How long an exchange may take from beginning to end; absent = any time, as long as bytes "
             "flow.",
      .min = 1,
      .max = 24ull * 3600 * 1000},
     field<&ProxyOptions::timeout>},
    {{.name = "tunnel_timeout",
      .type = Type::Timespan,
      .standard = "\"1h\"",
      .example = "\"10m\"",
      .doc = "Without any byte either way on a connection that left HTTP. Once one side has ended its "
             "direction, the upstream's times hold where they are shorter: \"send_timeout\" if that was the "
             "peer, \"response_timeout\" if it was the client.",
      .min = 1,
      .max = 30ull * 24 * 3600 * 1000},
     field<&ProxyOptions::tunnel_timeout>},
};

}  // namespace

void load_proxy(Loading& in, const KeyDoc& key, const Node& node, Location& into) {
    ProxyDraft draft;
    if (node.kind == Node::Kind::String) {
        upstream(in, key, node, draft);
    } else if (!read_table(in, kKeys, node, "proxy", draft)) {
        in.wrong_type(key, node, "the name of an upstream, a URL or a table");
        return;
    } else {
        if (lacks(node, "upstream")) {
            in.error(node.place, "\"proxy\" has no \"upstream\"",
                     "for example: proxy = { upstream = \"app\" }");
        }
        if (const Entry* trusted = node.find("trusted"); trusted != nullptr && !draft.forwarded) {
            in.error(trusted->place, "\"trusted\" does nothing: forwarded is false",
                     "take one of the two out");
        }
        if (const Entry* tunnel = node.find("tunnel_timeout"); tunnel != nullptr && !draft.upgrade) {
            in.error(tunnel->place, "\"tunnel_timeout\" does nothing: upgrade is false",
                     "take one of the two out");
        }
    }
    if (!draft.upstream) return;  // reported
    Proxy made;
    made.upstream = *draft.upstream;
    made.uri = std::move(draft.uri);
    made.options = in.share(static_cast<ProxyOptions&&>(draft));
    into.handler = std::move(made);
}

std::vector<Scope> proxy_scope_docs() {
    return {
        scope_of({.name = "[host.\"NAME\".location.\"PATTERN\".proxy]",
                  .path = "host.location.proxy",
                  .doc = "Answer with what an upstream answers. proxy = \"app\" is this table with upstream "
                         "only.",
                  .frame = "[host.\"www.example.com\".location.\"/\".proxy]\n@",
                  .beside = "upstream = \"http://127.0.0.1:3000\""},
                 kKeys)};
}

}  // namespace gantry::conf
