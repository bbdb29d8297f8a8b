#include "core/server/variable.hpp"

namespace gantry::server {

namespace {

using Id = VariableId;

constexpr VariableInfo kVariables[] = {
    {Id::Host, "host", "", Stage::Request, Form::Text, "the host that the client asked for, without port"},
    {Id::HostName, "host_name", "", Stage::Request, Form::Text,
     "the name of the configured host that answers"},
    {Id::Path, "path", "", Stage::Request, Form::Decoded,
     "the path in its normal form: percent-decoded, without dot segments"},
    {Id::Uri, "uri", "", Stage::Request, Form::Encoded, "path and query as received"},
    {Id::Query, "query", "", Stage::Request, Form::Encoded, "the query as received, without \"?\""},
    {Id::QueryValue, "query.", "NAME", Stage::Request, Form::Encoded,
     "the first query parameter of that name, as received"},
    {Id::Header, "header.", "NAME", Stage::Request, Form::Text,
     "a field of the request, the first of that name"},
    {Id::Cookie, "cookie.", "NAME", Stage::Request, Form::Text, "a cookie of the request"},
    {Id::Method, "method", "", Stage::Request, Form::Text, "the method of the request"},
    {Id::Scheme, "scheme", "", Stage::Request, Form::Text, "\"http\" or \"https\""},
    {Id::Protocol, "protocol", "", Stage::Request, Form::Text, "\"HTTP/1.0\", \"HTTP/1.1\" or \"HTTP/2.0\""},
    {Id::UserAgent, "user_agent", "", Stage::Request, Form::Text, "the same as header.user-agent"},
    {Id::Referer, "referer", "", Stage::Request, Form::Text, "the same as header.referer"},
    {Id::RemoteAddr, "remote_addr", "", Stage::Request, Form::Text, "the address of the client"},
    {Id::RemotePort, "remote_port", "", Stage::Request, Form::Text, "the port of the client"},
    {Id::ServerAddr, "server_addr", "", Stage::Request, Form::Text,
     "the address that the client connected to"},
    {Id::ServerPort, "server_port", "", Stage::Request, Form::Text, "the port that the client connected to"},
    {Id::Listener, "listener", "", Stage::Request, Form::Text, "the name of the listener"},
    {Id::Location, "location", "", Stage::Request, Form::Text, "the name of the location that answers"},
    {Id::RequestId, "request_id", "", Stage::Request, Form::Text,
     "a unique id of the request, 32 hexadecimal digits"},
    {Id::Connection, "connection", "", Stage::Request, Form::Text, "the serial number of the connection"},
    {Id::ConnectionRequests, "connection_requests", "", Stage::Request, Form::Text,
     "the number of this request on its connection, from 1"},
    {Id::ConnectionFact, "conn.", "NAME", Stage::Request, Form::Text,
     "what a module found out about the connection before HTTP began"},
    {Id::Time, "time", "", Stage::Request, Form::Text, "the time in UTC: 2026-11-20T23:27:24.123Z"},
    {Id::TimeLocal, "time_local", "", Stage::Request, Form::Text,
     "the time as in the common log format: 20/Nov/2026:23:27:24 +0000"},
    {Id::TlsVersion, "tls.version", "", Stage::Request, Form::Text, "\"TLSv1.3\"; empty without TLS"},
    {Id::TlsCipher, "tls.cipher", "", Stage::Request, Form::Text, "the name of the cipher suite"},
    {Id::TlsSni, "tls.sni", "", Stage::Request, Form::Text,
     "the server name that the client asked for by SNI"},
    {Id::TlsClientSubject, "tls.client_subject", "", Stage::Request, Form::Text,
     "the subject of the client's certificate"},
    {Id::TlsClientVerified, "tls.client_verified", "", Stage::Request, Form::Text,
     "\"yes\" when the client's certificate was verified, else \"no\"; empty without TLS"},
    {Id::Status, "status", "", Stage::Response, Form::Text,
     "the status of the response; in logs 499 where the client left before one was sent, 0 where the "
     "connection was closed without one"},
    {Id::ResponseHeader, "response_header.", "NAME", Stage::Response, Form::Text,
     "a field of the response, the first of that name"},
    {Id::ResponseHeader, "sent.", "NAME", Stage::Response, Form::Text, "the same as response_header.NAME"},
    {Id::UpstreamAddr, "upstream.addr", "", Stage::Response, Form::Text, "the address of the peer"},
    {Id::UpstreamStatus, "upstream.status", "", Stage::Response, Form::Text,
     "the status that the peer answered"},
    {Id::UpstreamConnectTime, "upstream.connect_time", "", Stage::Response, Form::Text,
     "how long connecting to the peer took, in seconds: 0.001250; 0 where a connection was at hand"},
    {Id::UpstreamFirstByteTime, "upstream.first_byte_time", "", Stage::Response, Form::Text,
     "from the end of the request's head to the head of the peer's response, in seconds: 0.042000"},
    {Id::UpstreamResponseTime, "upstream.response_time", "", Stage::Log, Form::Text,
     "from the end of the request's head to the end of the peer's response, in seconds: 0.057000"},
    {Id::Duration, "duration", "", Stage::Response, Form::Text,
     "the time since the head of the request was read, in seconds: 0.123000"},
    {Id::QueueTime, "queue_time", "", Stage::Log, Form::Text,
     "from accepting the connection, or from the end of its TLS handshake, to the first bytes of the "
     "request, in seconds; of the first request on a connection, else empty"},
    {Id::TlsHandshakeTime, "tls.handshake_time", "", Stage::Log, Form::Text,
     "from accepting the connection to the end of its TLS handshake, in seconds; of the first request on a "
     "connection, else empty"},
    {Id::HeadTime, "head_time", "", Stage::Log, Form::Text,
     "from the first bytes of the request to the end of its head, in seconds"},
    {Id::HandlerTime, "handler_time", "", Stage::Log, Form::Text,
     "from the end of the request's head to the head of the response, in seconds: phases and handler; empty "
     "where nothing was answered"},
    {Id::Error, "error", "", Stage::Response, Form::Text,
     "what went wrong, in words; empty when nothing did"},
    {Id::BytesReceived, "bytes_received", "", Stage::Log, Form::Text,
     "the bytes of the request that were read, head included"},
    {Id::BytesSent, "bytes_sent", "", Stage::Log, Form::Text, "the bytes of the response, head included"},
    {Id::BodyBytes, "body_bytes", "", Stage::Log, Form::Text, "the bytes of the response's body"},
};

}  // namespace

std::span<const VariableInfo> all_variables() {
    return kVariables;
}

}  // namespace gantry::server
