#include "core/net/tls_transport.hpp"

#include "core/net/tls_engine.hpp"

namespace gantry::net {

TransportPtr make_tls_server_transport(UniqueFd fd, TlsContext& context, const TlsEnds* ends) {
    ssl_st* const ssl = context.new_connection(fd.get(), ends);
    return start_tls(std::move(fd), ssl, Ref<RefCounted>(&context), context.library(), Side::Client);
}

}  // namespace gantry::net
