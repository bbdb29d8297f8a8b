#include "core/server/error_page.hpp"

#include "core/base/text.hpp"
#include "core/base/unique_fd.hpp"
#include "core/http/message.hpp"
#include "core/http/mime.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::server {

namespace {

// q of a media range, in thousandths; what cannot be read counts as 1.
int weight_of(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto end = std::min(parameters.find(';'), parameters.size());
        const std::string_view parameter = trim(parameters.substr(0, end));
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
        if (!starts_with_ignore_case(parameter, "q=")) continue;
        const std::string_view value = parameter.substr(2);
        if (value.empty() || (value[0] != '0' && value[0] != '1')) return 1000;
        int weight = (value[0] - '0') * 1000;
        int unit = 100;
        for (std::size_t i = 2; i < value.size() && i < 5 && is_digit(value[i]); ++i, unit /= 10)
            weight += (value[i] - '0') * unit;
        return std::min(weight, 1000);
    }
    return 1000;
}

// What the client says about one type: the most specific range counts (RFC 9110 12.5.1).
struct Preference {
    std::string_view type;
    int weight = 0;
    int precision = -1;

    void consider(std::string_view range, int its_weight) {
        const auto slash = range.find('/');
        int its_precision = -1;
        if (equals_ignore_case(range, type))
            its_precision = 2;
        else if (range == "*/*")
            its_precision = 0;
        else if (slash != range.npos && range.substr(slash) == "/*" &&
                 starts_with_ignore_case(type, range.substr(0, slash + 1)))
            its_precision = 1;
        if (its_precision <= precision) return;
        precision = its_precision;
        weight = its_weight;
    }
    // A type that was named beats one that a wildcard covers as well.
    int score() const { return weight == 0 ? 0 : weight * 4 + precision; }
};

std::string_view escape_html(std::string_view text, Arena& arena) {
    if (text.find_first_of("&<>\"'") == text.npos) return text;
    fmt::memory_buffer escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped.append(std::string_view("&amp;"));
                break;
            case '<':
                escaped.append(std::string_view("&lt;"));
                break;
            case '>':
                escaped.append(std::string_view("&gt;"));
                break;
            case '"':
                escaped.append(std::string_view("&quot;"));
                break;
            case '\'':
                escaped.append(std::string_view("&#39;"));
                break;
            default:
                escaped.push_back(c);
        }
    }
    return arena.copy({escaped.data(), escaped.size()});
}

std::string_view escape_json(std::string_view text, Arena& arena) {
    fmt::memory_buffer escaped;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            escaped.push_back('\\');
            escaped.push_back(c);
        } else if (byte < 0x20 || byte >= 0x7f) {
            escaped.push_back('?');
        } else {
            escaped.push_back(c);
        }
    }
    return arena.copy({escaped.data(), escaped.size()});
}

std::string_view html_page(std::string_view number, std::string_view reason, std::string_view detail,
                           Arena& arena) {
    detail = escape_html(detail, arena);
    const std::string_view open = detail.empty() ? "" : "<p>";
    return arena.join(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>",
        number, " ", reason,
        "</title><style>:root{color-scheme:light dark}"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:18vh auto;padding:0 1em}"
        "h1{font-weight:600}small{opacity:.6}</style></head>\n<body><h1>",
        number, " ", reason, "</h1>", open, detail, detail.empty() ? "" : "</p>",
        "<small>gantry</small></body></html>\n");
}

}  // namespace

PageFormat page_format(std::string_view accept) {
    if (accept.empty()) return PageFormat::Html;
    Preference html{"text/html"};
    Preference json{"application/json"};
    Preference text{"text/plain"};
    for_each_element(accept, [&](std::string_view element) {
        const auto semicolon = std::min(element.find(';'), element.size());
        const std::string_view range = trim(element.substr(0, semicolon));
        const int weight = weight_of(element.substr(std::min(semicolon + 1, element.size())));
        for (Preference* each : {&html, &json, &text}) each->consider(range, weight);
        // "application/problem+json" and the like understand JSON as well.
        if (range.ends_with("+json")) json.consider("application/json", weight);
        return true;
    });
    if (json.score() > html.score() && json.score() >= text.score()) return PageFormat::Json;
    if (text.score() > html.score()) return PageFormat::Text;
    return PageFormat::Html;
}

