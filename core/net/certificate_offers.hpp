// Certificates that are offered while the process runs, in the place of files: by whom, and for which name.
#pragma once

#include "core/net/certificate_store.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gantry::net {

// [any]
class CertificateOffers {
public:
    // What `name` ("example.com", "*.example.com") shows of `source`; empty until something is offered. It
    // lasts as long as somebody holds it, so that one generation hands it on to the next.
    CertificateSetPtr acquire(std::string_view source, std::string_view name);

    struct Outcome {
        enum class Kind : std::uint8_t { Done, NotAsked, Refused };
        Kind kind = Kind::Done;
        std::string reason = {};  // a sentence, lower case, no full stop
    };
    // Each of `names` shows `certificates` from the next handshake on; none: nothing. All names or none
    // change.
    Outcome offer(std::string_view source, const std::vector<std::string_view>& names,
                  const std::vector<CertificatePtr>& certificates);

    // From now on offers of this thread, which loads a configuration, wait for show_held(), or for
    // drop_held(), as nothing may change before it is known whether that load is meant, and sound.
    void hold();
    void show_held();
    void drop_held();

private:
    struct Held {
        std::vector<std::shared_ptr<CertificateSet>> sets;
        std::vector<CertificatePtr> certificates;
    };
    using Slots = std::map<std::string, std::weak_ptr<CertificateSet>, std::less<>>;  // by source and name
    void forget_unused();

    std::mutex mutex_;
    Slots slots_;
    std::size_t sweep_at_ = 64;
    std::thread::id holder_;  // none: nothing is held
    std::vector<Held> held_;
};

}  // namespace gantry::net
