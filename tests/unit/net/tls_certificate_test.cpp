#include "core/net/certificate.hpp"
#include "core/net/certificate_store.hpp"
#include "tests/unit/net/tls_fixture.hpp"

using namespace tls_test;

namespace {

constexpr auto kError = CertificateProblem::Kind::Error;
constexpr auto kWarning = CertificateProblem::Kind::Warning;

struct Files {
    TempDirectory directory;
    conf::Certificate pair(const std::string& certificate, const std::string& key,
                           unsigned key_mode = 0600) const {
        return {directory.write("c.pem", certificate), directory.write("c.key", key, key_mode), "", {}};
    }
    conf::Certificate pair(const Made& made) const { return pair(made.pem(), made.key_pem()); }
};

// The only problem of the files.
CertificateProblem only_problem(const conf::Certificate& files, const std::vector<std::string>& names = {}) {
    const auto problems = check_certificate(files, names);
    for (const CertificateProblem& problem : problems) UNSCOPED_INFO(problem.text);
    REQUIRE(problems.size() == 1);
    CHECK_FALSE(problems.front().hint.empty());
    return problems.front();
}

struct OcspRecipe {
    const Made* about;
    const Made* issuer;
    const Made* signer;
    int status = V_OCSP_CERTSTATUS_GOOD;
    long from = -3600;
    long to = 3600;
};

std::string make_ocsp(const OcspRecipe& recipe) {
    const OcspBasicHandle basic(OCSP_BASICRESP_new());
    OCSP_CERTID* id =
        OCSP_cert_to_id(EVP_sha1(), recipe.about->certificate.get(), recipe.issuer->certificate.get());
    ASN1_TIME* revoked = X509_gmtime_adj(nullptr, -7200);
    ASN1_TIME* from = X509_gmtime_adj(nullptr, recipe.from);
    ASN1_TIME* to = X509_gmtime_adj(nullptr, recipe.to);
    OCSP_basic_add1_status(basic.get(), id, recipe.status, 0, revoked, from, to);
    OCSP_basic_sign(basic.get(), recipe.signer->certificate.get(), recipe.signer->key.get(), EVP_sha256(),
                    nullptr, 0);
    const OcspResponseHandle response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &der);
    const std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    for (ASN1_TIME* time : {revoked, from, to}) ASN1_TIME_free(time);
    OCSP_CERTID_free(id);
    return bytes;
}

}  // namespace

TEST_CASE("certificate: a good pair has no problems and tells about itself", "[net][certificate]") {
    const Files files;
    const Made ca = make({.cn = "CA", .names = {}, .is_ca = true});
    const Made made = make({.cn = "Example", .names = {"Example.TEST", "*.example.test"}, .issuer = &ca});
    const CertificateLoad load = load_certificate(files.pair(made.pem() + ca.pem(), made.key_pem()));
    CHECK(load.problems.empty());
    REQUIRE(load.certificate);
    CHECK(load.certificate->chain.size() == 2);
    CHECK(load.certificate->subject == "CN=Example");
    CHECK(load.certificate->names == std::vector<std::string>{"example.test", "*.example.test"});
    CHECK(load.certificate->kind == "EC");
    CHECK(load.certificate->not_before < load.certificate->not_after);
}

TEST_CASE("certificate: certificate and key may share a file", "[net][certificate]") {
    const TempDirectory directory;
    const Made made = make({});
    for (const std::string& pem : {made.pem() + made.key_pem(), made.key_pem() + made.pem()}) {
        const conf::Certificate files{directory.write("both.pem", pem), "", "", {}};
        CHECK(check_certificate(files, {"example.test"}).empty());
    }
}

TEST_CASE("certificate: missing and unreadable files are named with the reason", "[net][certificate]") {
    const TempDirectory directory;
    const conf::Certificate missing{directory.path("c.pem"), directory.path("c.key"), "", {}};
    const auto problems = check_certificate(missing, {});
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].text ==
          "cannot read the certificate " + directory.path("c.pem") + ": No such file or directory");
    CHECK(problems[1].text ==
          "cannot read the key " + directory.path("c.key") + ": No such file or directory");
    const conf::Certificate folder{directory.path(""), "", "", {}};
    CHECK(only_problem(folder).text == "the certificate " + directory.path("") + " is not a file");
}

