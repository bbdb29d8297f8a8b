#include "core/content/proxy_head.hpp"

#include "core/base/text.hpp"
#include "core/http/forwarded.hpp"
#include "core/http/hop_headers.hpp"

#include <charconv>
#include <cstring>

namespace gantry::content {

namespace {

using http::HeaderId;

constexpr std::string_view kCrLf = "\r\n";
constexpr std::size_t kFieldExtra = 4;    // ": " and CRLF
constexpr std::size_t kFixedBytes = 256;  // names and values that are ours, and the ends of lines

// Does Connection name fields of the message, beyond the options that every message has?
bool names_fields(const http::Headers& headers) {
    bool found = false;
    for (const http::Field* field = headers.find(HeaderId::Connection);
         field != nullptr && field != headers.end(); ++field) {
        if (field->id != HeaderId::Connection) continue;
        for_each_element(field->value, [&](std::string_view option) {
            found =
                found || !(equals_ignore_case(option, "keep-alive") || equals_ignore_case(option, "close") ||
                           equals_ignore_case(option, "upgrade") || equals_ignore_case(option, "te"));
            return !found;
        });
    }
    return found;
}

bool has_element(const http::Headers& headers, HeaderId id, std::string_view wanted) {
    bool found = false;
    for (const http::Field* field = headers.find(id); field != nullptr && field != headers.end(); ++field) {
        if (field->id != id) continue;
        for_each_element(field->value, [&](std::string_view element) {
            // "trailers;q=0.5" names trailers as well.
            found = equals_ignore_case(trim(element.substr(0, element.find(';'))), wanted);
            return !found;
        });
        if (found) break;
    }
    return found;
}

// What is added about the way that a request came.
struct Way {
    std::string_view forwarded_for;
    std::string_view proto;
    std::string_view host;
    std::string_view forwarded;

    std::size_t size() const { return forwarded_for.size() + proto.size() + host.size() + forwarded.size(); }
};

// A claim of the client about hops before it, if it may make one.
std::string_view claim(const http::Headers& headers, HeaderId id, bool trusted) {
    return trusted ? headers.combined(id) : std::string_view{};
}

Way way_of(const ProxyRules& rules, server::Exchange& exchange) {
    if (!rules.forwarded) return {};
    const http::RequestHead& request = exchange.request();
    const http::ServerStream::Facts& facts = exchange.facts();
    Arena& arena = exchange.arena();
    const net::PeerAddress& address = *facts.client;
    const bool trusted = !rules.trusted.empty() && address.family != 0 && rules.trusted.contains(address.ip);
    const std::string_view client = address.family == 0 ? "unknown" : address.ip_text(arena);
    const std::string_view proto = facts.tls != nullptr ? "https" : "http";

    Way way;
    way.forwarded_for =
        http::append_forwarded(claim(request.headers, HeaderId::XForwardedFor, trusted), client, arena);
    way.proto = claim(request.headers, HeaderId::XForwardedProto, trusted);
    if (way.proto.empty()) way.proto = proto;
    way.host = claim(request.headers, HeaderId::XForwardedHost, trusted);
    if (way.host.empty()) way.host = request.authority;
    way.forwarded =
        http::append_forwarded(claim(request.headers, HeaderId::Forwarded, trusted),
                               http::forwarded_element(client, proto, request.authority, arena), arena);
    return way;
}

// "/app/" + "list" + "?a=b", or the target as it came, which a path that was rewritten since stands in for.
struct Target {
    std::string_view begin;
    std::string_view rest;
    std::string_view query;
    bool has_query = false;
};

Target target_of(const ProxyRules& rules, server::Exchange& exchange) {
    const http::RequestHead& request = exchange.request();
    const std::string_view matched = exchange.matched_pattern();
    const bool is_below = exchange.path().starts_with(matched);  // it may have been rewritten to elsewhere
    if (exchange.is_rewritten() && (rules.uri.empty() || !is_below)) {
        return {http::percent_encode_path(exchange.path(), exchange.arena(), rules.encoded_slash),
                {},
                request.query,
                request.has_query};
    }
    if (rules.uri.empty()) {
        // The absolute form is for us; a peer gets the origin form (RFC 9112 3.2.1).
        if (request.scheme.empty()) return {request.target, {}, {}, false};
        return {request.path, {}, request.query, request.has_query};
    }
    const std::string_view rest =
        matched.empty() ? std::string_view{} : exchange.path().substr(matched.size());
    return {rules.uri, http::percent_encode_path(rest, exchange.arena(), rules.encoded_slash), request.query,
            request.has_query};
}

std::string_view host_of(const ProxyRules& rules, server::Exchange& exchange, const ProxyTarget& target) {
    const http::RequestHead& request = exchange.request();
    std::string_view host;
    if (rules.sets_host) {
        host = rules.host.evaluate(exchange, exchange.arena());
    } else if (!request.scheme.empty()) {
        host = request.authority;
    } else {
        host = request.headers.value(HeaderId::Host);  // as the configuration may have changed it
    }
    if (!host.empty()) return host;
    return starts_with_ignore_case(target.peer, "unix:") ? "localhost" : target.peer;
}

bool stays_behind(const http::Field& field, const ProxyRules& rules) {
    switch (field.id) {
        case HeaderId::Host:
        case HeaderId::ContentLength:
        case HeaderId::Expect:
            return true;  // written anew, or answered here
        case HeaderId::XForwardedFor:
        case HeaderId::XForwardedProto:
        case HeaderId::XForwardedHost:
        case HeaderId::Forwarded:
            return rules.forwarded;
        case HeaderId::Other:
            return equals_ignore_case(field.name, "proxy") ||
                   equals_ignore_case(field.name, "http2-settings");
        default:
            return http::is_hop_by_hop(field.id);
    }
}

// Writes into the tail block of a chain where the head is known to fit, piece by piece otherwise.
class HeadSink {
public:
    HeadSink(Chain& chain, std::size_t bound) : chain_(chain) {
        if (bound <= BlockPool::kBytes) begin_ = at_ = chain.reserve(bound);
    }
    HeadSink(const HeadSink&) = delete;
    HeadSink& operator=(const HeadSink&) = delete;
    ~HeadSink() {
        if (at_ != nullptr) chain_.commit(static_cast<std::size_t>(at_ - begin_));
    }

