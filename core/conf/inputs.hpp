// Where a load gets what is not in its own text: from the machine, or from the snapshot of an earlier load.
#pragma once

#include "core/conf/snapshot.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

// What `${NAME}` stands for; nullopt where it is not set. The default asks the environment.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Files that wait for a writer: the main file may be a pipe, as in `gantry check -c <(make-configuration)`;
// for another one would be waited without end.
enum class Pipes { Allowed, Refused };

// One for each load. [any], but one load at a time reads the environment
class Inputs {
public:
    // `replayed`: nothing is read from the machine, and what the snapshot does not have is not there.
    // `recorded`: gets all that is read. Both may be null, and outlive it.
    explicit Inputs(Environment environment = {}, const Snapshot* replayed = nullptr,
                    Snapshot* recorded = nullptr);

    // Files of more than `limit` bytes are refused.
    Snapshot::File read_file(const std::string& path, Pipes pipes, std::size_t limit);
    // What ${file:…} puts into a value.
    Snapshot::File read_value(const std::string& path, std::size_t limit);
    // The files that a pattern of glob(7) matches, in the order of their bytes. nullopt: a folder could not
    // be read, and might have had some.
    std::optional<std::vector<std::string>> match(const std::string& pattern);
    std::optional<std::string> variable(std::string_view name);
    // What makes two names of a file equal.
    std::string identity(const std::string& path) const;

private:
    using Files = std::map<std::string, Snapshot::File, std::less<>>;
    Snapshot::File read(Files Snapshot::* files, const std::string& path, Pipes pipes, std::size_t limit);

    Environment environment_;
    const Snapshot* replayed_;
    Snapshot* recorded_;
};

}  // namespace gantry::conf
