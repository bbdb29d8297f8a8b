// What docs/modules.md shows and no example has: small types, each for one thing, in a fake host.
#include "entry.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

// ---- one of each role

class Manners {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("manners").in(gantry::kAnywhere).example("true").doc("Is polite."),
    };
    static std::unique_ptr<Manners> create(gantry::Scope& scope) {
        return scope.find("manners").boolean() ? std::make_unique<Manners>() : nullptr;
    }

    // Rewrite: what was moved is looked for where it is now.
    gantry::Verdict rewrite(gantry::Exchange& exchange) const {
        const std::string_view path = exchange.path();
        if (path.starts_with("/old/")) exchange.set_path("/new/" + std::string{path.substr(5)});
        return gantry::Verdict::Next;
    }
    // Preaccess: cheap, before anybody looks at a password.
    gantry::Verdict preaccess(gantry::Exchange& exchange) const {
        return exchange.fields().has("User-Agent") ? gantry::Verdict::Next : exchange.fail(400);
    }
    // HeaderFilter: on error pages as well.
    void head(gantry::Exchange& exchange) const {
        if (exchange.response().status() == 503) exchange.response().fields().set("Retry-After", "30");
    }
    // BodyFilter: a Body for each response that it changes, none for the others.
    struct Body {
        void data(std::string_view data, gantry::Sink& sink) { sink.send(data); }
        void end(gantry::Sink& sink) { sink.send("Yours sincerely\n"); }
    };
    std::optional<Body> filter(gantry::Exchange& exchange) const {
        if (exchange.response().fields()["Content-Type"] != "text/plain") return std::nullopt;
        return Body{};
    }
    // Logger: when it is over, whatever became of it.
    void log(gantry::Exchange& exchange) const {
        const int status = exchange.response().status();
        if (status >= 500) exchange.host().print(gantry::LogLevel::Warn, "sorry status=%d", status);
    }
};

void load_manners(gantry::fake::Host& host) {
    GANTRY_CHECK((host.load(
        test::entry<gantry::Rewrite<Manners>, gantry::Preaccess<Manners>, gantry::HeaderFilter<Manners>,
                    gantry::BodyFilter<Manners>, gantry::Logger<Manners>>())));
    host.location("/", {{"manners", true}});
    GANTRY_CHECK(host.reload());
}

void test_one_of_each_role() {
    gantry::fake::Host host;
    load_manners(host);
    host.answer_with(200, {{"Content-Type", "text/plain"}}, {"Hello\n"});
    const auto polite = host.request("GET", "/old/page", {{"User-Agent", "me"}});
    GANTRY_CHECK_EQUAL(polite.path(), "/new/page");
    GANTRY_CHECK_EQUAL(polite.body(), "Hello\nYours sincerely\n");
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 400);
    GANTRY_CHECK(!host.has_logged("sorry"));

    host.answer_with(503, {{"Content-Type", "text/html"}}, {"later"});
    const auto failed = host.request("GET", "/page", {{"User-Agent", "me"}});
    GANTRY_CHECK_EQUAL(failed.path(), "/page");
    GANTRY_CHECK_EQUAL(failed.body(), "later");
    GANTRY_CHECK_EQUAL(failed.field("Retry-After").value_or(""), "30");
    GANTRY_CHECK(host.has_logged("sorry status=503"));
}

// ---- a service beside the traffic

class Pulse {
public:
    static std::unique_ptr<Pulse> prepare(gantry::Scope& top, Pulse*) {
        return std::make_unique<Pulse>(top.host());
    }
    explicit Pulse(const gantry::Host& host) : host_(host) {}
    // This configuration serves. Before, what begins here might begin for one that is refused.
    void commit() { ticker_.start<&Pulse::beat>(host_, std::chrono::minutes{1}, *this); }

private:
    void beat() noexcept { host_.print(gantry::LogLevel::Info, "alive minutes=%d", ++minutes_); }

    const gantry::Host& host_;
    gantry::Ticker ticker_;
    int minutes_ = 0;
};

void test_a_service() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::State<Pulse>>()));
    GANTRY_CHECK(host.reload());
    host.advance(59s);
    GANTRY_CHECK(!host.has_logged("alive"));
    host.advance(61s);
    GANTRY_CHECK(host.has_logged("alive minutes=2"));
    GANTRY_CHECK(!host.has_logged("alive minutes=3"));
}

// ---- the body of a request

class Mirror : public test::WithKey<Mirror> {
public:
    struct Reader {
        std::string text = {};
        void data(gantry::Exchange, std::string_view piece) { text += piece; }  // at most max_body
        void end(gantry::Exchange exchange) { exchange.response().body(text); }
    };
    gantry::Verdict handle(gantry::Exchange& exchange) const {
        auto* reader = exchange.attach<Reader>();
        if (reader == nullptr || exchange.read_body(*reader) != GANTRY_OK) return gantry::Verdict::Fail;
        return gantry::Verdict::Done;
    }
};

void test_a_body() {
    gantry::fake::Host host;
    test::load<gantry::Handler<Mirror>>(host);
    GANTRY_CHECK_EQUAL(host.request({.method = "POST", .body = {"one", "two"}}).body(), "onetwo");
}

// ---- what a connection begins with

