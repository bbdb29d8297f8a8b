// What a module offers for the names of one host.
#pragma once

#include "core/net/certificate_store.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::server {

// Immutable; what the sets hold is not. [any]
class OfferedCertificates {
public:
    using Named = std::pair<std::string, net::CertificateSetPtr>;  // "example.com", "*.example.com"

    // In the order of the host's names, of which there is at least one.
    explicit OfferedCertificates(std::vector<Named> names);

    // For a name that leads to the host: that of the name, or of the longest wildcard around it; the first
    // one where the host is a default for names that are not its own, or none was asked for.
    const net::CertificateSet* find(std::string_view name) const;

    const std::vector<Named>& names() const { return names_; }

private:
    const Named* at(std::string_view name) const;

    std::vector<Named> names_;
    std::vector<std::uint32_t> sorted_;  // indexes into names_
};

}  // namespace gantry::server
