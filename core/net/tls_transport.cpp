#include "core/net/tls_transport.hpp"

#include "core/net/tls_engine.hpp"

namespace gantry::net {

TransportPtr make_tls_server_transport(UniqueFd fd, TlsContext& context) {
    ssl_st* ssl = context.new_connection();
    if (ssl == nullptr) return nullptr;
    auto* transport =
        new TlsTransport(std::move(fd), ssl, Ref<RefCounted>(&context), context.library(), Side::Client);
    TransportPtr owned(transport);
    if (!transport->is_open() || !transport->start()) return nullptr;
    return owned;
}

}  // namespace gantry::net