TEST_CASE("certificate: a problem points at where its file is named", "[net][certificate]") {
    const Files files;
    const Made made = make({});
    conf::Certificate pair = files.pair(made);
    pair.place = {0, 1, 10};
    pair.key_place = {0, 2, 20};
    pair.ocsp_place = {0, 3, 30};
    const auto line_of = [&] { return place_of(only_problem(pair), pair).line; };
    pair.ocsp_file = files.directory.write("c.ocsp", "nothing");
    CHECK(line_of() == 3);
    pair.ocsp_file = files.directory.path("missing");
    CHECK(line_of() == 3);
    pair.ocsp_file.clear();
    files.directory.write("c.key", made.key_pem(), 0644);
    CHECK(line_of() == 2);
    files.directory.write("c.key", "nothing");
    CHECK(line_of() == 2);
    files.directory.write("c.key", make({}).key_pem());
    CHECK(line_of() == 2);
    files.directory.write("c.key", made.key_pem());
    files.directory.write("c.pem", "nothing");
    CHECK(line_of() == 1);
    pair.key_file = files.directory.path("missing");
    files.directory.write("c.pem", made.pem());
    pair.key_place = {};
    CHECK(line_of() == 1);  // made by hand, without it
}

TEST_CASE("certificate: a key that does not belong is an error that says to what", "[net][certificate]") {
    const Files files;
    const CertificateProblem problem = only_problem(files.pair(make({}).pem(), make({}).key_pem()));
    CHECK(problem.kind == kError);
    CHECK(problem.file == CertificateProblem::File::Key);
    CHECK(problem.text == "the key " + files.directory.path("c.key") +
                              " does not belong to the certificate " + files.directory.path("c.pem") +
                              " (CN=example.test)");
}

TEST_CASE("certificate: a chain in the wrong order is explained", "[net][certificate]") {
    const Files files;
    const Made ca = make({.cn = "CA", .names = {}, .is_ca = true});
    const Made made = make({.issuer = &ca});
    CHECK_THAT(only_problem(files.pair(ca.pem() + made.pem(), made.key_pem())).text,
               contains("is number 2 in") && contains("must be the first"));
    const Made stranger = make({.cn = "stranger", .names = {}, .is_ca = true});
    const CertificateProblem problem = only_problem(files.pair(made.pem() + stranger.pem(), made.key_pem()));
    CHECK(problem.kind == kWarning);
    CHECK_THAT(problem.text, contains("number 2") && contains("is not the issuer"));
}

TEST_CASE("certificate: swapped, empty and damaged files are told apart", "[net][certificate]") {
    const Files files;
    const Made made = make({});
    const auto first_of = [&](const std::string& certificate, const std::string& key) {
        return check_certificate(files.pair(certificate, key), {}).at(0).text;
    };
    CHECK_THAT(first_of(made.key_pem(), made.pem()), contains("are certificate and key swapped?"));
    CHECK_THAT(first_of("", made.key_pem()), Catch::Matchers::EndsWith("holds no certificate in PEM form"));
    CHECK_THAT(first_of(made.pem(), "nothing"),
               Catch::Matchers::EndsWith("holds no private key in PEM form"));
    std::string damaged = made.pem();
    damaged.replace(100, 4, "!!!!");
    CHECK_THAT(first_of(damaged, made.key_pem()),
               contains("certificate number 1 in") && contains("is damaged"));
    damaged = made.key_pem();
    damaged.replace(40, 20, "AAAAAAAAAAAAAAAAAAAA");
    CHECK_THAT(first_of(made.pem(), damaged), contains("is damaged"));
}

TEST_CASE("certificate: a key with a passphrase is refused in words", "[net][certificate]") {
    const Files files;
    const Made made = make({});
    const BioHandle bio(BIO_new(BIO_s_mem()));
    const std::string secret = "secret";
    PEM_write_bio_PKCS8PrivateKey(bio.get(), made.key.get(), EVP_aes_128_cbc(), secret.data(),
                                  static_cast<int>(secret.size()), nullptr, nullptr);
    CHECK_THAT(only_problem(files.pair(made.pem(), drain(bio.get()))).text,
               contains("is protected by a passphrase"));
}

TEST_CASE("certificate: dates out of range are warnings, as serving is still better", "[net][certificate]") {
    const Files files;
    const CertificateProblem expired = only_problem(files.pair(make({.from_days = -30, .to_days = -2})));
    CHECK(expired.kind == kWarning);
    CHECK_THAT(expired.text, contains("(CN=example.test) expired on 20"));
    const CertificateProblem early = only_problem(files.pair(make({.from_days = 2})));
    CHECK(early.kind == kWarning);
    CHECK_THAT(early.text, contains("is not valid before 20"));
}

TEST_CASE("certificate: a key that everybody can read is a warning with the remedy", "[net][certificate]") {
    const Files files;
    const Made made = make({});
    const CertificateProblem problem = only_problem(files.pair(made.pem(), made.key_pem(), 0644));
    CHECK(problem.kind == kWarning);
    CHECK_THAT(problem.text, contains("mode 0644"));
    CHECK(problem.hint == "make it private: chmod 600 " + files.directory.path("c.key"));
}