std::string_view content_type(PageFormat format) {
    switch (format) {
        case PageFormat::Html:
            return "text/html; charset=utf-8";
        case PageFormat::Text:
            return "text/plain; charset=utf-8";
        case PageFormat::Json:
            return "application/json";
    }
    return "";
}

std::string_view builtin_page(int status, PageFormat format, std::string_view detail, Arena& arena) {
    char digits[16];
    const auto end = fmt::format_to_n(digits, sizeof digits, "{}", status);
    const std::string_view number = arena.copy({digits, end.size});
    std::string_view reason = http::reason_phrase(status);
    if (reason.empty()) reason = status < 500 ? "Error" : "Server Error";
    switch (format) {
        case PageFormat::Html:
            return html_page(number, reason, detail, arena);
        case PageFormat::Text:
            return arena.join(number, " ", reason, "\n", detail, detail.empty() ? "" : "\n");
        case PageFormat::Json:
            if (detail.empty()) return arena.join("{\"status\":", number, ",\"error\":\"", reason, "\"}\n");
            return arena.join("{\"status\":", number, ",\"error\":\"", reason, "\",\"detail\":\"",
                              escape_json(detail, arena), "\"}\n");
    }
    return {};
}

std::shared_ptr<const std::string> PageFiles::read(const std::string& path, std::string& error) {
    if (const auto known = files_.find(path); known != files_.end()) return known->second;
    // Non-blocking, so that a FIFO by mistake does not hold the load for ever.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        error = std::strerror(errno);
        return nullptr;
    }
    if (!S_ISREG(status.st_mode)) {
        error = "not a regular file";
        return nullptr;
    }
    std::string bytes(kMaxBytes + 1, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            error = std::strerror(errno);
            return nullptr;
        }
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > kMaxBytes) {
        error = "larger than 1 MiB";
        return nullptr;
    }
    bytes.resize(size);
    bytes.shrink_to_fit();
    return files_[path] = std::make_shared<const std::string>(std::move(bytes));
}

ErrorPages ErrorPages::build(const std::vector<conf::ErrorPage>& pages, PageFiles& files,
                             Problems& problems) {
    ErrorPages built;
    for (const conf::ErrorPage& from : pages) {
        CustomPage page;
        page.status = from.status;
        if (!from.file.empty()) {
            std::string error;
            page.body = files.read(from.file, error);
            if (page.body == nullptr) {
                problems.push_back(
                    {from.place, 0, "error page \"" + from.file + "\" cannot be read: " + error,
                     "give the user that runs gantry the right to read it", conf::Cause::Environment});
                continue;
            }
            const auto dot = from.file.rfind('.');
            const std::string_view extension =
                dot == from.file.npos ? std::string_view{} : std::string_view(from.file).substr(dot + 1);
            const std::string_view type = http::mime_type(extension);
            page.content_type = type.empty() || type == "text/html" ? content_type(PageFormat::Html)
                                : type == "text/plain"              ? content_type(PageFormat::Text)
                                                                    : type;
        } else {
            auto redirect = Template::compile(from.redirect.text, {Purpose::Uri, Stage::Response, {}});
            if (!redirect) {
                TemplateError& error = redirect.error();
                problems.push_back({from.redirect.place, static_cast<std::uint32_t>(error.offset),
                                    std::move(error.message), std::move(error.hint)});
                continue;
            }
            page.redirect = std::move(*redirect);
        }
        built.pages_.push_back(std::move(page));
    }
    return built;
}

const CustomPage* ErrorPages::find(int status) const {
    for (const CustomPage& page : pages_) {
        if (page.status == status || page.status == status / 100) return &page;
    }
    return nullptr;
}

}  // namespace gantry::server
