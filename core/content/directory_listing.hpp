// Directory listings, as a page or as JSON.
#pragma once

#include "core/conf/settings.hpp"
#include "core/content/file_cache.hpp"
#include "core/server/exchange.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::content {

struct ListedFile {
    std::string name;
    bool is_directory = false;
    std::uint64_t size = 0;
    std::int64_t modified = 0;  // seconds
};

// `path` is the request path, decoded: the title. Directories come first, then names in order. `style` is
// CSS.
std::string render_html(std::string_view path, const std::vector<ListedFile>& files, std::string_view style,
                        bool is_cut);
std::string render_json(const std::vector<ListedFile>& files, bool is_cut);

// Reads the directory on another thread and answers. [worker]
server::Verdict list_directory(server::Exchange& exchange, const FileRoot& root, std::string_view path,
                               const conf::StaticOptions& options);

}  // namespace gantry::content
