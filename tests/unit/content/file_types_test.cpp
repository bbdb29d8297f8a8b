#include "core/content/file_response.hpp"
#include "tests/support/catch.hpp"

using namespace gantry;

TEST_CASE("media types are one table for all options that agree on them", "[file_types]") {
    conf::StaticOptions options;
    const auto first = content::file_types(options);
    CHECK(first->of("a/b.html") == "text/html; charset=utf-8");
    options.etag = false;  // says nothing about types
    CHECK(content::file_types(options) == first);

    options.charset = "";
    const auto plain = content::file_types(options);
    CHECK(plain->of("a/b.html") == "text/html");
    options.types["html"] = "application/x-page";
    CHECK(content::file_types(options)->of("a/b.HTML") == "application/x-page");
    options.default_type = "text/x-none";
    CHECK(content::file_types(options)->of("a/b") == "text/x-none");
    CHECK(first->of("a/b.html") == "text/html; charset=utf-8");
}
