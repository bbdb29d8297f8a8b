#include "address_set.hpp"

#include <algorithm>

namespace limit {

void AddressSet::seal() {
    own_.seal();
}

bool AddressSet::contains(const Address& address) const {
    return own_.contains(address) || std::any_of(files_.begin(), files_.end(),
                                                 [&](const auto& file) { return file->contains(address); });
}

}  // namespace limit
