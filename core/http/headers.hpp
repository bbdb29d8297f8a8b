// An ordered list of header or trailer fields. Names and values are views into the read buffer, the arena or
// literals: whoever adds one answers for its lifetime.
#pragma once

#include "core/base/arena.hpp"
#include "core/http/header_names.hpp"

#include <cstddef>
#include <new>
#include <string_view>

namespace gantry::http {

struct Field {
    std::string_view name;
    std::string_view value;
    HeaderId id = HeaderId::Other;
};

// Lives as long as the arena. [worker]
class Headers {
public:
    explicit Headers(Arena& arena) : arena_(&arena) {}

    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    const Field* begin() const { return fields_; }
    const Field* end() const { return fields_ + count_; }
    Field& at(std::size_t index) { return fields_[index]; }
    const Field& at(std::size_t index) const { return fields_[index]; }

    void add(std::string_view name, std::string_view value);  // looks the id up
    void add(HeaderId id, std::string_view value);            // under its canonical name
    void add(HeaderId id, std::string_view name, std::string_view value) {
        const std::size_t at = count_;
        if (at == capacity_) grow();
        new (fields_ + at) Field{name, value, id};
        count_ = at + 1;
        std::uint8_t& slot = first_[static_cast<std::size_t>(id)];
        if (slot == 0) slot = static_cast<std::uint8_t>(at < kLastSlot ? at + 1 : kLastSlot);
    }

    // The first field of that name, or null. By id: one load when the id is absent.
    const Field* find(HeaderId id) const {
        const std::uint8_t slot = first_[static_cast<std::size_t>(id)];
        return slot == 0 ? nullptr : find_from(id, slot - 1u);
    }
    const Field* find(std::string_view name) const;
    bool has(HeaderId id) const { return first_[static_cast<std::size_t>(id)] != 0; }
    // The value of the first field of that name, or "".
    std::string_view value(HeaderId id) const {
        const Field* field = find(id);
        return field == nullptr ? std::string_view{} : field->value;
    }
    // All fields of that name joined by ", " (in the arena when there are several).
    std::string_view combined(HeaderId id) const;

    // Replaces all fields of that name by one.
    void set(HeaderId id, std::string_view value);
    void set(std::string_view name, std::string_view value);
    void remove(HeaderId id);
    void remove(std::string_view name);
    void clear();

private:
    static constexpr std::size_t kLastSlot = 255;

    const Field* find_from(HeaderId id, std::size_t at) const {
        while (fields_[at].id != id) ++at;
        return fields_ + at;
    }
    void grow();
    void remove_from(std::size_t at, HeaderId id, std::string_view name);
    void reindex();

    Arena* arena_;
    Field* fields_ = nullptr;
    std::size_t count_ = 0;
    std::size_t capacity_ = 0;
    // 1 + index of the first field with that id, at most 255 (then find_from searches on); 0: none.
    std::uint8_t first_[kHeaderIds] = {};
};

}  // namespace gantry::http
