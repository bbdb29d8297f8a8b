#include "core/conf/toml_text.hpp"

#include "core/base/text.hpp"
#include "core/conf/toml_syntax.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <toml++/toml.h>
#include <variant>

namespace gantry::conf {
namespace {

constexpr std::string_view kTest = "test";
constexpr std::uint32_t kIndexFrom = 16;  // keys in a table before it is indexed
constexpr std::size_t kMaxSegments = 8;   // of a header: host."x".location."/".static.types is 6

std::variant<toml::table, ParseFailure> parse(std::string_view text) {
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        return ParseFailure{std::string(error.description()), error.source().begin.line,
                            error.source().begin.column};
    }
}

// "[[test]]", perhaps with blanks and a comment.
bool is_test_header(std::string_view line) {
    line = line.substr(0, line.find_first_of("\r\n"));
    const auto end = line.find("]]");
    if (!line.starts_with("[[") || end == line.npos || trim(line.substr(2, end - 2)) != kTest) return false;
    const std::string_view rest = trim(line.substr(end + 2));
    return rest.empty() || rest.front() == '#';
}

// Copies nodes of toml++ into the tree, tables in the order of the file.
class Converter {
public:
    Converter(Tree& tree, std::uint32_t file, std::uint32_t first_line)
        : tree_(tree), file_(file), first_line_(first_line) {}

    Node* convert(const toml::node& from) {
        Node* const node = tree_.make(Node::Kind::Table, place_of(from.source()));
        if (const auto* table = from.as_table()) {
            node->closed = table->is_inline();
            convert_table(*table, *node);
        } else if (const auto* array = from.as_array()) {
            node->kind = Node::Kind::Array;
            tree_.reserve(*node, array->size());
            for (const toml::node& item : *array) tree_.append(*node, {{}, {}, convert(item)});
        } else if (const auto* text = from.as_string()) {
            node->kind = Node::Kind::String;
            node->text = tree_.arena().copy(text->get());
        } else if (const auto* integer = from.as_integer()) {
            node->kind = Node::Kind::Integer;
            node->integer = integer->get();
        } else if (const auto* boolean = from.as_boolean()) {
            node->kind = Node::Kind::Boolean;
            node->integer = boolean->get() ? 1 : 0;
        } else {
            node->kind = from.is_floating_point() ? Node::Kind::Float : Node::Kind::Time;
        }
        return node;
    }

private:
    void convert_table(const toml::table& table, Node& into) {
        struct Item {
            toml::source_position at;
            const toml::key* key;
            const toml::node* node;
        };
        tree_.reserve(into, table.size());
        std::vector<Item> items;
        items.reserve(table.size());
        for (const auto& [key, node] : table) items.push_back({key.source().begin, &key, &node});
        std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
        for (const Item& item : items) {
            const Place place = place_of(item.key->source());
            Node* const node = convert(*item.node);
            if (node->place.line == 0) node->place = place;  // of a dotted key
            tree_.append(into, {tree_.arena().copy(item.key->str()), place, node});
        }
    }

    Place place_of(const toml::source_region& region) const {
        if (region.begin.line == 0) return {file_, 0, 0};
        return {file_, first_line_ + region.begin.line - 1, region.begin.column};
    }

    Tree& tree_;
    std::uint32_t file_;
    std::uint32_t first_line_;
};

}  // namespace

