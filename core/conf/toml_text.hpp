// The door to toml++: the text of one file into the tree. Syntax errors and names that are defined twice are
// reported with their places; what is sound around them is still read.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/sections.hpp"
#include "core/conf/statements.hpp"
#include "core/conf/tree.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::conf {

// What toml++ said about a statement, with the place counted from the beginning of the statement.
struct ParseFailure {
    std::string description;
    std::uint32_t line = 1;
    std::uint32_t column = 1;
};

// Feed it one file after the other; the tree grows. `text` of each file must outlive the tree.
class TomlReader {
public:
    TomlReader(Tree& tree, Diagnostics& diagnostics) : tree_(tree), diagnostics_(diagnostics) {}

    void read(std::uint32_t file, std::string_view text);

    // Whose every line is.
    Sections& sections() { return sections_; }

    // The values of `include` at the top of the files read so far, in order; they are not in the tree.
    const std::vector<Entry>& includes() const { return includes_; }

private:
    struct Segment {
        std::string_view key;
        std::uint32_t column = 0;
    };
    struct Child {
        const Node* parent;
        std::string_view key;
        bool operator==(const Child&) const = default;
    };
    struct ChildHash {
        std::size_t operator()(const Child& child) const {
            return std::hash<std::string_view>()(child.key) ^
                   (std::hash<const void*>()(child.parent) * 0x9E3779B97F4A7C15ull);
        }
    };

    void read_header(std::string_view line, Place place);
    bool split_header(std::string_view line, Place place);
    bool split_header_by_library(std::string_view line, Place place);
    void open_table(Place place);
    void open_test(Place place);
    std::string header_text() const;
    bool is_of_another_file(const Entry& entry, std::size_t depth, Place place);
    void read_body(std::string_view body, std::uint32_t line);
    void read_statements(std::string_view body, std::uint32_t line);
    void report_syntax(const Statement& statement, std::string_view text, const ParseFailure& failure);
    bool is_overlay() const { return file_ == sections_.overlay; }
    void note_section(Place place);
    void note_pairs(const Node& pairs);
    void merge(Node& into, const Node& from);
    void add(Node& parent, Entry entry);
    Entry* find(Node& parent, std::string_view key);

    Tree& tree_;
    Diagnostics& diagnostics_;
    std::uint32_t file_ = 0;
    Node* table_ = nullptr;  // that the current section fills; null: its header was wrong
    std::vector<Segment> path_;
    std::vector<Entry> includes_;
    Sections sections_;
    // Of tables with many keys, where each key is: with ten thousand hosts, searching each among the others
    // would take longer than reading them.
    std::unordered_map<Child, std::uint32_t, ChildHash> index_;
};

}  // namespace gantry::conf
