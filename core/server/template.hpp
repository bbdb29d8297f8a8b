// Texts with ${variables}, compiled at load into a flat program and evaluated per request.
#pragma once

#include "core/http/uri.hpp"
#include "core/server/regex.hpp"
#include "core/server/variable.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::server {

// What the result is for, hence what is done to values (never to the template's own text).
enum class Purpose : std::uint8_t {
    Text,   // nothing
    Field,  // a header field value: CR, LF, NUL and other control bytes become spaces
    Uri,  // a URI: decoded values (path, captures) are percent-encoded, and bytes that no URI may hold are in
          // all
};

// What the place of a template allows. `captures` are the expressions of the host and the location (null
// entries are skipped) whose groups may be used.
struct TemplateScope {
    Purpose purpose = Purpose::Text;
    Stage stage = Stage::Request;
    std::vector<const Regex*> captures;
    // How the host's paths were decoded; for a URI, the escapes that it kept stay as they are.
    http::EncodedSlash encoded_slash = http::EncodedSlash::Keep;
};

struct TemplateError {
    std::size_t offset = 0;  // of the "$", in bytes
    std::string message;     // "unknown variable \"hots\""
    std::string hint;        // "did you mean \"host\"?"; may be empty
};

// Immutable; [any]. Syntax: "${name}"; "$$" is a dollar sign; any other "$" is itself.
class Template {
public:
    static tl::expected<Template, TemplateError> compile(std::string_view text,
                                                         const TemplateScope& scope = {});

    Template() = default;  // the empty text

    // The result lives as long as the arena and this object, whichever is shorter. A constant template costs
    // nothing, one that is a single variable is not copied.
    std::string_view evaluate(const VariableSource& source, Arena& arena) const;

    bool is_constant() const { return !has_variables_; }
    bool empty() const { return parts_.empty(); }

private:
    struct Part {
        std::uint32_t offset = 0;  // literal text or argument, in text_
        std::uint32_t length = 0;
        bool is_variable = false;
        VariableId id = VariableId::Host;
        http::HeaderId header = http::HeaderId::Other;
        std::uint8_t group = 0;
        Form form = Form::Text;
    };
    friend class TemplateCompiler;
    friend class AccessLogFormat;  // makes lines of the same parts, escaped

    std::string_view value_of(const Part& part, const VariableSource& source, Arena& arena) const;

    std::string text_;
    std::vector<Part> parts_;
    Purpose purpose_ = Purpose::Text;
    http::EncodedSlash encoded_slash_ = http::EncodedSlash::Keep;
    bool has_variables_ = false;
};

// Finds a variable by the name between the braces; `argument` is then what follows "query." and so on. Null:
// there is none.
const VariableInfo* find_variable(std::string_view name, std::string_view& argument);

// The known name nearest to `name`, "" when none is near.
std::string nearest_variable(std::string_view name);

// `value` with control bytes made spaces, so that it can stand in a header field; itself when it is clean.
std::string_view field_safe(std::string_view value, Arena& arena);
// `value` with bytes that no URI may hold percent-encoded; "%" stays.
std::string_view uri_safe(std::string_view value, Arena& arena);

}  // namespace gantry::server
