// A file of addresses that is looked at again and again: what it says now, or said last when it was sound.
#pragma once

#include "address_list.hpp"
#include "guarded.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace limit {

class ListFile {
public:
    // What was found when the file was looked at.
    enum class Look { Unchanged, Replaced, Broken };

    explicit ListFile(std::string path);

    const std::string& path() const { return path_; }

    // Reads the file. Broken: faults() say why, and what served goes on. [main]
    Look read();
    // The same, where its time, size or inode is another than when it was last read, whether it was sound
    // then or not. [main]
    Look look();

    // It could be read at least once. [main]
    bool is_sound() const { return is_sound_; }
    // "FILE:12: what is wrong, and what to do about it". [main]
    const std::vector<std::string>& faults() const { return faults_; }
    std::size_t size() const { return size_; }  // addresses and ranges that it names [main]

    // [any]
    bool contains(const Address& address) const {
        return list_.with([&](const AddressList& list) { return list.contains(address); });
    }

private:
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::uint64_t size = 0;
        std::int64_t seconds = 0;
        std::int64_t nanos = 0;
        int error = 0;  // there is none: why

        bool operator==(const Identity&) const = default;
    };
    static Identity identity_of(const char* path);

    Look broken(std::string fault);

    const std::string path_;
    Identity seen_;
    std::size_t size_ = 0;
    bool is_sound_ = false;
    std::vector<std::string> faults_;
    Guarded<AddressList> list_;
};

}  // namespace limit
