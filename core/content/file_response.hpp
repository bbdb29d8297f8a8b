// One version of a file as a response: conditions, ranges, and the fields that describe it.
#pragma once

#include "core/conf/settings.hpp"
#include "core/content/file_cache.hpp"
#include "core/server/exchange.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gantry::content {

// Media types by extension: the location's own, then the built-in table; with a charset where the type is
// text.
class FileTypes {
public:
    FileTypes(const conf::StaticOptions& options, std::uint32_t number);
    // Lives as long as this object.
    std::string_view of(std::string_view path) const;
    // Of two that describe files differently the one made later has the larger number.
    std::uint32_t number() const { return number_; }

private:
    std::string with_charset(std::string_view type) const;

    std::uint32_t number_;
    std::string charset_;
    std::string default_type_;
    std::unordered_map<std::string, std::string> own_;        // by lower-case extension
    std::unordered_map<std::string_view, std::string> text_;  // built-in types that get a charset
};

// The same object for all options that describe files alike, while it is in use. [main]
std::shared_ptr<const FileTypes> file_types(const conf::StaticOptions& options);

struct FileResponse {
    Ref<FileEntry> file;
    const FileTypes* types = nullptr;
    std::string_view path;           // names the media type
    std::string_view coding;         // Content-Encoding; "" = none
    std::string_view cache_control;  // "" = none
    bool has_etag = true;
    bool varies = false;  // by Accept-Encoding
};

// 200, 206, 304, 412 or 416, by the request. Views in `response` live as long as the generation.
void send_file_response(server::Exchange& exchange, const FileResponse& response);

// Of the names in the configuration ("br", "zstd", "gzip"): the weight that the client gives it (1 to 1000, 0
// = not accepted), the extension of the file beside the original, and the token on the wire.
int coding_weight(std::string_view accept_encoding, std::string_view name);
std::string_view coding_extension(std::string_view name);
std::string_view coding_token(std::string_view name);

}  // namespace gantry::content
