#include "core/server/tls_hosts.hpp"

#include "core/server/generation.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/net/tls_fixture.hpp"

#include <set>

using namespace gantry;
using namespace gantry::server;

namespace {

conf::Host make_host(const std::string& name, conf::HostName::Kind kind = conf::HostName::Kind::Exact) {
    conf::Host host;
    host.name = name;
    host.names.push_back({kind, name, {}});
    host.listeners = {0};
    return host;
}

std::shared_ptr<const Generation> build(conf::Settings settings) {
    Problems problems;
    auto generation = Generation::build(std::move(settings), {}, {}, problems);
    REQUIRE(generation);
    return generation;
}

conf::Settings two_hosts() {
    conf::Settings settings;
    settings.files = {"test.toml"};
    settings.listeners.resize(2);
    settings.listeners[0].name = "secure";
    settings.listeners[0].tls.emplace();
    settings.listeners[0].default_host = 1;
    settings.listeners[1].name = "plain";
    settings.hosts = {make_host("a.test"), make_host("b.test"), make_host("plain.test")};
    settings.hosts[2].listeners = {1};
    return settings;
}

}  // namespace

TEST_CASE("tls_hosts: the name of a handshake finds the certificates of its host", "[server][tls]") {
    net::CertificateStore store;
    const auto hosts = std::make_shared<const TlsHosts>(store, build(two_hosts()));
    REQUIRE(hosts->certificates(0) != nullptr);
    CHECK(hosts->certificates(0) != hosts->certificates(1));
    CHECK(hosts->certificates(2) == nullptr);  // not on a listener with TLS
    TlsSelector selector;
    CHECK(selector.select("a.test") == nullptr);
    CHECK(selector.use(hosts, 0) == nullptr);
    CHECK(selector.select("a.test") == hosts->certificates(0));
    CHECK(selector.select("b.test") == hosts->certificates(1));
    CHECK(selector.select("") == hosts->certificates(1));
    CHECK(selector.select("other.test") == hosts->certificates(1));
    CHECK(selector.use(nullptr, 0) == hosts);
    CHECK(selector.select("a.test") == nullptr);
}

TEST_CASE("tls_hosts: the self-signed fallback names the host", "[server][tls]") {
    conf::Settings settings = two_hosts();
    settings.hosts[0].names.push_back({conf::HostName::Kind::Wildcard, "w.test", {}});
    settings.hosts[0].names.push_back({conf::HostName::Kind::Regex, "^x.*$", {}});
    net::CertificateStore store;
    const TlsHosts hosts(store, build(std::move(settings)));
    CHECK(hosts.certificates(0)->self_signed()->names == std::vector<std::string>{"a.test", "*.w.test"});
}

TEST_CASE("tls_hosts: a certificate is read once for the generation, all of its hosts and who serves them",
          "[server][tls]") {
    const tls_test::Site site;
    conf::Settings settings = two_hosts();
    for (conf::Host& host : settings.hosts) {
        host.certificates = {site.files};
        host.listeners = {0};
    }
    net::CertificateStore store;
    std::set<std::uint64_t> seen;
    Problems problems;
    const auto generation =
        Generation::build(std::move(settings), {}, {}, problems, 1, [&](const conf::Host& host) {
            auto acquired = store.acquire(host.certificates, certified_names(host));
            CHECK_FALSE(acquired.set->is_empty());
            seen.insert(acquired.set->id());
            return acquired;
        });
    REQUIRE(generation);
    CHECK(seen.size() == 1);
    const TlsHosts hosts(store, generation);
    CHECK(hosts.certificates(0)->id() == *seen.begin());
    CHECK(hosts.certificates(2)->id() == *seen.begin());
}

TEST_CASE("tls_hosts: what is wrong is told once, with its scope and place", "[server][tls]") {
    conf::Settings settings = two_hosts();
    CHECK(check_tls(settings).empty());
    settings.listeners[0].tls->ciphers = "NONSENSE";
    settings.listeners[0].place.line = 7;
    const conf::Certificate missing{"/nonexistent/c.pem", "", "", {0, 12, 3}};
    settings.hosts[0].certificates = {missing};
    settings.hosts[1].certificates = {missing};
    settings.upstreams.resize(1);
    settings.upstreams[0].tls.emplace();
    settings.upstreams[0].tls->ca_file = "/nonexistent/ca.pem";
    const auto problems = check_tls(settings);
    REQUIRE(problems.size() == 3);
    CHECK(problems[0].scope == TlsProblem::Scope::Configuration);
    CHECK(problems[0].place.line == 7);
    CHECK(problems[1].scope == TlsProblem::Scope::Configuration);
    CHECK(problems[1].text.substr(0, 43) == "cannot use the CA file /nonexistent/ca.pem:");
    CHECK(problems[2].scope == TlsProblem::Scope::Certificate);
    CHECK(problems[2].place.line == 12);
}
