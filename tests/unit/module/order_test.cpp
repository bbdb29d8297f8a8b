#include "core/module/order.hpp"

#include "tests/support/catch.hpp"

using namespace gantry::module;

namespace {

std::string ordered(const std::vector<Ordered>& items) {
    const auto order = in_order(items);
    if (!order) return "stuck: " + order.error();
    std::string out;
    for (const std::size_t index : *order) out += items[index].name;
    return out;
}

}  // namespace

TEST_CASE("order: without wishes it stays", "[module]") {
    CHECK(ordered({}).empty());
    CHECK(ordered({{"a", "", ""}, {"b", "", ""}, {"c", "", ""}}) == "abc");
}

TEST_CASE("order: wishes are met, and nothing else is moved", "[module]") {
    CHECK(ordered({{"a", "", "c"}, {"b", "", ""}, {"c", "", ""}}) == "bca");
    CHECK(ordered({{"a", "", ""}, {"b", "", ""}, {"c", "a , x", ""}}) == "bca");
    CHECK(ordered({{"a", "", "absent"}, {"b", "absent", ""}}) == "ab");
}

TEST_CASE("order: those that wait for each other are named", "[module]") {
    CHECK(ordered({{"a", "", "b"}, {"b", "", "a"}, {"c", "", ""}}) == "stuck: a, b");
    CHECK(ordered({{"a", "a", ""}}) == "stuck: a");
}