void TomlReader::read(std::uint32_t file, std::string_view text) {
    file_ = file;
    table_ = &tree_.root();
    path_.clear();
    sections_.add({file_, 1, 0}, {}, {});
    Statements statements(text);
    Statement statement;
    std::size_t body = 0;
    std::uint32_t body_line = 1;
    bool has_pairs = false;
    std::uint32_t too_deep = 0;  // a line
    const auto finish_body = [&](std::size_t end) {
        if (too_deep != 0) {
            if (table_ != nullptr) table_->broken = true;
            diagnostics_.error({file_, too_deep, 1}, "values or dotted keys are nested too deeply here",
                               "nothing in this configuration is nested more than a few levels");
        } else if (has_pairs || end > body) {
            read_body(text.substr(body, end - body), body_line);
        }
        has_pairs = false;
        too_deep = 0;
    };
    while (statements.next(statement)) {
        if (statement.kind == Statement::Kind::Pair) {
            has_pairs = true;
            if (statement.too_deep && too_deep == 0) too_deep = statement.line;
            continue;
        }
        finish_body(statement.begin);
        const Place place{file_, statement.line, 1};
        if (statement.too_deep) {
            diagnostics_.error(place, "this table is nested too deeply",
                               "quote a name that has dots in it: [host.\"www.example.com\"]");
            table_ = nullptr;
        } else {
            read_header(text.substr(statement.begin, statement.end - statement.begin), place);
        }
        body = statement.end;
        body_line = statement.line + 1;
    }
    finish_body(text.size());
}

// The only array of tables that there is.
void TomlReader::open_test(Place place) {
    path_.push_back({kTest, place.column});
    sections_.add(place, kTest, {});
    Entry* entry = find(tree_.root(), kTest);
    if (entry == nullptr) {
        Node* const list = tree_.make(Node::Kind::Array, place);
        list->header = true;
        add(tree_.root(), {kTest, place, list});
        entry = find(tree_.root(), kTest);
    }
    Node& list = *entry->node;
    if (list.kind != Node::Kind::Array || !list.header) {
        diagnostics_.error(place, "\"test\" already has a value", "write each test below a line [[test]]",
                           Related{entry->place, "first set here", {}});
        return;
    }
    table_ = tree_.make(Node::Kind::Table, place);
    table_->header = true;
    tree_.append(list, {{}, place, table_});
}

void TomlReader::read_header(std::string_view line, Place place) {
    table_ = nullptr;
    path_.clear();
    place.column = 1 + static_cast<std::uint32_t>(line.find('['));
    if (is_test_header(line.substr(place.column - 1))) return open_test(place);
    if (line.substr(place.column - 1).starts_with("[[")) {
        const bool is_test = line.find(kTest) != line.npos;
        diagnostics_.error(
            place, "arrays of tables are not used in this configuration",
            is_test ? "a test is below a line [[test]]; its request names the host"
                    : "write each one as a table with its own name: [listener.web], [upstream.app]");
        return;
    }
    if (!split_header(line, place) && !split_header_by_library(line, place)) return;
    if (path_.size() > kMaxSegments) {
        diagnostics_.error(place, "this table is nested too deeply",
                           "quote a name that has dots in it: [host.\"www.example.com\"]");
        return;
    }
    note_section(place);
    open_table(place);
}

void TomlReader::note_section(Place place) {
    place.column = 0;
    sections_.add(place, path_.empty() ? std::string_view() : path_[0].key,
                  path_.size() > 1 ? path_[1].key : std::string_view());
}

// What stands in a section that is not of one host, upstream or listener: host."x".names = […] at the top.
void TomlReader::note_pairs(const Node& pairs) {
    if (path_.size() > 1) return;
    for (const Entry& entry : pairs.children()) {
        if (path_.size() == 1) {
            sections_.add(entry.place, path_[0].key, entry.key);
            continue;
        }
        sections_.add(entry.place, entry.key, {});
        if (entry.node->kind != Node::Kind::Table) continue;
        for (const Entry& below : entry.node->children()) sections_.add(below.place, entry.key, below.key);
    }
}

