// Origins of browsers against patterns, and patterns of operators; policies and lists that applications send.
#include "modules/headers/cors.hpp"
#include "modules/headers/field_syntax.hpp"
#include "modules/headers/security.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace headers;

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

// Whatever is let in is a host below the one that was named.
void let_in(std::string_view origin) {
    static const Origins kBelow = [] {
        Origins origins;
        origins.add("https://*.example.com");
        return origins;
    }();
    if (!kBelow.allow(origin)) return;
    expect(origin.starts_with("https://") && origin.ends_with(".example.com"));
    const std::string_view labels = origin.substr(8, origin.size() - 8 - 12);
    expect(!labels.empty() && labels.find_first_of("/:@?#\\ \t\r\n*") == labels.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.find('\n');
    const std::string_view first = text.substr(0, line);
    const std::string_view rest = line == text.npos ? std::string_view{} : text.substr(line + 1);
    let_in(first);
    if (Origins::fault_of(first).empty()) {
        Origins origins;
        origins.add(first);
        // A pattern is no origin itself, and anything else is allowed as it stands.
        if (first.size() <= 512) expect(origins.allow(first) == (first.find("://*.") == first.npos));
        origins.allow(rest);
    }
    has_directive(first, "frame-ancestors");
    has_element(first, rest);
    Problems problems;
    SecuritySettings settings;
    settings.csp = std::string(first);
    settings.frame_ancestors = {std::string(rest)};
    const Security security = Security::make(settings, problems);
    for (const Security::Field& field : security.fields())
        expect(!problems.empty() || (is_token(field.name) && is_value(field.value)));
    return 0;
}
