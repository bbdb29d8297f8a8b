// Addresses of the configuration itself, and of files.
#pragma once

#include "list_file.hpp"

#include <memory>
#include <vector>

namespace limit {

class AddressSet {
public:
    // [main], before the first contains()
    void add(const Range& range) { own_.add(range); }
    void add(std::shared_ptr<const ListFile> file) { files_.push_back(std::move(file)); }
    void seal();

    bool is_empty() const { return own_.size() == 0 && files_.empty(); }
    // [any]
    bool contains(const Address& address) const;

private:
    AddressList own_;
    std::vector<std::shared_ptr<const ListFile>> files_;
};

}  // namespace limit
