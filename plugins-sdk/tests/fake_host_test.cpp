// The fake host finds modules that break their contracts, and does not find others.
#include "entry.hpp"

#include <thread>

namespace {

using gantry::Exchange;
using gantry::Verdict;

bool has_violation(const gantry::fake::Host& host, std::string_view part) {
    for (const std::string& violation : host.violations()) {
        if (violation.find(part) != violation.npos) return true;
    }
    for (const std::string& violation : host.violations())
        std::fprintf(stderr, "found: %s\n", violation.c_str());
    return false;
}

// One broken contract for each path.
struct Broken : test::WithKey<Broken> {
    static inline gantry_exchange_t* kept = nullptr;

    Verdict handle(Exchange& exchange) {
        const gantry_http_1_t* http = exchange.host().http();
        const gantry_async_1_t* async = exchange.host().async();
        if (exchange.path() == "/silent") return Verdict::Done;
        if (exchange.path() == "/wait") return Verdict::Wait;
        if (exchange.path() == "/suspend") async->suspend(exchange.raw(), nullptr, nullptr);
        if (exchange.path() == "/short") {
            http->send_head(exchange.raw(), 10);
            http->finish(exchange.raw());
            return Verdict::Done;
        }
        if (exchange.path() == "/headless") http->send_body(exchange.raw(), {"a", 1});
        if (exchange.path() == "/twice") exchange.response().body("first");
        if (exchange.path() == "/changed") {
            exchange.response().body("first");
            http->set_status(exchange.raw(), 500);
            http->set_field(exchange.raw(), GANTRY_RESPONSE, {"X-Late", 6}, {"1", 1});
            return Verdict::Done;
        }
        if (exchange.path() == "/thread") std::thread{[&] { exchange.method(); }}.join();
        if (exchange.path() == "/number") return static_cast<Verdict>(99);
        if (exchange.path() == "/late" && kept != nullptr) http->method(kept);
        kept = exchange.raw();
        exchange.response().body("fine");
        return Verdict::Done;
    }
};

void test_broken_contracts_are_found() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Broken>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/fine").body(), "fine");
    GANTRY_CHECK(host.violations().empty());
    host.expect_violations();
    GANTRY_CHECK_EQUAL(host.request("GET", "/silent").status(), 500);
    GANTRY_CHECK(has_violation(host, "nobody answers"));
    GANTRY_CHECK_EQUAL(host.request("GET", "/wait").status(), 500);
    GANTRY_CHECK(has_violation(host, "without suspend()"));
    host.request("GET", "/suspend");
    GANTRY_CHECK(has_violation(host, "did not return GANTRY_WAIT"));
    GANTRY_CHECK(host.request("GET", "/short").is_cut());
    GANTRY_CHECK(has_violation(host, "another size"));
    host.request("GET", "/headless");
    GANTRY_CHECK(has_violation(host, "send_body() was called before send_head()"));
    host.request("GET", "/twice");
    GANTRY_CHECK(has_violation(host, "is sent again"));
    GANTRY_CHECK_EQUAL(host.request("GET", "/changed").status(), 200);
    GANTRY_CHECK(has_violation(host, "the status was changed after the head was sent"));
    GANTRY_CHECK(has_violation(host, "a field of the response was changed after the head was sent"));
    host.request("GET", "/thread");
    GANTRY_CHECK(has_violation(host, "thread of its own"));
    host.request("GET", "/late");
    GANTRY_CHECK(has_violation(host, "that is over"));
    GANTRY_CHECK_EQUAL(host.request("GET", "/number").status(), 500);
}

struct Curious : test::WithKey<Curious> {
    static std::unique_ptr<Curious> create(gantry::Scope& scope) {
        scope.find("off");
        scope.warning("Ends with a full stop.", "do not");
        return nullptr;
    }
    Verdict handle(Exchange&) { return Verdict::Next; }
};

void test_loading() {
    gantry::fake::Host host;
    host.expect_violations();
    GANTRY_CHECK(host.load(test::entry<gantry::Handler<Curious>>()));
    host.location("/", {{"on", true}});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(has_violation(host, "no such key"));
    GANTRY_CHECK(has_violation(host, "full stop"));
    host.location("/b", {{"on", "yes"}});
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors()[0].message, "on: expected true or false");
    GANTRY_CHECK_EQUAL(host.instances(), 1u);
}

