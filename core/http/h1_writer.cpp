#include "core/http/h1_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace gantry::http {

namespace {

constexpr std::string_view kCrLf = "\r\n";
constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kServer = "Server: gantry\r\n";
constexpr std::size_t kFieldExtra = 4;    // ": " and CRLF
constexpr std::size_t kLengthBytes = 40;  // "Content-Length: " with 20 digits and CRLF
constexpr std::size_t kFixedBytes = 160;  // status line without a given reason, and all that we add ourselves

constexpr int kFirstStatus = 100;
constexpr int kLastStatus = 599;
constexpr std::size_t kStatusLineBytes = 56;

struct StatusLineText {
    char text[kStatusLineBytes] = {};
    std::uint8_t size = 0;
};

// "HTTP/1.1 404 Not Found\r\n" for each status with a phrase, made at start-up.
const std::array<StatusLineText, kLastStatus - kFirstStatus + 1> kStatusLines = [] {
    std::array<StatusLineText, kLastStatus - kFirstStatus + 1> lines;
    for (int status = kFirstStatus; status <= kLastStatus; ++status) {
        StatusLineText& line = lines[static_cast<std::size_t>(status - kFirstStatus)];
        char* to = line.text;
        const auto put = [&to](std::string_view text) { to = std::copy(text.begin(), text.end(), to); };
        put("HTTP/1.1 ");
        to = std::to_chars(to, to + 3, status).ptr;
        put(" ");
        put(reason_phrase(status));
        put(kCrLf);
        line.size = static_cast<std::uint8_t>(to - line.text);
    }
    return lines;
}();

constexpr std::uint64_t each_byte(std::uint64_t value) {
    return value * 0x0101010101010101;
}

// The high bit of a byte is set where it is below 14, as NUL, CR and LF are; bytes above the first such one
// may be marked wrongly.
std::uint64_t low_bytes(std::uint64_t word) {
    return (word - each_byte(14)) & ~word & each_byte(0x80);
}

char harmless(char c) {
    return c == '\0' || c == '\r' || c == '\n' ? ' ' : c;
}

// Copies and returns whether a byte below 14 was among them. Names and values are short: calling memcpy for
// each would cost more than this.
inline bool copy_short(char* to, const char* from, std::size_t size) {
    std::uint64_t word;
    if (size < sizeof word) {
        bool low = false;
        for (std::size_t i = 0; i < size; ++i) {
            to[i] = from[i];
            low |= static_cast<unsigned char>(from[i]) < 14;
        }
        return low;
    }
    std::uint64_t low = 0;
    const std::size_t last = size - sizeof word;
    for (std::size_t at = 0; at < last; at += sizeof word) {
        std::memcpy(&word, from + at, sizeof word);
        std::memcpy(to + at, &word, sizeof word);
        low |= low_bytes(word);
    }
    std::memcpy(&word, from + last, sizeof word);
    std::memcpy(to + last, &word, sizeof word);
    return (low | low_bytes(word)) != 0;
}

// Where a head goes whose size is known to fit.
class BlockSink {
public:
    explicit BlockSink(char* to) : to_(to) {}

    char* at() const { return to_; }
    void put(std::string_view text) {
        std::memcpy(to_, text.data(), text.size());
        to_ += text.size();
    }
    // A copy of one size, whatever the line's: there is room behind it, and more follows.
    void put_line(const StatusLineText& line) {
        std::memcpy(to_, line.text, sizeof line.text);
        to_ += line.size;
    }
    void put_foreign(std::string_view text) {
        char* const end = to_ + text.size();
        if (copy_short(to_, text.data(), text.size())) std::transform(to_, end, to_, harmless);
        to_ = end;
    }

private:
    char* to_;
};

// Where a head goes that is larger than a block.
class ChainSink {
public:
    explicit ChainSink(Chain& chain) : chain_(chain) {}

    void put(std::string_view text) { chain_.append_copy(text); }
    void put_line(const StatusLineText& line) { put({line.text, line.size}); }
    void put_foreign(std::string_view text) {
        // Rare and long: heads that are larger than a block.
        char part[256];
        while (!text.empty()) {
            const std::size_t size = std::min(text.size(), sizeof part);
            std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), part, harmless);
            put({part, size});
            text.remove_prefix(size);
        }
    }

private:
    Chain& chain_;
};

// Calls render(sink) with the sink that `bound` bytes, at most, ask for.
template <class Render>
void render_into(Chain& out, std::size_t bound, Render render) {
    if (bound > BlockPool::kBytes) {
        ChainSink sink(out);
        render(sink);
        return;
    }
    char* const begin = out.reserve(bound);
    BlockSink sink(begin);
    render(sink);
    out.commit(static_cast<std::size_t>(sink.at() - begin));
}

std::size_t bytes_of(const Headers& headers) {
    std::size_t bytes = 0;
    for (const Field& field : headers) bytes += field.name.size() + field.value.size() + kFieldExtra;
    return bytes;
}

template <class Sink>
inline void put_field(Sink& sink, const Field& field) {
    sink.put_foreign(field.name);
    sink.put(": ");
    sink.put_foreign(field.value);
    sink.put(kCrLf);
}

