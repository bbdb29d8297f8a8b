#include "core/server/field_edits.hpp"

#include "core/base/field_syntax.hpp"

#include <algorithm>

namespace gantry::server {

namespace {

std::string problem_of_name(std::string_view name) {
    if (!is_token(name)) return "\"" + std::string(name) + "\" is no field name";
    if (!connection_field(name).empty())
        return "\"" + std::string(name) + "\" belongs to the connection and cannot be changed";
    return "";
}

}  // namespace

void FieldEdits::build_list(const std::vector<std::pair<std::string, conf::Template>>& from,
                            const TemplateScope& scope, std::vector<Edit>& to, Problems& problems) {
    for (const auto& [name, value] : from) {
        if (std::string problem = problem_of_name(name); !problem.empty()) {
            problems.push_back({value.place, 0, std::move(problem), ""});
            continue;
        }
        auto compiled = Template::compile(value.text, scope);
        if (!compiled) {
            TemplateError& error = compiled.error();
            problems.push_back({value.place, static_cast<std::uint32_t>(error.offset),
                                std::move(error.message), std::move(error.hint)});
            continue;
        }
        const auto bad = std::find_if(value.text.begin(), value.text.end(), is_control_byte);
        if (bad != value.text.end()) {
            problems.push_back({value.place, static_cast<std::uint32_t>(bad - value.text.begin()),
                                "a field value holds no control characters", ""});
            continue;
        }
        to.push_back({{http::header_id(name), name}, std::move(*compiled)});
    }
}

FieldEdits FieldEdits::build(const conf::FieldEdits& edits, Stage stage,
                             const std::vector<const Regex*>& captures, Problems& problems) {
    FieldEdits built;
    for (const std::string& name : edits.remove) {
        if (std::string problem = problem_of_name(name); !problem.empty())
            problems.push_back({{}, 0, std::move(problem), ""});
        else
            built.remove_.push_back({http::header_id(name), name});
    }
    const TemplateScope scope{Purpose::Field, stage, captures};
    build_list(edits.set, scope, built.set_, problems);
    build_list(edits.add, scope, built.add_, problems);
    return built;
}

void FieldEdits::add_field(http::Headers& headers, const Name& name, std::string_view value) {
    value = trim(value);
    if (!value.empty()) headers.add(name.id, name.text, value);
}

void FieldEdits::apply(http::Headers& headers, const VariableSource& source, Arena& arena) const {
    const auto remove = [&](const Name& name) {
        name.id == http::HeaderId::Other ? headers.remove(name.text) : headers.remove(name.id);
    };
    for (const Name& name : remove_) remove(name);
    for (const Edit& edit : set_) {
        // First the value: it may be made of the field that it replaces.
        const std::string_view value = edit.value.evaluate(source, arena);
        remove(edit.name);
        add_field(headers, edit.name, value);
    }
    for (const Edit& edit : add_) add_field(headers, edit.name, edit.value.evaluate(source, arena));
}

}  // namespace gantry::server