TEST_CASE("certificate: a key too short to be served is an error", "[net][certificate]") {
    const Files files;
    const CertificateProblem problem = only_problem(files.pair(make({.kind = KeyKind::ShortRsa})));
    CHECK(problem.kind == kError);
    CHECK_THAT(problem.text, contains("cannot be served: ee key too small"));
}

TEST_CASE("certificate: names that it does not cover are warned of", "[net][certificate]") {
    const Files files;
    const conf::Certificate pair = files.pair(make({.names = {"a.test", "*.b.test"}}));
    CHECK(check_certificate(pair, {"a.test", "x.b.test", "*.b.test"}).empty());
    for (const std::string name : {"c.test", "b.test", "x.y.b.test", "*.a.test"}) {
        const CertificateProblem problem = only_problem(pair, {name});
        CHECK(problem.kind == kWarning);
        CHECK_THAT(problem.text, contains("is not valid for " + name + " (it names a.test, *.b.test)"));
    }
    CHECK_THAT(only_problem(files.pair(make({.names = {}})), {"a.test"}).text, contains("names no host"));
}

TEST_CASE("certificate: the self-signed one holds for its names", "[net][certificate]") {
    const CertificatePtr made = make_self_signed({"a.test", "*.b.test", "127.0.0.1", "::1"});
    REQUIRE(made);
    const auto* bytes = reinterpret_cast<const unsigned char*>(made->chain.at(0).data());
    const X509Handle x509(d2i_X509(nullptr, &bytes, static_cast<long>(made->chain[0].size())));
    REQUIRE(x509);
    CHECK(X509_check_host(x509.get(), "a.test", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(x509.get(), "x.b.test", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(x509.get(), "c.test", 0, 0, nullptr) == 0);
    CHECK(X509_check_ip_asc(x509.get(), "127.0.0.1", 0) == 1);
    CHECK(X509_check_ip_asc(x509.get(), "::1", 0) == 1);
    CHECK(made->subject == "CN=a.test");
    CHECK(made->not_after - std::time(nullptr) > 30 * 86400);
    CHECK(make_self_signed({std::string(200, 'a')}));
    CHECK(make_self_signed({}));
}

TEST_CASE("certificate: an OCSP response is used only when it is good, timely and about this certificate",
          "[net][certificate]") {
    const Files files;
    const Made ca = make({.cn = "CA", .names = {}, .is_ca = true});
    const Made other_ca = make({.cn = "other CA", .names = {}, .is_ca = true});
    const Made site = make({.issuer = &ca});
    const Made other = make({.issuer = &ca});
    const auto judge = [&](const std::string& der) {
        conf::Certificate pair = files.pair(site.pem() + ca.pem(), site.key_pem());
        pair.ocsp_file = files.directory.write("c.ocsp", der);
        CertificateLoad load = load_certificate(pair);
        REQUIRE(load.certificate);  // it is served without at least
        CHECK(load.certificate->ocsp.empty() == !load.problems.empty());
        if (load.problems.empty()) return std::string("good");
        CHECK(load.problems.front().kind == kWarning);
        return load.problems.front().text;
    };
    CHECK(judge(make_ocsp({&site, &ca, &ca})) == "good");
    CHECK_THAT(judge(make_ocsp({&site, &ca, &ca, V_OCSP_CERTSTATUS_GOOD, -7200, -3600})),
               Catch::Matchers::EndsWith("it has expired"));
    CHECK_THAT(judge(make_ocsp({&site, &ca, &ca, V_OCSP_CERTSTATUS_GOOD, 3600, 7200})),
               Catch::Matchers::EndsWith("it is not valid yet"));
    CHECK_THAT(judge(make_ocsp({&other, &ca, &ca})),
               Catch::Matchers::EndsWith("it is about another certificate"));
    CHECK_THAT(judge(make_ocsp({&site, &other_ca, &other_ca})),
               Catch::Matchers::EndsWith("it is about another certificate"));
    CHECK_THAT(judge(make_ocsp({&site, &ca, &other_ca})),
               Catch::Matchers::EndsWith("it is not signed by the certificate's issuer"));
    CHECK_THAT(judge(make_ocsp({&site, &ca, &ca, V_OCSP_CERTSTATUS_REVOKED})),
               Catch::Matchers::EndsWith("it says that the certificate was revoked"));
    CHECK_THAT(judge("nonsense"), Catch::Matchers::EndsWith("it is not an OCSP response in DER form"));
}

TEST_CASE("certificate: a good OCSP response reaches the client that asks", "[net][tls]") {
    const Files files;
    const Made ca = make({.cn = "CA", .names = {}, .is_ca = true});
    const Made site = make({.issuer = &ca});
    conf::Certificate pair = files.pair(site.pem() + ca.pem(), site.key_pem());
    const std::string der = make_ocsp({&site, &ca, &ca});
    pair.ocsp_file = files.directory.write("c.ocsp", der);
    TlsServer server;
    server.serve("", {pair});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Client client(server.connect(), nullptr, "example.test", [version](SSL_CTX* context) {
            SSL_CTX_set_max_proto_version(context, version);
            SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
        });
        REQUIRE(client.shake_hands() == "");
        const unsigned char* got = nullptr;
        const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &got);
        REQUIRE(size == static_cast<long>(der.size()));
        CHECK(std::memcmp(got, der.data(), der.size()) == 0);
    }
}

