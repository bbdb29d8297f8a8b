// Peers that are found while an upstream serves.
#include "core/conf/module_keys.hpp"
#include "core/net/blocking_pool.hpp"
#include "core/net/resolver.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/upstream/support.hpp"

#include <string>
#include <utility>

using namespace gantry;
using namespace gantry::upstream;

namespace {

conf::Peer peer(std::uint16_t port, std::uint32_t weight = 1) {
    conf::Peer out;
    out.host = "127.0.0.1";
    out.port = port;
    out.weight = weight;
    return out;
}

struct Bed {
    net::BlockingPool blocking{1};
    net::Resolver resolver{blocking};
    Registry registry{resolver};
    conf::ModuleKey key;
    conf::Upstream settings;
    std::shared_ptr<const Upstream> upstream;

    Bed() {
        settings.name = "app";
        conf::ModuleValue value;
        value.key = &key;
        conf::ModuleValues values;
        values.push_back(std::move(value));
        settings.module_values = std::move(values);
        upstream = registry.make(settings);
        registry.keep_finders({{"app", "m"}});
    }
    std::string members(const Upstream& of) const {
        std::string out;
        for (const Upstream::Member& member : *of.live->members())
            out +=
                member.peer->text.substr(member.peer->text.find(':')) + "=" + std::to_string(member.weight);
        return out;
    }
};

}  // namespace

TEST_CASE("what is found is there at once, and in the upstream that a reload makes") {
    Bed bed;
    REQUIRE(bed.upstream->live);
    CHECK(bed.members(*bed.upstream).empty());
    const std::uint32_t version = bed.upstream->live->version();
    REQUIRE(bed.registry.set_found("app", "m", 1, {peer(1), peer(2, 5)}));
    CHECK(bed.upstream->live->version() != version);
    CHECK(bed.members(*bed.upstream) == ":1=1:2=5");
    bed.settings.keep_alive = 1;
    bed.settings.peers.push_back(peer(2, 3));
    const auto next = bed.registry.make(bed.settings);
    CHECK(next != bed.upstream);
    CHECK(bed.members(*next) ==
          ":2=3:1=1");  // that of the file comes first, with the weight that it has there
    REQUIRE(bed.registry.set_found("app", "m", 1, {}));
    CHECK(bed.members(*bed.upstream).empty());
    CHECK(bed.members(*next) == ":2=3");
}

TEST_CASE("an earlier load does not undo what a later one found, nor does one that no longer looks") {
    Bed bed;
    REQUIRE(bed.registry.set_found("app", "m", 2, {peer(2)}));
    CHECK_FALSE(bed.registry.set_found("app", "m", 1, {peer(1)}));
    CHECK_FALSE(bed.registry.set_found("app", "other", 3, {peer(3)}));
    CHECK_FALSE(bed.registry.set_found("other", "m", 3, {peer(3)}));
    CHECK(bed.members(*bed.upstream) == ":2=1");
    bed.registry.keep_finders({{"app", "m"}, {"app", "n"}});
    REQUIRE(bed.registry.set_found("app", "n", 3, {peer(2, 9), peer(4)}));
    CHECK(bed.members(*bed.upstream) == ":2=1:4=1");
    bed.registry.keep_finders({{"app", "n"}});
    CHECK(bed.members(*bed.upstream) == ":2=9:4=1");
    CHECK_FALSE(bed.registry.set_found("app", "m", 4, {peer(1)}));
}

TEST_CASE("a picker is asked, and only taken at its word where that can be") {
    Bed bed;
    REQUIRE(bed.registry.set_found("app", "m", 1, {peer(1, 1), peer(2, 1), peer(3, 0)}));
    struct Fixed final : Picker {
        std::size_t pick(std::span<const Candidate> candidates) override {
            seen.clear();
            for (const Candidate& one : candidates)
                seen += std::string(one.address.substr(one.address.find(':'))) + (one.was_tried ? "-" : "+");
            return answer;
        }
        std::size_t answer = 0;
        std::string seen;
    } picker;
    test::WorkerThread thread;
    thread.run([&] {
        Pools pools(thread.worker());
        const Ref<Group> group = pools.group(bed.upstream);
        const auto port = [&](std::size_t answer, const PeerPool* tried) {
            picker.answer = answer;
            const PeerPool* const picked = group->pick(&tried, tried == nullptr ? 0 : 1, &picker);
            return picked == nullptr ? std::string()
                                     : picked->peer().text.substr(picked->peer().text.find(':'));
        };
        CHECK(port(2, nullptr) == ":3");  // whoever chooses decides about weights as well
        CHECK(picker.seen == ":1+:2+:3+");
        const PeerPool* const first = group->pick(nullptr, 0, nullptr);
        const std::string other = first->peer().text.ends_with(":1") ? ":2" : ":1";
        CHECK(port(first->peer().text.ends_with(":1") ? 0 : 1, first) == other);  // it was tried already
        CHECK(port(99, first) == other);
        REQUIRE(bed.registry.set_found("app", "m", 1, {peer(7)}));
        CHECK(port(Picker::kBalancer, nullptr) == ":7");
        REQUIRE(bed.registry.set_found("app", "m", 1, {}));
        CHECK(port(0, nullptr).empty());
    });
}
