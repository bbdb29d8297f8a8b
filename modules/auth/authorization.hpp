// The field Authorization: which scheme, and what it carries (RFC 7617, RFC 6750).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace auth {

// What is behind the name of a scheme: "Basic", "Bearer". Nothing: it is of another scheme.
std::optional<std::string_view> credentials_of(std::string_view field, std::string_view scheme);

struct BasicCredentials {
    std::string user;
    std::string password;

    BasicCredentials() = default;
    BasicCredentials(BasicCredentials&&) = default;
    BasicCredentials& operator=(BasicCredentials&&) = default;
    ~BasicCredentials();  // forgets the password
};

// Of what is behind "Basic". Nothing: it is not base64 with a colon in it, or it has control bytes.
std::optional<BasicCredentials> parse_basic(std::string_view credentials);

// Whether it may be what is behind "Bearer": a token68, and no longer than it may be.
bool is_bearer_token(std::string_view credentials, std::size_t most);

// The value of a cookie in a field Cookie; nothing: it is not there.
std::optional<std::string_view> cookie_of(std::string_view field, std::string_view name);
// How often it is there.
int cookie_count(std::string_view field, std::string_view name);
// The field without it.
std::string without_cookie(std::string_view field, std::string_view name);

}  // namespace auth
