#include "core/server/template.hpp"

#include "core/base/text.hpp"
#include "core/conf/diagnostic.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace gantry::server {

namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kFewParts = 16;
constexpr char kHexDigits[] = "0123456789ABCDEF";

constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// RFC 3986 allows none of these anywhere in a URI.
constexpr bool is_uri_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return false;
    return c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' &&
           c != '}';
}

const char* stage_text(Stage stage) {
    return stage == Stage::Response ? "once the response is known"
                                    : "once the exchange is over, in access logs";
}

}  // namespace

const VariableInfo* find_variable(std::string_view name, std::string_view& argument) {
    for (const VariableInfo& info : all_variables()) {
        if (info.suffix.empty() ? name != info.name : !name.starts_with(info.name)) continue;
        argument = name.substr(info.name.size());
        return &info;
    }
    return nullptr;
}

std::string nearest_variable(std::string_view name) {
    if (name.size() > 64) return "";
    std::string nearest;
    std::size_t least = std::max<std::size_t>(1, name.size() / 4) + 1;
    for (const VariableInfo& info : all_variables()) {
        // "quary.id" is compared by what stands before its dot.
        std::string_view its_own = name;
        std::string_view rest;
        if (const auto dot = name.find('.'); !info.suffix.empty() && dot != name.npos) {
            its_own = name.substr(0, dot + 1);
            rest = name.substr(dot + 1);
        }
        const std::size_t sizes[] = {its_own.size(), info.name.size()};
        if (std::max(sizes[0], sizes[1]) - std::min(sizes[0], sizes[1]) >= least) continue;
        const std::size_t edits = conf::edit_distance(its_own, info.name);
        if (edits >= least) continue;
        least = edits;
        nearest = std::string(info.name) + std::string(info.suffix.empty() ? ""
                                                       : rest.empty()      ? info.suffix
                                                                           : rest);
    }
    return nearest;
}

namespace {

// Names of other servers, and ours.
constexpr std::pair<std::string_view, std::string_view> kForeign[] = {
    {"request_uri", "uri"},           {"args", "query"},
    {"query_string", "query"},        {"http_host", "header.Host"},
    {"server_name", "host_name"},     {"request_method", "method"},
    {"request_scheme", "scheme"},     {"client_ip", "remote_addr"},
    {"remote_host", "remote_addr"},   {"remote_ip", "remote_addr"},
    {"body_bytes_sent", "bytes_sent"}};

std::string hint_for_unknown(std::string_view name) {
    if (name.find(":-") != name.npos)
        return "only names in UPPER_CASE, which are the environment, have defaults";
    if (name.find(':') != name.npos) return "a default is written with :-, as in ${NAME:-value}";
    for (const auto& [theirs, ours] : kForeign) {
        if (name == theirs) return "it is called ${" + std::string(ours) + "} here";
    }
    if (name.starts_with("http_")) return "a field of the request is ${header.NAME}: ${header.User-Agent}";
    if (name.starts_with("arg_")) return "a parameter of the query is ${query.NAME}: ${query.page}";
    if (name.starts_with("cookie_")) return "a cookie is ${cookie.NAME}";
    if (const std::string near = nearest_variable(name); !near.empty())
        return "did you mean \"" + near + "\"?";
    return "names in UPPER_CASE are the environment; variables are host, path, uri, query, method, scheme, "
           "remote_addr, header.NAME, query.NAME, cookie.NAME and more; a plain $ is written $$";
}

}  // namespace

std::string_view field_safe(std::string_view value, Arena& arena) {
    const auto is_bad = [](char c) { return is_control(c) && c != '\t'; };
    if (std::none_of(value.begin(), value.end(), is_bad)) return value;
    char* const to = static_cast<char*>(arena.allocate(value.size(), 1));
    std::transform(value.begin(), value.end(), to, [&](char c) { return is_bad(c) ? ' ' : c; });
    return {to, value.size()};
}

