#include "core/http/message.hpp"

#include "tests/support/catch.hpp"

using namespace gantry::http;

TEST_CASE("method: names map to methods and back, case-sensitively", "[http]") {
    for (int i = 0; i < static_cast<int>(Method::Other); ++i) {
        const auto method = static_cast<Method>(i);
        CHECK(method_of(name_of(method)) == method);
    }
    for (const char* name : {"", "get", "GE", "GETS", "PROPFIND", "Post", "CONNECt"}) {
        CHECK(method_of(name) == Method::Other);
    }
    CHECK(name_of(Method::Other).empty());
}

TEST_CASE("message: statuses have their phrases", "[http]") {
    CHECK(reason_phrase(200) == "OK");
    CHECK(reason_phrase(404) == "Not Found");
    CHECK(reason_phrase(511) == "Network Authentication Required");
    for (const int status : {-1, 0, 99, 299, 512, 999}) CHECK(reason_phrase(status).empty());
}
