#include "core/module/certificates.hpp"

#include <gantry/ext/tls.h>
#include <mutex>
#include <utility>

namespace gantry::module {

std::uint64_t Certificates::add(net::CertificatePtr certificate) {
    auto set = std::make_shared<net::CertificateSet>(certificate->names);
    set->publish({certificate});
    const std::unique_lock lock(mutex_);
    if (entries_.size() >= GANTRY_CERTIFICATES_MAX) return 0;
    entries_.emplace(++last_, Entry{std::move(certificate), std::move(set)});
    return last_;
}

bool Certificates::release(std::uint64_t number) {
    Entry gone;  // freed behind the lock
    const std::unique_lock lock(mutex_);
    const auto found = entries_.find(number);
    if (found == entries_.end()) return false;
    gone = std::move(found->second);
    entries_.erase(found);
    return true;
}

net::CertificatePtr Certificates::find(std::uint64_t number) const {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(number);
    return found == entries_.end() ? nullptr : found->second.certificate;
}

net::CertificateSetPtr Certificates::set_of(std::uint64_t number) const {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(number);
    return found == entries_.end() ? nullptr : found->second.set;
}

}  // namespace gantry::module
