// The security fields of responses: made of settings once, set on each response. Knows no server.
#pragma once

#include "settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headers {

// Immutable. [any]
class Security {
public:
    struct Field {
        std::string name;
        std::string value;
        bool is_kept = true;  // where the application has one of its own, that one stays
    };

    static Security make(const SecuritySettings& settings, Problems& problems);

    const std::vector<std::string>& removed() const { return removed_; }
    const std::vector<Field>& fields() const { return fields_; }
    // Beside a Content-Security-Policy that the application keeps and that says nothing of frames; "":
    // nothing.
    const std::string& frame_policy() const { return frame_policy_; }

private:
    void add_policies(const SecuritySettings& settings, Problems& problems);
    void add_frames(const SecuritySettings& settings, Problems& problems);
    void add(const char* key, const char* name, const std::string& value, Problems& problems);

    std::vector<std::string> removed_;
    std::vector<Field> fields_;
    std::string frame_policy_;
};

// "max-age=31536000; includeSubDomains; preload".
std::string hsts_value(const HstsSettings& settings, Problems& problems);

// Whether a policy has this directive (CSP 3, 2.2.1).
bool has_directive(std::string_view policy, std::string_view directive);

}  // namespace headers
