#include "core/http/prepared_fields.hpp"

#include "core/http/headers.hpp"

#include <algorithm>

namespace gantry::http {

void PreparedFields::add(HeaderId id, std::string_view value) {
    text_.append(canonical_name(id)).append(": ");
    entries_.push_back(
        {id, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(value.size())});
    for (const char c : value) text_.push_back(c == '\0' || c == '\r' || c == '\n' ? ' ' : c);
    text_.append("\r\n");
}

std::string_view PreparedFields::value(HeaderId id) const {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [id](const Entry& entry) { return entry.id == id; });
    return found == entries_.end() ? std::string_view{} : value_of(*found);
}

void PreparedFields::append_to(Headers& headers) const {
    for (const Entry& entry : entries_) headers.add(entry.id, value_of(entry));
}

}  // namespace gantry::http
