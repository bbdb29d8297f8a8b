#include "core/server/log_line.hpp"

#include "tests/support/catch.hpp"

#include <memory>
#include <string>

using namespace gantry::server;

namespace {

constexpr std::size_t kRoom = 400;

// What `write` puts into a line, of exactly the memory that is promised to it.
template <class Write>
std::string line_of(LogEscape escape, Write write, std::size_t room = kRoom) {
    const std::unique_ptr<char[]> memory(new char[kRoom + LogLine::kSlack]);
    LogLine line(memory.get(), room, escape);
    write(line);
    return {memory.get(), line.size()};
}

std::string value_of(LogEscape escape, std::string_view value, std::size_t room = kRoom) {
    // A copy without a byte more, so that the address sanitizer sees a read behind it.
    const std::unique_ptr<char[]> exact(new char[value.size()]);
    std::copy(value.begin(), value.end(), exact.get());
    return line_of(escape, [&](LogLine& line) { line.value({exact.get(), value.size()}); }, room);
}

std::string clean_text(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('!' + (i * 7 + size) % 94);
    for (char& c : text) c = c == '"' || c == '\\' || c == '?' ? '-' : c;
    return text;
}

}  // namespace

TEST_CASE("log_line: a clean text of any length is written as it is", "[server][log]") {
    for (std::size_t size = 0; size <= 100; ++size) {
        const std::string text = clean_text(size);
        INFO(text);
        for (const LogEscape escape : {LogEscape::Text, LogEscape::Json}) {
            CHECK(value_of(escape, text) == text);
            CHECK(line_of(escape, [&](LogLine& line) { line.plain(text); }) == text);
            CHECK(line_of(escape, [&](LogLine& line) { CHECK(line.clean_without<'?'>(text)); }) == text);
        }
    }
}

TEST_CASE("log_line: what is not clean is found at every place of every length", "[server][log]") {
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (const char c : {'"', '\\', '\n', '\x1f', '\x7f', '\x80', '\xff', '\0'}) {
                std::string text = clean_text(size);
                text[at] = c;
                static constexpr char kHex[] = "0123456789abcdef";
                const auto byte = static_cast<unsigned char>(c);
                std::string expected = text.substr(0, at) + "\\x" + kHex[byte >> 4] + kHex[byte & 15];
                expected += text.substr(at + 1);
                INFO(size << " " << at << " " << int{byte});
                CHECK(value_of(LogEscape::Text, text) == expected);
            }
            std::string text = clean_text(size);
            text[at] = '?';
            CHECK(line_of(LogEscape::Text,
                          [&](LogLine& line) { CHECK_FALSE(line.clean_without<'?'>(text)); }) == "");
            CHECK(value_of(LogEscape::Text, text) == text);
            text[at] = '"';
            CHECK(value_of(LogEscape::Json, text) == text.substr(0, at) + "\\\"" + text.substr(at + 1));
        }
    }
}

TEST_CASE("log_line: every byte, as text and as JSON", "[server][log]") {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool is_plain = byte >= 0x20 && byte <= 0x7e && c != '"' && c != '\\';
        INFO(byte);
        CHECK((value_of(LogEscape::Text, {&c, 1}) == std::string(1, c)) == is_plain);
        CHECK((value_of(LogEscape::Json, {&c, 1}) == std::string(1, c)) == (is_plain || byte == 0x7f));
    }
    CHECK(value_of(LogEscape::Json, "\t\r\n\x01") == "\\t\\r\\n\\u0001");
    CHECK(value_of(LogEscape::Json, "gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(value_of(LogEscape::Json, "\xff") == "\xef\xbf\xbd");
}

TEST_CASE("log_line: values end where the room does, and an escape is whole or not there", "[server][log]") {
    const std::string text = clean_text(60) + "\"" + clean_text(60);
    const std::string whole = value_of(LogEscape::Text, text);
    REQUIRE(whole.size() == 124);
    for (std::size_t room = 0; room <= whole.size(); ++room) {
        const std::string line = value_of(LogEscape::Text, text, room);
        INFO(room);
        CHECK(line == whole.substr(0, room > 60 && room < 64 ? 60 : room));
    }
}

TEST_CASE("log_line: literals are written whatever the room", "[server][log]") {
    for (std::size_t size = 0; size <= 100; ++size) {
        const std::string text = clean_text(size);
        const std::string padded = text + std::string(LogLine::kSlack, '#');
        const std::string line = line_of(
            LogEscape::Text,
            [&](LogLine& out) {
                out.literal(std::string_view(padded).substr(0, size));
                out.value("lost");
                out.literal(std::string_view(padded).substr(0, size));
            },
            0);
        CHECK(line == text + text);
    }
}
