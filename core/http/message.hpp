// The heads of a request and of a response, as every codec delivers and takes them.
#pragma once

#include "core/http/headers.hpp"
#include "core/http/method.hpp"
#include "core/http/prepared_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace gantry::http {

enum class Version : std::uint8_t { Http10, Http11, Http2 };

// As logs show it; "" for a number that is none of them.
constexpr std::string_view protocol_text(Version version) {
    constexpr std::string_view kTexts[] = {"HTTP/1.0", "HTTP/1.1", "HTTP/2.0"};
    const auto index = static_cast<std::size_t>(version);
    return index < std::size(kTexts) ? kTexts[index] : std::string_view();
}

// How the body of a message is delimited (RFC 9112 6.3).
enum class BodyKind : std::uint8_t { None, Length, Chunked, UntilClose };

// Views point into the read buffer or the arena of the exchange.
struct RequestHead {
    explicit RequestHead(Arena& arena) : headers(arena) {}

    Method method = Method::Other;
    Version version = Version::Http11;
    std::string_view method_name;  // as received
    std::string_view target;       // as received: "/a/b?c", "http://h/a", "*"
    std::string_view scheme;       // from the absolute form; else ""
    std::string_view authority;    // host and port: of the absolute form, else of Host; may be "" in HTTP/1.0
    std::string_view path;         // of the target, not decoded; "/" where an absolute form has none; "*"
    std::string_view query;        // without "?"
    bool has_query = false;        // tells "/a?" from "/a"
    BodyKind body = BodyKind::None;
    std::uint64_t content_length = 0;  // with BodyKind::Length
    bool keep_alive = true;            // what the client wants (version and Connection)
    bool expects_continue = false;
    bool wants_upgrade = false;  // Connection: upgrade and an Upgrade field
    Headers headers;
};

struct ResponseHead {
    explicit ResponseHead(Arena& arena) : headers(arena) {}

    int status = 200;
    Version version = Version::Http11;  // what the peer spoke, for a parsed response
    std::string_view reason;            // "" = the standard phrase
    BodyKind body = BodyKind::None;
    std::uint64_t content_length = 0;
    bool keep_alive = true;
    Headers headers;
    // Written behind `headers`: none of the fields of the framing, no Date, no Server. May be null.
    const PreparedFields* prepared = nullptr;
    bool without_server = false;  // none of ours either
};

// "Not Found" for 404; "" when unknown.
std::string_view reason_phrase(int status);

// 1xx, 204 and 304 never have a body, whatever the headers say (RFC 9110 6.4.1).
constexpr bool status_forbids_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

}  // namespace gantry::http
