// What loading a configuration has to say: every error and warning of all files in one run, each with its
// place, the line it stands in, the cause and the remedy.
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

enum class Severity : std::uint8_t { Error, Warning };

// Why something is wrong: what is written, or what it meets on this machine (a file that is missing).
enum class Cause : std::uint8_t { Text, Environment };

// A second place that belongs to a diagnostic: "first defined here".
struct Related {
    Place place;
    std::string text;
    std::string line;  // the source line, filled in by finish()
};

struct Diagnostic {
    Severity severity = Severity::Error;
    Place place;          // line 0: the file as a whole
    std::string message;  // what is wrong: one sentence, lower case, no full stop
    std::string hint;     // what to do about it
    std::optional<Related> related;
    std::string line;          // the source line, filled in by finish()
    std::uint32_t offset = 0;  // bytes into the string at `place`; finish() makes a column of it
    Cause cause = Cause::Text;
    // An error that takes nothing with it but the hosts in `disables` (containment.hpp).
    bool is_contained = false;
    std::vector<std::string> disables{};
};

// The files that were read, by Place::file. Their text is kept only until finish().
class Sources {
public:
    std::uint32_t add(std::string name, std::string text);
    const std::vector<std::string>& names() const { return names_; }
    std::string_view text(std::uint32_t file) const { return texts_[file]; }
    std::string_view line(Place place) const;
    void drop_texts();

private:
    std::vector<std::string> names_;
    std::deque<std::string> texts_;  // never moved: the tree keeps views into them
};

class Containment;

// Not thread-safe: one load, one thread.
class Diagnostics {
public:
    static constexpr std::size_t kMaxShown = 100;

    // Nobody is told of a mistake without being told what to do about it.
    void error(Place place, std::string message, std::string hint,
               std::optional<Related> related = std::nullopt);
    // `offset` bytes into the value of the string that begins at `place`.
    void error_within(Place place, std::uint32_t offset, std::string message, std::string hint);
    // What the machine lacks, not the text.
    void environment_error(Place place, std::string message, std::string hint);
    // An error that is known to be contained.
    void contained_error(Place place, std::uint32_t offset, std::string message, std::string hint,
                         std::vector<std::string> disables);
    void warning(Place place, std::string message, std::string hint,
                 std::optional<Related> related = std::nullopt);

    // Asks for each error that is not contained yet which hosts it disables; nothing: it is not contained.
    using Contain = std::function<std::optional<std::vector<std::string>>(const Diagnostic&)>;
    void contain(const Contain& hosts_of);

    // Of the files that were read; for the rooms above, which find more. Null before, and after finish().
    void set_containment(std::shared_ptr<const Containment> containment);
    const Containment* containment() const { return containment_.get(); }

    // Sorts by place, drops what was told twice, and copies the source lines that will be shown; after it the
    // texts are not needed.
    void finish(const Sources& sources);

    // Without the contained ones.
    std::size_t errors() const { return errors_; }
    std::size_t contained() const { return contained_; }
    std::size_t warnings() const { return warnings_; }
    // At most kMaxShown after finish(), in the order of files and lines.
    const std::vector<Diagnostic>& list() const { return list_; }

    // For people: file:line:column, source line, caret, remedy, second place; ends with how many were not
    // shown. Empty when there is nothing to say.
    std::string render_text() const;
    // One array of {file, line, column, severity, message, hint, related}; always valid JSON.
    std::string render_json() const;

private:
    void add(Diagnostic diagnostic);
    void drop_repeated();

    std::shared_ptr<const Containment> containment_;
    std::vector<Diagnostic> list_;
    std::vector<std::string> names_;
    std::size_t& count_of(const Diagnostic& diagnostic);

    std::size_t errors_ = 0;
    std::size_t contained_ = 0;
    std::size_t warnings_ = 0;
};

// How far apart two words are: insertions, deletions, replacements and swaps of neighbours (optimal string
// alignment), each of cost 1. Time in the product of their sizes.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The element of `names` that `name` is most likely a misspelling of (Damerau-Levenshtein), or empty.
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& names);

// `did you mean "x"?`, or empty.
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace gantry::conf
