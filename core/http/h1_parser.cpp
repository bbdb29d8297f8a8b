#include "core/http/h1_parser.hpp"

#include "core/base/text.hpp"
#include "core/http/h1_framing.hpp"
#include "core/http/h1_lines.hpp"
#include "core/http/uri.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gantry::http {

namespace {

constexpr std::size_t kEmptyLines = 2;  // skipped before a request line
constexpr std::size_t kCrLf = 2;

const LineScans* g_scans = &scalar_line_scans();
Simd g_simd = Simd::Scalar;

struct SelectAtStart {
    SelectAtStart() { select_simd(Simd::Auto); }
} const g_select_at_start;

// The caller came back with more bytes than the `scanned` that were not enough: is a parse worth its time?
// When a line end among the new bytes may have ended the head or is bare, when a limit is reached, and each
// time that the input doubled, so that rubbish without line ends is noticed too; all in all a cost in
// proportion to the bytes.
bool is_worth_parsing(std::string_view input, const HeadLimits& limits, std::size_t scanned) {
    const std::size_t size = input.size();
    if (size <= scanned) return scanned == 0;
    if (std::bit_width(size) > std::bit_width(scanned) || size >= limits.head_bytes) return true;
    // Where exactly the request line is too long depends on the empty lines before it.
    if (size > limits.line_bytes && scanned <= limits.line_bytes + kCrLf * (kEmptyLines + 1)) return true;
    for (std::size_t at = scanned; (at = input.find('\n', at)) != input.npos; ++at) {
        if (at == 0 || input[at - 1] != '\r' || at == 1 || input[at - 2] == '\n') return true;
    }
    return false;
}

tl::unexpected<Error> refuse(Lines lines, Side side) {
    const Code bad = side == Side::Upstream ? Code::BadResponse : Code::BadRequest;
    switch (lines) {
        case Lines::BadMethod:
            return fail(bad, side, "because the request line has no valid method");
        case Lines::BadTarget:
            return fail(bad, side, "because of a byte in the request target that is not allowed");
        case Lines::OtherVersion:
            return fail(side == Side::Upstream ? bad : Code::VersionNotSupported, side,
                        "because only HTTP/1.0 and HTTP/1.1 are spoken here");
        case Lines::BadVersion:
            return fail(bad, side, "because the start line has no HTTP version");
        case Lines::BadLineEnd:
            return fail(bad, side, "because a line of the head does not end in CRLF");
        case Lines::BadStatus:
            return fail(bad, side, "because the status line has no valid status");
        case Lines::BadName:
            return fail(bad, side, "because of a header name that is not valid");
        case Lines::BadValue:
            return fail(bad, side, "because of a control byte in a header value");
        case Lines::Folded:
            return fail(bad, side, "because of a folded header line");
        case Lines::TooMany:
            return fail(side == Side::Upstream ? bad : Code::HeaderTooLarge, side,
                        "because of too many header fields");
        case Lines::Complete:
        case Lines::Incomplete:
            break;
    }
    return fail(Code::Internal, side, "while reading a head");
}

tl::unexpected<Error> bad_request(const char* context) {
    return fail(Code::BadRequest, Side::Client, context);
}

tl::unexpected<Error> bad_response(const char* context) {
    return fail(Code::BadResponse, Side::Upstream, context);
}

bool is_twice(const FieldLines& fields, HeaderId id) {
    return (fields.twice >> static_cast<unsigned>(id) & 1) != 0;
}

void split_query(std::string_view text, RequestHead& head) {
    const auto* mark =
        text.empty() ? nullptr : static_cast<const char*>(std::memchr(text.data(), '?', text.size()));
    head.has_query = mark != nullptr;
    if (mark == nullptr) {
        head.path = text;
        head.query = {};
        return;
    }
    const auto at = static_cast<std::size_t>(mark - text.data());
    head.path = text.substr(0, at);
    head.query = text.substr(at + 1);
}

bool is_http_scheme(std::string_view scheme) {
    return equals_ignore_case(scheme, "http") || equals_ignore_case(scheme, "https");
}

// "http://host:port/path?query" (RFC 9112 3.2.2). Others than http and https are for proxies of other
// protocols.
bool split_absolute(RequestHead& head) {
    constexpr std::string_view kMark = "://";
    const std::size_t mark = head.target.find(kMark);
    if (mark == head.target.npos || !is_http_scheme(head.target.substr(0, mark))) return false;
    head.scheme = head.target.substr(0, mark);
    const std::string_view rest = head.target.substr(mark + kMark.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    head.authority = rest.substr(0, end);
    split_query(rest.substr(end), head);
    // "OPTIONS http://host" asks about the server as a whole (RFC 9112 3.2.4).
    if (head.path.empty()) head.path = head.method == Method::Options && !head.has_query ? "*" : "/";
    return is_authority(head.authority);
}

// Sets authority, scheme, path and query as far as the target says them.
bool split_target(RequestHead& head) {
    head.scheme = head.authority = head.path = head.query = {};
    head.has_query = false;
    if (head.method == Method::Connect) {
        const auto authority = parse_authority(head.target);
        head.authority = head.target;
        return authority && !authority->port.empty();
    }
    if (head.target.front() == '/') {
        split_query(head.target, head);
        return true;
    }
    if (head.target == "*") {
        head.path = head.target;
        return head.method == Method::Options;
    }
    return split_absolute(head);
}

// RFC 9112 3.2: exactly one Host in HTTP/1.1; what the target says wins over it.
Result<std::size_t> take_host(RequestHead& head, const FieldLines& fields) {
    const Field* host = head.headers.find(HeaderId::Host);
    if (host == nullptr) {
        if (head.version == Version::Http11) return bad_request("because HTTP/1.1 needs a Host field");
        return 0;
    }
    if (is_twice(fields, HeaderId::Host)) return bad_request("because of more than one Host field");
    if (!is_authority(host->value)) return bad_request("because the Host field is not valid");
    if (head.authority.empty()) head.authority = host->value;
    return 0;
}

Result<std::size_t> take_request_body(RequestHead& head, const FieldLines& fields) {
    head.body = BodyKind::None;
    head.content_length = 0;
    const Field* length = head.headers.find(HeaderId::ContentLength);
    if (head.headers.has(HeaderId::TransferEncoding)) {
        if (length != nullptr) return bad_request("because of Content-Length beside Transfer-Encoding");
        if (head.version == Version::Http10) return bad_request("because of Transfer-Encoding in HTTP/1.0");
        switch (transfer_coding(head.headers)) {
            case TransferCoding::Bad:
                return bad_request("because the Transfer-Encoding field is not valid");
            case TransferCoding::Unknown:
                return fail(Code::NotImplemented, Side::Client, "because of an unknown transfer coding");
            case TransferCoding::Chunked:
                head.body = BodyKind::Chunked;
        }
        return 0;
    }
    if (length == nullptr) return 0;
    const auto bytes = content_length(length->value);
    if (is_twice(fields, HeaderId::ContentLength) || !bytes) {
        return bad_request("because the Content-Length field is not valid");
    }
    head.body = BodyKind::Length;
    head.content_length = *bytes;
    return 0;
}

// Others in the list nobody has defined; they may be ignored (RFC 9110 10.1.1), this one may not.
bool expects_100(std::string_view list) {
    bool found = false;
    for_each_element(list, [&](std::string_view element) {
        found = equals_ignore_case(element, "100-continue");
        return !found;
    });
    return found;
}

void take_wishes(RequestHead& head) {
    const ConnectionOptions options = connection_options(head.headers);
    head.keep_alive = is_persistent(head.version, options);
    // HTTP/1.0 clients know neither 100-continue nor upgrades (RFC 9110 10.1.1, 7.8).
    const bool is_11 = head.version == Version::Http11;
    head.wants_upgrade = is_11 && options.upgrade && !head.headers.value(HeaderId::Upgrade).empty();
    head.expects_continue =
        is_11 && head.headers.has(HeaderId::Expect) && expects_100(head.headers.value(HeaderId::Expect));
}

Result<std::size_t> take_response_body(ResponseHead& head, Method request, const FieldLines& fields) {
    head.body = BodyKind::UntilClose;
    head.content_length = 0;
    const Field* length = head.headers.find(HeaderId::ContentLength);
    if (length != nullptr) {
        const auto bytes = content_length(length->value);
        if (is_twice(fields, HeaderId::ContentLength) || !bytes) {
            return bad_response("because the Content-Length field is not valid");
        }
        head.body = BodyKind::Length;
        head.content_length = *bytes;
    }
    if (head.headers.has(HeaderId::TransferEncoding)) {
        if (length != nullptr) return bad_response("because of Content-Length beside Transfer-Encoding");
        if (head.version == Version::Http10) return bad_response("because of Transfer-Encoding in HTTP/1.0");
        if (transfer_coding(head.headers) != TransferCoding::Chunked) {
            return bad_response("because of a transfer coding other than chunked");
        }
        head.body = BodyKind::Chunked;
    }
    const bool is_tunnel = request == Method::Connect && head.status / 100 == 2;
    if (request == Method::Head || is_tunnel || status_forbids_body(head.status)) head.body = BodyKind::None;
    head.keep_alive = is_persistent(head.version, connection_options(head.headers)) &&
                      head.body != BodyKind::UntilClose && !is_tunnel;
    return 0;
}

// Framing, routing, authentication, request modifiers and what describes the content have no place behind it.
bool is_allowed_in_trailers(HeaderId id) {
    switch (id) {
        case HeaderId::Authorization:
        case HeaderId::CacheControl:
        case HeaderId::Connection:
        case HeaderId::ContentEncoding:
        case HeaderId::ContentLength:
        case HeaderId::ContentRange:
        case HeaderId::ContentType:
        case HeaderId::Cookie:
        case HeaderId::Expect:
        case HeaderId::Forwarded:
        case HeaderId::Host:
        case HeaderId::IfMatch:
        case HeaderId::IfModifiedSince:
        case HeaderId::IfNoneMatch:
        case HeaderId::IfRange:
        case HeaderId::IfUnmodifiedSince:
        case HeaderId::KeepAlive:
        case HeaderId::Location:
        case HeaderId::ProxyAuthenticate:
        case HeaderId::ProxyAuthorization:
        case HeaderId::ProxyConnection:
        case HeaderId::Range:
        case HeaderId::SetCookie:
        case HeaderId::Te:
        case HeaderId::Trailer:
        case HeaderId::TransferEncoding:
        case HeaderId::Upgrade:
        case HeaderId::WwwAuthenticate:
        case HeaderId::XForwardedFor:
        case HeaderId::XForwardedHost:
        case HeaderId::XForwardedProto:
        case HeaderId::XRealIp:
            return false;
        default:
            return true;
    }
}

}  // namespace

bool select_simd(Simd simd) {
    const LineScans* scans = nullptr;
    switch (simd) {
        case Simd::Auto:
            return select_simd(Simd::Avx2) || select_simd(Simd::Sse42) || select_simd(Simd::Scalar);
        case Simd::Scalar:
            scans = &scalar_line_scans();
            break;
        case Simd::Sse42:
            scans = sse42_line_scans();
            break;
        case Simd::Avx2:
            scans = avx2_line_scans();
            break;
    }
    if (scans == nullptr) return false;
    g_scans = scans;
    g_simd = simd;
    return true;
}

Simd selected_simd() {
    return g_simd;
}

Result<std::size_t> parse_request_head(std::string_view input, const HeadLimits& limits, RequestHead& head,
                                       std::size_t& scanned) {
    if (!is_worth_parsing(input, limits, scanned)) {
        scanned = input.size();
        return 0;
    }
    const std::size_t size = std::min(input.size(), limits.head_bytes);
    const char* at = input.data();
    const char* const end = at + size;
    const auto need_more = [&]() -> Result<std::size_t> {
        scanned = input.size();
        if (size < limits.head_bytes) return 0;
        return fail(Code::HeaderTooLarge, Side::Client, "because the request head is too large");
    };
    for (std::size_t i = 0; i < kEmptyLines && at != end && *at == '\r'; ++i) {
        if (end - at < 2) return need_more();
        if (at[1] != '\n') break;
        at += kCrLf;
    }

    head.headers.clear();
    const auto left = static_cast<std::size_t>(end - at);
    const bool is_cut = left >= kCrLf && left - kCrLf >= limits.line_bytes;
    RequestLine line;
    Lines lines = g_scans->request_line(at, is_cut ? at + limits.line_bytes + kCrLf : end, line);
    head.method_name = line.method;
    head.method = method_of(line.method);
    head.target = line.target;
    head.version = line.version;
    if (lines == Lines::Incomplete && is_cut) {
        return fail(Code::UriTooLong, Side::Client, "because the request line is too long");
    }
    if (lines == Lines::Incomplete) return need_more();
    if (lines != Lines::Complete) return refuse(lines, Side::Client);
    if (!split_target(head)) return bad_request("because the request target is not valid");

    FieldLines fields{&head.headers, limits.fields};
    lines = g_scans->field_lines(at, end, fields);
    if (lines == Lines::Incomplete) return need_more();
    if (lines != Lines::Complete) return refuse(lines, Side::Client);
    if (const auto host = take_host(head, fields); !host) return host;
    if (const auto body = take_request_body(head, fields); !body) return body;
    take_wishes(head);
    return static_cast<std::size_t>(at - input.data());
}

Result<std::size_t> parse_response_head(std::string_view input, const HeadLimits& limits, Method request,
                                        ResponseHead& head, std::size_t& scanned) {
    if (!is_worth_parsing(input, limits, scanned)) {
        scanned = input.size();
        return 0;
    }
    const std::size_t size = std::min(input.size(), limits.head_bytes);
    const char* at = input.data();
    const char* const end = at + size;
    head.headers.clear();
    StatusLine line;
    Lines lines = g_scans->status_line(at, end, line);
    head.version = line.version;
    head.status = line.status;
    head.reason = line.reason;
    FieldLines fields{&head.headers, limits.fields};
    if (lines == Lines::Complete) lines = g_scans->field_lines(at, end, fields);
    if (lines == Lines::Incomplete) {
        scanned = input.size();
        if (size < limits.head_bytes) return 0;
        return bad_response("because the response head is too large");
    }
    if (lines != Lines::Complete) return refuse(lines, Side::Upstream);
    if (const auto body = take_response_body(head, request, fields); !body) return body;
    return static_cast<std::size_t>(at - input.data());
}

Result<std::size_t> parse_trailers(std::string_view input, const HeadLimits& limits, Side side,
                                   Headers& trailers, std::size_t& scanned) {
    if (!is_worth_parsing(input, limits, scanned)) {
        scanned = input.size();
        return 0;
    }
    const std::size_t size = std::min(input.size(), limits.head_bytes);
    const char* at = input.data();
    trailers.clear();
    FieldLines fields{&trailers, limits.fields};
    const Lines lines = g_scans->field_lines(at, at + size, fields);
    if (lines == Lines::Incomplete) {
        scanned = input.size();
        if (size < limits.head_bytes) return 0;
        return fail(side == Side::Upstream ? Code::BadResponse : Code::HeaderTooLarge, side,
                    "because the trailers are too large");
    }
    if (lines != Lines::Complete) return refuse(lines, side);
    for (const Field& field : trailers) {
        if (is_allowed_in_trailers(field.id)) continue;
        return fail(side == Side::Upstream ? Code::BadResponse : Code::BadRequest, side,
                    "because of a field that is not allowed in trailers");
    }
    return static_cast<std::size_t>(at - input.data());
}

}  // namespace gantry::http
