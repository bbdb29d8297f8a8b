#include "core/module/contract.hpp"

#include "core/module/contract_call.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "tests/support/catch.hpp"

#include <cstring>
#include <string>
#include <thread>

namespace gantry::module {
namespace {

using contract::Call;

// Ends nothing: what would be said is thrown.
struct Sentence {
    std::string text;
};
void expect_said(const std::string& wanted, const std::function<void()>& run) {
    contract::set_teller([](std::string_view sentence) { throw Sentence{std::string(sentence)}; });
    try {
        run();
        FAIL("nothing was said, and not: " << wanted);
    } catch (const Sentence& said) {
        CHECK(said.text == wanted);
    }
    contract::set_teller(nullptr);
}

struct Checked {
    explicit Checked(bool is_on) : before(contract::is_checked()) { contract::set_checked(is_on); }
    ~Checked() { contract::set_checked(before); }
    Checked(const Checked&) = delete;
    Checked& operator=(const Checked&) = delete;
    bool before;
};

const Call kCall{"gantry.test/1", "act", nullptr};

constexpr const char* kIds[] = {GANTRY_LOG_1,    GANTRY_CONF_1,  GANTRY_PHASE_1,    GANTRY_HTTP_1,
                                GANTRY_FILTER_1, GANTRY_ASYNC_1, GANTRY_TIMER_1,    GANTRY_METRICS_1,
                                GANTRY_STORE_1,  GANTRY_CONN_1,  GANTRY_UPSTREAM_1, GANTRY_CLIENT_1,
                                GANTRY_EVENTS_1, GANTRY_TLS_1,   GANTRY_CONTROL_1,  GANTRY_FD_1};

}  // namespace

TEST_CASE("contract: there is no table of a number that is not known, of a draft or not", "[module]") {
    for (const bool is_on : {false, true}) {
        const Checked checked(is_on);
        CHECK(find_extension(GANTRY_HTTP_1) != nullptr);
        for (const char* const id : {"gantry.http/0", "gantry.http/2", "gantry.http/11", "gantry.http", ""})
            CHECK(find_extension(id) == nullptr);
    }
}

TEST_CASE("contract: every function of every table is checked", "[module]") {
    for (const char* const id : kIds) {
        const auto table = [&](bool is_checked) {
            const Checked checked(is_checked);
            return static_cast<const char*>(find_extension(id));
        };
        const char* const plain = table(false);
        const char* const checking = table(true);
        INFO(id);
        REQUIRE(plain != checking);
        std::uint32_t size = 0, other = 0;
        std::memcpy(&size, plain, sizeof size);
        std::memcpy(&other, checking, sizeof other);
        REQUIRE(size == other);
        REQUIRE(size % sizeof(void*) == 0);
        for (std::size_t at = sizeof(void*); at < size; at += sizeof(void*)) {
            const void *one = nullptr, *two = nullptr;
            std::memcpy(&one, plain + at, sizeof one);
            std::memcpy(&two, checking + at, sizeof two);
            INFO("function " << at / sizeof(void*));
            CHECK(two != nullptr);
            CHECK(one != two);
        }
    }
}

TEST_CASE("contract: a scope may be used as long as it is lent", "[module]") {
    const Checked checked(true);
    const gantry_scope top;
    gantry_scope inner = top;
    inner.parent = &top;
    {
        const contract::Lent lent(inner);
        contract::judge_scope(kCall, &inner);
        contract::judge_scope(kCall, &top);
        const contract::Lent again(top);
    }
    const std::string wanted =
        "a module: gantry.test/1 act: [loading] a scope is used after the call that it was lent to has "
        "returned";
    expect_said(wanted, [&] { contract::judge_scope(kCall, &inner); });
    expect_said(wanted, [&] { contract::judge_scope(kCall, &top); });
    expect_said("a module: gantry.test/1 act: [borrow:call] called without a scope",
                [] { contract::judge_scope(kCall, nullptr); });
}

TEST_CASE("contract: what an instance was given goes with it", "[module]") {
    const Checked checked(true);
    const gantry_value value;
    {
        contract::Given given;
        give(given, value);
        contract::judge_handle(kCall, &value, "a value");
    }
    contract::judge_handle(kCall, nullptr, "a value");
    expect_said(
        "a module: gantry.test/1 act: [borrow:instance] a value is used that is gone: its instance is "
        "retired, "
        "or it was ended",
        [&] { contract::judge_handle(kCall, &value, "a value"); });
}

TEST_CASE("contract: a handle may be used while the function runs that was given it", "[module]") {
    const contract::Callback hook{nullptr, contract::Place::Hook, "one", nullptr, nullptr};
    const contract::Callback filter{nullptr, contract::Place::BodyFilter, "two", nullptr, nullptr};
    const int first = 0, second = 0;
    {
        const contract::Running outer(hook, &first);
        const contract::Running inner(filter, &second);
        contract::judge_running(kCall, &first, "a sink");
        contract::judge_running(kCall, &second, "a sink");
        CHECK(contract::Running::innermost()->callback().name == "two");
        CHECK(contract::Running::with(&first)->callback().name == "one");
        // Another thread is not in it.
        std::thread([&] { CHECK(contract::Running::with(&first) == nullptr); }).join();
        expect_said("a module: gantry.test/1 act: no, in the body filter two",
                    [] { contract::broken(kCall, "no"); });
    }
    CHECK(contract::Running::innermost() == nullptr);
    expect_said(
        "a module: gantry.test/1 act: [borrow:call] a sink is used after the call that it was lent to has "
        "returned",
        [&] { contract::judge_running(kCall, &first, "a sink"); });
}

TEST_CASE("contract: a host is one that a module was given", "[module]") {
    const Checked checked(true);
    Services services;
    Module module;
    module.name = "known";
    module.services = &services;
    contract::enter(module);
    contract::judge_host(kCall, &module.host);
    CHECK(contract::is_main());
    CHECK(contract::here() == "the main thread");
    std::thread([] {
        CHECK(!contract::is_main());
        CHECK(contract::here() == "a thread that is no worker's and not the main one");
    }).join();
    expect_said("module known: gantry.test/1 act: no",
                [&] { contract::broken({kCall.table, kCall.function, nullptr, &module.host}, "no"); });
    contract::leave(module);
    expect_said("a module: gantry.test/1 act: called with a host that is none, or after close()",
                [&] { contract::judge_host(kCall, &module.host); });
    expect_said("a module: gantry.test/1 act: called without the host",
                [] { contract::judge_host(kCall, nullptr); });
}

}  // namespace gantry::module
