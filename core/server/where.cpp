#include "core/server/where.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace gantry::server {

enum class Where::Field : std::uint8_t {
    Status,
    UpstreamStatus,
    BytesSent,
    BytesReceived,
    Duration,
    HandlerTime,
    ConnectTime,
    FirstByteTime,
    Method,
    Host,
    Path,
    Client,
    Scheme,
    Protocol,
    Upstream,
    Error,
};

struct Where::FieldName {
    enum class Type : std::uint8_t { Number, Time, Text };
    std::string_view name;
    Field field;
    Type type;
};

const Where::FieldName Where::kFields[] = {
    {"status", Field::Status, FieldName::Type::Number},
    {"upstream_status", Field::UpstreamStatus, FieldName::Type::Number},
    {"bytes_sent", Field::BytesSent, FieldName::Type::Number},
    {"bytes_received", Field::BytesReceived, FieldName::Type::Number},
    {"duration", Field::Duration, FieldName::Type::Time},
    {"handler_time", Field::HandlerTime, FieldName::Type::Time},
    {"upstream_connect_time", Field::ConnectTime, FieldName::Type::Time},
    {"upstream_first_byte_time", Field::FirstByteTime, FieldName::Type::Time},
    {"method", Field::Method, FieldName::Type::Text},
    {"host", Field::Host, FieldName::Type::Text},
    {"path", Field::Path, FieldName::Type::Text},
    {"client", Field::Client, FieldName::Type::Text},
    {"scheme", Field::Scheme, FieldName::Type::Text},
    {"protocol", Field::Protocol, FieldName::Type::Text},
    {"upstream", Field::Upstream, FieldName::Type::Text},
    {"error", Field::Error, FieldName::Type::Text},
};

// Recursive descent; the first mistake ends it.
class WhereParser {
public:
    WhereParser(std::string_view text, Where& into) : text_(text), into_(into) {}

    bool run() {
        if (text_.size() > Where::kMaxText) {
            return fail(Where::kMaxText, "the condition is longer than 1 KiB", "shorten it");
        }
        skip();
        if (at_ == text_.size()) return true;
        std::uint32_t root = 0;
        if (!parse_or(root, 0)) return false;
        if (at_ == text_.size()) return true;
        return fail(at_, "there is something behind the end of the condition",
                    "join conditions by && or ||, and put texts in quotes");
    }
    WhereError error;

private:
    using Kind = Where::Kind;
    using Compare = Where::Compare;
    using FieldName = Where::FieldName;
    using Type = Where::FieldName::Type;

    bool fail(std::size_t at, std::string message, std::string hint) {
        error = {at, std::move(message), std::move(hint)};
        return false;
    }
    void skip() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    bool take(std::string_view symbol) {
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        skip();
        return true;
    }
    std::uint32_t add(Where::Node node) {
        into_.nodes_.push_back(std::move(node));
        return static_cast<std::uint32_t>(into_.nodes_.size() - 1);
    }
    std::uint32_t join(Kind kind, std::uint32_t left, std::uint32_t right) {
        Where::Node node;
        node.kind = kind;
        node.left = left;
        node.right = right;
        return add(std::move(node));
    }

    bool parse_or(std::uint32_t& out, int depth) {
        if (!parse_and(out, depth)) return false;
        while (take("||")) {
            std::uint32_t right = 0;
            if (!parse_and(right, depth)) return false;
            out = join(Kind::Or, out, right);
        }
        return true;
    }

    bool parse_and(std::uint32_t& out, int depth) {
        if (!parse_not(out, depth)) return false;
        while (take("&&")) {
            std::uint32_t right = 0;
            if (!parse_not(right, depth)) return false;
            out = join(Kind::And, out, right);
        }
        return true;
    }

    bool parse_not(std::uint32_t& out, int depth) {
        if (depth >= Where::kMaxDepth) {
            return fail(at_, "the condition is nested too deeply", "take parentheses out");
        }
        if (take("!")) {
            if (!parse_not(out, depth + 1)) return false;
            out = join(Kind::Not, out, out);
            return true;
        }
        if (take("(")) {
            const std::size_t open = at_;
            if (!parse_or(out, depth + 1)) return false;
            return take(")") || fail(open, "a parenthesis is not closed", "add a ) where it ends");
        }
        return parse_comparison(out);
    }

