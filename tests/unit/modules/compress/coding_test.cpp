#include "modules/compress/coding.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace compression;

namespace {

const std::vector<Coding> kAll{Coding::Zstd, Coding::Brotli, Coding::Gzip};

std::string chosen(std::initializer_list<std::string_view> fields,
                   const std::vector<Coding>& offered = kAll) {
    Accepted accepted;
    for (const std::string_view field : fields) accepted.add(field);
    const auto choice = accepted.choose(offered);
    std::string text = choice.coding ? std::string(name_of(*choice.coding)) : "identity";
    if (choice.is_identity_refused) text += "!";
    return text;
}

}  // namespace

TEST_CASE("coding: our preference decides where the client has none", "[modules][compress]") {
    CHECK(chosen({"gzip, br, zstd"}) == "zstd");
    CHECK(chosen({"gzip, br"}) == "br");
    CHECK(chosen({"gzip, br"}, {Coding::Gzip, Coding::Brotli}) == "gzip");
    CHECK(chosen({"gzip", "br"}) == "br");
    CHECK(chosen({"GZIP"}) == "gzip");
    CHECK(chosen({"x-gzip"}) == "gzip");
    CHECK(chosen({"deflate, compress"}) == "identity");
    CHECK(chosen({}) == "identity");
    CHECK(chosen({""}) == "identity");
    CHECK(chosen({"gzip"}, {}) == "identity");
}

TEST_CASE("coding: weights", "[modules][compress]") {
    CHECK(chosen({"gzip;q=1.0, br;q=0.9, zstd;q=0.5"}) == "gzip");
    CHECK(chosen({"gzip ; q=0.001 , br;q=0"}) == "gzip");
    CHECK(chosen({"gzip;q=0"}) == "identity");
    CHECK(chosen({"gzip;q=0.000, br;q=0.000"}) == "identity");
    CHECK(chosen({"zstd;Q=0.2, br;q=0.3"}) == "br");
    // What cannot be read is no wish.
    for (const char* wrong :
         {"gzip;q=", "gzip;q=2", "gzip;q=1.5", "gzip;q=0.1234", "gzip;q=.5", "gzip;q=-1", "gzip;q=0,5"}) {
        CAPTURE(wrong);
        CHECK(chosen({wrong}) == "identity");
    }
}

TEST_CASE("coding: everything else", "[modules][compress]") {
    CHECK(chosen({"*"}) == "zstd");
    CHECK(chosen({"*;q=0"}) == "identity!");
    CHECK(chosen({"zstd;q=0, *"}) == "br");
    CHECK(chosen({"gzip;q=0.5, *;q=0.1"}) == "gzip");
    CHECK(chosen({"br, *;q=0"}) == "br!");
}

TEST_CASE("coding: the body as it is", "[modules][compress]") {
    CHECK(chosen({"identity"}) == "identity");
    CHECK(chosen({"identity, gzip;q=0.5"}) == "identity");
    CHECK(chosen({"identity;q=0.5, gzip;q=0.5"}) == "gzip");
    CHECK(chosen({"identity;q=0.5, gzip"}) == "gzip");
    CHECK(chosen({"identity;q=0"}) == "identity!");
    CHECK(chosen({"gzip;q=0.1, identity;q=0"}) == "gzip!");
    CHECK(chosen({"identity;q=0.5, *;q=0"}) == "identity");
}
