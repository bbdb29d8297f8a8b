// What the configuration says, as the behaviour wants it, and what is wrong with it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace headers {

// Nothing where the configuration says nothing; "" where it says that a field is not to be sent.
struct SecuritySettings {
    enum class Set { Off, Basic, Strict };
    Set set = Set::Off;
    std::optional<std::string> csp;
    std::optional<std::string> csp_report_only;
    std::optional<std::vector<std::string>> frame_ancestors;
    std::optional<std::string> referrer_policy;
    std::optional<std::string> permissions_policy;
    std::optional<std::string> opener_policy;
    std::optional<std::string> embedder_policy;
    std::optional<std::string> resource_policy;
    std::optional<std::vector<std::string>> remove;
    bool replaces = false;  // what the application says itself
};

struct HstsSettings {
    std::chrono::seconds max_age{0};
    bool subdomains = false;
    bool preload = false;
    bool always = false;  // on plain HTTP as well
};

struct CorsSettings {
    std::vector<std::string> origins;
    std::vector<std::string> methods;
    std::vector<std::string> headers;
    std::vector<std::string> expose;
    bool credentials = false;
    bool private_network = false;
    std::chrono::seconds max_age{0};
};

// `key`: the member of the table that is wrong.
struct Problem {
    const char* key;
    std::string message;
    std::string hint;
};
using Problems = std::vector<Problem>;

}  // namespace headers
