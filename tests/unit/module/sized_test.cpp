#include "core/module/sized.hpp"

#include "tests/support/catch.hpp"

#include <vector>

namespace gantry::module {
namespace {

// As it is today: 1.0 had `first` and `second`, 1.1 has `third`.
struct Grown {
    std::uint32_t size;
    std::uint32_t first;
    const char* second;
    void (*third)() noexcept;
};
struct Later {
    Grown known;
    void (*fourth)() noexcept;
};

// Without a size of its own, which is handed over beside it.
struct Item {
    std::uint64_t name;
    std::uint32_t weight;
    std::uint32_t added;
};

// Exactly `size` bytes, so that a sanitizer sees who reads more.
template <class Struct>
class Bytes {
public:
    Bytes(const Struct& from, std::size_t size) : bytes_(size) {
        std::memcpy(bytes_.data(), &from, std::min(size, sizeof from));
    }
    template <class As>
    const As* as() const {
        return reinterpret_cast<const As*>(bytes_.data());
    }

private:
    std::vector<char> bytes_;
};

void something() noexcept {}

}  // namespace

template <>
inline constexpr std::size_t kLeastOf<Grown> = offsetof(Grown, third);
template <>
inline constexpr std::size_t kLeastOf<Item> = offsetof(Item, added);

TEST_CASE("sized: a struct of an older module is shorter, and what is missing counts as 0", "[module]") {
    const Grown given{offsetof(Grown, third), 7, "text", &something};
    const auto taken = whole(Bytes(given, given.size).as<Grown>());
    REQUIRE(taken);
    CHECK(taken->size == sizeof(Grown));
    CHECK(taken->first == 7);
    CHECK(std::string_view(taken->second) == "text");
    CHECK(taken->third == nullptr);
}

TEST_CASE("sized: a struct may end within a member", "[module]") {
    Grown given{sizeof(Grown) - 4, 7, "text", nullptr};
    std::memset(static_cast<void*>(&given.third), 0xff, sizeof given.third);
    const auto taken = whole(Bytes(given, given.size).as<Grown>());
    REQUIRE(taken);
    CHECK(reinterpret_cast<std::uintptr_t>(taken->third) == 0xffffffff);
}

TEST_CASE("sized: what a newer module has more is left out", "[module]") {
    const Later given{{sizeof(Later), 7, "text", &something}, &something};
    const auto taken = whole(Bytes(given, sizeof given).as<Grown>());
    REQUIRE(taken);
    CHECK(taken->size == sizeof(Grown));
    CHECK(taken->third == &something);
}

TEST_CASE("sized: what lacks a member that it has to have is refused", "[module]") {
    Grown given{0, 7, "text", &something};
    for (given.size = 0; given.size < offsetof(Grown, third); ++given.size) {
        INFO(given.size);
        CHECK_FALSE(whole(Bytes(given, std::max<std::size_t>(given.size, 4)).as<Grown>()));
    }
    CHECK_FALSE(whole(static_cast<const Grown*>(nullptr)));
}

TEST_CASE("sized: elements of arrays are as far apart as the module says", "[module]") {
    struct LongItem {
        Item known;
        std::uint64_t more;
    };
    const LongItem later[] = {{{1, 10, 100}, 1000}, {{2, 20, 200}, 2000}};
    CHECK(element(&later[0].known, sizeof(LongItem), 1).name == 2);
    CHECK(element(&later[0].known, sizeof(LongItem), 1).added == 200);
    struct ShortItem {
        std::uint64_t name;
        std::uint32_t weight;
    } __attribute__((packed));
    const ShortItem older[] = {{1, 10}, {2, 20}};
    REQUIRE(is_enough<Item>(sizeof(ShortItem)));
    const Item item = element(Bytes(older, sizeof older).as<Item>(), sizeof(ShortItem), 1);
    CHECK(item.name == 2);
    CHECK(item.weight == 20);
    CHECK(item.added == 0);
    CHECK_FALSE(is_enough<Item>(sizeof(ShortItem) - 1));
}

// A member that is appended must not change these: what is required of modules never grows.
TEST_CASE("sized: the least of each struct is what the first ABI had", "[module]") {
    CHECK(kLeastOf<gantry_module_entry_t> == 56);
    CHECK(kLeastOf<gantry_instance_1_t> == 40);
    CHECK(kLeastOf<gantry_certificate_source_1_t> == 16);
    CHECK(kLeastOf<gantry_key_t> == 96);
    CHECK(kLeastOf<gantry_hook_t> == 56);
    CHECK(kLeastOf<gantry_header_filter_t> == 48);
    CHECK(kLeastOf<gantry_body_filter_t> == 32);
    CHECK(kLeastOf<gantry_body_reader_t> == 32);
    CHECK(kLeastOf<gantry_conn_filter_t> == 56);
    CHECK(kLeastOf<gantry_hello_hook_t> == 48);
    CHECK(kLeastOf<gantry_certificate_pem_t> == 40);
    CHECK(kLeastOf<gantry_certificate_report_t> == 24);
    CHECK(kLeastOf<gantry_picker_t> == 32);
    CHECK(kLeastOf<gantry_peer_t> == 20);
    CHECK(kLeastOf<gantry_metric_t> == 84);
    CHECK(kLeastOf<gantry_metric_visitor_t> == 24);
    CHECK(kLeastOf<gantry_route_t> == 48);
    CHECK(kLeastOf<gantry_subscription_t> == 64);
    CHECK(kLeastOf<gantry_target_options_t> == 8);
    CHECK(kLeastOf<gantry_client_request_t> == 144);
    CHECK(kLeastOf<gantry_client_events_t> == 40);
    CHECK(kLeastOf<gantry_fd_events_t> == 40);
}

}  // namespace gantry::module
