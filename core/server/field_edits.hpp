// Changes to header fields that the configuration asks for, compiled at load.
#pragma once

#include "core/http/headers.hpp"
#include "core/server/problem.hpp"
#include "core/server/template.hpp"

#include <string>
#include <utility>
#include <vector>

namespace gantry::server {

// Immutable; [any]. Applied: remove, then set, then add. An evaluated value that is empty sets and adds no
// field
// (`set` still removes the old one), so "${header.x}" passes nothing on where there was nothing.
class FieldEdits {
public:
    FieldEdits() = default;

    // `stage` Request for request fields, Response for response fields. Refuses names that are no tokens and
    // those that frame a message (connection, content-length, transfer-encoding, ...).
    static FieldEdits build(const conf::FieldEdits& edits, Stage stage,
                            const std::vector<const Regex*>& captures, Problems& problems);

    bool empty() const { return remove_.empty() && set_.empty() && add_.empty(); }
    // `headers` then views names and constant values of this object: it has to outlive them.
    void apply(http::Headers& headers, const VariableSource& source, Arena& arena) const;
    // Names that are removed or set.
    template <class Visit>
    void each_replaced(Visit&& visit) const {
        for (const Name& name : remove_) visit(std::string_view(name.text));
        for (const Edit& edit : set_) visit(std::string_view(edit.name.text));
    }

private:
    struct Name {
        http::HeaderId id = http::HeaderId::Other;
        std::string text;
    };
    struct Edit {
        Name name;
        Template value;
    };
    static void build_list(const std::vector<std::pair<std::string, conf::Template>>& from,
                           const TemplateScope& scope, std::vector<Edit>& to, Problems& problems);
    static void add_field(http::Headers& headers, const Name& name, std::string_view value);

    std::vector<Name> remove_;
    std::vector<Edit> set_;
    std::vector<Edit> add_;
};

}  // namespace gantry::server
