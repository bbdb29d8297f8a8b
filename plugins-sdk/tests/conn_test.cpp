// Filters of connections: by the C++ face, in a fake host.
#include "entry.hpp"

#include <chrono>
#include <string>

namespace {

using gantry::Connection;
using gantry::More;
using gantry::Preface;

// Serves who knocks, and believes who they say they are.
struct Knock {
    static constexpr gantry::Key keys[] = {gantry::Key::text("knock")
                                               .in(gantry::kInServer | gantry::kInListener)
                                               .example("\"knock\"")
                                               .doc("The word.")};
    static constexpr const char* before = "test.late";

    explicit Knock(std::string_view text) : word(text) {}
    static std::unique_ptr<Knock> create(gantry::Scope& scope) {
        GANTRY_CHECK(scope.kind() == gantry::Scope::Kind::Listener);
        const gantry::Value value = scope.find("knock");
        if (value.text() == "bad") scope.error("that is no word", "take another", value);
        return value.text().empty() ? nullptr : std::make_unique<Knock>(value.text());
    }
    std::uint32_t most_bytes() const { return 16; }
    std::chrono::nanoseconds deadline() const { return std::chrono::seconds{1}; }
    Preface connection(Connection& connection, std::string_view bytes, More more) {
        if (bytes.starts_with(word)) {
            GANTRY_CHECK(connection.set_fact("knock.word", word));
            GANTRY_CHECK(!connection.set_fact("Knock", word));
            GANTRY_CHECK(!connection.set_fact("knock", "\r\n"));
            gantry::Address client = connection.client();
            client.port = 7;
            GANTRY_CHECK(connection.set_client(client));
            GANTRY_CHECK(connection.set_local(connection.client()));
            return Preface::take(word.size());
        }
        if (more == More::Late) return Preface::nothing();
        return more == More::Open ? Preface::wait() : Preface::refuse();
    }

    std::string word;
};

// Looks at addresses only, after the other.
struct Late {
    static constexpr const char* name = "test.late";
    static std::unique_ptr<Late> create(gantry::Scope& scope) {
        return scope.name() == "both" ? std::make_unique<Late>() : nullptr;
    }
    std::uint32_t most_bytes() const { return 0; }
    std::chrono::nanoseconds deadline() const { return {}; }
    Preface connection(Connection& connection, std::string_view bytes, More) {
        GANTRY_CHECK(bytes.empty());
        return connection.client().port == 7 ? Preface::nothing() : Preface::refuse();
    }
};

void load(gantry::fake::Host& host) {
    GANTRY_CHECK((host.load(test::entry<gantry::ConnFilter<Late>, gantry::ConnFilter<Knock>>())));
    host.listener("web", {{"knock", "knock"}});
    host.listener("both", {{"knock", "knock"}});
    host.listener("open", {});
    GANTRY_CHECK(host.reload());
}

void test_takes_a_preface() {
    gantry::fake::Host host;
    load(host);
    const auto at_once = host.connect({.bytes = "knockGET /"});
    GANTRY_CHECK(at_once.is_through());
    GANTRY_CHECK_EQUAL(at_once.rest(), "GET /");
    GANTRY_CHECK_EQUAL(at_once.client(), "192.0.2.1:7");
    GANTRY_CHECK_EQUAL(at_once.local(), "192.0.2.1:7");
    GANTRY_CHECK_EQUAL(at_once.fact("knock.word"), "knock");
    GANTRY_CHECK_EQUAL(at_once.facts(), 1u);

    auto slow = host.connect({.client = "[2001:db8::1]:9", .bytes = "kn"});
    GANTRY_CHECK(slow.is_waiting());
    slow.send("ock");
    GANTRY_CHECK(slow.is_through());
    GANTRY_CHECK_EQUAL(slow.client(), "[2001:db8::1]:7");

    GANTRY_CHECK(host.connect({.listener = "open", .bytes = "GET /"}).is_through());
}

void test_refuses() {
    gantry::fake::Host host;
    load(host);
    auto ended = host.connect({.bytes = "kn"});
    ended.end();
    GANTRY_CHECK(ended.is_refused());
    GANTRY_CHECK(host.connect({.bytes = "nothing of the kind"}).is_refused());  // all that it wants to see
    auto late = host.connect({});
    late.be_late();
    GANTRY_CHECK(late.is_through());
}

void test_filters_have_an_order() {
    gantry::fake::Host host;
    load(host);
    GANTRY_CHECK(host.connect({.listener = "both", .bytes = "knock"}).is_through());
    auto late = host.connect({.listener = "both"});
    late.be_late();
    GANTRY_CHECK(late.is_refused());  // by the second one
}

void test_is_configured() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::ConnFilter<Knock>>()));
    host.server({{"knock", "top"}});
    host.listener("web", {});
    GANTRY_CHECK(host.reload());
    const auto served = host.connect({.bytes = "top"});
    GANTRY_CHECK(served.is_through());
    host.forget_configuration();
    host.listener("web", {{"knock", "bad"}});
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors()[0].message, "that is no word");
    host.forget_configuration();
    host.virtual_host("a.test", {{"knock", "no"}});
    GANTRY_CHECK(!host.reload());
}

}  // namespace

int main() {
    test_takes_a_preface();
    test_refuses();
    test_filters_have_an_order();
    test_is_configured();
    return gantry::fake::result();
}
