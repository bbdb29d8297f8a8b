// The blast radius of a mistake: which hosts it disables, where it is one of some hosts alone.
//
// Contained is what the machine lacks for a host (a certificate, a folder, the address of a peer), and
// everything that is wrong with hosts and upstreams of included files, even where such a file is no TOML or
// cannot be read. Not contained is what is written wrong in the main file, and whatever all hosts share:
// [server], [log], listeners and tests. docs/adr/0008 has the reasons.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/sections.hpp"
#include "core/conf/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::conf {

// Of one load. Immutable once the files are read.
class Containment {
public:
    using Hosts = std::vector<std::uint32_t>;  // by index into Settings::hosts

    explicit Containment(Sections sections) : sections_(std::move(sections)) {}

    // What a mistake at `place` disables; nothing: it is one of the whole configuration.
    std::optional<Hosts> hosts_of(const Settings& settings, Place place, Cause cause) const;

    const Sections& sections() const { return sections_; }
    // The mistake is that of a file as a whole.
    bool is_of_file(Place place) const;
    // A file that has more than hosts and upstreams in it: nothing in it is contained.
    void share(std::uint32_t file) { shared_files_.push_back(file); }
    void share(const Sections::Unread& file) { shared_includes_.push_back(file.place); }

private:
    bool is_shared(Place place) const;

    Sections sections_;
    std::vector<std::uint32_t> shared_files_;
    std::vector<Place> shared_includes_;
};

// The names of hosts, by index.
std::vector<std::string> names_of(const Settings& settings, const Containment::Hosts& hosts);

}  // namespace gantry::conf
