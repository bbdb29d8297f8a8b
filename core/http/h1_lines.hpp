// The byte scans of the HTTP/1 parser: start line and field lines into views, validated in the same pass.
// Internal to h1_parser.cpp; built once per instruction set, each with the same answers.
#pragma once

#include "core/http/h1_parser.hpp"

#include <cstdint>

namespace gantry::http {

// In the order in which a reader from left to right finds them out.
enum class Lines : std::uint8_t {
    Complete,
    Incomplete,  // the input ended in the middle of something that was right so far
    BadMethod,
    BadTarget,
    BadVersion,    // not "HTTP/" DIGIT "." DIGIT
    OtherVersion,  // HTTP, but another major version than 1
    BadLineEnd,    // bare CR, bare LF, or something behind the version
    BadStatus,
    BadName,   // not a token, or white space before the colon
    BadValue,  // a control byte
    Folded,    // obs-fold
    TooMany,
};

struct RequestLine {
    std::string_view method;
    std::string_view target;
    Version version = Version::Http11;
};

struct StatusLine {
    int status = 0;
    std::string_view reason;
    Version version = Version::Http11;
};

struct FieldLines {
    Headers* headers;         // where the fields go
    std::size_t most;         // TooMany beyond
    std::uint64_t twice = 0;  // bit of each id that was there more than once
};

// `at` moves behind what was read, also past the empty line that ends the fields.
struct LineScans {
    Lines (*request_line)(const char*& at, const char* end, RequestLine& line);
    Lines (*status_line)(const char*& at, const char* end, StatusLine& line);
    Lines (*field_lines)(const char*& at, const char* end, FieldLines& fields);
};

static_assert(kHeaderIds <= 64, "FieldLines::twice has a bit for each");

const LineScans& scalar_line_scans();
// Null where they were not built.
const LineScans* sse42_line_scans();
const LineScans* avx2_line_scans();

}  // namespace gantry::http
