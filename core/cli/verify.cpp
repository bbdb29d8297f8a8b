#include "core/cli/verify.hpp"

#include "core/cli/configuration.hpp"
#include "core/net/certificate.hpp"
#include "core/net/tls_client.hpp"
#include "core/net/tls_context.hpp"

#include <string>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

// What is not there or not readable, loading has said already.
bool is_readable(const std::string& path) {
    return path.empty() || ::access(path.c_str(), R_OK) == 0;
}
bool is_readable(const conf::Certificate& files) {
    return is_readable(files.certificate_file) && is_readable(files.key_file) && is_readable(files.ocsp_file);
}

std::vector<std::string> certified_names(const conf::Host& host) {
    std::vector<std::string> names;
    for (const conf::HostName& name : host.names) {
        if (name.kind == conf::HostName::Kind::Exact) names.push_back(name.text);
        if (name.kind == conf::HostName::Kind::Wildcard) names.push_back("*." + name.text);
    }
    return names;
}

void verify_certificates(const conf::Host& host, conf::Diagnostics& diagnostics) {
    for (const conf::Certificate& files : host.certificates) {
        if (!is_readable(files)) continue;
        for (net::CertificateProblem& problem : net::check_certificate(files, certified_names(host))) {
            if (problem.kind == net::CertificateProblem::Kind::Error) {
                diagnostics.error(files.place, std::move(problem.text));
            } else {
                diagnostics.warning(files.place, std::move(problem.text));
            }
        }
    }
}

}  // namespace

void verify(const conf::Settings& settings, conf::Diagnostics& diagnostics) {
    for (const conf::Host& host : settings.hosts) verify_certificates(host, diagnostics);
    for (const conf::Listener& listener : settings.listeners) {
        if (!listener.tls || !is_readable(listener.tls->client.ca_file)) continue;
        if (std::string problem = net::TlsContext::check(*listener.tls); !problem.empty()) {
            diagnostics.error(listener.place, std::move(problem));
        }
    }
    for (const conf::Upstream& upstream : settings.upstreams) {
        if (!upstream.tls || !is_readable(upstream.tls->ca_file)) continue;
        if (std::string problem = net::TlsClientContext::check(*upstream.tls); !problem.empty()) {
            diagnostics.error(upstream.place, std::move(problem));
        }
    }
    build_generation(settings, nullptr, nullptr, diagnostics);
}

}  // namespace gantry::cli
