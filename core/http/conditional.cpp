#include "core/http/conditional.hpp"

#include "core/base/text.hpp"
#include "core/http/date.hpp"

namespace gantry::http {

namespace {

bool is_weak(std::string_view etag) {
    return etag.substr(0, 2) == "W/";
}

bool is_etag_byte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7F);
}

// Takes the entity tag that `list` begins with, or "" where there is none. A backslash is a byte like any
// other in it, so this is not a quoted string.
std::string_view take_etag(std::string_view& list) {
    std::size_t at = is_weak(list) ? 2 : 0;
    if (at >= list.size() || list[at] != '"') return {};
    for (++at; at < list.size() && is_etag_byte(list[at]); ++at) {
    }
    if (at == list.size() || list[at] != '"') return {};
    const std::string_view etag = list.substr(0, at + 1);
    list.remove_prefix(at + 1);
    return etag;
}

// Is `etag` in the list, or is the list "*"? What is no entity tag ends the list: it matches nothing.
bool list_matches(std::string_view list, std::string_view etag, bool strong) {
    list = trim(list);
    if (list == "*") return true;
    while (!list.empty()) {
        if (list.front() == ',' || list.front() == ' ' || list.front() == '\t') {
            list.remove_prefix(1);
            continue;
        }
        const std::string_view candidate = take_etag(list);
        if (candidate.empty()) return false;
        const std::string_view rest = trim(list);
        if (!rest.empty() && rest.front() != ',') return false;
        if (etags_match(candidate, etag, strong)) return true;
    }
    return false;
}

bool any_field_matches(const Headers& headers, HeaderId id, std::string_view etag, bool strong) {
    for (const Field* field = headers.find(id); field != headers.end(); ++field) {
        if (field->id == id && list_matches(field->value, etag, strong)) return true;
    }
    return false;
}

}  // namespace

bool etags_match(std::string_view a, std::string_view b, bool strong) {
    if (strong && (is_weak(a) || is_weak(b))) return false;
    if (is_weak(a)) a.remove_prefix(2);
    if (is_weak(b)) b.remove_prefix(2);
    return !a.empty() && a == b;
}

Condition evaluate_conditions(const RequestHead& request, const Validators& validators) {
    const Headers& headers = request.headers;
    const bool reads = request.method == Method::Get || request.method == Method::Head;
    const bool has_date = validators.last_modified != 0;
    if (headers.has(HeaderId::IfMatch)) {
        if (!any_field_matches(headers, HeaderId::IfMatch, validators.etag, true)) return Condition::Failed;
    } else if (headers.has(HeaderId::IfUnmodifiedSince) && has_date) {
        const auto since = parse_date(headers.value(HeaderId::IfUnmodifiedSince));
        if (since && validators.last_modified > *since) return Condition::Failed;
    }
    if (headers.has(HeaderId::IfNoneMatch)) {
        if (any_field_matches(headers, HeaderId::IfNoneMatch, validators.etag, false)) {
            return reads ? Condition::NotModified : Condition::Failed;
        }
    } else if (reads && headers.has(HeaderId::IfModifiedSince) && has_date) {
        const auto since = parse_date(headers.value(HeaderId::IfModifiedSince));
        if (since && validators.last_modified <= *since) return Condition::NotModified;
    }
    return Condition::Proceed;
}

bool range_applies(const RequestHead& request, const Validators& validators) {
    const Field* field = request.headers.find(HeaderId::IfRange);
    if (field == nullptr) return true;
    std::string_view rest = field->value;
    const std::string_view etag = take_etag(rest);
    if (!etag.empty()) return rest.empty() && etags_match(etag, validators.etag, true);
    const auto date = parse_date(field->value);
    return date && validators.last_modified != 0 && *date == validators.last_modified;
}

}  // namespace gantry::http
