#include "core/cli/verify.hpp"

#include "core/cli/configuration.hpp"
#include "core/net/certificate.hpp"
#include "core/net/tls_client.hpp"

#include <string>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

bool is_readable(const conf::Certificate& files) {
    return ::access(files.certificate_file.c_str(), R_OK) == 0 &&
           ::access(files.key_file.c_str(), R_OK) == 0 &&
           (files.ocsp_file.empty() || ::access(files.ocsp_file.c_str(), R_OK) == 0);
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
        if (!is_readable(files)) continue;  // loading has said so
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
    for (const conf::Upstream& upstream : settings.upstreams) {
        if (!upstream.tls) continue;
        if (std::string problem = net::TlsClientContext::check(*upstream.tls); !problem.empty()) {
            diagnostics.error(upstream.place, std::move(problem));
        }
    }
    build_generation(settings, nullptr, nullptr, diagnostics);
}

}  // namespace gantry::cli
