// The values of variables, as an exchange knows them.
#include "core/http/connection_notes.hpp"
#include "core/http/uri.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/exchange.hpp"
#include "core/server/generation.hpp"
#include "core/server/request_variables.hpp"
#include "core/server/worker_context.hpp"

namespace gantry::server {

// Nothing but jumps: a line of a log asks for a dozen values, and each would pay for the frame of the
// dearest.
std::string_view Exchange::value(const Variable& variable, Arena& arena) const {
    switch (variable.id) {
        case VariableId::Path:
        case VariableId::Uri:
        case VariableId::Query:
        case VariableId::QueryValue:
        case VariableId::Header:
        case VariableId::Cookie:
        case VariableId::Method:
        case VariableId::Protocol:
        case VariableId::UserAgent:
        case VariableId::Referer:
            return request_variable(variable, request_, route_.path, arena);
        case VariableId::Host:
        case VariableId::HostName:
        case VariableId::Location:
        case VariableId::Capture:
        case VariableId::RequestId:
            return route_value(variable);
        case VariableId::Time:
        case VariableId::TimeLocal:
            return time_value(variable.id, arena);
        case VariableId::TlsVersion:
        case VariableId::TlsCipher:
        case VariableId::TlsSni:
        case VariableId::TlsClientSubject:
        case VariableId::TlsClientVerified:
            return tls_value(variable.id);
        case VariableId::Scheme:
        case VariableId::RemoteAddr:
        case VariableId::RemotePort:
        case VariableId::ServerAddr:
        case VariableId::ServerPort:
        case VariableId::Listener:
        case VariableId::Connection:
        case VariableId::ConnectionRequests:
            return connection_value(variable.id, arena);
        case VariableId::ConnectionFact:
            return connection_fact(variable.argument);
        case VariableId::ResponseHeader:
            return response_value(variable);
        default:
            return result_value(variable.id, arena);
    }
}

std::string_view Exchange::route_value(const Variable& variable) const {
    switch (variable.id) {
        case VariableId::Host: {
            const auto authority = http::parse_authority(request_.authority);
            if (!authority) return {};
            // With its brackets an IPv6 literal can stand in a URI.
            return authority->is_ipv6 ? request_.authority.substr(0, authority->host.size() + 2)
                                      : authority->host;
        }
        case VariableId::HostName:
            return route_.host != nullptr ? std::string_view(route_.host->settings->name) : "";
        case VariableId::Location:
            return route_.location != nullptr ? std::string_view(route_.location->settings->name) : "";
        case VariableId::Capture:
            return capture_variable(variable, route_.location_captures, route_.host_captures);
        // An id once made stays: the exchange that logs it is the one that sent it on.
        case VariableId::RequestId:
            return const_cast<Exchange*>(this)->request_id();
        default:
            return {};
    }
}

std::string_view Exchange::time_value(VariableId id, Arena& arena) const {
    if (id == VariableId::Time) return worker_->time_text().iso(wall_nanos(), arena);
    return worker_->time_text().clf(coarse_wall_seconds());
}

[[gnu::noinline]] std::string_view Exchange::connection_fact(std::string_view name) const {
    return facts_.notes != nullptr ? facts_.notes->fact(name) : std::string_view();
}

[[gnu::noinline]] std::string_view Exchange::response_value(const Variable& variable) const {
    if (response_.prepared != nullptr && variable.header != http::HeaderId::Other &&
        !response_.headers.has(variable.header)) {
        return response_.prepared->value(variable.header);
    }
    return field_variable(variable, response_.headers);
}

net::PeerAddress Exchange::local_address() const {
    if (facts_.notes != nullptr && facts_.notes->local) return *facts_.notes->local;
    return net::PeerAddress::of_local(facts_.fd);
}

std::string_view Exchange::connection_value(VariableId id, Arena& arena) const {
    switch (id) {
        case VariableId::Scheme:
            return facts_.tls != nullptr ? "https" : "http";
        case VariableId::RemoteAddr:
            return facts_.client->ip_text(arena);
        case VariableId::RemotePort:
            return decimal_text(facts_.client->port, arena);
        case VariableId::ServerAddr:
            return local_address().ip_text(arena);
        case VariableId::ServerPort:
            return decimal_text(local_address().port, arena);
        case VariableId::Listener:
            return static_cast<const BoundListener*>(facts_.listener)->name();
        case VariableId::Connection:
            return decimal_text(facts_.connection_id, arena);
        case VariableId::ConnectionRequests:
            return decimal_text(facts_.request_number, arena);
        default:
            return {};
    }
}

std::string_view Exchange::tls_value(VariableId id) const {
    if (facts_.tls == nullptr) return {};
    switch (id) {
        case VariableId::TlsVersion:
            return facts_.tls->version;
        case VariableId::TlsCipher:
            return facts_.tls->cipher;
        case VariableId::TlsSni:
            return facts_.tls->server_name;
        case VariableId::TlsClientSubject:
            return facts_.tls->client_subject;
        case VariableId::TlsClientVerified:
            return facts_.tls->client_verified ? "yes" : "no";
        default:
            return {};
    }
}

// What is known only once the response is.
std::string_view Exchange::result_value(VariableId id, Arena& arena) const {
    const auto seconds = [&](std::int64_t nanos) {
        return nanos < 0 ? std::string_view{} : seconds_text(nanos, arena);
    };
    switch (id) {
        case VariableId::Status:
            return decimal_text(static_cast<std::uint64_t>(response_.status), arena);
        case VariableId::BytesReceived:
            return decimal_text(stream_->arrival().head_bytes + body_received_, arena);
        case VariableId::BytesSent:
            return decimal_text(sent_, arena);
        case VariableId::BodyBytes:
            return decimal_text(body_sent_, arena);
        case VariableId::Duration:
            return seconds(monotonic_nanos() - start_nanos_);
        case VariableId::QueueTime:
            return seconds(stream_->arrival().queue_nanos);
        case VariableId::TlsHandshakeTime:
            return seconds(stream_->arrival().handshake_nanos);
        case VariableId::HeadTime:
            return seconds(stream_->arrival().head_nanos);
        case VariableId::HandlerTime:
            return seconds(handler_nanos_);
        case VariableId::UpstreamAddr:
            return upstream_.peer;
        case VariableId::UpstreamStatus:
            return upstream_.status == 0 ? std::string_view{}
                                         : decimal_text(static_cast<std::uint64_t>(upstream_.status), arena);
        case VariableId::UpstreamConnectTime:
            return seconds(upstream_.connect_nanos);
        case VariableId::UpstreamFirstByteTime:
            return seconds(upstream_.first_byte_nanos);
        case VariableId::UpstreamResponseTime:
            return seconds(upstream_.response_nanos);
        case VariableId::Error:
            return has_error_ ? arena.copy(describe(error_)) : std::string_view{};
        default:
            return {};
    }
}

}  // namespace gantry::server
