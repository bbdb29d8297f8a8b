#include "core/http/headers.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace gantry::http {

namespace {

constexpr std::size_t kFirstCapacity = 16;

bool is_same(const Field& field, HeaderId id, std::string_view name) {
    return field.id == id && (id != HeaderId::Other || equals_ignore_case(field.name, name));
}

}  // namespace

void Headers::grow() {
    const std::size_t larger = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    // Raw memory: add() makes the fields in it.
    auto* fields = static_cast<Field*>(arena_->allocate(larger * sizeof(Field), alignof(Field)));
    std::uninitialized_copy(fields_, fields_ + count_, fields);
    fields_ = fields;
    capacity_ = larger;
}

void Headers::reindex() {
    std::memset(first_, 0, sizeof first_);
    for (std::size_t i = count_; i-- > 0;) {
        first_[static_cast<std::size_t>(fields_[i].id)] =
            static_cast<std::uint8_t>(std::min(i + 1, kLastSlot));
    }
}

void Headers::add(std::string_view name, std::string_view value) {
    add(header_id(name), name, value);
}

void Headers::add(HeaderId id, std::string_view value) {
    add(id, canonical_name(id), value);
}

const Field* Headers::find(std::string_view name) const {
    const HeaderId id = header_id(name);
    if (id != HeaderId::Other) return find(id);
    for (const Field& field : *this) {
        if (is_same(field, id, name)) return &field;
    }
    return nullptr;
}

std::string_view Headers::combined(HeaderId id) const {
    const Field* first = find(id);
    if (first == nullptr) return {};
    std::size_t size = 0;
    std::size_t fields = 0;
    for (const Field* field = first; field != end(); ++field) {
        if (field->id != id) continue;
        size += field->value.size() + (fields == 0 ? 0 : 2);
        ++fields;
    }
    if (fields == 1) return first->value;
    char* const begin = static_cast<char*>(arena_->allocate(size, 1));
    char* to = begin;
    for (const Field* field = first; field != end(); ++field) {
        if (field->id != id) continue;
        if (to != begin) {
            *to++ = ',';
            *to++ = ' ';
        }
        to = std::copy(field->value.begin(), field->value.end(), to);
    }
    return {begin, static_cast<std::size_t>(to - begin)};
}

// Drops the fields from `at` on that have this name; the order of the others stays.
void Headers::remove_from(std::size_t at, HeaderId id, std::string_view name) {
    Field* const kept = std::remove_if(fields_ + at, fields_ + count_,
                                       [&](const Field& field) { return is_same(field, id, name); });
    if (kept == fields_ + count_) return;
    count_ = static_cast<std::size_t>(kept - fields_);
    reindex();
}

void Headers::set(HeaderId id, std::string_view value) {
    const Field* field = find(id);
    if (field == nullptr) return add(id, value);
    const auto at = static_cast<std::size_t>(field - fields_);
    fields_[at].value = value;
    remove_from(at + 1, id, field->name);
}

void Headers::set(std::string_view name, std::string_view value) {
    const Field* field = find(name);
    if (field == nullptr) return add(name, value);
    const auto at = static_cast<std::size_t>(field - fields_);
    fields_[at].value = value;
    remove_from(at + 1, field->id, name);
}

void Headers::remove(HeaderId id) {
    if (has(id)) remove_from(0, id, {});
}

void Headers::remove(std::string_view name) {
    remove_from(0, header_id(name), name);
}

void Headers::clear() {
    count_ = 0;
    std::memset(first_, 0, sizeof first_);
}

}  // namespace gantry::http
