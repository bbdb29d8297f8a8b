#include "core/net/certificate_offers.hpp"

#include "tests/unit/net/tls_fixture.hpp"

#include <atomic>
#include <thread>

using namespace tls_test;
using Kind = CertificateOffers::Outcome::Kind;

namespace {

CertificateLoad read(const Made& made) {
    return read_certificate(
        {.chain = made.pem(), .key = made.key_pem(), .ocsp = {}, .source = "vault:example"});
}
CertificatePtr loaded(const Recipe& recipe = {}) {
    CertificateLoad load = read(make(recipe));
    REQUIRE(load.certificate);
    return load.certificate;
}

}  // namespace

TEST_CASE("certificate: bytes are judged as files are", "[net][certificate]") {
    const Made made = make({});
    const CertificateLoad good = read(made);
    REQUIRE(good.certificate);
    CHECK(good.problems.empty());
    CHECK(good.certificate->source == "vault:example");
    CHECK(good.certificate->names == std::vector<std::string>{"example.test"});
    CHECK(read_certificate({.chain = made.pem() + made.key_pem(), .key = {}, .ocsp = {}, .source = "x"})
              .certificate);

    const auto problem = [&](std::string_view chain, std::string_view key) {
        const CertificateLoad load =
            read_certificate({.chain = chain, .key = key, .ocsp = {}, .source = "vault:a"});
        CHECK_FALSE(load.certificate);
        REQUIRE_FALSE(load.problems.empty());
        return load.problems.front().text;
    };
    CHECK(problem(made.pem(), make({}).key_pem()) ==
          "the key vault:a does not belong to the certificate vault:a (CN=example.test)");
    CHECK(problem("", made.key_pem()) == "vault:a holds no certificate in PEM form");
    CHECK(problem(made.pem(), "") == "vault:a holds no private key in PEM form");
    CHECK_THAT(problem(std::string(1024 * 1024 + 1, 'x'), ""), contains("has more than 1048576 bytes"));
    const Made weak = make({.kind = KeyKind::ShortRsa});
    CHECK_THAT(problem(weak.pem(), weak.key_pem()), contains("cannot be served"));
}

TEST_CASE("certificate: a bad staple is left out", "[net][certificate]") {
    const Made made = make({});
    const CertificateLoad load = read_certificate(
        {.chain = made.pem(), .key = made.key_pem(), .ocsp = "rubbish", .source = "vault:a"});
    REQUIRE(load.certificate);
    CHECK(load.certificate->ocsp.empty());
    CHECK_THAT(load.problems.at(0).text, contains("the OCSP response of vault:a is not used"));
}

TEST_CASE("certificate_offers: names show what is offered, until it is withdrawn", "[net][certificate]") {
    CertificateOffers offers;
    const auto one = offers.acquire("vault", "example.test");
    const auto foreign = offers.acquire("acme", "example.test");
    CHECK(one->is_empty());
    const std::uint64_t before = one->version();
    const CertificatePtr certificate = loaded();
    CHECK(offers.offer("vault", {"example.test"}, {certificate}).kind == Kind::Done);
    CHECK(one->current() == std::vector{certificate});
    CHECK(one->version() != before);
    CHECK(foreign->is_empty());
    CHECK(offers.offer("vault", {"example.test"}, {}).kind == Kind::Done);
    CHECK(one->is_empty());
    CHECK(one->self_signed()->names == std::vector<std::string>{"example.test"});
}

TEST_CASE("certificate_offers: what is offered lasts as long as somebody asks", "[net][certificate]") {
    CertificateOffers offers;
    auto old = offers.acquire("vault", "example.test");
    REQUIRE(offers.offer("vault", {"example.test"}, {loaded()}).kind == Kind::Done);
    auto next = offers.acquire("vault", "example.test");
    old.reset();
    CHECK_FALSE(next->is_empty());
    next.reset();
    CHECK(offers.offer("vault", {"example.test"}, {}).kind == Kind::NotAsked);
    CHECK(offers.acquire("vault", "example.test")->is_empty());
}

TEST_CASE("certificate_offers: all names change or none", "[net][certificate]") {
    CertificateOffers offers;
    const auto one = offers.acquire("vault", "example.test");
    const auto two = offers.acquire("vault", "two.test");
    const auto unasked = offers.offer("vault", {"example.test", "nobody.test"}, {loaded()});
    CHECK(unasked.kind == Kind::NotAsked);
    CHECK(unasked.reason == "no host asks vault for a certificate of nobody.test");
    const auto uncovered = offers.offer("vault", {"example.test", "two.test"}, {loaded()});
    CHECK(uncovered.kind == Kind::Refused);
    CHECK(uncovered.reason ==
          "the certificate vault:example is not valid for two.test (it names example.test)");
    CHECK(one->is_empty());
    CHECK(two->is_empty());
}

TEST_CASE("certificate_offers: one for each kind of key", "[net][certificate]") {
    CertificateOffers offers;
    const auto set = offers.acquire("vault", "example.test");
    const CertificatePtr rsa = loaded({.kind = KeyKind::Rsa});
    CHECK(offers.offer("vault", {"example.test"}, {loaded(), rsa}).kind == Kind::Done);
    CHECK(set->current().size() == 2);
    CHECK(offers.offer("vault", {"example.test"}, {loaded(), loaded()}).kind == Kind::Refused);
    CHECK(set->current().size() == 2);
    CHECK(offers.offer("vault", {"example.test"}, {rsa}).kind == Kind::Done);
    CHECK(set->current() == std::vector{rsa});
}

TEST_CASE("certificate_offers: an expired one does not take the place of a good one", "[net][certificate]") {
    CertificateOffers offers;
    const auto set = offers.acquire("vault", "*.example.test");
    const Recipe recipe{.names = {"*.example.test"}};
    const CertificatePtr old = loaded({.names = {"*.example.test"}, .from_days = -9, .to_days = -1});
    CHECK(offers.offer("vault", {"*.example.test"}, {old}).kind == Kind::Done);  // better than nothing
    CHECK(offers.offer("vault", {"*.example.test"}, {loaded(recipe)}).kind == Kind::Done);
    CHECK(offers.offer("vault", {"*.example.test"}, {old}).kind == Kind::Refused);
    CHECK(set->current().front() != old);
}

TEST_CASE("certificate_offers: change while clients shake hands", "[net][tls]") {
    CertificateOffers offers;
    const auto set = offers.acquire("vault", "example.test");
    TlsServer server;
    server.serve("", set);
    const std::vector<CertificatePtr> all{loaded({.cn = "one"}), loaded({.cn = "two"}),
                                          loaded({.cn = "three", .kind = KeyKind::Rsa})};
    std::atomic<bool> is_over{false};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 2; ++i) {
        threads.emplace_back([&, i] {
            for (std::size_t turn = i; !is_over; ++turn) {
                std::vector<CertificatePtr> shown{all[turn % all.size()]};
                if (turn % 7 == 0) shown.clear();  // withdrawn
                if (offers.offer("vault", {"example.test"}, shown).kind != Kind::Done) ++refused;
                std::this_thread::yield();
            }
        });
    }
    std::set<std::string> subjects;
    for (int i = 0; i < 60; ++i) {
        Client client(server.connect());
        CHECK(client.shake_hands() == "");
        subjects.insert(client.subject());
    }
    is_over = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(refused == 0);
    subjects.erase("example.test");  // the placeholder
    for (const std::string& subject : subjects)
        CHECK((subject == "one" || subject == "two" || subject == "three"));
    CHECK_FALSE(subjects.empty());
}
