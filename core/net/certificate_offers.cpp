#include "core/net/certificate_offers.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <utility>

namespace gantry::net {
namespace {

std::string key_of(std::string_view source, std::string_view name) {
    return fmt::format("{}\n{}", source, name);
}

// An update that has expired already is a mistake as long as what is shown has not.
bool is_worse(const CertificatePtr& certificate, const std::vector<CertificatePtr>& shown) {
    const std::int64_t now = std::time(nullptr);
    return certificate->not_after < now &&
           std::any_of(
               shown.begin(), shown.end(),
               [now](const CertificatePtr& one) { return one->not_after >= now; });
}

}  // namespace

CertificateSetPtr CertificateOffers::acquire(std::string_view source, std::string_view name) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<CertificateSet>& slot = slots_[key_of(source, name)];
    auto set = slot.lock();
    if (set == nullptr) {
        set = std::make_shared<CertificateSet>(std::vector<std::string>{std::string(name)});
        slot = set;
        if (slots_.size() >= sweep_at_) forget_unused();
    }
    return set;
}

void CertificateOffers::forget_unused() {
    std::erase_if(slots_, [](const auto& slot) { return slot.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, slots_.size() * 2);
}

CertificateOffers::Outcome CertificateOffers::offer(std::string_view source,
                                                    const std::vector<std::string_view>& names,
                                                    const std::vector<CertificatePtr>& certificates) {
    using Kind = Outcome::Kind;
    for (auto one = certificates.begin(); one != certificates.end(); ++one) {
        const auto twin = std::find_if(certificates.begin(), one, [&](const CertificatePtr& other) {
            return other->kind == (*one)->kind;
        });
        if (twin != one)
            return {Kind::Refused, fmt::format("{} and {} both have a key of the kind {}", (*twin)->source,
                                               (*one)->source, (*one)->kind)};
    }
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<CertificateSet>> sets;
    for (const std::string_view name : names) {
        const auto slot = slots_.find(key_of(source, name));
        sets.push_back(slot == slots_.end() ? nullptr : slot->second.lock());
        if (sets.back() == nullptr)
            return {Kind::NotAsked, fmt::format("no host asks {} for a certificate of {}", source, name)};
        for (const CertificatePtr& certificate : certificates) {
            if (!covers(*certificate, name)) {
                return {Kind::Refused,
                        fmt::format("the certificate {} is not valid for {} (it names {})",
                                    certificate->source, name, fmt::join(certificate->names, ", "))};
            }
            if (is_worse(certificate, sets.back()->current())) {
                return {Kind::Refused,
                        fmt::format("the certificate {} has expired, and the one that {} shows has not",
                                    certificate->source, name)};
            }
        }
    }
    if (holder_ == std::this_thread::get_id()) {
        held_.push_back({std::move(sets), certificates});
    } else {
        for (const auto& set : sets) set->publish(certificates);
    }
    return {};
}

void CertificateOffers::hold() {
    const std::lock_guard lock(mutex_);
    held_.clear();
    holder_ = std::this_thread::get_id();
}

void CertificateOffers::show_held() {
    const std::lock_guard lock(mutex_);
    holder_ = {};
    for (const Held& held : std::exchange(held_, {})) {
        for (const auto& set : held.sets) set->publish(held.certificates);
    }
}

void CertificateOffers::drop_held() {
    const std::lock_guard lock(mutex_);
    holder_ = {};
    held_.clear();
}

}  // namespace gantry::net