template <class Sink>
void put_content_length(Sink& sink, std::uint64_t length) {
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, length).ptr;
    sink.put("Content-Length: ");
    sink.put({digits, static_cast<std::size_t>(end - digits)});
    sink.put(kCrLf);
}

template <class Sink>
void put_status_line(Sink& sink, int status, std::string_view reason) {
    if (reason.empty() && status >= kFirstStatus && status <= kLastStatus) {
        return sink.put_line(kStatusLines[static_cast<std::size_t>(status - kFirstStatus)]);
    }
    char digits[3];
    const int three = std::clamp(status, 100, 999);
    std::to_chars(digits, digits + sizeof digits, three);
    sink.put("HTTP/1.1 ");
    sink.put({digits, sizeof digits});
    sink.put(" ");
    sink.put_foreign(reason);
    sink.put(kCrLf);
}

bool is_upgrade_status(int status) {
    return status == 101 || status == 426;
}

template <class Sink>
void put_response_fields(Sink& sink, const ResponseHead& head) {
    const bool keeps_length = head.body == BodyKind::None;
    for (const Field& field : head.headers) {
        switch (field.id) {
            case HeaderId::TransferEncoding:
                continue;
            case HeaderId::ContentLength:
                if (!keeps_length) continue;
                break;
            case HeaderId::Connection:
                if (!is_upgrade_status(head.status)) continue;
                break;
            default:
                break;
        }
        put_field(sink, field);
    }
}

template <class Sink>
void put_response_framing(Sink& sink, const ResponseHead& head, Version client_version) {
    switch (head.body) {
        case BodyKind::Length:
            put_content_length(sink, head.content_length);
            break;
        case BodyKind::Chunked:
            if (client_version != Version::Http10) sink.put(kChunked);
            break;
        case BodyKind::None:
            if (!status_forbids_body(head.status) && !head.headers.has(HeaderId::ContentLength)) {
                put_content_length(sink, 0);
            }
            break;
        case BodyKind::UntilClose:
            break;
    }
}

bool is_allowed_in_target(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '#';
}

template <class Sink>
void put_target(Sink& sink, std::string_view target) {
    constexpr char kHex[] = "0123456789ABCDEF";
    while (!target.empty()) {
        const auto* const bad = std::find_if_not(target.begin(), target.end(), is_allowed_in_target);
        const auto good = static_cast<std::size_t>(bad - target.begin());
        sink.put(target.substr(0, good));
        if (good == target.size()) return;
        const auto byte = static_cast<unsigned char>(*bad);
        const char escape[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
        sink.put({escape, sizeof escape});
        target.remove_prefix(good + 1);
    }
}

}  // namespace

void write_response_head(const ResponseHead& head, Version client_version, bool keep_alive,
                         std::string_view date29, bool server_header, Chain& out) {
    const std::string_view prepared = head.prepared != nullptr ? head.prepared->text() : std::string_view("");
    const std::size_t bound = kFixedBytes + date29.size() + head.reason.size() + kLengthBytes +
                              bytes_of(head.headers) + prepared.size();
    render_into(out, bound, [&](auto& sink) {
        put_status_line(sink, head.status, head.reason);
        if (!date29.empty() && !head.headers.has(HeaderId::Date)) {
            sink.put("Date: ");
            sink.put(date29);
            sink.put(kCrLf);
        }
        if (server_header && !head.without_server && !head.headers.has(HeaderId::Server)) sink.put(kServer);
        put_response_fields(sink, head);
        sink.put(prepared);
        put_response_framing(sink, head, client_version);
        if (!is_upgrade_status(head.status) || !head.headers.has(HeaderId::Connection)) {
            if (!keep_alive) {
                sink.put("Connection: close\r\n");
            } else if (client_version == Version::Http10) {
                sink.put("Connection: keep-alive\r\n");
            }
        }
        sink.put(kCrLf);
    });
}

void write_interim_head(int status, const Headers* headers, Chain& out) {
    render_into(out, kFixedBytes + (headers == nullptr ? 0 : bytes_of(*headers)), [&](auto& sink) {
        put_status_line(sink, status, {});
        if (headers != nullptr) {
            for (const Field& field : *headers) put_field(sink, field);
        }
        sink.put(kCrLf);
    });
}

void write_request_head(const OutgoingRequest& request, Chain& out) {
    const std::size_t bound = kFixedBytes + request.method.size() + request.target.size() * 3 + kLengthBytes +
                              bytes_of(request.headers);
    render_into(out, bound, [&](auto& sink) {
        sink.put_foreign(request.method);
        sink.put(" ");
        put_target(sink, request.target);
        sink.put(request.version == Version::Http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
        for (const Field& field : request.headers) {
            if (field.id == HeaderId::ContentLength || field.id == HeaderId::TransferEncoding) continue;
            put_field(sink, field);
        }
        if (request.body == BodyKind::Length) put_content_length(sink, request.content_length);
        if (request.body == BodyKind::Chunked) sink.put(kChunked);
        sink.put(kCrLf);
    });
}

void write_trailers(const Headers* trailers, Chain& out) {
    render_into(out, kCrLf.size() + (trailers == nullptr ? 0 : bytes_of(*trailers)), [&](auto& sink) {
        if (trailers != nullptr) {
            for (const Field& field : *trailers) put_field(sink, field);
        }
        sink.put(kCrLf);
    });
}

}  // namespace gantry::http
