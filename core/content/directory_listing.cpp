#include "core/content/directory_listing.hpp"

#include "core/http/negotiate.hpp"
#include "core/server/error_page.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>

namespace gantry::content {
namespace {

constexpr std::size_t kMaxListed = 10'000;
constexpr std::size_t kMaxTheme = 256 * 1024;

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem "
    "auto;padding:0 1rem}"
    "h1{font-size:1.2rem;word-break:break-all}table{width:100%;border-collapse:collapse}td,th{padding:.3rem "
    ".5rem;text-align:left;"
    "border-bottom:1px solid "
    "#8883}td+td,th+th{text-align:right;white-space:nowrap;color:#888}a{text-decoration:none}"
    "a:hover{text-decoration:underline}";

void append_html(std::string& to, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '&':
                to += "&amp;";
                break;
            case '<':
                to += "&lt;";
                break;
            case '>':
                to += "&gt;";
                break;
            case '"':
                to += "&quot;";
                break;
            case '\'':
                to += "&#39;";
                break;
            default:
                to += c;
        }
    }
}

// For an href: everything but unreserved characters, so that neither markup nor a scheme can come of a name.
void append_url(std::string& to, std::string_view text) {
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        plain ? to += c : to += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
}

// Bytes that are no UTF-8 are written as the code points of their values: JSON has no bytes.
void append_json(std::string& to, std::string_view text) {
    to += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            to += '\\';
            to += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            to += fmt::format("\\u{:04x}", byte);
        } else {
            to += c;
        }
    }
    to += '"';
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
        }
        i += length;
    }
    return true;
}

