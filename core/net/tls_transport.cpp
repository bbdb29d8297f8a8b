#include "core/net/tls_transport.hpp"

#include "core/net/tls_engine.hpp"

namespace gantry::net {

TransportPtr make_tls_server_transport(UniqueFd fd, TlsContext& context) {
    return start_tls(std::move(fd), context.new_connection(), Ref<RefCounted>(&context), context.library(),
                     Side::Client);
}

}  // namespace gantry::net
