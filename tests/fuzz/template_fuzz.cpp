// Any text as a template, for every purpose and stage; what compiles is evaluated, and its result has to keep
// the promises of its purpose.
#include "core/server/template.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace gantry;
using namespace gantry::server;

namespace {

struct Source final : VariableSource {
    std::string_view value(const Variable& variable, Arena&) const override {
        if (variable.group > 0 && variable.argument.empty()) return "\x01group\xff";
        return variable.argument.empty() ? bytes : variable.argument;
    }
    std::string_view bytes;
};

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

void try_one(std::string_view text, std::string_view bytes, const TemplateScope& scope) {
    const auto compiled = Template::compile(text, scope);
    if (!compiled) {
        if (compiled.error().offset > text.size() || compiled.error().message.empty()) std::abort();
        return;
    }
    Arena arena;
    Source source;
    source.bytes = bytes;
    const std::string first(compiled->evaluate(source, arena));
    if (first != compiled->evaluate(source, arena)) std::abort();
    if (compiled->is_constant() && text.find('$') == text.npos && first != text) std::abort();
    std::size_t own = 0;  // what the text itself brings is its author's
    for (const char c : text) own += is_control(c);
    std::size_t all = 0;
    for (const char c : first) all += is_control(c);
    if (scope.purpose != Purpose::Text && all > own) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Regex regex = std::move(*Regex::compile("(?<project>[a-z]+)-(.)"));
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto purpose = static_cast<Purpose>(data[0] % 3);
    const auto stage = static_cast<Stage>(data[0] / 3 % 3);
    // Up to a NUL the template, behind it what variables hold.
    const auto end = input.find('\0');
    const std::string_view bytes = end == input.npos ? input : input.substr(end + 1);
    try_one(input.substr(0, end), bytes, {purpose, stage, {}});
    try_one(input.substr(0, end), bytes, {purpose, stage, {&regex, nullptr}});
    nearest_variable(input.substr(0, 24));
    return 0;
}
