#include "core/server/access_log_format.hpp"

#include "core/server/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace gantry::server {

namespace {

constexpr std::string_view kCombined =
    R"(${remote_addr} - - [${time_local}] "${method} ${uri} ${protocol}" ${status} ${body_bytes} "${referer}" "${user_agent}")";
constexpr std::string_view kMasked = "***";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t kMaxNumber = 24;
constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes that are written as they are.
constexpr std::array<bool, 256> plain_bytes(unsigned last) {
    std::array<bool, 256> plain{};
    for (unsigned i = 0x20; i <= last; ++i) plain[i] = i != '"' && i != '\\';
    return plain;
}
constexpr auto kPlainText = plain_bytes(0x7e);
constexpr auto kPlainJson = plain_bytes(0x7f);

// Are these eight bytes all printable ASCII without `"` and `\`? Not exact: some that are may be called not.
bool are_plain(const char* from) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kTops = 0x80 * kOnes;
    std::uint64_t bytes;
    std::memcpy(&bytes, from, sizeof bytes);
    const std::uint64_t quote = bytes ^ ('"' * kOnes);
    const std::uint64_t backslash = bytes ^ ('\\' * kOnes);
    const std::uint64_t bad =
        (bytes - 0x20 * kOnes) | (bytes + kOnes) | (quote - kOnes) | (backslash - kOnes);
    return ((bad | bytes) & kTops) == 0;
}

// The same of a whole text; the last eight overlap those before them.
bool are_all_plain(std::string_view text, const std::array<bool, 256>& table) {
    if (text.size() < 8) {
        return std::all_of(text.begin(), text.end(),
                           [&](char c) { return table[static_cast<unsigned char>(c)]; });
    }
    for (std::size_t at = 0; at + 8 < text.size(); at += 8) {
        if (!are_plain(text.data() + at)) return false;
    }
    return are_plain(text.data() + text.size() - 8);
}

// How many bytes at the begin are written as they are.
std::size_t plain_run(std::string_view text, const std::array<bool, 256>& table) {
    std::size_t run = 0;
    for (;;) {
        while (run + 8 <= text.size() && are_plain(text.data() + run)) run += 8;
        const std::size_t stop = std::min(run + 8, text.size());
        while (run < stop && table[static_cast<unsigned char>(text[run])]) ++run;
        if (run < stop || run == text.size()) return run;
    }
}

// The length of the UTF-8 sequence that `text` begins with, 0 when it is none (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
        return is_tail(1) && is_tail(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
        return is_tail(1) && is_tail(2) && is_tail(3) ? 4 : 0;
    }
    return 0;
}

bool is_number(std::string_view text) {
    const auto is_digits = [](std::string_view part) {
        return !part.empty() &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    const auto dot = text.find('.');
    const std::string_view whole = text.substr(0, dot);
    if (!is_digits(whole) || (whole.size() > 1 && whole[0] == '0')) return false;
    return dot == text.npos || is_digits(text.substr(dot + 1));
}

}  // namespace

// A line being written. Literals always fit; values share what is left.
class AccessLogFormat::Output {
public:
    Output(char* to, std::size_t room, const AccessLogFormat& format)
        : begin_(to), at_(to), room_(room), format_(format), escape_(format.escape_) {}

    void literal(std::string_view text) {
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }

    // All of it or nothing.
    bool whole(std::string_view text) {
        if (text.size() > room_) {
            room_ = 0;
            return false;
        }
        literal(text);
        room_ -= text.size();
        return true;
    }

    bool take(std::size_t bytes) {
        if (bytes > room_) return false;
        room_ -= bytes;
        return true;
    }

    // As it is; cut where there is no room for all of it.
    void plain(std::string_view text) {
        const std::size_t fits = std::min(text.size(), room_);
        literal(text.substr(0, fits));
        room_ = fits < text.size() ? 0 : room_ - fits;
    }

    void value(std::string_view text) {
        const auto& table = escape_ == Escape::Text ? kPlainText : kPlainJson;
        if (are_all_plain(text, table)) return plain(text);
        while (!text.empty()) {
            const std::size_t run = plain_run(text, table);
            plain(text.substr(0, run));
            text.remove_prefix(run);
            if (text.empty() || room_ == 0) return;
            text.remove_prefix(escape_ == Escape::Text ? escape_text(text[0]) : escape_json(text));
        }
    }

    void query(std::string_view text) {
        std::size_t written = 0;
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('&', begin), text.size());
            const std::string_view pair = text.substr(begin, end - begin);
            const auto equals = pair.find('=');
            if (equals != pair.npos && equals + 1 < pair.size() &&
                format_.is_secret(pair.substr(0, equals))) {
                value(text.substr(written, begin + equals + 1 - written));
                whole(kMasked);
                written = end;
            }
            begin = end + 1;
        }
        value(text.substr(written));
    }

    void uri(std::string_view text) {
        const auto mark = std::min(text.find('?'), text.size());
        if (mark == text.size()) return value(text);
        value(text.substr(0, mark + 1));
        query(text.substr(mark + 1));
    }

    std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }

