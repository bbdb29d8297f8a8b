#include "core/http/h1_framing.hpp"

#include "core/base/text.hpp"

#include <cstring>
#include <limits>

namespace gantry::http {

namespace {

// `lower` is in lower case and as long as `text`; it nearly always comes like that.
template <std::size_t kSize>
bool is_option(std::string_view text, const char (&lower)[kSize]) {
    const char* const begin = text.data();
    return std::memcmp(begin, lower, kSize - 1) == 0 || equals_ignore_case(text, lower);
}

// False for an option that means nothing here.
bool take_option(std::string_view option, ConnectionOptions& options) {
    switch (option.size()) {
        case 5:
            if (!is_option(option, "close")) return false;
            return options.close = true;
        case 7:
            if (!is_option(option, "upgrade")) return false;
            return options.upgrade = true;
        case 10:
            if (!is_option(option, "keep-alive")) return false;
            return options.keep_alive = true;
        default:
            return false;
    }
}

}  // namespace

ConnectionOptions connection_options(const Headers& headers) {
    ConnectionOptions options;
    const Field* field = headers.find(HeaderId::Connection);
    if (field == nullptr) return options;
    for (; field != headers.end(); ++field) {
        if (field->id != HeaderId::Connection) continue;
        // Nearly always it is one option.
        if (take_option(field->value, options)) continue;
        for_each_element(field->value, [&](std::string_view option) {
            take_option(option, options);
            return true;
        });
    }
    return options;
}

bool is_persistent(Version version, ConnectionOptions options) {
    if (options.close) return false;
    return version != Version::Http10 || options.keep_alive;
}

namespace {

bool is_coding_name(std::string_view text) {
    for (const char c : text) {
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.' && c != '+') return false;
    }
    return !text.empty();
}

}  // namespace

TransferCoding transfer_coding(const Headers& headers) {
    bool bad = false;
    bool unknown = false;
    int chunked = 0;
    for (const Field* field = headers.find(HeaderId::TransferEncoding); field != headers.end(); ++field) {
        if (field->id != HeaderId::TransferEncoding) continue;
        if (equals_ignore_case(field->value, "chunked")) {
            ++chunked;
            continue;
        }
        // Empty elements are legal in a list, but they are also how one smuggles.
        std::string_view rest = field->value;
        for (bool more = true; more;) {
            const std::size_t comma = rest.find(',');
            const std::string_view element = trim(rest.substr(0, comma));
            const std::string_view name = trim(element.substr(0, element.find(';')));
            more = comma != rest.npos;
            if (more) rest.remove_prefix(comma + 1);
            if (!is_coding_name(name)) bad = true;
            if (chunked > 0) bad = true;
            if (!equals_ignore_case(name, "chunked")) {
                unknown = true;
            } else if (name.size() != element.size()) {
                bad = true;
            } else {
                ++chunked;
            }
        }
    }
    if (bad || chunked > 1) return TransferCoding::Bad;
    return unknown ? TransferCoding::Unknown : TransferCoding::Chunked;
}

std::optional<std::uint64_t> content_length(std::string_view value) {
    const auto length = parse_decimal(value);
    if (!length || *length > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
    return length;
}

}  // namespace gantry::http
