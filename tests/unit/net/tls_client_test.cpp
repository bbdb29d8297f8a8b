// Our client side against our server side, on one worker.
#include "core/net/tls_client.hpp"

#include "tests/unit/net/tls_fixture.hpp"

#include <fcntl.h>

using namespace tls_test;

namespace {

// Sends "ping" when the handshake is through and reports what comes back.
class Caller final : public TransportEvents {
public:
    struct Outcome {
        std::string error;
        std::string answer;
        bool resumed = false;
        std::string alpn;
    };
    Caller(Worker& worker, TransportPtr transport) : transport_(std::move(transport)), out_(worker.blocks()) {
        transport_->set_events(this);
    }
    Outcome wait() { return done_.get_future().get(); }

private:
    void on_handshake(const Error* failure) override {
        if (failure != nullptr) return finish(failure->context);
        outcome_.resumed = transport_->tls()->resumed;
        outcome_.alpn = transport_->tls()->alpn;
        out_.append_literal("ping");
        transport_->write(out_);
        transport_->want_read();
    }
    void on_readable() override {
        do {
            char bytes[100];
            const Io io = transport_->read(bytes, sizeof bytes);
            if (io.kind == Io::Kind::Blocked) break;
            if (io.kind == Io::Kind::Failed) return finish(io.error.context);
            if (io.kind == Io::Kind::Closed) return finish("closed");
            outcome_.answer.append(bytes, io.bytes);
        } while (transport_->has_more());
        if (outcome_.answer.size() >= 4) return finish("");
        transport_->want_read();
    }
    void on_writable() override {}
    void finish(const std::string& error) {
        outcome_.error = error;
        transport_.reset();
        done_.set_value(outcome_);
    }

    TransportPtr transport_;
    Chain out_;
    Outcome outcome_;
    std::promise<Outcome> done_;
};

struct Upstream {
    explicit Upstream(conf::UpstreamTls settings) {
        server.run([&] {
            std::string problem;
            context = TlsClientContext::make(settings, problem);
            INFO(problem);
            REQUIRE(context);
        });
    }
    ~Upstream() {
        server.run([this] { context = {}; });
    }
    Caller::Outcome call(const std::string& host) {
        const int fd = server.connect();
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
        std::unique_ptr<Caller> caller;
        server.run([&] {
            TransportPtr transport = make_tls_client_transport(UniqueFd(fd), *context, host, "peer");
            REQUIRE(transport);
            caller = std::make_unique<Caller>(server.worker(), std::move(transport));
        });
        const Caller::Outcome outcome = caller->wait();
        server.run([&] { caller.reset(); });
        return outcome;
    }

    TlsServer server;
    Ref<TlsClientContext> context;
};

}  // namespace

TEST_CASE("tls_client: trusts what its CA file signed for the name it wants", "[net][tls]") {
    const TempDirectory directory;
    const Made ca = make({.cn = "Test CA", .names = {}, .is_ca = true});
    const Made site = make({.names = {"example.test", "*.wild.test"}, .issuer = &ca});
    const Made other = make({.cn = "other.test", .names = {"other.test"}});
    conf::UpstreamTls settings;
    settings.ca_file = directory.write("ca.pem", ca.pem());
    Upstream upstream(settings);
    const conf::Certificate files{
        directory.write("site.pem", site.pem()), directory.write("site.key", site.key_pem()), "", {}};
    const conf::Certificate foreign{
        directory.write("other.pem", other.pem()), directory.write("other.key", other.key_pem()), "", {}};
    upstream.server.serve("", {files});
    upstream.server.serve("other.test", {foreign});

    const Caller::Outcome good = upstream.call("example.test");
    CHECK(good.error == "");
    CHECK(good.answer == "ping");
    CHECK(good.alpn == "http/1.1");
    CHECK(upstream.server.asked.back() == "example.test");
    CHECK(upstream.call("a.wild.test").error == "");
    CHECK(upstream.call("wrong.test").error == "hostname mismatch");
    CHECK(upstream.call("127.0.0.1").error == "IP address mismatch");
    CHECK(upstream.server.asked.back() == "");  // an address is not asked for
    CHECK(upstream.call("other.test").error == "self-signed certificate");
}

TEST_CASE("tls_client: without verification anything goes", "[net][tls]") {
    Site site;
    conf::UpstreamTls settings;
    settings.verify = false;
    settings.server_name = "asked.test";
    Upstream upstream(settings);
    upstream.server.serve("", {site.files});
    CHECK(upstream.call("127.0.0.1").error == "");
    CHECK(upstream.server.asked.back() == "asked.test");
}

TEST_CASE("tls_client: sessions of a peer are resumed", "[net][tls]") {
    Site site;
    conf::UpstreamTls settings;
    settings.ca_file = site.files.certificate_file;
    Upstream upstream(settings);
    upstream.server.serve("", {site.files});
    CHECK_FALSE(upstream.call("example.test").resumed);
    for (int i = 0; i < 3; ++i) {
        const Caller::Outcome again = upstream.call("example.test");
        CHECK(again.error == "");
        CHECK(again.resumed);
    }
}

TEST_CASE("tls_client: a peer that does not speak TLS is an error, not a wait", "[net][tls]") {
    Upstream upstream({});
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
    const UniqueFd other(pair[1]);
    std::unique_ptr<Caller> caller;
    upstream.server.run([&] {
        caller = std::make_unique<Caller>(
            upstream.server.worker(),
            make_tls_client_transport(UniqueFd(pair[0]), *upstream.context, "x.test", ""));
    });
    REQUIRE(::write(other.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28);
    CHECK(caller->wait().error != "");
    upstream.server.run([&] { caller.reset(); });
}

TEST_CASE("tls_client: an unusable CA file is named", "[net][tls]") {
    conf::UpstreamTls settings;
    settings.ca_file = "/nonexistent/ca.pem";
    CHECK_THAT(TlsClientContext::check(settings),
               Catch::Matchers::StartsWith("cannot use the CA file /nonexistent"));
}