private:
    std::size_t escape_text(char c) {
        const auto byte = static_cast<unsigned char>(c);
        const char escaped[] = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
        whole({escaped, sizeof escaped});
        return 1;
    }

    std::size_t escape_json(std::string_view text) {
        const auto byte = static_cast<unsigned char>(text[0]);
        if (byte >= 0x80) {
            const std::size_t length = utf8_length(text);
            whole(length == 0 ? kReplacement : text.substr(0, length));
            return std::max<std::size_t>(length, 1);
        }
        switch (text[0]) {
            case '"':
                whole("\\\"");
                break;
            case '\\':
                whole("\\\\");
                break;
            case '\n':
                whole("\\n");
                break;
            case '\r':
                whole("\\r");
                break;
            case '\t':
                whole("\\t");
                break;
            default: {
                const char escaped[] = {'\\', 'u', '0', '0', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
                whole({escaped, sizeof escaped});
            }
        }
        return 1;
    }

    char* begin_;
    char* at_;
    std::size_t room_;
    const AccessLogFormat& format_;
    Escape escape_;
};

// ---- compiling

bool AccessLogFormat::is_made_here(VariableId id) {
    switch (id) {
        case VariableId::Scheme:
        case VariableId::Protocol:
        case VariableId::RemoteAddr:
        case VariableId::RemotePort:
        case VariableId::ServerAddr:
        case VariableId::ServerPort:
        case VariableId::Time:
        case VariableId::TimeLocal:
        case VariableId::Status:
        case VariableId::BytesReceived:
        case VariableId::BytesSent:
        case VariableId::BodyBytes:
        case VariableId::Duration:
            return true;
        default:
            return false;
    }
}

struct AccessLogFormat::JsonField {
    std::string_view name;
    VariableId id;
    Kind kind;
};

const AccessLogFormat::JsonField AccessLogFormat::kJsonFields[] = {
    {"time", VariableId::Time, Kind::Value},
    {"remote_addr", VariableId::RemoteAddr, Kind::Value},
    {"method", VariableId::Method, Kind::Value},
    {"scheme", VariableId::Scheme, Kind::Value},
    {"host", VariableId::Host, Kind::Value},
    {"uri", VariableId::Uri, Kind::Value},
    {"protocol", VariableId::Protocol, Kind::Value},
    {"status", VariableId::Status, Kind::Number},
    {"bytes_received", VariableId::BytesReceived, Kind::Number},
    {"bytes_sent", VariableId::BytesSent, Kind::Number},
    {"body_bytes", VariableId::BodyBytes, Kind::Number},
    {"duration", VariableId::Duration, Kind::Number},
    {"queue_time", VariableId::QueueTime, Kind::OptionalNumber},
    {"tls_handshake_time", VariableId::TlsHandshakeTime, Kind::OptionalNumber},
    {"head_time", VariableId::HeadTime, Kind::OptionalNumber},
    {"handler_time", VariableId::HandlerTime, Kind::OptionalNumber},
    {"request_id", VariableId::RequestId, Kind::Value},
    {"host_name", VariableId::HostName, Kind::OptionalValue},
    {"location", VariableId::Location, Kind::OptionalValue},
    {"referer", VariableId::Referer, Kind::OptionalValue},
    {"user_agent", VariableId::UserAgent, Kind::OptionalValue},
    {"tls_version", VariableId::TlsVersion, Kind::OptionalValue},
    {"tls_cipher", VariableId::TlsCipher, Kind::OptionalValue},
    {"upstream_addr", VariableId::UpstreamAddr, Kind::OptionalValue},
    {"upstream_status", VariableId::UpstreamStatus, Kind::OptionalNumber},
    {"upstream_connect_time", VariableId::UpstreamConnectTime, Kind::OptionalNumber},
    {"upstream_first_byte_time", VariableId::UpstreamFirstByteTime, Kind::OptionalNumber},
    {"upstream_response_time", VariableId::UpstreamResponseTime, Kind::OptionalNumber},
    {"error", VariableId::Error, Kind::OptionalValue},
};

bool AccessLogFormat::is_secret(std::string_view parameter) const {
    if (is_secret_parameter(parameter)) return true;
    return std::any_of(masking_.also.begin(), masking_.also.end(),
                       [&](const std::string& name) { return is_same_parameter(parameter, name); });
}

AccessLogFormat::Mask AccessLogFormat::mask_of(VariableId id, std::string_view argument) const {
    if (!masking_.is_on) return Mask::None;
    switch (id) {
        case VariableId::Uri:
        case VariableId::Referer:
            return Mask::Uri;
        case VariableId::Query:
            return Mask::Query;
        case VariableId::QueryValue:
            return is_secret(argument) ? Mask::All : Mask::None;
        case VariableId::Cookie:
            return Mask::All;
        case VariableId::Header:
        case VariableId::ResponseHeader:
            if (is_secret_field(argument) ||
                std::find(masking_.also.begin(), masking_.also.end(), argument) != masking_.also.end())
                return Mask::All;
            return argument == "referer" || argument == "location" ? Mask::Uri : Mask::None;
        default:
            return Mask::None;
    }
}

