// The variables of templates, log formats and conditions: the single list that compiling, documentation and
// evaluation share.
#pragma once

#include "core/base/arena.hpp"
#include "core/http/header_names.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace gantry::server {

enum class VariableId : std::uint8_t {
    Host,
    HostName,
    Path,
    Uri,
    Query,
    QueryValue,
    Header,
    Cookie,
    ResponseHeader,
    Method,
    Scheme,
    Protocol,
    RemoteAddr,
    RemotePort,
    ServerAddr,
    ServerPort,
    Listener,
    Location,
    RequestId,
    Connection,
    ConnectionRequests,
    ConnectionFact,
    UserAgent,
    Referer,
    Time,
    TimeLocal,
    TlsVersion,
    TlsCipher,
    TlsSni,
    TlsClientSubject,
    TlsClientVerified,
    Status,
    BytesReceived,
    BytesSent,
    BodyBytes,
    Duration,
    QueueTime,
    TlsHandshakeTime,
    HeadTime,
    HandlerTime,
    UpstreamAddr,
    UpstreamStatus,
    UpstreamConnectTime,
    UpstreamFirstByteTime,
    UpstreamResponseTime,
    Error,
    Capture,  // a named or numbered group of the host's or the location's expression
};

// When a variable has a value. A template may use what is known at its stage or earlier.
enum class Stage : std::uint8_t {
    Request,   // the request head was read and routed
    Response,  // the response head is known
    Log,       // the exchange is over
};

// What the bytes of a value are, for templates that make a URI of them.
enum class Form : std::uint8_t {
    Text,     // may hold anything
    Encoded,  // as received in the request line: percent-encoded
    Decoded,  // percent-decoded: has to be encoded again to stand in a URI
};

struct VariableInfo {
    VariableId id;
    std::string_view name;    // "query"; "query." when an argument follows
    std::string_view suffix;  // of the manual: "NAME" where there is an argument, else ""
    Stage stage;
    Form form;
    std::string_view doc;  // one sentence for the manual
};

// Every variable but captures, in the order of the manual. Aliases have rows of their own.
std::span<const VariableInfo> all_variables();

// One variable as a template uses it. `argument` belongs to the template: "x-api-key" of header.X-Api-Key
// (lower case for headers, as written for query, cookie and capture).
struct Variable {
    VariableId id = VariableId::Host;
    http::HeaderId header = http::HeaderId::Other;  // of header.NAME and response_header.NAME, when known
    std::uint8_t group = 0;                         // of a numbered capture
    std::string_view argument;                      // "" for a numbered capture
};

// Where values come from; an exchange is one. Unknown or not yet known is "". The view lives as long as the
// arena; the arena is the exchange's own. [worker]
class VariableSource {
public:
    virtual std::string_view value(const Variable& variable, Arena& arena) const = 0;

protected:
    ~VariableSource() = default;
};

}  // namespace gantry::server