std::string time_text(std::int64_t seconds) {
    const time_t time = seconds;
    tm parts;
    ::gmtime_r(&time, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string size_text(std::uint64_t size) {
    static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(size);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
    return unit == 0 ? fmt::format("{} B", size) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

struct Listing {
    std::vector<ListedFile> files;
    bool is_cut = false;
    int error = 0;
};

// Shows what could be fetched, and nothing else: the rules on links and dot files are those of serving.
Listing read_directory(const FileRoot& root, const std::string& path, bool dotfiles) {
    Listing listing;
    const UniqueFd top(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto fd = open_beneath(top.get(), path.c_str(), root.links, Disk::MayBlock);
    DIR* directory = fd ? ::fdopendir(fd->get()) : nullptr;
    if (directory == nullptr) {
        listing.error = fd ? errno : fd.error().system;
        return listing;
    }
    fd->release();  // closedir's now
    while (const dirent* entry = ::readdir(directory)) {
        ListedFile file;
        file.name = entry->d_name;
        if (file.name == "." || file.name == ".." || (!dotfiles && file.name.starts_with('.'))) continue;
        struct stat stat;
        const int flags = root.links == conf::StaticOptions::Symlinks::Deny ? AT_SYMLINK_NOFOLLOW : 0;
        if (::fstatat(::dirfd(directory), entry->d_name, &stat, flags) != 0) continue;
        if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode)) continue;
        if (listing.files.size() >= kMaxListed) {
            listing.is_cut = true;
            break;
        }
        file.is_directory = S_ISDIR(stat.st_mode);
        file.size = static_cast<std::uint64_t>(stat.st_size);
        file.modified = stat.st_mtim.tv_sec;
        listing.files.push_back(std::move(file));
    }
    ::closedir(directory);
    std::sort(listing.files.begin(), listing.files.end(), [](const ListedFile& a, const ListedFile& b) {
        return a.is_directory != b.is_directory ? a.is_directory : a.name < b.name;
    });
    return listing;
}

// "" where there is none or it cannot be read: then ours is used. Cannot end the style element.
std::string read_theme(const std::string& file) {
    if (file.empty()) return {};
    std::ifstream in(file, std::ios::binary);
    std::string style(kMaxTheme, '\0');
    in.read(style.data(), static_cast<std::streamsize>(style.size()));
    style.resize(static_cast<std::size_t>(in.gcount()));
    for (std::size_t at = 0; (at = style.find("</", at)) != style.npos;) style.replace(at, 2, "<\\/");
    return style;
}

void answer(server::Exchange& exchange, const Listing& listing, bool as_json, std::string_view style) {
    if (listing.error != 0) {
        return exchange.fail(
            403, {Code::Forbidden, Side::Client, Retry::No, listing.error, "while listing the directory"});
    }
    const std::string body = as_json ? render_json(listing.files, listing.is_cut)
                                     : render_html(exchange.path(), listing.files, style, listing.is_cut);
    exchange.response().headers.add(http::HeaderId::ContentType,
                                    as_json ? "application/json" : "text/html; charset=utf-8");
    exchange.response().headers.add(http::HeaderId::CacheControl, "no-cache");
    exchange.response().headers.add(http::HeaderId::Vary, "Accept");
    exchange.respond(body);
}

}  // namespace

std::string render_html(std::string_view path, const std::vector<ListedFile>& files, std::string_view style,
                        bool is_cut) {
    std::string page =
        "<!doctype html><html><head><meta charset=utf-8><meta name=viewport "
        "content=\"width=device-width\"><title>";
    append_html(page, path);
    page.append("</title><style>").append(style.empty() ? kStyle : style).append("</style></head><body><h1>");
    append_html(page, path);
    page += "</h1><table><tr><th>Name</th><th>Size</th><th>Modified</th></tr>";
    if (path != "/") page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>";
    for (const ListedFile& file : files) {
        const std::string_view slash = file.is_directory ? "/" : "";
        page += "<tr><td><a href=\"";
        append_url(page, file.name);
        page.append(slash).append("\">");
        append_html(page, file.name);
        page.append(slash).append("</a></td><td>").append(file.is_directory ? "" : size_text(file.size));
        page.append("</td><td>").append(time_text(file.modified)).append("</td></tr>");
    }
    page += "</table>";
    if (is_cut) page += fmt::format("<p>Only {} entries are shown.</p>", files.size());
    return page + "</body></html>\n";
}

std::string render_json(const std::vector<ListedFile>& files, bool is_cut) {
    std::string text = "{\"entries\":[";
    bool first = true;
    for (const ListedFile& file : files) {
        if (!is_utf8(file.name)) continue;  // has no name in JSON
        if (!std::exchange(first, false)) text += ',';
        text += "\n{\"name\":";
        append_json(text, file.name);
        text += fmt::format(",\"type\":\"{}\",\"size\":{},\"modified\":\"{}\"}}",
                            file.is_directory ? "directory" : "file", file.size, time_text(file.modified));
    }
    return text + fmt::format("\n],\"truncated\":{}}}\n", is_cut);
}

server::Verdict list_directory(server::Exchange& exchange, const FileRoot& root, std::string_view path,
                               const conf::StaticOptions& options) {
    using Format = conf::StaticOptions::ListingFormat;
    const bool as_json = options.listing_format == Format::Json ||
                         (options.listing_format == Format::Auto &&
                          server::page_format(exchange.request().headers.value(http::HeaderId::Accept)) ==
                              server::PageFormat::Json);
    server::WorkerContext& worker = exchange.worker();
    const server::Ticket ticket = exchange.suspend(nullptr, nullptr);
    const auto work = [&worker, ticket, root, path = std::string(path), as_json, dotfiles = options.dotfiles,
                       theme = options.listing_theme] {
        auto listing = std::make_shared<Listing>(read_directory(root, path, dotfiles));
        std::string style = as_json ? std::string() : read_theme(theme);
        worker.net().post([&worker, ticket, listing, as_json, style = std::move(style)] {
            if (server::Exchange* waiting = worker.claim(ticket)) answer(*waiting, *listing, as_json, style);
        });
    };
    if (worker.blocking().submit(work)) return server::Verdict::Wait;
    worker.claim(ticket);
    exchange.fail(503, {Code::Unavailable, Side::Us, Retry::No, 0, "while queueing for the disk"});
    return server::Verdict::Fail;
}

}  // namespace gantry::content
