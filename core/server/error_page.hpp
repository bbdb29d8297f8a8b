// What stands in the body of an error: our own small page in the form that the client prefers, or the page
// that the configuration names.
#pragma once

#include "core/base/arena.hpp"
#include "core/server/problem.hpp"
#include "core/server/template.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

enum class PageFormat : std::uint8_t { Html, Text, Json };

// By Accept: JSON or plain text when the client prefers it to HTML; HTML when in doubt (no field, "*/*").
PageFormat page_format(std::string_view accept);
std::string_view content_type(PageFormat format);

// Our own page, in the arena. `status` any 3 digits. `detail` is a sentence for people or "" (escaped here).
std::string_view builtin_page(int status, PageFormat format, std::string_view detail, Arena& arena);

// A page of the configuration.
struct CustomPage {
    int status = 0;                           // 404, or 4 / 5 for a class
    std::shared_ptr<const std::string> body;  // null: redirect
    std::string_view content_type;            // of the body, by the file's extension
    Template redirect;                        // target of a 302
};

// Reads files once however many hosts name them. For one build of a generation. Control plane.
class PageFiles {
public:
    static constexpr std::size_t kMaxBytes = 1024 * 1024;

    // Null and a sentence in `error` when the file cannot be read or is too large.
    std::shared_ptr<const std::string> read(const std::string& path, std::string& error);

private:
    std::map<std::string, std::shared_ptr<const std::string>> files_;
};

// The pages of one location or host. Immutable; [any].
class ErrorPages {
public:
    ErrorPages() = default;
    // `pages` nearest scope first, and in each statuses before classes, as conf::Location::error_pages has
    // them; the first one that names the status or its class wins.
    static ErrorPages build(const std::vector<conf::ErrorPage>& pages, PageFiles& files, Problems& problems);

    // Null: use the built-in page.
    const CustomPage* find(int status) const;
    bool empty() const { return pages_.empty(); }

private:
    std::vector<CustomPage> pages_;
};

}  // namespace gantry::server
