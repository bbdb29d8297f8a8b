// Any bytes as every value of a log line that is not made here: one line comes out, in bounds, and nothing in
// it can be taken for the text around it.
#include "core/server/access_log_format.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

using namespace gantry;
using namespace gantry::server;

namespace {

struct Source final : VariableSource {
    std::string_view value(const Variable& variable, Arena&) const override {
        return AccessLogFormat::is_made_here(variable.id) ? "1" : bytes;
    }
    std::string_view bytes;
};

// Quotes that no backslash escapes: the template's own.
std::size_t bare_quotes(std::string_view line) {
    std::size_t quotes = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\')
            ++i;
        else if (line[i] == '"')
            ++quotes;
    }
    return quotes;
}

enum class Kind { Text, Json };

void try_one(const AccessLogFormat& format, std::string_view bytes, Kind kind, std::size_t quotes) {
    Arena arena;
    Source source;
    source.bytes = bytes;
    const std::unique_ptr<char[]> room(new char[AccessLogFormat::kMaxLine]);
    const std::size_t size = format.write(source, arena, room.get());
    if (size == 0 || size > AccessLogFormat::kMaxLine || room[size - 1] != '\n') std::abort();
    const std::string_view line(room.get(), size - 1);
    for (const char c : line) {
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
        if (kind == Kind::Text && static_cast<unsigned char>(c) > 0x7e) std::abort();
    }
    if (quotes != 0 && bare_quotes(line) != quotes) std::abort();
    if (kind == Kind::Json && bare_quotes(line) % 2 != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const AccessLogFormat combined = std::move(*AccessLogFormat::compile("combined"));
    static const AccessLogFormat json = std::move(*AccessLogFormat::compile("json"));
    static const AccessLogFormat own = std::move(*AccessLogFormat::compile("\"${host}\" \"${query}\""));
    static const AccessLogFormat own_json = std::move(*AccessLogFormat::compile("{\"q\":\"${uri}\"}"));
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try_one(combined, input, Kind::Text, 6);
    try_one(json, input, Kind::Json, 0);
    try_one(own, input, Kind::Text, 4);
    try_one(own_json, input, Kind::Json, 4);
    if (const auto any = AccessLogFormat::compile(input)) {
        Arena arena;
        Source source;
        source.bytes = input;
        const std::unique_ptr<char[]> room(new char[AccessLogFormat::kMaxLine]);
        if (any->write(source, arena, room.get()) > AccessLogFormat::kMaxLine) std::abort();
    }
    return 0;
}