    void put(std::string_view text) {
        if (at_ == nullptr) return chain_.append_copy(text);
        if (text.empty()) return;
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void put_field(std::string_view name, std::string_view value) {
        put(name);
        put(": ");
        put(value);
        put(kCrLf);
    }

private:
    Chain& chain_;
    char* begin_ = nullptr;
    char* at_ = nullptr;
};

void put_connection(HeadSink& sink, const http::RequestHead& request, const ProxyTarget& target) {
    const bool trailers = has_element(request.headers, HeaderId::Te, "trailers");
    if (target.upgrade) {
        sink.put_field("Upgrade", request.headers.combined(HeaderId::Upgrade));
        sink.put(trailers ? "TE: trailers\r\nConnection: upgrade, TE\r\n" : "Connection: upgrade\r\n");
        return;
    }
    if (trailers) sink.put("TE: trailers\r\n");
    if (!target.keep_alive) {
        sink.put(trailers ? "Connection: close, TE\r\n" : "Connection: close\r\n");
    } else if (trailers) {
        sink.put("Connection: TE\r\n");
    }
}

void put_framing(HeadSink& sink, const ProxyTarget& target) {
    if (target.body == http::BodyKind::Chunked) sink.put("Transfer-Encoding: chunked\r\n");
    if (target.body != http::BodyKind::Length) return;
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, target.content_length).ptr;
    sink.put_field("Content-Length", {digits, static_cast<std::size_t>(end - digits)});
}

}  // namespace

bool is_upgrade(const http::RequestHead& request) {
    const bool has_body = request.body == http::BodyKind::Chunked || request.content_length > 0;
    return request.wants_upgrade && !has_body && !has_element(request.headers, HeaderId::Upgrade, "h2c");
}

void write_proxy_head(const ProxyRules& rules, server::Exchange& exchange, const ProxyTarget& target,
                      Chain& out) {
    const http::RequestHead& request = exchange.request();
    const Target line = target_of(rules, exchange);
    const std::string_view host = host_of(rules, exchange, target);
    const Way way = way_of(rules, exchange);
    const bool names = names_fields(request.headers);

    std::size_t bound = kFixedBytes + request.method_name.size() + line.begin.size() + line.rest.size() +
                        line.query.size() + host.size() + way.size();
    for (const http::Field& field : request.headers) {
        bound += field.name.size() + field.value.size() + kFieldExtra;
    }
    HeadSink sink(out, bound);
    sink.put(request.method_name);
    sink.put(" ");
    sink.put(line.begin);
    sink.put(line.rest);
    if (line.has_query) sink.put("?");
    sink.put(line.query);
    sink.put(" HTTP/1.1\r\n");
    sink.put_field("Host", host);
    for (const http::Field& field : request.headers) {
        if (stays_behind(field, rules)) continue;
        if (names && http::is_named_by_connection(request.headers, field.name)) continue;
        sink.put_field(field.name, field.value);
    }
    if (rules.forwarded) {
        sink.put_field("X-Forwarded-For", way.forwarded_for);
        sink.put_field("X-Forwarded-Proto", way.proto);
        if (!way.host.empty()) sink.put_field("X-Forwarded-Host", way.host);
        sink.put_field("Forwarded", way.forwarded);
    }
    put_framing(sink, target);
    put_connection(sink, request, target);
    sink.put(kCrLf);
}

void take_response_head(const http::ResponseHead& from, http::Method method, http::ResponseHead& to) {
    to.status = from.status;
    // The usual phrases are written faster than copied ones.
    to.reason = from.reason == http::reason_phrase(from.status) ? std::string_view{} : from.reason;
    to.body = from.body;
    to.content_length = from.content_length;
    if (from.body == http::BodyKind::UntilClose) to.body = http::BodyKind::Chunked;
    // An answer to HEAD is framed as one to GET would be.
    if (method == http::Method::Head && !http::status_forbids_body(from.status)) {
        const auto length = parse_decimal(from.headers.value(HeaderId::ContentLength));
        to.body = length ? http::BodyKind::Length : http::BodyKind::Chunked;
        to.content_length = length.value_or(0);
    }
    const bool is_upgrade = from.status == 101;
    if (is_upgrade) to.body = http::BodyKind::UntilClose;
    const bool keeps_length = from.status != 204 && !is_upgrade;
    const bool names = names_fields(from.headers);
    for (const http::Field& field : from.headers) {
        if (http::is_hop_by_hop(field.id) && !(is_upgrade && field.id == HeaderId::Upgrade)) continue;
        if (field.id == HeaderId::ContentLength && !keeps_length) continue;
        if (names && http::is_named_by_connection(from.headers, field.name)) continue;
        to.headers.add(field.id, field.name, field.value);
    }
    if (is_upgrade) to.headers.add(HeaderId::Connection, "upgrade");
}

void take_request_trailers(const ProxyRules& rules, const server::Exchange& exchange,
                           const http::Headers& trailers, http::Headers& to) {
    for (const http::Field& field : trailers) {
        if (!stays_behind(field, rules) && !exchange.is_trailer_closed(field.name))
            to.add(field.id, field.name, field.value);
    }
}

}  // namespace gantry::content
