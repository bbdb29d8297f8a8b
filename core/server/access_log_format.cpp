#include "core/server/access_log_format.hpp"

#include "core/server/secrets.hpp"

#include <algorithm>

namespace gantry::server {

namespace {

constexpr std::string_view kCombined =
    R"(${remote_addr} - - [${time_local}] "${method} ${uri} ${protocol}" ${status} ${body_bytes} "${referer}" "${user_agent}")";
constexpr std::string_view kMasked = "***";
constexpr std::size_t kMaxNumber = 24;

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

AccessLogFormat::Text AccessLogFormat::keep(std::string_view text) {
    const Text kept{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
    text_ += text;
    return kept;
}

// `literal` is what stands between this part and the one before; it is used up.
void AccessLogFormat::add(Part part, std::string& literal) {
    part.before = keep(literal);
    fixed_ += literal.size() + (part.kind == Kind::Number ? kMaxNumber : 0);
    literal.clear();
    parts_.push_back(part);
}

void AccessLogFormat::add_end(std::string literal) {
    literal += '\n';
    after_ = keep(literal);
    fixed_ += literal.size();
    text_.append(LogLine::kSlack, '\0');
    text_.shrink_to_fit();
}

AccessLogFormat AccessLogFormat::json(Masking masking) {
    AccessLogFormat format;
    format.masking_ = std::move(masking);
    format.escape_ = LogEscape::Json;
    std::string literal;
    for (const JsonField& field : kJsonFields) {
        const std::string key =
            std::string(format.parts_.empty() ? "{" : ",") + "\"" + std::string(field.name) + "\":";
        Part part;
        part.id = field.id;
        part.kind = field.kind;
        part.mask = is_made_here(field.id) ? Mask::Plain : format.mask_of(field.id, "");
        if (field.kind == Kind::OptionalValue || field.kind == Kind::OptionalNumber)
            part.key = format.keep(key);
        else
            literal += key;
        if (field.kind == Kind::Value) literal += '"';
        format.add(part, literal);
        if (field.kind == Kind::Value) literal += '"';
    }
    format.add_end(literal + "}");
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
    result.escape_ = first != text.npos && text[first] == '{' ? LogEscape::Json : LogEscape::Text;
    std::string literal;
    for (const Template::Part& from : compiled->parts_) {
        const std::string_view argument = std::string_view(compiled->text_).substr(from.offset, from.length);
        if (!from.is_variable) {
            literal += argument;
            continue;
        }
        Part part;
        part.argument = result.keep(argument);
        part.kind = Kind::Value;
        part.mask = is_made_here(from.id) ? Mask::Plain : result.mask_of(from.id, argument);
        part.id = from.id;
        part.header = from.header;
        part.group = from.group;
        result.add(part, literal);
    }
    result.add_end(std::move(literal));
    return result;
}

// ---- writing

void AccessLogFormat::write_number(const Part& part, std::string_view value, LogLine& line) const {
    const bool is_short_number = value.size() <= kMaxNumber && is_number(value);
    if (part.kind == Kind::Number) {
        line.fixed(is_short_number ? value : "null");  // room was kept for it
    } else if (is_short_number && line.take(part.key.length + value.size())) {
        line.fixed(text(part.key));
        line.fixed(value);
    }
}

void AccessLogFormat::write_query(std::string_view text, LogLine& line) const {
    std::size_t written = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('&', begin), text.size());
        const std::string_view pair = text.substr(begin, end - begin);
        const auto equals = pair.find('=');
        if (equals != pair.npos && equals + 1 < pair.size() && is_secret(pair.substr(0, equals))) {
            line.value(text.substr(written, begin + equals + 1 - written));
            line.whole(kMasked);
            written = end;
        }
        begin = end + 1;
    }
    line.value(text.substr(written));
}

void AccessLogFormat::write_uri(std::string_view text, LogLine& line) const {
    if (line.clean_without<'?'>(text)) return;
    const auto mark = text.find('?');
    if (mark == text.npos) return line.value(text);
    line.value(text.substr(0, mark + 1));
    write_query(text.substr(mark + 1), line);
}

void AccessLogFormat::write_value(Mask mask, std::string_view value, LogLine& line) const {
    switch (mask) {
        case Mask::Plain:
            return line.plain(value);
        case Mask::None:
            return line.value(value);
        case Mask::All:
            line.whole(kMasked);
            return;
        case Mask::Query:
            return write_query(value, line);
        case Mask::Uri:
            return write_uri(value, line);
    }
}

void AccessLogFormat::write_optional(const Part& part, std::string_view value, LogLine& line) const {
    if (value.empty() || !line.take(part.key.length + 2)) return;
    line.fixed(text(part.key));
    line.fixed("\"");
    write_value(part.mask, value, line);
    line.fixed("\"");
}

std::size_t AccessLogFormat::write(const VariableSource& source, Arena& arena, char* to) const {
    LogLine line(to, kMaxLine - LogLine::kSlack - fixed_, escape_);
    for (const Part& part : parts_) {
        line.literal(text(part.before));
        const std::string_view value =
            source.value({part.id, part.header, part.group, text(part.argument)}, arena);
        if (part.kind == Kind::Value) {
            if (!value.empty())
                write_value(part.mask, value, line);
            else if (escape_ == LogEscape::Text)
                line.whole("-");
        } else if (part.kind == Kind::OptionalValue) {
            write_optional(part, value, line);
        } else {
            write_number(part, value, line);
        }
    }
    line.literal(text(after_));
    return line.size();
}

}  // namespace gantry::server
