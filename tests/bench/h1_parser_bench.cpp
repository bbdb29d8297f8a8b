// Nanoseconds per request head, for each implementation of the scans. Not built by default:
//   g++ -std=c++20 -O2 -I. tests/bench/h1_parser_bench.cpp core/http/{h1_*,head*,method,message,uri}.cpp ...
// or link it with gantry_http of a release build.
#include "core/base/clock.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/http/uri.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

using namespace gantry;
using namespace gantry::http;

namespace {

const std::string kBrowser =
    "GET /assets/app/main.3f9c2b1a.js?v=12 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Referer: https://www.example.com/some/page/index.html\r\n"
    "\r\n";
const std::string kSmall = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// The best of many short rounds: the machine is shared.
template <class Work>
double nanos(Work work) {
    constexpr int kTimes = 1000;
    double best = 1e9;
    for (int round = 0; round < 1000; ++round) {
        const auto begin = monotonic_nanos();
        for (int i = 0; i < kTimes; ++i) work();
        best = std::min(best, static_cast<double>(monotonic_nanos() - begin) / kTimes);
    }
    return best;
}

double parse(const std::string& text) {
    Arena arena;
    return nanos([&] {
        arena.reset();
        RequestHead head(arena);
        std::size_t scanned = 0;
        if (*parse_request_head(text, {}, head, scanned) != text.size()) std::abort();
    });
}

}  // namespace

int main() {
    for (const Simd simd : {Simd::Scalar, Simd::Sse42, Simd::Avx2}) {
        if (!select_simd(simd)) continue;
        std::printf("simd %d: browser (%zu bytes) %.1f ns, small (%zu bytes) %.1f ns\n",
                    static_cast<int>(simd), kBrowser.size(), parse(kBrowser), kSmall.size(), parse(kSmall));
    }
    const std::string_view names[] = {"Host",          "User-Agent",     "Accept",          "Accept-Encoding",
                                      "Cache-Control", "Sec-Fetch-Dest", "X-Forwarded-For", "Cookie"};
    unsigned sum = 0;
    std::printf("header_id: %.1f ns\n", nanos([&] {
                                            for (const auto name : names)
                                                sum += static_cast<unsigned>(header_id(name));
                                        }) / static_cast<double>(std::size(names)));
    Arena arena;
    std::printf(
        "normalize_path: %.1f ns\n", nanos([&] {
            sum += static_cast<unsigned>(
                normalize_path("/assets/app/main.3f9c2b1a.js", EncodedSlash::Keep, true, arena)->size());
        }));
    std::printf("parse_authority: %.1f ns\n", nanos([&] {
                    sum += static_cast<unsigned>(parse_authority("www.example.com")->host.size());
                }));
    BlockPool pool;
    Chain chain(pool);
    ResponseHead head(arena);
    head.body = BodyKind::Length;
    head.content_length = 1024;
    head.headers.add(HeaderId::ContentType, "text/html; charset=utf-8");
    head.headers.add(HeaderId::Etag, "\"65a1b2c3-400\"");
    head.headers.add(HeaderId::LastModified, "Sun, 06 Nov 1994 08:49:37 GMT");
    head.headers.add(HeaderId::AcceptRanges, "bytes");
    std::printf("write_response_head: %.1f ns\n", nanos([&] {
                    write_response_head(head, Version::Http11, true, "Sun, 06 Nov 1994 08:49:37 GMT", true,
                                        chain);
                    chain.clear();
                }));
    return sum == 0;
}
