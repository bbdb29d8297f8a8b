#include "core/content/file_response.hpp"

#include "core/base/text.hpp"
#include "core/http/conditional.hpp"
#include "core/http/mime.hpp"
#include "core/http/multipart_ranges.hpp"
#include "core/http/negotiate.hpp"
#include "core/http/range.hpp"
#include "core/server/worker_context.hpp"

#include <map>
#include <mutex>
#include <tuple>

namespace gantry::content {
namespace {

using http::HeaderId;
using server::Exchange;

// The kernel sends it, where it does not have to be encrypted first.
bool goes_from_descriptor(const Exchange& exchange, const FileEntry& file) {
    return !file.in_memory || (file.fd && exchange.facts().tls == nullptr);
}

// Part of the file as a piece of the body.
void send_part(Exchange& exchange, const Ref<FileEntry>& file, const http::ByteRange& range) {
    if (goes_from_descriptor(exchange, *file)) {
        exchange.send_file(file->fd.get(), static_cast<off_t>(range.first), range.size(), file);
    } else {
        exchange.send_body(std::string_view(file->content).substr(range.first, range.size()), file);
    }
}

bool has_conditions(const http::Headers& headers) {
    return headers.has(HeaderId::IfNoneMatch) || headers.has(HeaderId::IfModifiedSince) ||
           headers.has(HeaderId::IfMatch) || headers.has(HeaderId::IfUnmodifiedSince);
}

// A variant is another representation, so it needs a tag of its own (RFC 9110 8.8.3.3).
std::string_view etag_of(Exchange& exchange, const FileResponse& response) {
    if (!response.has_etag) return {};
    if (response.coding.empty()) return response.file->etag;
    const std::string_view tag = response.file->etag;
    return exchange.arena().join(tag.substr(0, tag.size() - 1), "-", response.coding, "\"");
}

void add_validators(Exchange& exchange, const FileResponse& response, std::string_view etag) {
    http::Headers& headers = exchange.response().headers;
    exchange.hold(response.file);
    headers.add(HeaderId::LastModified, response.file->last_modified);
    if (!etag.empty()) headers.add(HeaderId::Etag, etag);
    if (!response.cache_control.empty()) headers.add(HeaderId::CacheControl, response.cache_control);
    if (response.varies) headers.add(HeaderId::Vary, "Accept-Encoding");
}

void add_description(Exchange& exchange, const FileResponse& response, std::string_view etag,
                     std::string_view content_type) {
    http::Headers& headers = exchange.response().headers;
    if (!content_type.empty()) headers.add(HeaderId::ContentType, content_type);
    if (!response.coding.empty()) headers.add(HeaderId::ContentEncoding, response.coding);
    add_validators(exchange, response, etag);
    headers.add(HeaderId::AcceptRanges, "bytes");
}

void begin_body(Exchange& exchange, int status, std::uint64_t length) {
    exchange.response().status = status;
    exchange.response().body = http::BodyKind::Length;
    exchange.response().content_length = length;
}

Ref<http::PreparedFields> prepare_fields(const FileResponse& response) {
    auto fields = make_ref<http::PreparedFields>();
    const std::string_view type = response.types->of(response.path);
    if (!type.empty()) fields->add(HeaderId::ContentType, type);
    fields->add(HeaderId::LastModified, response.file->last_modified);
    if (response.has_etag) fields->add(HeaderId::Etag, response.file->etag);
    if (!response.cache_control.empty()) fields->add(HeaderId::CacheControl, response.cache_control);
    if (response.varies) fields->add(HeaderId::Vary, "Accept-Encoding");
    fields->add(HeaderId::AcceptRanges, "bytes");
    return fields;
}

// The file as it is has the same fields each time: they stay with it. Of two locations that share files and
// describe them differently the later one gains by that; after a reload that is the new one.
bool add_prepared(Exchange& exchange, const FileResponse& response) {
    FileEntry& file = *response.file;
    const std::uint32_t number = response.types->number();
    if (!response.coding.empty() || file.fields_of > number) return false;
    if (file.fields_of < number) {
        file.fields = prepare_fields(response);
        file.fields_of = number;
    }
    exchange.response().prepared = file.fields.get();
    exchange.hold(file.fields);
    return true;
}

void send_whole(Exchange& exchange, const FileResponse& response, std::string_view etag) {
    if (!add_prepared(exchange, response)) {
        add_description(exchange, response, etag, response.types->of(response.path));
    }
    if (!goes_from_descriptor(exchange, *response.file)) {
        return exchange.respond(response.file->content, response.file);
    }
    begin_body(exchange, 200, response.file->size);
    exchange.send_head();
    if (exchange.request().method != http::Method::Head)
        send_part(exchange, response.file, {0, response.file->size - 1});
    exchange.finish();
}

void send_one_range(Exchange& exchange, const FileResponse& response, std::string_view etag,
                    const http::ByteRange& range) {
    add_description(exchange, response, etag, response.types->of(response.path));
    exchange.response().headers.add(HeaderId::ContentRange,
                                    http::content_range(range, response.file->size, exchange.arena()));
    begin_body(exchange, 206, range.size());
    exchange.send_head();
    send_part(exchange, response.file, range);
    exchange.finish();
}

void send_ranges(Exchange& exchange, const FileResponse& response, std::string_view etag,
                 const http::RangeSet& set) {
    std::uint64_t boundary = 0;
    const std::string_view id = exchange.request_id();
    for (const char digit : id.substr(0, 16))
        boundary = boundary * 16 + static_cast<std::uint64_t>(hex_value(digit));
    // The id may be known to the client; a file's content is not chosen after it.
    const http::MultipartRanges parts(set, response.file->size, response.types->of(response.path), boundary,
                                      exchange.arena());
    add_description(exchange, response, etag, parts.content_type());
    begin_body(exchange, 206, parts.content_length());
    exchange.send_head();
    for (std::size_t i = 0; i < parts.parts(); ++i) {
        exchange.send_body(parts.part_head(i), {});
        send_part(exchange, response.file, set.ranges[i]);
    }
    exchange.send_body(parts.end(), {});
    exchange.finish();
}

void send_unsatisfied(Exchange& exchange, const FileResponse& response) {
    exchange.fail(416, Exchange::kNoError, HeaderId::ContentRange,
                  http::unsatisfied_range(response.file->size, exchange.arena()));
}

// 304 and 412. True: sent.
bool answer_conditions(Exchange& exchange, const FileResponse& response, std::string_view etag) {
    const http::Condition condition =
        http::evaluate_conditions(exchange.request(), {etag, response.file->modified});
    if (condition == http::Condition::Proceed) return false;
    if (condition == http::Condition::Failed) {
        exchange.fail(412, Exchange::kNoError);
        return true;
    }
    add_validators(exchange, response, etag);
    exchange.response().status = 304;
    exchange.respond({});
    return true;
}

}  // namespace

void send_file_response(Exchange& exchange, const FileResponse& response) {
    const http::RequestHead& request = exchange.request();
    const std::string_view etag = etag_of(exchange, response);
    if (has_conditions(request.headers) && answer_conditions(exchange, response, etag)) return;
    // Range is defined for GET only (RFC 9110 14.2).
    if (request.method == http::Method::Get && request.headers.has(HeaderId::Range) &&
        http::range_applies(request, {etag, response.file->modified})) {
        const http::RangeSet set =
            http::parse_range(request.headers.value(HeaderId::Range), response.file->size);
        if (set.kind == http::RangeSet::Kind::Unsatisfiable) return send_unsatisfied(exchange, response);
        if (set.kind == http::RangeSet::Kind::Satisfiable) {
            if (set.count == 1) return send_one_range(exchange, response, etag, set.ranges[0]);
            return send_ranges(exchange, response, etag, set);
        }
    }
    send_whole(exchange, response, etag);
}

FileTypes::FileTypes(const conf::StaticOptions& options, std::uint32_t number)
    : number_(number), charset_(options.charset) {
    default_type_ = with_charset(options.default_type);
    for (const auto& [extension, type] : options.types) own_[lower_case(extension)] = with_charset(type);
    for (const std::string_view type :
         {"text/html", "text/css", "text/plain", "text/javascript", "text/xml", "text/csv", "text/markdown",
          "application/json", "image/svg+xml", "application/xml"}) {
        text_[type] = with_charset(type);
    }
}

std::shared_ptr<const FileTypes> file_types(const conf::StaticOptions& options) {
    static std::mutex mutex;
    static std::map<
        std::tuple<std::string, std::string, std::map<std::string, std::string>, bool, bool, std::string>,
        std::weak_ptr<const FileTypes>>
        known;
    static std::uint32_t count = 0;
    const std::lock_guard lock(mutex);
    auto& entry = known[{options.charset, options.default_type, options.types, options.etag,
                         !options.precompressed.empty(), options.cache_control}];
    if (auto found = entry.lock()) return found;
    auto made = std::make_shared<const FileTypes>(options, ++count);
    entry = made;
    std::erase_if(known, [](const auto& item) { return item.second.expired(); });
    return made;
}

std::string FileTypes::with_charset(std::string_view type) const {
    std::string text(type);
    if (!charset_.empty() && http::is_text_type(type) && type.find(';') == type.npos)
        text += "; charset=" + charset_;
    return text;
}

std::string_view FileTypes::of(std::string_view path) const {
    const std::size_t slash = path.rfind('/');
    const std::string_view name = slash == path.npos ? path : path.substr(slash + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == name.npos) return default_type_;
    const std::string_view extension = name.substr(dot + 1);
    if (!own_.empty()) {
        if (const auto own = own_.find(lower_case(extension)); own != own_.end()) return own->second;
    }
    const std::string_view type = http::mime_type(extension);
    if (type.empty()) return default_type_;
    const auto text = text_.find(type);
    return text == text_.end() ? type : std::string_view(text->second);
}

int coding_weight(std::string_view accept_encoding, std::string_view name) {
    if (accept_encoding.data() == nullptr) return 0;
    return http::encoding_weight(accept_encoding, coding_token(name));
}

std::string_view coding_extension(std::string_view name) {
    if (name == "br") return ".br";
    if (name == "zstd") return ".zst";
    return ".gz";
}

std::string_view coding_token(std::string_view name) {
    if (name == "br") return "br";
    if (name == "zstd") return "zstd";
    return "gzip";
}

}  // namespace gantry::content
