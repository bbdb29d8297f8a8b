#include "core/http/negotiate.hpp"

#include "core/http/hop_headers.hpp"
#include "core/http/mime.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;
using namespace gantry::http;
using namespace std::string_view_literals;

TEST_CASE("negotiate: weights of codings", "[http]") {
    struct Row {
        std::string_view field;
        const char* coding;
        int weight;
    };
    const Row rows[] = {
        {{}, "identity", 1000},
        {{}, "gzip", 0},
        {"", "identity", 1000},
        {"", "br", 0},
        {"gzip, br;q=0.8, zstd;q=0.123", "gzip", 1000},
        {"gzip, br;q=0.8, zstd;q=0.123", "br", 800},
        {"gzip, br;q=0.8, zstd;q=0.123", "zstd", 123},
        {"gzip", "br", 0},
        {"gzip", "identity", 1},
        {"GZip ; Q=0.5", "gzip", 500},
        {"x-gzip", "gzip", 1000},
        {"gzipx", "gzip", 0},
        {"gzip;q=0", "gzip", 0},
        {"gzip;q=0.000", "gzip", 0},
        {"gzip;q=1.000", "gzip", 1000},
        {"gzip;q=1.", "gzip", 1000},
        {"gzip;level=9;q=0.3", "gzip", 300},
        {"*", "br", 1000},
        {"*;q=0.1, br;q=0.7", "br", 700},
        {"br;q=0.7, *;q=0.1", "gzip", 100},
        {"*;q=0", "identity", 0},
        {"*;q=0, identity;q=0.5", "identity", 500},
        {"identity;q=0", "identity", 0},
        {"gzip;q=2", "gzip", 0},
        {"gzip;q=1.001", "gzip", 0},
        {"gzip;q=0.1234", "gzip", 0},
        {"gzip;q=-1", "gzip", 0},
        {"gzip;q=a", "gzip", 0},
        {"gzip;q=", "gzip", 0},
        {"gzip;q=0x1", "gzip", 0},
        {" , ,gzip", "gzip", 1000},
    };
    for (const Row& row : rows) {
        INFO(row.field << " " << row.coding);
        CHECK(encoding_weight(row.field, row.coding) == row.weight);
    }
}

TEST_CASE("hop_headers: what belongs to one connection", "[http]") {
    for (const HeaderId id : {HeaderId::Connection, HeaderId::KeepAlive, HeaderId::ProxyConnection,
                              HeaderId::Te, HeaderId::Trailer, HeaderId::TransferEncoding, HeaderId::Upgrade,
                              HeaderId::ProxyAuthenticate, HeaderId::ProxyAuthorization}) {
        CHECK(is_hop_by_hop(id));
    }
    for (const HeaderId id : {HeaderId::Other, HeaderId::Host, HeaderId::ContentLength, HeaderId::Via}) {
        CHECK_FALSE(is_hop_by_hop(id));
    }
}

TEST_CASE("hop_headers: what Connection names", "[http]") {
    Arena arena;
    Headers headers(arena);
    CHECK_FALSE(is_named_by_connection(headers, "X-Hop"));
    headers.add(HeaderId::Connection, "close, x-hop");
    headers.add("X-Other", "x-none");
    headers.add(HeaderId::Connection, ",X-Second,");
    CHECK(is_named_by_connection(headers, "X-Hop"));
    CHECK(is_named_by_connection(headers, "x-second"));
    CHECK_FALSE(is_named_by_connection(headers, "x-none"));
    CHECK_FALSE(is_named_by_connection(headers, "x-ho"));
    CHECK_FALSE(is_named_by_connection(headers, ""));
}

TEST_CASE("mime: types of extensions", "[http]") {
    struct Row {
        const char* extension;
        const char* type;
    };
    const Row rows[] = {
        {"html", "text/html"},
        {"HTML", "text/html"},
        {"js", "text/javascript"},
        {"mjs", "text/javascript"},
        {"css", "text/css"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"wasm", "application/wasm"},
        {"svg", "image/svg+xml"},
        {"woff2", "font/woff2"},
        {"avif", "image/avif"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"md", "text/markdown"},
        {"webmanifest", "application/manifest+json"},
        {"txt", "text/plain"},
        {"7z", "application/x-7z-compressed"},
        {"png", "image/png"},
        {"mp4", "video/mp4"},
        {"bin", "application/octet-stream"},
        {"xz", "application/x-xz"},
    };
    for (const Row& row : rows) {
        INFO(row.extension);
        CHECK(mime_type(row.extension) == row.type);
    }
    for (const std::string_view none :
         {""sv, "nonsense"sv, "htm l"sv, ".html"sv, "html\0"sv, "verylongextensionthatisnone"sv}) {
        CHECK(mime_type(none).empty());
    }
}

TEST_CASE("mime: every extension of the table is found", "[http]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
#include "core/http/mime_table.inc"
    };
    CHECK(std::size(rows) > 1000);
    for (const auto& [extension, type] : rows) {
        if (mime_type(extension) != type) FAIL(extension);
        if (type.find('/') == type.npos) FAIL(type);
    }
}

TEST_CASE("mime: what carries text", "[http]") {
    for (const char* type : {"text/plain", "TEXT/HTML", "image/svg+xml", "application/xml",
                             "application/rss+xml", "application/javascript", "text/html; charset=x"}) {
        CHECK(is_text_type(type));
    }
    for (const char* type :
         {"", "image/png", "application/json", "application/octet-stream", "+xml", "texts/x"}) {
        CHECK_FALSE(is_text_type(type));
    }
}
