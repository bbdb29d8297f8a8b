// Which responses are worth compressing, and for which it is safe. Knows no server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace compression {

// Media types: "text/*", "*+json", "application/json". Immutable. [any]
class Types {
public:
    static bool is_pattern(std::string_view text);

    explicit Types(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}
    // `content_type`: the field, with its parameters.
    bool contain(std::string_view content_type) const;

private:
    std::vector<std::string> patterns_;
};

// The type without parameters: "text/html".
std::string_view media_type(std::string_view content_type);

struct Response {
    int status = 200;
    std::string_view content_type;
    std::string_view content_encoding;
    std::string_view cache_control;
    bool has_content_range = false;
    std::uint64_t size = UINT64_MAX;  // UINT64_MAX: not known
};
// Whether there are clients that get this response compressed.
bool is_compressible(const Response& response, const Types& types);

// Who asks, as far as it tells whether a page of another site made the browser ask (BREACH).
struct Asker {
    bool has_cookie = false;
    std::string_view authorization;
    std::string_view site;     // Sec-Fetch-Site
    std::string_view user;     // Sec-Fetch-User
    std::string_view origin;   // Origin
    std::string_view referer;  // Referer
    std::string_view host;     // asked for, without port
};
// Whether somebody else may choose what is asked for, again and again, with the credentials of a visitor, and
// learn secrets from the sizes of the answers.
bool is_attackable(const Asker& asker, std::string_view cache_control);

// The host of "https://www.example.com:8443/x"; "": there is none.
std::string_view host_of(std::string_view url);

// Whether `list` (If-None-Match) has the weak form of the strong `tag`, and not itself.
bool has_weak_form(std::string_view list, std::string_view tag);

}  // namespace compression
