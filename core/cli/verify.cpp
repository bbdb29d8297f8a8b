#include "core/cli/verify.hpp"

#include "core/cli/configuration.hpp"
#include "core/net/certificate.hpp"
#include "core/net/tls_client.hpp"
#include "core/net/tls_context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {
namespace {

void verify_certificates(const conf::Host& host, conf::Diagnostics& diagnostics) {
    for (const conf::Certificate& files : host.certificates) {
        if (files.is_complained_of) continue;
        for (net::CertificateProblem& problem :
             net::check_certificate(files, server::certified_names(host))) {
            const conf::Place place = net::place_of(problem, files);
            if (problem.kind == net::CertificateProblem::Kind::Error) {
                diagnostics.environment_error(place, std::move(problem.text), std::move(problem.hint));
            } else {
                diagnostics.warning(place, std::move(problem.text), std::move(problem.hint));
            }
        }
    }
}

constexpr std::string_view kAuthorities = "name a file with the certificates (PEM) of the authorities";

// One thing at a time, so that each gets its own place.
void verify_tls(const conf::TlsSettings& settings, conf::Diagnostics& diagnostics) {
    const auto verify_one = [&](conf::Place place, std::string_view hint, const auto& choose) {
        if (place.line == 0) return;
        conf::TlsSettings one;
        choose(one);
        if (std::string problem = net::TlsContext::check(one); !problem.empty()) {
            diagnostics.error(place, std::move(problem), std::string(hint));
        }
    };
    verify_one(settings.ciphers_place,
               "these are names of TLS 1.2, as openssl ciphers -v lists them; TLS 1.3 needs none",
               [&](conf::TlsSettings& one) { one.ciphers = settings.ciphers; });
    verify_one(settings.groups_place, "for example: groups = \"X25519:P-256\"",
               [&](conf::TlsSettings& one) { one.groups = settings.groups; });
    const bool asks = settings.client.mode != conf::ClientCertificates::Mode::None;
    if (!asks || settings.client.ca_file.empty()) return;
    verify_one(settings.client.ca_place, kAuthorities,
               [&](conf::TlsSettings& one) { one.client = settings.client; });
}

}  // namespace

void verify(const conf::Settings& settings, conf::Diagnostics& diagnostics) {
    for (const conf::Host& host : settings.hosts) verify_certificates(host, diagnostics);
    for (const conf::Listener& listener : settings.listeners) {
        if (listener.tls) verify_tls(*listener.tls, diagnostics);
    }
    for (const conf::Upstream& upstream : settings.upstreams) {
        if (!upstream.tls || upstream.tls->ca_file.empty()) continue;
        if (std::string problem = net::TlsClientContext::check(*upstream.tls); !problem.empty()) {
            diagnostics.environment_error(upstream.tls->ca_place, std::move(problem),
                                          std::string(kAuthorities));
        }
    }
    LoadContext context;
    context.modules = &offline_modules();
    build_generation(settings, context, diagnostics);
}

}  // namespace gantry::cli
