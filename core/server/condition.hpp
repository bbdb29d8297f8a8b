// The conditions of one location: method, fields, query, cookies and client address, compiled at load.
#pragma once

#include "core/base/arena.hpp"
#include "core/base/cidr.hpp"
#include "core/http/message.hpp"
#include "core/server/problem.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::server {

// Immutable; [any]. A header or cookie that occurs several times satisfies a test when one occurrence does;
// `absent` needs none at all. Query values are compared percent-decoded, the first of a name counts.
class Conditions {
public:
    // Null when the location has none. Problems are appended.
    static std::unique_ptr<const Conditions> build(const conf::Location& location, Problems& problems);

    // Everything but the method.
    Matched hold(const http::RequestHead& head, const IpBytes& client, Arena& arena) const;
    bool allows(http::Method method, std::string_view name) const;
    bool has_methods() const { return methods_ != 0 || !other_methods_.empty(); }

    // The first one that does not hold, the method left aside: for explain.
    struct Broken {
        enum class What : std::uint8_t { Client, Test };
        What what = What::Client;
        std::size_t test = 0;  // index into conf::Location::conditions
    };
    std::optional<Broken> broken(const http::RequestHead& head, const IpBytes& client, Arena& arena) const;

    // "GET, HEAD, POST"
    std::string_view allow() const { return allow_; }
    std::uint16_t methods() const { return methods_; }  // bit n: http::Method(n)
    const std::vector<std::string>& other_methods() const { return other_methods_; }

private:
    struct Check {
        conf::Condition::Source source;
        conf::Condition::Test test;
        http::HeaderId header;
        std::string name;
        std::string value;
        std::optional<Regex> regex;
    };
    static Matched check(const Check& test, std::string_view value);
    static Matched hold(const Check& test, const http::RequestHead& head, Arena& arena);

    std::vector<Check> tests_;
    std::optional<CidrSet> clients_;
    std::uint16_t methods_ = 0;
    std::vector<std::string> other_methods_;
    std::string allow_;
};

// Appends the names of a method mask and of others to a list "GET, HEAD".
std::string allow_text(std::uint16_t methods, const std::vector<std::string>& others);

}  // namespace gantry::server
