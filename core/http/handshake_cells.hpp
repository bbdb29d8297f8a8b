// TLS handshakes of a listener, counted by version and by whether a session was resumed.
#pragma once

#include "core/base/metrics.hpp"
#include "core/net/transport.hpp"

#include <cstdint>

namespace gantry::http {

class HandshakeCells {
public:
    static constexpr std::uint32_t kVersions = 3;  // TLSv1.2, TLSv1.3, other
    static constexpr std::uint32_t kCells = kVersions * 2 + 1;

    HandshakeCells() = default;  // nothing is counted
    // `first` of kCells: the pairs, and those that failed.
    explicit HandshakeCells(metrics::Cell* first) : first_(first) {}

    // [worker]
    void count(const net::TlsInfo* done) const {
        if (first_ == nullptr || done == nullptr) return;
        const std::uint32_t version = done->version == "TLSv1.2" ? 0 : done->version == "TLSv1.3" ? 1 : 2;
        metrics::Cells::add_to(first_[version * 2 + (done->resumed ? 1 : 0)], 1);
    }
    void count_failure() const {
        if (first_ != nullptr) metrics::Cells::add_to(first_[kVersions * 2], 1);
    }

private:
    metrics::Cell* first_ = nullptr;
};

}  // namespace gantry::http
