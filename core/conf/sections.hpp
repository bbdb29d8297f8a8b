// Which table each line of the files belongs to: what tells whether a mistake is of one host alone.
#pragma once

#include "core/conf/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

// The table that a line belongs to: [host."x".location."/"] is {"host", "x"}.
struct Section {
    std::string_view kind;  // the first key: "host", "listener", "server"; "" before the first header
    std::string_view name;  // the second one; ""
};

// Filled while the files are read, one after the other from top to bottom. Not thread-safe.
class Sections {
public:
    // A table of `kind` and `name` begins at `place`. Kept only where it differs from the one before.
    void add(Place place, std::string_view kind, std::string_view name);
    // The section that `place` lies in, as views that end with the next add().
    Section find(Place place) const;

    // ---- included files that are not read as a whole
    struct Unread {
        std::string path;
        Place place;  // where it is included
    };
    std::vector<Unread> unread;         // that could not be read at all
    std::vector<std::uint32_t> broken;  // whose text is not TOML, by Place::file

    bool is_broken(std::uint32_t file) const;

    static constexpr std::uint32_t kNoFile = 0xffffffff;
    std::uint32_t overlay = kNoFile;  // what the command line lays over the files

private:
    struct Begin {
        Place place;
        std::uint32_t offset = 0;  // of the kind, in names_; the name stands behind it
        std::uint32_t kind_size = 0;
        std::uint32_t name_size = 0;
    };
    Section section_of(const Begin& begin) const;

    std::vector<Begin> begins_;
    std::string names_;
};

// The sections that a text seems to have, by its lines alone: for a text that is not TOML. Views into `text`.
struct ScannedSection {
    Section section;
    std::uint32_t line = 0;
};
std::vector<ScannedSection> scan_sections(std::string_view text);

}  // namespace gantry::conf
