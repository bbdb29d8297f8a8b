#include "core/content/file_response.hpp"
#include "tests/support/catch.hpp"

using namespace gantry;

TEST_CASE("files are described by one table for all options that agree", "[file_types]") {
    conf::StaticOptions options;
    const auto first = content::file_types(options);
    CHECK(first->of("a/b.html") == "text/html; charset=utf-8");
    options.listing = true;  // does not show in the fields of a file
    CHECK(content::file_types(options) == first);
    options.etag = false;
    const auto untagged = content::file_types(options);
    CHECK(untagged->number() > first->number());
    CHECK(untagged->of("a/b.html") == "text/html; charset=utf-8");

    options.charset = "";
    const auto plain = content::file_types(options);
    CHECK(plain->of("a/b.html") == "text/html");
    options.types["html"] = "application/x-page";
    CHECK(content::file_types(options)->of("a/b.HTML") == "application/x-page");
    options.default_type = "text/x-none";
    CHECK(content::file_types(options)->of("a/b") == "text/x-none");
    CHECK(first->of("a/b.html") == "text/html; charset=utf-8");
}
