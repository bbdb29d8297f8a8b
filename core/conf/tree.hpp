// The configuration files as one tree: tables in the order of the files, every key and value with its place.
#pragma once

#include "core/base/arena.hpp"
#include "core/conf/settings.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace gantry::conf {

struct Node;

// A key of a table with its value; in an array the key is empty.
struct Entry {
    std::string_view key;
    Place place;  // of the key
    Node* node = nullptr;
};

// Lives in the arena of its Tree and is freed with it.
struct Node {
    enum class Kind : std::uint8_t { String, Integer, Float, Boolean, Time, Array, Table };
    Kind kind = Kind::Table;
    bool header = false;   // a table that a [header] of its own defined
    bool closed = false;   // an inline table: complete where it stands
    bool indexed = false;  // TomlReader finds its keys by hash
    // Something in this table was not understood, so that nothing can be said about what is missing.
    mutable bool broken = false;
    Place place;
    std::int64_t integer = 0;  // Integer; Boolean as 0 and 1
    std::string_view text;     // String
    Entry* entries = nullptr;  // Array, Table
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;

    std::span<Entry> children() { return {entries, count}; }
    std::span<const Entry> children() const { return {entries, count}; }
    const Entry* find(std::string_view key) const {
        for (const Entry& entry : children()) {
            if (entry.key == key) return &entry;
        }
        return nullptr;
    }
};

// Not thread-safe.
class Tree {
public:
    Tree() : root_(arena_.make<Node>()) {}

    void clear() {
        arena_.reset();
        root_ = arena_.make<Node>();
    }

    Node& root() { return *root_; }
    const Node& root() const { return *root_; }
    Arena& arena() { return arena_; }

    Node* make(Node::Kind kind, Place place) {
        Node* const node = arena_.make<Node>();
        node->kind = kind;
        node->place = place;
        return node;
    }

    // Memory for exactly `count` entries; for when the number is known.
    void reserve(Node& parent, std::size_t count) {
        if (count > parent.capacity) grow(parent, static_cast<std::uint32_t>(count));
    }

    void append(Node& parent, Entry entry) {
        // Most tables of a large configuration have one key or two.
        if (parent.count == parent.capacity) grow(parent, parent.capacity == 0 ? 2 : parent.capacity * 2);
        parent.entries[parent.count++] = entry;
    }

private:
    void grow(Node& parent, std::uint32_t capacity) {
        Entry* const grown = arena_.make_array<Entry>(capacity);
        for (std::uint32_t i = 0; i < parent.count; ++i) grown[i] = parent.entries[i];
        parent.entries = grown;
        parent.capacity = capacity;
    }

    Arena arena_;
    Node* root_;
};

}  // namespace gantry::conf
