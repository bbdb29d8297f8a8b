// Conditions on finished requests, as gantry tail takes them: status >= 500 && host == "shop.example.com".
#pragma once

#include "core/server/recent.hpp"
#include "core/server/regex.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::server {

struct WhereError {
    std::size_t offset = 0;  // bytes into the text
    std::string message;
    std::string hint;
};

//   or         = and *( "||" and )
//   and        = not *( "&&" not )
//   not        = "!" not / "(" or ")" / comparison
//   comparison = field ( "==" / "!=" / "<" / "<=" / ">" / ">=" ) value / field ( "~" / "!~" ) text
//   value      = number / time / text            200, 250ms, 1.5s, "GET", 'GET'
//
// Numbers: status, upstream_status, bytes_sent, bytes_received. Times (bare numbers are seconds): duration,
// handler_time, upstream_connect_time, upstream_first_byte_time; where there is none, every comparison but !=
// is false. Texts, with == and != (without case: method, host) and ~ (an expression that is found in it):
// method, host, path, client, scheme, protocol, upstream, error. No text: everything fits.
//
// Immutable. [any]
class Where {
public:
    static constexpr std::size_t kMaxText = 1024;
    static constexpr int kMaxDepth = 32;

    static tl::expected<Where, WhereError> compile(std::string_view text);

    bool fits(const RecentRequest& request) const;

private:
    friend class WhereParser;
    enum class Field : std::uint8_t;
    enum class Kind : std::uint8_t { And, Or, Not, Compare };
    enum class Compare : std::uint8_t {
        Equal,
        Unequal,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
        Match,
        NoMatch
    };
    struct Node {
        Kind kind = Kind::Compare;
        Compare compare = Compare::Equal;
        Field field{};
        std::uint32_t left = 0;  // into nodes_; of Compare with Match: into expressions_
        std::uint32_t right = 0;
        std::int64_t number = 0;  // nanoseconds for times
        std::string text;
    };
    struct FieldName;
    static const FieldName kFields[];

    bool fits(std::uint32_t node, const RecentRequest& request) const;
    bool compare(const Node& node, const RecentRequest& request) const;

    std::vector<Node> nodes_;  // the last one is the root
    std::vector<Regex> expressions_;
};

}  // namespace gantry::server
