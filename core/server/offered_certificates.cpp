#include "core/server/offered_certificates.hpp"

#include <algorithm>
#include <numeric>

namespace gantry::server {

OfferedCertificates::OfferedCertificates(std::vector<Named> names)
    : names_(std::move(names)), sorted_(names_.size()) {
    std::iota(sorted_.begin(), sorted_.end(), 0u);
    std::sort(sorted_.begin(), sorted_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return names_[a].first < names_[b].first; });
}

const OfferedCertificates::Named* OfferedCertificates::at(std::string_view name) const {
    const auto found = std::lower_bound(
        sorted_.begin(), sorted_.end(), name,
        [&](std::uint32_t index, std::string_view wanted) { return names_[index].first < wanted; });
    return found != sorted_.end() && names_[*found].first == name ? &names_[*found] : nullptr;
}

const net::CertificateSet* OfferedCertificates::find(std::string_view name) const {
    if (names_.size() == 1) return names_[0].second.get();
    if (const Named* exact = at(name)) return exact->second.get();
    // At most 253 bytes, so 126 labels; a host without wildcards has the fewest names to look among.
    char wildcard[256] = "*";
    for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
        const std::string_view rest = name.substr(dot);
        if (rest.size() + 1 > sizeof wildcard) continue;
        rest.copy(wildcard + 1, rest.size());
        if (const Named* around = at({wildcard, rest.size() + 1})) return around->second.get();
    }
    return names_[0].second.get();
}

}  // namespace gantry::server