    bool parse_comparison(std::uint32_t& out) {
        const std::size_t begin = at_;
        const std::string_view name = word();
        const auto* const field = std::find_if(std::begin(Where::kFields), std::end(Where::kFields),
                                               [&](const FieldName& each) { return each.name == name; });
        if (field == std::end(Where::kFields)) {
            std::string names;
            for (const FieldName& each : Where::kFields)
                names.append(names.empty() ? "" : ", ").append(each.name);
            return fail(begin,
                        name.empty() ? std::string("here the name of a field is missing")
                                     : fmt::format("there is no field \"{}\"", name),
                        "the fields are " + names);
        }
        skip();
        Where::Node node;
        node.field = field->field;
        const std::size_t operator_at = at_;
        if (!parse_operator(node.compare)) {
            return fail(operator_at, fmt::format("behind {} a comparison is missing", name),
                        "compare by ==, !=, <, <=, >, >=, ~ or !~");
        }
        const bool is_match = node.compare == Compare::Match || node.compare == Compare::NoMatch;
        const bool is_order = !is_match && node.compare != Compare::Equal && node.compare != Compare::Unequal;
        if (field->type == Type::Text ? is_order : is_match) {
            return fail(operator_at, fmt::format("{} cannot be compared like this", name),
                        field->type == Type::Text ? "texts know ==, !=, ~ and !~"
                                                  : "numbers know ==, !=, <, <=, > and >=");
        }
        if (!parse_value(*field, node)) return false;
        if (is_match && !compile(node)) return false;
        out = add(std::move(node));
        return true;
    }

