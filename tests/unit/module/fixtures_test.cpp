#include "core/module/manifest.hpp"
#include "tests/support/abi_fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace gantry;

namespace {

std::string said_of(const std::string& path) {
    const auto manifest = module::read_manifest(path);
    return manifest ? module::why_refused(*manifest) : manifest.error();
}

}  // namespace

TEST_CASE("fixtures: what the file of each broken module is said to lack", "[module][manifest]") {
    const auto fixtures = test::abi_fixtures(GANTRY_SOURCE_DIR, GANTRY_ABI_FIXTURES);
    CHECK(fixtures.size() >= 20);
    for (const test::AbiFixture& fixture : fixtures) {
        INFO(fixture.name);
        CHECK(said_of(fixture.path) == fixture.manifest);
    }
}
