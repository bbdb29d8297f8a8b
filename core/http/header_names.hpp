// The field names that the server itself looks at, interned to an enumerator so that the request path
// compares numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace gantry::http {

enum class HeaderId : std::uint8_t {
    Other,  // any name that is not in this list
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AcceptRanges,
    Age,
    Allow,
    Authorization,
    CacheControl,
    Connection,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    ContentLength,
    ContentLocation,
    ContentRange,
    ContentType,
    Cookie,
    Date,
    Etag,
    Expect,
    Expires,
    Forwarded,
    Host,
    IfMatch,
    IfModifiedSince,
    IfNoneMatch,
    IfRange,
    IfUnmodifiedSince,
    KeepAlive,
    LastModified,
    Link,
    Location,
    Origin,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Range,
    Referer,
    RetryAfter,
    Server,
    SetCookie,
    StrictTransportSecurity,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Vary,
    Via,
    WwwAuthenticate,
    XAccelBuffering,
    XContentTypeOptions,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
    XRealIp,
    XRequestId,
    SecWebsocketKey,
    SecWebsocketVersion,
    SecWebsocketProtocol,
    Count_
};

inline constexpr std::size_t kHeaderIds = static_cast<std::size_t>(HeaderId::Count_);

// Any case; Other when unknown. A few nanoseconds: length, then eight bytes.
HeaderId header_id(std::string_view name);

// As it is written on the wire by us: "Content-Type". "" for Other.
std::string_view canonical_name(HeaderId id);

}  // namespace gantry::http
