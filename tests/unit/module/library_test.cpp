#include "core/module/library.hpp"

#include "tests/support/abi_fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace gantry;

TEST_CASE("library: what is said when a broken module is loaded", "[module][library]") {
    for (const test::AbiFixture& fixture : test::abi_fixtures(GANTRY_SOURCE_DIR, GANTRY_ABI_FIXTURES)) {
        // What open() and what it leads to have to say comes after this: tests/e2e/test_fixtures.py.
        const bool comes_later = fixture.loader.starts_with("the module " + fixture.name);
        const auto library = module::open_library(fixture.path);
        INFO(fixture.name);
        if (fixture.loader.empty() || comes_later) {
            CHECK(library.has_value());
            continue;
        }
        REQUIRE_FALSE(library.has_value());
        CHECK(library.error().message == fixture.loader);
    }
}