std::string_view uri_safe(std::string_view value, Arena& arena) {
    const auto bad = static_cast<std::size_t>(
        std::count_if(value.begin(), value.end(), [](char c) { return !is_uri_byte(c); }));
    if (bad == 0) return value;
    const std::size_t size = value.size() + 2 * bad;
    char* const begin = static_cast<char*>(arena.allocate(size, 1));
    char* to = begin;
    for (const char c : value) {
        if (is_uri_byte(c)) {
            *to++ = c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        *to++ = '%';
        *to++ = kHexDigits[byte >> 4];
        *to++ = kHexDigits[byte & 15];
    }
    return {begin, size};
}

// ---- compiling

class TemplateCompiler {
public:
    TemplateCompiler(std::string_view text, const TemplateScope& scope) : text_(text), scope_(scope) {
        result_.purpose_ = scope.purpose;
        result_.encoded_slash_ = scope.encoded_slash;
    }

    tl::expected<Template, TemplateError> compile() {
        if (text_.size() > kMaxText)
            return tl::unexpected(
                TemplateError{0, "the text is longer than 64 KiB", "put it into a file: static"});
        std::size_t at = 0;
        while (at < text_.size()) {
            const auto dollar = std::min(text_.find('$', at), text_.size());
            add_literal(text_.substr(at, dollar - at));
            if (dollar == text_.size()) break;
            const char next = dollar + 1 < text_.size() ? text_[dollar + 1] : '\0';
            if (next == '{') {
                const auto close = text_.find('}', dollar);
                if (close == text_.npos)
                    return fail(dollar, "\"${\" without \"}\"", "\"$$\" is a dollar sign");
                if (!add_variable(text_.substr(dollar + 2, close - dollar - 2), dollar))
                    return tl::unexpected(std::move(error_));
                at = close + 1;
            } else {
                add_literal("$");
                at = dollar + (next == '$' ? 2 : 1);
            }
        }
        return std::move(result_);
    }

private:
    tl::unexpected<TemplateError> fail(std::size_t offset, std::string message, std::string hint) {
        return tl::unexpected(TemplateError{offset, std::move(message), std::move(hint)});
    }

    bool refuse(std::size_t offset, std::string message, std::string hint = "") {
        error_ = {offset, std::move(message), std::move(hint)};
        return false;
    }

    void add_literal(std::string_view text) {
        if (text.empty()) return;
        if (result_.parts_.empty() || result_.parts_.back().is_variable) {
            Template::Part part;
            part.offset = static_cast<std::uint32_t>(result_.text_.size());
            result_.parts_.push_back(part);
        }
        result_.parts_.back().length += static_cast<std::uint32_t>(text.size());
        result_.text_ += text;
    }

    bool add_variable(std::string_view name, std::size_t dollar) {
        if (name.empty()) return refuse(dollar, "a variable without a name", "for example: ${host}");
        Template::Part part;
        part.is_variable = true;
        std::string_view argument;
        // A capture of that name hides a variable: whoever wrote the expression meant it.
        if (find_capture(name, part, argument)) {
            part.id = VariableId::Capture;
            part.form = Form::Decoded;
        } else if (is_digit(name[0])) {
            return refuse(dollar, "there is no group " + std::string(name) + " to refer to",
                          "numbers are groups of the regular expressions of this host and location");
        } else if (!find_known(name, dollar, part, argument)) {
            return false;
        }
        part.offset = static_cast<std::uint32_t>(result_.text_.size());
        part.length = static_cast<std::uint32_t>(argument.size());
        result_.text_ += part.id == VariableId::Header || part.id == VariableId::ResponseHeader
                             ? lower_case(argument)
                             : std::string(argument);
        result_.parts_.push_back(part);
        result_.has_variables_ = true;
        return true;
    }

    bool find_known(std::string_view name, std::size_t dollar, Template::Part& part,
                    std::string_view& argument) {
        const VariableInfo* const info = find_variable(name, argument);
        if (info == nullptr) {
            return refuse(dollar, "unknown variable \"" + std::string(name) + "\"", hint_for_unknown(name));
        }
        if (!info->suffix.empty() && argument.empty())
            return refuse(dollar, "\"" + std::string(name) + "\" needs a name behind the dot",
                          "for example: ${header.User-Agent}, ${query.page}");
        if (info->stage > scope_.stage) {
            return refuse(dollar, "\"" + std::string(name) + "\" is not known here",
                          std::string("it has a value only ") + stage_text(info->stage));
        }
        part.id = info->id;
        part.form = info->form;
        if (info->id == VariableId::Header || info->id == VariableId::ResponseHeader)
            part.header = http::header_id(argument);
        return true;
    }

    bool find_capture(std::string_view name, Template::Part& part, std::string_view& argument) const {
        if (is_digit(name[0])) {
            const auto number = parse_decimal(name);
            for (const Regex* regex : scope_.captures) {
                if (regex == nullptr || !number || *number > regex->groups()) continue;
                part.group = static_cast<std::uint8_t>(*number);
                return true;
            }
            return false;
        }
        for (const Regex* regex : scope_.captures) {
            if (regex == nullptr) continue;
            for (const CaptureName& known : regex->names()) {
                if (known.name != name) continue;
                argument = name;
                return true;
            }
        }
        return false;
    }

    std::string_view text_;
    const TemplateScope& scope_;
    Template result_;
    TemplateError error_;
};

tl::expected<Template, TemplateError> Template::compile(std::string_view text, const TemplateScope& scope) {
    return TemplateCompiler(text, scope).compile();
}

// ---- evaluating

std::string_view Template::value_of(const Part& part, const VariableSource& source, Arena& arena) const {
    const std::string_view text = std::string_view(text_).substr(part.offset, part.length);
    if (!part.is_variable) return text;
    const std::string_view value = source.value({part.id, part.header, part.group, text}, arena);
    switch (purpose_) {
        case Purpose::Text:
            break;
        case Purpose::Field:
            return field_safe(value, arena);
        case Purpose::Uri:
            return part.form == Form::Decoded ? http::percent_encode_path(value, arena, encoded_slash_)
                                              : uri_safe(value, arena);
    }
    return value;
}

std::string_view Template::evaluate(const VariableSource& source, Arena& arena) const {
    if (!has_variables_) return text_;
    if (parts_.size() == 1) return value_of(parts_[0], source, arena);

    std::array<std::string_view, kFewParts> few;
    std::string_view* const values =
        parts_.size() <= kFewParts ? few.data() : arena.make_array<std::string_view>(parts_.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        values[i] = value_of(parts_[i], source, arena);
        size += values[i].size();
    }
    char* const begin = static_cast<char*>(arena.allocate(size == 0 ? 1 : size, 1));
    char* to = begin;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!values[i].empty()) std::memcpy(to, values[i].data(), values[i].size());
        to += values[i].size();
    }
    return {begin, size};
}

}  // namespace gantry::server