class Knock {
public:
    static constexpr gantry::Key keys[] = {
        gantry::Key::boolean("knock").in(gantry::kInListener).example("true").doc("Serves who knocks."),
    };
    static std::unique_ptr<Knock> create(gantry::Scope& listener) {
        return listener.find("knock").boolean() ? std::make_unique<Knock>() : nullptr;
    }
    std::uint32_t most_bytes() const { return 5; }  // that it wants to see at most
    std::chrono::nanoseconds deadline() const { return 1s; }
    gantry::Preface connection(gantry::Connection&, std::string_view bytes, gantry::More more) const {
        if (bytes == "knock") return gantry::Preface::take(5);  // TLS or HTTP begins behind it
        return more == gantry::More::Open ? gantry::Preface::wait() : gantry::Preface::refuse();
    }
};

void test_a_connection() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::ConnFilter<Knock>>()));
    host.listener("web", {{"knock", true}});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.connect({.bytes = "knockGET /"}).rest(), "GET /");
    GANTRY_CHECK(host.connect({.bytes = "kn"}).is_waiting());
    GANTRY_CHECK(host.connect({.bytes = "GET /"}).is_refused());
}

// ---- handshakes

class Acme {
public:
    static std::unique_ptr<Acme> prepare(gantry::Scope& top, Acme*) {
        auto made = std::make_unique<Acme>();
        made->challenge_ = gantry::tls::Certificate::make(
            top.host(), {.chain = "-----BEGIN CERTIFICATE-----\n", .key = "-----BEGIN PRIVATE KEY-----\n"});
        return made;
    }
    bool want(gantry::Scope&, gantry::tls::Names) { return true; }

    gantry::Verdict hello(gantry::Hello& hello) {
        if (!hello.speaks_only("acme-tls/1")) return gantry::Verdict::Next;
        const auto& challenge = challenge_for(hello.server_name());
        return hello.use(challenge, "acme-tls/1") ? gantry::Verdict::Done : gantry::Verdict::Fail;
    }

private:
    const gantry::tls::Certificate& challenge_for(std::string_view name) const {
        return name == "www.example.com" ? challenge_ : nothing_;
    }

    gantry::tls::Certificate challenge_;
    gantry::tls::Certificate nothing_;
};

void test_a_handshake() {
    gantry::fake::Host host;
    GANTRY_CHECK((host.load(test::entry<gantry::CertificateSource<Acme>, gantry::HelloHook<Acme>>())));
    host.wants_certificates({"www.example.com"});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.greet({.protocols = {"acme-tls/1"}}).protocol, "acme-tls/1");
    GANTRY_CHECK(host.greet({.server_name = "x.test", .protocols = {"acme-tls/1"}}).is_refused);
    GANTRY_CHECK(host.greet({.protocols = {"h2"}}).chain.empty());
}

// ---- numbers

struct Zones {
    static std::unique_ptr<Zones> prepare(gantry::Scope& top, Zones*) {
        auto made = std::make_unique<Zones>();
        made->refusals = gantry::Counters::declare(
            top.host(), {.name = "refusals", .help = "Requests refused.", .labels = {"zone"}});
        return made;
    }
    gantry::Counters refusals;
};

struct Closed : test::WithKey<Closed> {
    static std::unique_ptr<Closed> create(gantry::Scope&, Zones& zones) {
        auto made = std::make_unique<Closed>();
        made->refused = zones.refusals.series({"login"});
        return made;
    }
    gantry::Verdict access(gantry::Exchange& exchange) {
        refused.add();
        return exchange.fail(403);
    }
    gantry::Counter refused;
};

void test_numbers() {
    gantry::fake::Host host;
    test::load<gantry::State<Zones>, gantry::Access<Closed>>(host);
    GANTRY_CHECK_EQUAL(host.request("GET", "/").status(), 403);
    GANTRY_CHECK_EQUAL(host.metric("refusals", {"login"}).value_or(-1), 1);
}

// ---- routes and commands

struct Guests {
    static std::unique_ptr<Guests> prepare(gantry::Scope&, Guests* old) {
        return old == nullptr ? std::make_unique<Guests>() : std::make_unique<Guests>(*old);
    }
    void control(gantry::Routes<Guests>& routes) {
        routes.get("count", &Guests::count);
        routes.post("invite", &Guests::invite);
    }
    void count(gantry::Call call) { call.answer(gantry::json::Object().add("guests", names.size())); }
    void invite(gantry::Call call) {
        const auto who = call.find("who");  // of the body, or of the query
        if (!who) return void(call.refuse(400, "nobody is named", "send {\"who\": \"a name\"}"));
        names.emplace(*who);
        count(call);
    }
    std::set<std::string> names = {};  // routes run on the main thread, and nothing else has it
};

}  // namespace

GANTRY_COMMANDS(GANTRY_COMMAND("count", "GET", "count", "Say how many will come")
                    GANTRY_COMMAND("invite", "POST", "invite", "Invite a guest")
                        GANTRY_ARGUMENT("who", "NAME", GANTRY_REQUIRED, "Whom"));

GANTRY_MODULE("guests", "1.0.0", "Knows who comes.", gantry::State<Guests>, gantry::Control<Guests>);

namespace {

void test_routes() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(gantry_module_entry));
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.call("POST", "invite", {{"who", "ann"}}).body(), R"({"guests":1})");
    GANTRY_CHECK_EQUAL(host.call("POST", "invite").status(), 400U);
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(host.call("GET", "count").body(), R"({"guests":1})");
}

}  // namespace

int main() {
    test_one_of_each_role();
    test_a_service();
    test_a_body();
    test_a_connection();
    test_a_handshake();
    test_numbers();
    test_routes();
    return gantry::fake::result();
}