// The plain forms [a.b], [a."b.c".d] and [a.'b'], which are nearly all there are; false for anything else.
bool TomlReader::split_header(std::string_view line, Place place) {
    std::size_t i = place.column;
    const auto skip_blanks = [&] {
        while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) ++i;
    };
    for (;;) {
        skip_blanks();
        if (i >= line.size()) return false;
        const std::size_t begin = i;
        std::string_view key;
        if (line[i] == '"' || line[i] == '\'') {
            const std::size_t end = line.find(line[i], i + 1);
            if (end == line.npos) return false;
            key = line.substr(i + 1, end - i - 1);
            for (const char c : key) {
                if (c < 0x20 || c == 0x7F || (c == '\\' && line[begin] == '"')) return false;  // or not ASCII
            }
            i = end + 1;
        } else {
            while (i < line.size() &&
                   (is_alpha(line[i]) || is_digit(line[i]) || line[i] == '_' || line[i] == '-'))
                ++i;
            key = line.substr(begin, i - begin);
            if (key.empty()) return false;
        }
        path_.push_back({key, static_cast<std::uint32_t>(begin + 1)});
        skip_blanks();
        if (i >= line.size()) return false;
        if (line[i] == ']') break;
        if (line[i++] != '.') return false;
    }
    return line.find_first_not_of(" \t\r\n", i + 1) == line.npos;
}

bool TomlReader::split_header_by_library(std::string_view line, Place place) {
    path_.clear();
    auto parsed = parse(line);
    if (const auto* failure = std::get_if<ParseFailure>(&parsed)) {
        const SyntaxAdvice advice = advise_on_header(line, failure->description);
        place.column = failure->column;
        diagnostics_.error(place, advice.message, advice.hint);
        return false;
    }
    const toml::table* table = std::get_if<toml::table>(&parsed);
    while (table != nullptr && !table->empty()) {
        const auto first = table->cbegin();
        path_.push_back({tree_.arena().copy(first->first.str()), first->first.source().begin.column});
        table = first->second.as_table();
    }
    return true;
}

// `path_` as a table of the tree, which becomes the current one.
void TomlReader::open_table(Place place) {
    Node* node = &tree_.root();
    for (std::size_t i = 0; i < path_.size(); ++i) {
        const bool last = i + 1 == path_.size();
        const Place at{file_, place.line, path_[i].column};
        Entry* entry = find(*node, path_[i].key);
        if (entry == nullptr) {
            Node* const table = tree_.make(Node::Kind::Table, at);
            table->header = last;
            add(*node, {path_[i].key, at, table});
            node = table;
            continue;
        }
        if (!is_overlay() && is_of_another_file(*entry, i, at)) return;
        // [test.expect] is of the last [[test]].
        if (!last && entry->node->kind == Node::Kind::Array && entry->node->header) {
            node = entry->node->children().back().node;
            continue;
        }
        Node& found = *entry->node;
        if (found.kind != Node::Kind::Table || found.closed) {
            diagnostics_.error(at, fmt::format("\"{}\" already has a value", entry->key),
                               "set it in one place: as a value or as a table",
                               Related{entry->place, "first set here", {}});
            return;
        }
        const bool again = last && found.header && !is_overlay() && (i > 0 || found.place.file == file_);
        if (again) {
            diagnostics_.error(at, fmt::format("[{}] is defined twice", header_text()),
                               "put the settings of both under one header, or give one another name",
                               Related{entry->place, "first defined here", {}});
            return;
        }
        if (last) {
            if (!found.header && !is_overlay()) entry->place = at;
            found.header = true;
        }
        node = &found;
    }
    table_ = node;
}

// `path_` as one writes it.
std::string TomlReader::header_text() const {
    std::string out;
    for (const Segment& segment : path_) {
        const bool bare = std::all_of(segment.key.begin(), segment.key.end(), [](char c) {
            return is_alpha(c) || is_digit(c) || c == '_' || c == '-';
        });
        if (!out.empty()) out.push_back('.');
        out.append(bare ? std::string(segment.key) : fmt::format("\"{}\"", segment.key));
    }
    return out;
}

// A listener, upstream or host is defined in one file: a part of it elsewhere would be found by nobody.
bool TomlReader::is_of_another_file(const Entry& entry, std::size_t depth, Place place) {
    if (depth != 1 || entry.place.file == file_) return false;
    const std::string_view kind = path_[0].key;
    if (kind != "host" && kind != "listener" && kind != "upstream") return false;
    diagnostics_.error(
        place, fmt::format("{} \"{}\" is already defined in another file", kind, entry.key),
        fmt::format("a {} is defined in one file: move this there, or choose another name", kind),
        Related{entry.place, "first defined here", {}});
    return true;
}