void AccessLogFormat::add_literal(std::string_view text) {
    fixed_ += text.size();
    if (parts_.empty() || parts_.back().kind != Kind::Literal) {
        Part part;
        part.offset = static_cast<std::uint32_t>(text_.size());
        parts_.push_back(part);
    }
    parts_.back().length += static_cast<std::uint32_t>(text.size());
    text_ += text;
}

AccessLogFormat AccessLogFormat::json(Masking masking) {
    AccessLogFormat format;
    format.masking_ = std::move(masking);
    format.escape_ = Escape::Json;
    for (const JsonField& field : kJsonFields) {
        const bool first = format.parts_.empty();
        const std::string key = std::string(first ? "{" : ",") + "\"" + std::string(field.name) + "\":";
        Part part;
        part.id = field.id;
        part.kind = field.kind;
        part.mask = is_made_here(field.id) ? Mask::Plain : format.mask_of(field.id, "");
        const bool optional = field.kind == Kind::OptionalValue || field.kind == Kind::OptionalNumber;
        if (optional) {
            part.key = static_cast<std::uint32_t>(format.text_.size());
            part.key_length = static_cast<std::uint32_t>(key.size());
            format.text_ += key;
        } else {
            format.add_literal(key);
        }
        if (field.kind == Kind::Value) format.add_literal("\"");
        if (field.kind == Kind::Number) format.fixed_ += kMaxNumber;
        format.parts_.push_back(part);
        if (field.kind == Kind::Value) format.add_literal("\"");
    }
    format.add_literal("}");
    return format;
}

tl::expected<AccessLogFormat, TemplateError> AccessLogFormat::compile(
    std::string_view format, const std::vector<const Regex*>& captures, Masking masking) {
    if (format == "json") return json(std::move(masking));
    const std::string_view text = format == "combined" ? kCombined : format;
    if (text.size() > kMaxTemplate)
        return tl::unexpected(TemplateError{kMaxTemplate, "the format is longer than 4 KiB", "shorten it"});
    if (const auto end = text.find('\n'); end != text.npos)
        return tl::unexpected(TemplateError{end, "a log format is one line",
                                            "take the line break out: each line ends with one"});
    auto compiled = Template::compile(text, {Purpose::Text, Stage::Log, captures});
    if (!compiled) return tl::unexpected(std::move(compiled.error()));

    AccessLogFormat result;
    result.masking_ = std::move(masking);
    const auto first = text.find_first_not_of(' ');
    result.escape_ = first != text.npos && text[first] == '{' ? Escape::Json : Escape::Text;
    for (const Template::Part& from : compiled->parts_) {
        const std::string_view argument = std::string_view(compiled->text_).substr(from.offset, from.length);
        if (!from.is_variable) {
            result.add_literal(argument);
            continue;
        }
        Part part;
        part.offset = static_cast<std::uint32_t>(result.text_.size());
        part.length = from.length;
        part.kind = Kind::Value;
        part.mask = is_made_here(from.id) ? Mask::Plain : result.mask_of(from.id, argument);
        part.id = from.id;
        part.header = from.header;
        part.group = from.group;
        result.text_ += argument;
        result.parts_.push_back(part);
    }
    return result;
}

// ---- writing

void AccessLogFormat::write_part(const Part& part, const VariableSource& source, Arena& arena,
                                 Output& out) const {
    const std::string_view value =
        source.value({part.id, part.header, part.group, text(part.offset, part.length)}, arena);
    if (part.kind == Kind::Value && part.mask == Mask::Plain && !value.empty()) return out.plain(value);
    const bool is_optional = part.kind == Kind::OptionalValue || part.kind == Kind::OptionalNumber;
    if (part.kind == Kind::Number || part.kind == Kind::OptionalNumber) {
        const bool is_short_number = value.size() <= kMaxNumber && is_number(value);
        if (!is_optional) {
            out.literal(is_short_number ? value : "null");  // room was kept for it
        } else if (is_short_number && out.take(part.key_length + value.size())) {
            out.literal(text(part.key, part.key_length));
            out.literal(value);
        }
        return;
    }
    if (value.empty()) {
        if (escape_ == Escape::Text) out.whole("-");
        return;
    }
    if (is_optional) {
        if (!out.take(part.key_length + 2)) return;
        out.literal(text(part.key, part.key_length));
        out.literal("\"");
    }
    switch (part.mask) {
        case Mask::Plain:
            out.plain(value);
            break;
        case Mask::None:
            out.value(value);
            break;
        case Mask::All:
            out.whole(kMasked);
            break;
        case Mask::Query:
            out.query(value);
            break;
        case Mask::Uri:
            out.uri(value);
            break;
    }
    if (is_optional) out.literal("\"");
}

std::size_t AccessLogFormat::write(const VariableSource& source, Arena& arena, char* to) const {
    Output out(to, kMaxLine - fixed_, *this);
    for (const Part& part : parts_) {
        if (part.kind == Kind::Literal)
            out.literal(text(part.offset, part.length));
        else
            write_part(part, source, arena, out);
    }
    out.literal("\n");
    return out.size();
}

}  // namespace gantry::server