    std::string_view word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_alpha(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '_'))
            ++at_;
        return text_.substr(begin, at_ - begin);
    }

    bool parse_operator(Compare& out) {
        // Longer ones first.
        constexpr std::pair<std::string_view, Compare> kOperators[] = {
            {"==", Compare::Equal},        {"!=", Compare::Unequal}, {"<=", Compare::LessEqual},
            {">=", Compare::GreaterEqual}, {"!~", Compare::NoMatch}, {"<", Compare::Less},
            {">", Compare::Greater},       {"~", Compare::Match},
        };
        for (const auto& [symbol, compare] : kOperators) {
            if (!take(symbol)) continue;
            out = compare;
            return true;
        }
        return false;
    }

    bool parse_value(const FieldName& field, Where::Node& node) {
        value_at_ = at_;
        if (field.type == Type::Text) {
            return parse_text(node.text) ||
                   fail(value_at_, fmt::format("{} is a text", field.name), "put it in quotes: \"GET\"");
        }
        const bool is_time = field.type == Type::Time;
        if (!parse_number(node.number, is_time)) {
            return fail(value_at_, fmt::format("{} is a {}", field.name, is_time ? "time" : "number"),
                        is_time ? "write 250ms, 1.5s or 2m" : "write digits alone");
        }
        return true;
    }

    bool parse_text(std::string& out) {
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return false;
        const char quote = text_[at_];
        for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == quote) {
                at_ = i + 1;
                skip();
                return true;
            }
            // Of escapes only that of the quote: a backslash of an expression stays.
            if (text_[i] == '\\' && i + 1 < text_.size() && text_[i + 1] == quote) ++i;
            out += text_[i];
        }
        return false;
    }

    // Up to 15 digits; of times a fraction and a unit as well.
    bool parse_number(std::int64_t& out, bool is_time) {
        const std::string_view whole = digits();
        if (whole.empty() || whole.size() > 9) return false;
        std::int64_t value = static_cast<std::int64_t>(*parse_decimal(whole));
        if (!is_time) {
            out = value;
            return end_of_number();
        }
        std::int64_t fraction = 0;  // in billionths
        if (at_ < text_.size() && text_[at_] == '.') {
            ++at_;
            std::string_view part = digits();
            if (part.empty()) return false;
            part = part.substr(0, 9);
            fraction = static_cast<std::int64_t>(*parse_decimal(part));
            for (std::size_t i = part.size(); i < 9; ++i) fraction *= 10;
        }
        const std::string_view unit = word();
        const std::int64_t nanos = unit.empty() || unit == "s" ? 1'000'000'000
                                   : unit == "ms"              ? 1'000'000
                                   : unit == "us"              ? 1'000
                                   : unit == "m"               ? 60'000'000'000
                                                               : 0;
        if (nanos == 0 || value > 1'000'000'000) return false;
        // No overflow: a thousand million seconds are 1e18 ns; of minutes less are allowed.
        if (nanos > 1'000'000'000 && value > 10'000'000) return false;
        value *= nanos;
        value +=
            nanos >= 1'000'000'000 ? fraction * (nanos / 1'000'000'000) : fraction / (1'000'000'000 / nanos);
        out = value;
        skip();
        return true;
    }
    std::string_view digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    bool end_of_number() {
        if (at_ < text_.size() && (is_alpha(text_[at_]) || text_[at_] == '.' || text_[at_] == '_'))
            return false;
        skip();
        return true;
    }

    bool compile(Where::Node& node) {
        auto regex = Regex::compile(node.text);
        if (!regex) {
            return fail(value_at_, "this is not a regular expression: " + regex.error().message,
                        "escape ( [ . * + ? \\ by a \\");
        }
        node.left = static_cast<std::uint32_t>(into_.expressions_.size());
        into_.expressions_.push_back(std::move(*regex));
        return true;
    }

    std::string_view text_;
    Where& into_;
    std::size_t at_ = 0;
    std::size_t value_at_ = 0;
};

tl::expected<Where, WhereError> Where::compile(std::string_view text) {
    Where where;
    WhereParser parser(text, where);
    if (!parser.run()) return tl::unexpected(std::move(parser.error));
    return where;
}

bool Where::fits(const RecentRequest& request) const {
    return nodes_.empty() || fits(static_cast<std::uint32_t>(nodes_.size() - 1), request);
}

bool Where::fits(std::uint32_t index, const RecentRequest& request) const {
    const Node& node = nodes_[index];
    switch (node.kind) {
        case Kind::And:
            return fits(node.left, request) && fits(node.right, request);
        case Kind::Or:
            return fits(node.left, request) || fits(node.right, request);
        case Kind::Not:
            return !fits(node.left, request);
        case Kind::Compare:
            return compare(node, request);
    }
    return false;
}

namespace {

std::optional<std::int64_t> present(std::int64_t nanos) {
    return nanos < 0 ? std::nullopt : std::optional<std::int64_t>(nanos);
}

}  // namespace

bool Where::compare(const Node& node, const RecentRequest& request) const {
    std::optional<std::int64_t> number;
    std::string_view text;
    bool has_case = true;
    switch (node.field) {
        case Field::Status:
            number = request.status;
            break;
        case Field::UpstreamStatus:
            number = request.upstream_status;
            break;
        case Field::BytesSent:
            number = static_cast<std::int64_t>(request.bytes_sent);
            break;
        case Field::BytesReceived:
            number = static_cast<std::int64_t>(request.body_received);
            break;
        case Field::Duration:
            number = request.duration_nanos;
            break;
        case Field::HandlerTime:
            number = present(request.handler_nanos);
            break;
        case Field::ConnectTime:
            number = present(request.connect_nanos);
            break;
        case Field::FirstByteTime:
            number = present(request.first_byte_nanos);
            break;
        case Field::Method:
            text = request.method;
            has_case = false;
            break;
        case Field::Host:
            text = request.host;
            has_case = false;
            break;
        case Field::Path:
            text = request.path;
            break;
        case Field::Client:
            text = request.client;
            break;
        case Field::Scheme:
            text = request.is_tls ? "https" : "http";
            break;
        case Field::Protocol:
            text = request.protocol;
            break;
        case Field::Upstream:
            text = request.peer;
            break;
        case Field::Error:
            text = request.error;
            break;
    }
    const bool is_number = node.field <= Field::FirstByteTime;
    const auto is_equal = [&] {
        if (is_number) return number == node.number;
        return has_case ? text == node.text : equals_ignore_case(text, node.text);
    };
    switch (node.compare) {
        case Compare::Equal:
            return is_equal();
        case Compare::Unequal:
            return !is_equal();
        case Compare::Less:
            return number && *number < node.number;
        case Compare::LessEqual:
            return number && *number <= node.number;
        case Compare::Greater:
            return number && *number > node.number;
        case Compare::GreaterEqual:
            return number && *number >= node.number;
        case Compare::Match:
            return expressions_[node.left].match(text) == Matched::Yes;
        case Compare::NoMatch:
            return expressions_[node.left].match(text) == Matched::No;
    }
    return false;
}

}  // namespace gantry::server
