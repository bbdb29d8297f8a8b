// The certificates that modules have made and not released yet, by number.
#pragma once

#include "core/net/certificate_store.hpp"

#include <cstdint>
#include <shared_mutex>
#include <unordered_map>

namespace gantry::module {

// [any]
class Certificates {
public:
    // 0: there are too many.
    std::uint64_t add(net::CertificatePtr certificate);
    // False: there is none of that number.
    bool release(std::uint64_t number);
    // Null: there is none.
    net::CertificatePtr find(std::uint64_t number) const;
    // As what handshakes are answered with.
    net::CertificateSetPtr set_of(std::uint64_t number) const;

private:
    struct Entry {
        net::CertificatePtr certificate;
        net::CertificateSetPtr set;
    };
    mutable std::shared_mutex mutex_;
    std::unordered_map<std::uint64_t, Entry> entries_;
    std::uint64_t last_ = 0;
};

}  // namespace gantry::module