void TomlReader::read_body(std::string_view body, std::uint32_t line) {
    if (body.find_first_not_of(" \t\r\n") == body.npos) return;
    auto parsed = parse(body);
    if (const auto* table = std::get_if<toml::table>(&parsed)) {
        if (table_ == nullptr || table->empty()) return;
        const Node& pairs = *Converter(tree_, file_, line).convert(*table);
        note_pairs(pairs);
        merge(*table_, pairs);
        return;
    }
    const std::size_t errors = diagnostics_.errors();
    read_statements(body, line);
    if (diagnostics_.errors() == errors) {  // each statement is sound by itself: a comment with control bytes
        const auto& failure = std::get<ParseFailure>(parsed);
        diagnostics_.error({file_, line + failure.line - 1, failure.column},
                           plain_description(failure.description), "take it out");
    }
}

// One by one, so that a mistake does not hide the next one, and a name that is set twice is found by merge(),
// which knows the first place.
void TomlReader::read_statements(std::string_view body, std::uint32_t line) {
    Statements statements(body, line);
    Statement statement;
    while (statements.next(statement)) {
        const std::string_view text = body.substr(statement.begin, statement.end - statement.begin);
        auto parsed = parse(text);
        if (const auto* failure = std::get_if<ParseFailure>(&parsed)) {
            report_syntax(statement, text, *failure);
            if (table_ != nullptr) table_->broken = true;
        } else if (table_ != nullptr) {
            const Node& pairs =
                *Converter(tree_, file_, statement.line).convert(std::get<toml::table>(parsed));
            note_pairs(pairs);
            merge(*table_, pairs);
        }
    }
}

void TomlReader::report_syntax(const Statement& statement, std::string_view text,
                               const ParseFailure& failure) {
    Place place{file_, statement.line + failure.line - 1, failure.column};
    const SyntaxAdvice advice = advise_on_pair(text, failure.description, statement.unfinished);
    if (advice.column != 0) place = {file_, statement.line, advice.column};
    diagnostics_.error(place, advice.message, advice.hint);
}

void TomlReader::merge(Node& into, const Node& from) {
    for (const Entry& entry : from.children()) {
        if (&into == &tree_.root() && entry.key == "include") {
            includes_.push_back(entry);
            continue;
        }
        Entry* const found = find(into, entry.key);
        if (found == nullptr) {
            add(into, entry);
            continue;
        }
        const auto is_open = [](const Node& node) { return node.kind == Node::Kind::Table && !node.closed; };
        if (is_open(*found->node) && is_open(*entry.node)) {
            merge(*found->node, *entry.node);
            continue;
        }
        if (is_overlay() && found->place.file != file_) {
            *found = entry;
            continue;
        }
        diagnostics_.error(entry.place, fmt::format("\"{}\" is set twice", entry.key),
                           "remove one of the two", Related{found->place, "first set here", {}});
    }
}

void TomlReader::add(Node& parent, Entry entry) {
    tree_.append(parent, entry);
    if (parent.indexed) index_.emplace(Child{&parent, entry.key}, parent.count - 1);
}

Entry* TomlReader::find(Node& parent, std::string_view key) {
    if (parent.count < kIndexFrom) {
        for (Entry& entry : parent.children()) {
            if (entry.key == key) return &entry;
        }
        return nullptr;
    }
    if (!parent.indexed) {
        for (std::uint32_t i = 0; i < parent.count; ++i)
            index_.emplace(Child{&parent, parent.entries[i].key}, i);
        parent.indexed = true;
    }
    const auto found = index_.find({&parent, key});
    return found == index_.end() ? nullptr : &parent.entries[found->second];
}

}  // namespace gantry::conf