// A value of each type, as the module gets it.
struct Typed {
    static constexpr const char* kChoices[] = {"low", "high", nullptr};
    static constexpr gantry::Key kTable[] = {
        gantry::Key::integer("rate", 1, 10).standard("5").example("3").doc("A number."),
        gantry::Key::text("name").required().example("\"a\"").doc("A text."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::size("size", 0, 1 << 30)
            .in(gantry::kAnywhere)
            .standard("\"1MiB\"")
            .example("\"2MiB\"")
            .doc("A size."),
        gantry::Key::timespan("time", std::chrono::seconds{0}, std::chrono::hours{2})
            .in(gantry::kAnywhere)
            .example("\"5s\"")
            .doc("A time."),
        gantry::Key::choice("level", kChoices)
            .in(gantry::kAnywhere)
            .standard("\"low\"")
            .example("\"high\"")
            .doc("A choice."),
        gantry::Key::text("words")
            .list()
            .in(gantry::kAnywhere)
            .standard("[\"a\", \"b\"]")
            .example("[\"c\"]")
            .doc("A list."),
        gantry::Key::table("limit", kTable)
            .named()
            .in(gantry::kAnywhere)
            .example("{ one = { name = \"a\" } }")
            .doc("Tables by name."),
        gantry::Key::path("file").in(gantry::kAnywhere).example("\"/a\"").doc("A path."),
    };
    static std::unique_ptr<Typed> create(gantry::Scope& scope) {
        using std::chrono::minutes;
        GANTRY_CHECK_EQUAL(scope.find("size").integer(), 1 << 20);
        GANTRY_CHECK(scope.find("time").timespan() == minutes{90});
        GANTRY_CHECK_EQUAL(scope.find("level").text(), "low");
        GANTRY_CHECK_EQUAL(scope.find("words").count(), 2u);
        GANTRY_CHECK_EQUAL(scope.find("words")[1].text(), "b");
        GANTRY_CHECK_EQUAL(scope.find("limit").name_at(0), "one");
        GANTRY_CHECK_EQUAL(scope.find("limit.one.rate").integer(), 5);
        GANTRY_CHECK_EQUAL(scope.find("limit")[0].member("name").text(), "x");
        GANTRY_CHECK_EQUAL(scope.find("file").text(), "/etc/gantry/a.txt");
        GANTRY_CHECK(!scope.find_own("time") && scope.find_own_of_host("time") &&
                     !scope.find_own_of_server("time"));
        GANTRY_CHECK(!scope.find("limit.two") && !scope.find("words")[2]);
        GANTRY_CHECK_EQUAL(scope.name(), "/");
        return nullptr;
    }
    Verdict handle(Exchange&) { return Verdict::Next; }
};

void test_values() {
    using gantry::fake::table;
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::Handler<Typed>>()));
    host.virtual_host("www.example.com", {{"time", "1h30m"}});
    host.location("/", {{"limit", table({{"one", table({{"name", "x"}})}})}, {"file", "a.txt"}});
    GANTRY_CHECK(host.reload());
    const auto refused = [&](gantry::fake::Entry entry) {
        host.forget_configuration();
        host.location("/", {std::move(entry)});
        return !host.reload();
    };
    GANTRY_CHECK(refused({"time", 5}));
    GANTRY_CHECK(refused({"time", "3h"}));
    GANTRY_CHECK(refused({"size", "5 parsecs"}));
    GANTRY_CHECK(refused({"level", "middle"}));
    GANTRY_CHECK(refused({"limit", table({{"one", table({{"rate", 1}})}})}));
    GANTRY_CHECK(refused({"limit", table({{"one", table({{"name", "x"}, {"rate", 11}})}})}));
    GANTRY_CHECK(refused({"limit", table({{"one", table({{"name", "x"}, {"other", 1}})}})}));
}

void test_versions() {
    gantry_module_entry_t entry = test::entry<gantry::Handler<Broken>>();
    gantry::fake::Host host;
    entry.abi_minor = GANTRY_ABI_MINOR + 1;
    GANTRY_CHECK(!host.load(entry));
    entry.abi_major = GANTRY_ABI_MAJOR + 1;
    entry.abi_minor = 0;
    GANTRY_CHECK(!host.load(entry));
    GANTRY_CHECK(!host.load("/nonexistent.so"));
}

}  // namespace

int main() {
    test_broken_contracts_are_found();
    test_loading();
    test_values();
    test_versions();
    return gantry::fake::result();
}
