#include "core/server/request_id.hpp"

#include "tests/support/catch.hpp"

#include <set>
#include <string>

using namespace gantry::server;

TEST_CASE("request_id: thirty-two lower-case digits, never twice", "[server][request_id]") {
    RequestIds first;
    RequestIds second;
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        for (RequestIds* ids : {&first, &second}) {
            std::string id(kRequestIdBytes, '?');
            ids->next(id.data());
            REQUIRE(id.find_first_not_of("0123456789abcdef") == id.npos);
            REQUIRE(seen.insert(id).second);
        }
    }
}
