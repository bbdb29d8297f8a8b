// Fields that many responses have in common, rendered once: HTTP/1 copies the text as it is.
#pragma once

#include "core/base/ref.hpp"
#include "core/http/header_names.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::http {

class Headers;

// Filled once, then immutable. [worker]
class PreparedFields final : public RefCounted {
public:
    // NUL, CR and LF in the value become spaces.
    void add(HeaderId id, std::string_view value);

    // "Name: value" and CRLF of each field.
    std::string_view text() const { return text_; }
    // The value of the first field of that name, or "".
    std::string_view value(HeaderId id) const;
    // As views into this object.
    void append_to(Headers& headers) const;

private:
    struct Entry {
        HeaderId id;
        std::uint32_t at;  // of the value in the text
        std::uint32_t size;
    };
    std::string_view value_of(const Entry& entry) const { return text().substr(entry.at, entry.size); }

    std::string text_;
    std::vector<Entry> entries_;
};

}  // namespace gantry::http
