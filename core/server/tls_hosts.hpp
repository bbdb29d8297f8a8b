// Which certificates the hosts of a generation show: the tie between the router and the handshakes of net/.
#pragma once

#include "core/base/arena.hpp"
#include "core/conf/settings.hpp"
#include "core/net/certificate_store.hpp"
#include "core/net/tls_context.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

class Generation;

// What is wrong with the TLS of a configuration. An error of a certificate takes down its host only; an error
// of a listener or an upstream is one of the whole configuration.
struct TlsProblem {
    enum class Scope : std::uint8_t { Certificate, Configuration };
    Scope scope = Scope::Certificate;
    net::CertificateProblem::Kind kind = net::CertificateProblem::Kind::Error;
    conf::Place place;
    std::string text;
};

// Everything about TLS that can be judged without serving: certificates for the names of their hosts,
// ciphers, groups and CA files of listeners and upstreams. Each certificate is looked at once. Reads files.
// [main]
std::vector<TlsProblem> check_tls(const conf::Settings& settings);

// The certificate sets of one generation, by host. Immutable. [any]
class TlsHosts {
public:
    // Logs, with places, what is wrong with certificates: a host without a usable one goes on with what its
    // listener says (self-signed, or an alert). Reads files. [main]
    TlsHosts(net::CertificateStore& store, std::shared_ptr<const Generation> generation);

    const Generation& generation() const { return *generation_; }
    // What a client sees that asks for `name`, which leads to the host. Null: the host has no listener with
    // TLS.
    const net::CertificateSet* certificates(std::uint32_t host, std::string_view name = {}) const;

private:
    std::shared_ptr<const Generation> generation_;
    std::vector<net::CertificateSetPtr> sets_;
};

// One listener's on one worker; lives as long as its connections. [worker]
class TlsSelector final : public net::SniSelector, public net::HelloWatcher {
public:
    // The generation to choose in from now on. Returns the one before: freeing it may take long.
    std::shared_ptr<const TlsHosts> use(std::shared_ptr<const TlsHosts> hosts, std::size_t listener);
    const net::CertificateSet* select(std::string_view name) override;
    // Modules look at the hellos of the listener.
    bool has_hooks() const;
    Answer on_hello(net::ClientHello& hello) override;

private:
    std::shared_ptr<const TlsHosts> hosts_;
    std::size_t listener_ = 0;  // index in the generation
    Arena arena_;
};

}  // namespace gantry::server
