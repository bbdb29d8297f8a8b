// Cross-origin resource sharing, as the Fetch standard has it (3.2): which pages of other origins may read
// responses. Knows no server: it is given the fields of a request, and says which fields a response has.
#pragma once

#include "settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headers {

// Origins that are allowed: exact ones, "https://*.example.com" for all hosts below example.com, "null".
// [any]
class Origins {
public:
    // "": it is an origin or a pattern of some; else what is wrong with it.
    static std::string fault_of(std::string_view text);

    void add(std::string_view text);
    // `origin`: as a browser sends it. A pattern has at least one label in the place of its star.
    bool allow(std::string_view origin) const;

private:
    struct Pattern {
        std::string scheme;  // "https://"
        std::string suffix;  // ".example.com", with its port
    };
    std::vector<std::string> exact_;  // sorted
    std::vector<Pattern> patterns_;
};

struct CorsRequest {
    std::string_view method;
    std::string_view origin;            // "": there is no such field
    std::string_view requested_method;  // Access-Control-Request-Method
    bool asks_for_private_network = false;

    // Asked by browsers on their own, before the request that a page wants to make.
    bool is_preflight() const { return method == "OPTIONS" && !origin.empty() && !requested_method.empty(); }
};

// Values of the fields of the response; "": the field is not there. Views of the request and of Cors.
struct CorsAnswer {
    std::string_view origin;       // Access-Control-Allow-Origin
    std::string_view credentials;  // Access-Control-Allow-Credentials
    std::string_view methods;      // Access-Control-Allow-Methods
    std::string_view headers;      // Access-Control-Allow-Headers
    std::string_view max_age;      // Access-Control-Max-Age
    std::string_view expose;       // Access-Control-Expose-Headers
    std::string_view private_network;
    std::string_view vary;  // what the response depends on
};

// Immutable. [any]
class Cors {
public:
    static Cors make(const CorsSettings& settings, Problems& problems);
    CorsAnswer answer(const CorsRequest& request) const;

private:
    Origins origins_;
    bool allows_all_ = false;
    bool credentials_ = false;
    bool private_network_ = false;
    std::string methods_;
    std::string headers_;
    std::string expose_;
    std::string max_age_;
};

}  // namespace headers
