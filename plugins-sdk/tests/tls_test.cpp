// Certificates that are offered, and hellos: by the C++ face, in a fake host.
#include "entry.hpp"

#include <string>
#include <vector>

namespace {

using gantry::Verdict;
using gantry::tls::Certificate;
using Chains = std::vector<std::string>;

constexpr std::string_view kKey = "-----BEGIN PRIVATE KEY-----\n";

std::string chain(std::string_view what) {
    return "-----BEGIN CERTIFICATE-----\n" + std::string{what};
}
Certificate make(const gantry::Host& host, std::string_view what) {
    return Certificate::make(host, {.chain = chain(what), .key = kKey});
}

// A source that answers a challenge as well: state, source and hook in one.
struct Acme {
    static constexpr gantry::Key keys[] = {gantry::Key::text("email")
                                               .in(gantry::kInHost | gantry::kInServer)
                                               .example("\"a@b.test\"")
                                               .doc("Whose.")};
    static inline Acme* latest = nullptr;

    static std::unique_ptr<Acme> prepare(gantry::Scope& top, Acme*) {
        auto made = std::make_unique<Acme>();
        made->host = &top.host();
        made->challenge = make(top.host(), "challenge");
        return made;
    }
    bool want(gantry::Scope& scope, gantry::tls::Names names) {
        if (scope.find("email").text() == "nobody") scope.error("nobody has no account", "name one");
        for (const std::string_view name : names) {
            wanted.emplace_back(name);
            if (name.starts_with("early.")) {
                const auto early = gantry::tls::offer(scope.host(), name, make(scope.host(), "early"));
                GANTRY_CHECK(static_cast<bool>(early));
            }
        }
        return true;
    }
    void commit() { latest = this; }
    Verdict hello(gantry::Hello& hello) {
        if (!hello.speaks_only("acme-tls/1")) return Verdict::Next;
        if (hello.server_name() != "www.example.com") {
            hello.refuse(112);
            return Verdict::Fail;
        }
        GANTRY_CHECK(hello.client().family == 4 && hello.local().port == 443);
        GANTRY_CHECK(!hello.use(challenge, "h2"));
        GANTRY_CHECK(!hello.use_number(challenge.number() + 1000));
        return hello.use(challenge, "acme-tls/1") ? Verdict::Done : Verdict::Fail;
    }

    const gantry::Host* host = nullptr;
    Certificate challenge;
    std::vector<std::string> wanted;
};

// Of one listener.
struct Choosy {
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("choosy").in(gantry::kInListener).example("true").doc("Refuses.")};
    static std::unique_ptr<Choosy> create(gantry::Scope& scope) {
        return scope.find("choosy").boolean() ? std::make_unique<Choosy>() : nullptr;
    }
    Verdict hello(gantry::Hello& hello) {
        GANTRY_CHECK_EQUAL(hello.listener(), "choosy");
        if (hello.server_name() == "quiet.test") return Verdict::Done;  // which it has not
        if (hello.protocol(0) == "h2") return hello.use_protocol("http/1.1") ? Verdict::Done : Verdict::Fail;
        return hello.server_name().empty() ? Verdict::Fail : Verdict::Next;
    }
};

const gantry_module_entry_t& acme() {
    return test::entry<gantry::CertificateSource<Acme>, gantry::HelloHook<Acme>, gantry::HelloHook<Choosy>>();
}

void test_is_told_who_asks() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(acme()));
    host.virtual_host("www.example.com", {{"email", "a@b.test"}});
    host.wants_certificates({"www.example.com", "*.example.com"});
    host.virtual_host("other.test", {});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(Acme::latest->wanted == (std::vector<std::string>{"www.example.com", "*.example.com"}));
    host.forget_configuration();
    host.virtual_host("www.example.com", {{"email", "nobody"}});
    host.wants_certificates({"www.example.com"});
    GANTRY_CHECK(!host.reload());
    GANTRY_CHECK_EQUAL(host.errors().at(0).message, "nobody has no account");
}

void test_offers_over_reloads() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(acme()));
    host.virtual_host("a.test", {});
    host.wants_certificates({"a.test", "early.a.test"});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(host.offered("early.a.test") == Chains{chain("early")});
    const gantry::Host& of_module = *Acme::latest->host;
    {
        const Certificate one = make(of_module, "one");
        GANTRY_CHECK(one && one.not_after() == 4'000'000'000 && one.reason().empty());
        GANTRY_CHECK(static_cast<bool>(gantry::tls::offer(of_module, "a.test", one)));
    }
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(host.offered("a.test") == Chains{chain("one")});
    const auto foreign = gantry::tls::offer(of_module, "b.test", make(of_module, "two"));
    GANTRY_CHECK(!foreign && foreign.result == GANTRY_ERROR_STALE && !foreign.reason.empty());
    GANTRY_CHECK(gantry::tls::offer(of_module, "a.test", {}).result == GANTRY_ERROR_STALE);
    GANTRY_CHECK(static_cast<bool>(gantry::tls::withdraw(of_module, "a.test")));
    GANTRY_CHECK(host.offered("a.test").empty());
    host.forget_configuration();
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK(host.offered("early.a.test").empty());
}

void test_refuses_what_is_none() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(acme()));
    GANTRY_CHECK(host.reload());
    const gantry::Host& of_module = *Acme::latest->host;
    const Certificate no_key = Certificate::make(of_module, {.chain = chain("one")});
    GANTRY_CHECK(!no_key && no_key.result() == GANTRY_ERROR_ARGUMENT);
    GANTRY_CHECK_EQUAL(no_key.reason(), "holds no private key in PEM form");
    host.refuse_certificates("it is too weak");
    GANTRY_CHECK_EQUAL(make(of_module, "one").reason(), "it is too weak");
}

void test_answers_hellos() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(acme()));
    host.listener("choosy", {{"choosy", true}});
    GANTRY_CHECK(host.reload());
    const auto usual = host.greet({});
    GANTRY_CHECK(!usual.is_refused && usual.chain.empty() && usual.protocol.empty());
    const auto challenged = host.greet({.protocols = {"acme-tls/1"}});
    GANTRY_CHECK_EQUAL(challenged.chain, chain("challenge"));
    GANTRY_CHECK_EQUAL(challenged.protocol, "acme-tls/1");
    const auto unknown = host.greet({.server_name = "x.test", .protocols = {"acme-tls/1"}});
    GANTRY_CHECK(unknown.is_refused && unknown.alert == 112);
    const auto both = host.greet({.protocols = {"acme-tls/1", "http/1.1"}});
    GANTRY_CHECK(!both.is_refused && both.chain.empty());

    const auto nameless = host.greet({.server_name = "", .listener = "choosy"});
    GANTRY_CHECK(nameless.is_refused && nameless.alert == 49);
    const auto older = host.greet({.protocols = {"h2", "http/1.1"}, .listener = "choosy"});
    GANTRY_CHECK(older.protocol == "http/1.1" && older.chain.empty());
    GANTRY_CHECK(!host.greet({.listener = "choosy"}).is_refused);
    host.expect_violations();
    GANTRY_CHECK(host.greet({.server_name = "quiet.test", .listener = "choosy"}).is_refused);
    GANTRY_CHECK_EQUAL(host.violations().size(), 1u);
}

}  // namespace

int main() {
    test_is_told_who_asks();
    test_offers_over_reloads();
    test_refuses_what_is_none();
    test_answers_hellos();
    return gantry::fake::result();
}
