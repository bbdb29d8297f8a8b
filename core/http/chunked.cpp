#include "core/http/chunked.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace gantry::http {

namespace {

constexpr std::uint8_t kMaxDigits = 16;
constexpr std::uint16_t kMaxExtension = 256;
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
}

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::feed(std::string_view input) {
    Step step;
    const auto refuse = [this](const char* context) {
        return fail(side_ == Side::Upstream ? Code::BadResponse : Code::BadRequest, side_, context);
    };
    while (step.consumed < input.size() && state_ != State::Done) {
        const char c = input[step.consumed];
        switch (state_) {
            case State::SizeStart:
                digits_ = 0;
                extension_ = 0;
                left_ = 0;
                if (hex_value(c) < 0) return refuse("because a chunk does not begin with its size");
                state_ = State::Size;
                continue;
            case State::Size:
                if (const int digit = hex_value(c); digit >= 0) {
                    if (++digits_ > kMaxDigits) return refuse("because a chunk size is too long");
                    left_ = left_ << 4 | static_cast<unsigned>(digit);
                } else if (c == '\r') {
                    state_ = State::SizeLf;
                } else if (c == ';') {
                    state_ = State::Extension;
                } else if (c == ' ' || c == '\t') {
                    state_ = State::Blank;
                } else {
                    return refuse("because of a chunk size that is not a number");
                }
                break;
            case State::Blank:
                // White space before an extension is bad but to be taken (RFC 9112 7.1.1); before CRLF it is
                // nothing.
                if (++extension_ > kMaxExtension) return refuse("because a chunk extension is too long");
                if (c == ';') {
                    state_ = State::Extension;
                } else if (c != ' ' && c != '\t') {
                    return refuse("because of white space behind a chunk size");
                }
                break;
            case State::Extension:
                if (c == '\r') {
                    state_ = State::SizeLf;
                } else if (is_control(c)) {
                    return refuse("because of a control byte in a chunk extension");
                } else if (++extension_ > kMaxExtension) {
                    return refuse("because a chunk extension is too long");
                }
                break;
            case State::SizeLf:
                if (c != '\n') return refuse("because a chunk size does not end in CRLF");
                if (left_ > kMaxSize) return refuse("because of a chunk size out of range");
                state_ = left_ == 0 ? State::Done : State::Data;
                break;
            case State::Data: {
                const std::uint64_t size = std::min<std::uint64_t>(left_, input.size() - step.consumed);
                step.data = input.substr(step.consumed, static_cast<std::size_t>(size));
                step.consumed += step.data.size();
                left_ -= size;
                if (left_ == 0) state_ = State::DataCr;
                return step;
            }
            case State::DataCr:
                if (c != '\r') return refuse("because a chunk does not end in CRLF");
                state_ = State::DataLf;
                break;
            case State::DataLf:
                if (c != '\n') return refuse("because a chunk does not end in CRLF");
                state_ = State::SizeStart;
                break;
            case State::Done:
                break;
        }
        ++step.consumed;
    }
    step.last = state_ == State::Done;
    return step;
}

std::size_t write_chunk_size(char* to, std::uint64_t size) {
    char* end = std::to_chars(to, to + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return static_cast<std::size_t>(end - to);
}

}  // namespace gantry::http
