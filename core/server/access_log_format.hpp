// Formats of access log lines, compiled at load: "combined", "json", or a template of one's own.
#pragma once

#include "core/server/log_line.hpp"
#include "core/server/template.hpp"
#include "core/server/variable.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::server {

// Immutable; [any].
//
// Escaping: in combined and in own templates `"`, `\`, control bytes and bytes above 0x7e become \xHH, and an
// empty value is "-". In json, and in an own template that begins with "{", values are escaped as inside a
// JSON string; what is not UTF-8 becomes U+FFFD. The text of the template itself is written as it is.
//
// Credentials are not written unless masking is off. The values of cookies and of the fields authorization,
// proxy-authorization, cookie, set-cookie, x-api-key, x-auth-token, x-access-token and the like are "***"
// when there is one. In uri, query, query.NAME and referer the values of parameters named access_token,
// token, password, secret, key, api_key, ... (secrets.hpp) are "***", and so are those of fields and
// parameters that masking adds.
class AccessLogFormat {
public:
    // Longest line, with its end; values are cut where they would exceed it, the text around them never is.
    static constexpr std::size_t kMaxLine = 16 * 1024;
    // Longest text of an own template.
    static constexpr std::size_t kMaxTemplate = 4 * 1024;

    struct Masking {
        bool is_on = true;
        std::vector<std::string> also;  // further names of fields and query parameters, lower case
    };

    static tl::expected<AccessLogFormat, TemplateError> compile(std::string_view format,
                                                                const std::vector<const Regex*>& captures,
                                                                Masking masking);
    static tl::expected<AccessLogFormat, TemplateError> compile(
        std::string_view format, const std::vector<const Regex*>& captures = {}) {
        return compile(format, captures, Masking());
    }

    // Gantry itself makes these values, of digits and the like: they are written as they are.
    static bool is_made_here(VariableId id);

    // Writes one line with its "\n" to `to`, which has room for kMaxLine bytes; returns its size.
    std::size_t write(const VariableSource& source, Arena& arena, char* to) const;

private:
    enum class Kind : std::uint8_t {
        Value,           // escaped
        Number,          // json: as it is when it is a number, else null
        OptionalValue,   // json: key and quoted value, nothing when empty
        OptionalNumber,  // json: key and number, nothing when it is none
    };
    enum class Mask : std::uint8_t { Plain, None, All, Query, Uri };
    struct Text {  // in text_
        std::uint32_t offset = 0;
        std::uint32_t length = 0;
    };
    struct Part {
        Text before;  // is written in any case
        Text argument;
        Text key;  // of optional parts: `,"name":`
        Kind kind = Kind::Value;
        Mask mask = Mask::None;
        VariableId id = VariableId::Host;
        http::HeaderId header = http::HeaderId::Other;
        std::uint8_t group = 0;
    };
    struct JsonField;

    static const JsonField kJsonFields[];
    static AccessLogFormat json(Masking masking);
    Mask mask_of(VariableId id, std::string_view argument) const;
    bool is_secret(std::string_view parameter) const;
    Text keep(std::string_view text);
    void add(Part part, std::string& literal);
    void add_end(std::string literal);
    std::string_view text(Text kept) const { return {text_.data() + kept.offset, kept.length}; }

    void write_value(Mask mask, std::string_view value, LogLine& line) const;
    void write_optional(const Part& part, std::string_view value, LogLine& line) const;
    void write_number(const Part& part, std::string_view value, LogLine& line) const;
    void write_uri(std::string_view text, LogLine& line) const;
    void write_query(std::string_view text, LogLine& line) const;

    std::string text_;  // and LogLine::kSlack bytes
    std::vector<Part> parts_;
    Masking masking_;
    Text after_;             // the last literal, and the end of the line
    std::size_t fixed_ = 0;  // bytes of literals and numbers
    LogEscape escape_ = LogEscape::Text;
};

}  // namespace gantry::server
