// What one load read from outside: enough to load the same configuration again after the files have changed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::conf {

struct Snapshot {
    struct File {
        std::string text;
        std::string error;          // why it could not be read; "" = it could
        bool is_everyones = false;  // every user of the machine could read it

        bool operator==(const File&) const = default;
    };

    std::map<std::string, File, std::less<>> files;   // of the configuration
    std::map<std::string, File, std::less<>> values;  // of ${file:…}; often secrets
    std::map<std::string, std::vector<std::string>, std::less<>>
        patterns;                                               // of include, and what they matched
    std::map<std::string, std::string, std::less<>> variables;  // of the environment, those that are set

    bool operator==(const Snapshot&) const = default;
};

// Bytes for another process of the same user, which must not have to trust them: see parse_snapshot().
std::string render(const Snapshot& snapshot);

// nullopt where `bytes` is not what render() makes, whole.
std::optional<Snapshot> parse_snapshot(std::string_view bytes);

}  // namespace gantry::conf
