// JSON that strangers wrote: strict, and not deep.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string_view>

namespace auth {

// Nothing: it is no JSON, too deep, or no object.
inline std::optional<boost::json::object> parse_object(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = 16;
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(text, error, {}, options);
    if (error || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

// The text of a member; "" where it is none.
inline std::string_view text_of(const boost::json::object& object, std::string_view name) {
    const boost::json::value* member = object.if_contains(name);
    const boost::json::string* text = member != nullptr ? member->if_string() : nullptr;
    return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view{};
}

}  // namespace auth