TEST_CASE("certificate_store: hosts with the same files share one set, others do not", "[net][certificate]") {
    const Files files;
    const conf::Certificate pair = files.pair(make({}));
    CertificateStore store;
    const auto one = store.acquire({pair}, {"a.test"}).set;
    CHECK(store.acquire({pair}, {"b.test"}).set == one);
    CHECK(store.acquire({}, {"a.test"}).set != store.acquire({}, {"b.test"}).set);
    const auto none = store.acquire({}, {"a.test"}).set;
    CHECK(none->current().empty());
    CHECK(none->self_signed() == none->self_signed());
    CHECK(none->self_signed()->subject == "CN=a.test");
}

TEST_CASE("certificate_store: a change on the disk is published once, a broken one is not",
          "[net][certificate]") {
    const Files files;
    const conf::Certificate pair = files.pair(make({.cn = "one"}));
    CertificateStore store;
    const auto set = store.acquire({pair}, {}).set;
    const auto version = set->version();
    CHECK(store.check_files() == 0);
    CHECK(set->version() == version);

    files.pair(make({.cn = "two"}));
    CHECK(store.check_files() == 1);
    CHECK(store.check_files() == 0);
    CHECK(set->version() == version + 1);
    CHECK(set->current().at(0)->subject == "CN=two");

    // Certificate and key are replaced one after the other.
    const Made three = make({.cn = "three"});
    files.directory.write("c.pem", three.pem());
    CHECK(store.check_files() == 0);
    CHECK(set->current().at(0)->subject == "CN=two");
    files.directory.write("c.key", three.key_pem());
    CHECK(store.check_files() == 1);
    CHECK(set->current().at(0)->subject == "CN=three");

    std::filesystem::remove(files.directory.path("c.key"));
    CHECK(store.check_files() == 0);
    CHECK(store.check_files() == 0);
    CHECK(set->current().at(0)->subject == "CN=three");

    const auto again = store.acquire({pair}, {});  // a reload says what is wrong and keeps what is good
    CHECK(again.set == set);
    CHECK(again.problems.size() == 1);
    CHECK(set->current().at(0)->subject == "CN=three");
}

TEST_CASE("certificate_store: an update that has expired does not replace one that is valid",
          "[net][certificate]") {
    const Files files;
    const conf::Certificate pair = files.pair(make({.cn = "valid"}));
    CertificateStore store;
    const auto set = store.acquire({pair}, {}).set;
    files.pair(make({.cn = "old", .from_days = -10, .to_days = -1}));
    CHECK(store.check_files() == 0);
    CHECK(store.check_files() == 0);
    CHECK(set->current().at(0)->subject == "CN=valid");
}

TEST_CASE("certificate_store: files that were missing are served when they come", "[net][certificate]") {
    const Files files;
    const conf::Certificate pair{files.directory.path("c.pem"), files.directory.path("c.key"), "", {}};
    CertificateStore store;
    const auto acquired = store.acquire({pair}, {"a.test"});
    CHECK(acquired.problems.size() == 2);
    CHECK(acquired.set->current().empty());
    files.pair(make({.cn = "late"}));
    CHECK(store.check_files() == 1);
    CHECK(acquired.set->current().at(0)->subject == "CN=late");
}

TEST_CASE("certificate_store: the watch finds a change by itself", "[net][certificate]") {
    const Files files;
    const conf::Certificate pair = files.pair(make({.cn = "one"}));
    CertificateStore store;
    const auto set = store.acquire({pair}, {}).set;
    store.watch(std::chrono::milliseconds(10));
    files.pair(make({.cn = "two"}));
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (set->current().at(0)->subject != "CN=two" && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
    }
    CHECK(set->current().at(0)->subject == "CN=two");
}

TEST_CASE("certificate_store: ticket keys of a listener outlive who asked for them", "[net][certificate]") {
    CertificateStore store;
    const auto name = store.ticket_keys("web", std::chrono::hours(8))->current()->keys[0].name;
    CHECK(store.ticket_keys("web", std::chrono::hours(8))->current()->keys[0].name == name);
    CHECK(store.ticket_keys("other", std::chrono::hours(8))->current()->keys[0].name != name);
}
