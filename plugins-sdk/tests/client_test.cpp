// Requests to other servers, through the fake host: what a test says they answer.
#include "asker.hpp"
#include "entry.hpp"

#include <string>
#include <utility>

namespace {

using gantry::fake::Reply;

struct Fixture {
    gantry::fake::Host host;

    explicit Fixture(const char* url = "http://app/check") {
        GANTRY_CHECK(host.load(test::entry<gantry::Handler<test::Asker>>()));
        host.location("/", {{"asker", url}});
        GANTRY_CHECK(host.reload());
    }
    std::string ask(std::initializer_list<gantry::fake::Field> fields = {}) {
        const auto exchange = host.request("GET", "/", fields);
        host.run();
        GANTRY_CHECK(exchange.is_over());
        return exchange.body();
    }
};

void test_answers() {
    Fixture app;
    app.host.answer_to("GET", "http://app/check", {.fields = {{"X-User", "ada"}}, .body = {"wel", "come"}});
    GANTRY_CHECK_EQUAL(app.ask(), "whole 200\nX-User: ada\n\nwelcome");
    GANTRY_CHECK_EQUAL(app.host.asked().size(), 1u);
    GANTRY_CHECK_EQUAL(app.host.asked()[0].method, "GET");
    app.host.answer_to("GET", "http://app/other?a=b", {.status = 403});
    GANTRY_CHECK_EQUAL(app.ask({{"X-Path", "/other?a=b"}, {"X-Field", "Accept=text/plain"}}),
                       "whole 403\n\n");
    GANTRY_CHECK_EQUAL(app.host.asked()[1].url, "http://app/other?a=b");
    GANTRY_CHECK_EQUAL(app.host.asked()[1].field("Accept"), "text/plain");
}

void test_many_fields() {
    Fixture app;
    app.host.answer_to("GET", "http://app/check", {});
    gantry::fake::Request request;
    for (int i = 0; i < 40; ++i) request.fields.push_back({"X-Field", "A" + std::to_string(i) + "=b"});
    app.host.request(std::move(request));
    app.host.run();
    GANTRY_CHECK_EQUAL(app.host.asked()[0].fields.size(), 40u);
    GANTRY_CHECK_EQUAL(app.host.asked()[0].field("A39"), "b");
}

void test_failures() {
    Fixture app;
    GANTRY_CHECK_EQUAL(app.ask(), "not connected 0 (the test has no answer to GET http://app/check)\n\n");
    app.host.answer_to("GET", "http://app/check", {.end = GANTRY_FETCH_TIMED_OUT, .reason = "late"});
    GANTRY_CHECK_EQUAL(app.ask(), "timed out 0 (late)\n\n");
    app.host.answer_to("GET", "http://app/check", {.body = {"12345678"}});
    GANTRY_CHECK_EQUAL(app.ask({{"X-Largest", "7"}}),
                       "too large 200 (the body of the answer is too large)\n\n");
    app.host.fill_network();
    GANTRY_CHECK_EQUAL(app.ask(), "refused 0 (too much is under way, or the request is too large)\n\n");
}

void test_what_is_the_hosts_is_refused() {
    Fixture app;
    app.host.answer_to("GET", "http://app/check", {});
    for (const char* field : {"Content-Length=3", "transfer-encoding=chunked", "Connection=x", "Host=x",
                              "Evil=a\r\nb", "Ev\ril=a"}) {
        GANTRY_CHECK_EQUAL(app.ask({{"X-Field", field}}),
                           "refused 0 (the request is not one that may be sent; the log says why)\n\n");
    }
    GANTRY_CHECK(app.host.asked().empty());
}

// AddressSanitizer sees what is left behind.
void test_clients_leave() {
    Fixture app;
    app.host.answer_to("GET", "http://app/check", {.hangs = true});
    auto early = app.host.request("GET", "/");
    auto late = app.host.request("GET", "/");
    GANTRY_CHECK_EQUAL(app.host.fetches(), 2u);
    early.leave();
    GANTRY_CHECK_EQUAL(app.host.fetches(), 1u);
    app.host.run();
    late.leave();
    GANTRY_CHECK_EQUAL(app.host.fetches(), 0u);
    // One that ends with the host.
    app.host.request("GET", "/");
}

void test_a_large_answer_has_memory_of_its_own() {
    Fixture app;
    const std::string large(2 * 1024 * 1024, 'x');
    app.host.answer_to("GET", "http://app/check", {.body = {large}});
    GANTRY_CHECK_EQUAL(app.ask({{"X-Largest", "4000000"}}), "whole 200\n\n" + large);
}

void test_streams() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::Handler<test::Relay>>()));
    host.location("/", {{"relay", "http://app"}});
    GANTRY_CHECK(host.reload());
    const std::string piece(100'000, 'x');
    host.answer_to("GET", "http://app/", {.status = 201, .body = {"a", piece, piece, "z"}});
    const auto down = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(down.status(), 201);
    GANTRY_CHECK(down.body() == "a" + piece + piece + "z");
    host.answer_to("POST", "http://app/", {.body = {"thanks"}});
    const auto up = host.request("GET", "/", {{"X-Upload", "3"}});
    host.run();
    GANTRY_CHECK_EQUAL(up.body(), "thanks");
    GANTRY_CHECK_EQUAL(host.asked()[1].body.size(), 3u * 16384);
    host.answer_to("GET", "http://app/", {.body = {"half"}, .end = GANTRY_FETCH_CUT_OFF});
    const auto cut = host.request("GET", "/");
    host.run();
    GANTRY_CHECK(cut.is_cut());
    host.answer_to("GET", "http://app/", {.hangs = true});
    auto gone = host.request("GET", "/");
    host.run();
    GANTRY_CHECK_EQUAL(host.fetches(), 1u);
    gone.leave();
    GANTRY_CHECK_EQUAL(host.fetches(), 0u);
    // A client that takes nothing holds the other server up.
    host.answer_to("GET", "http://app/", {.body = std::vector<std::string>(50, piece)});
    auto slow = host.request("GET", "/");
    slow.congest();
    host.run();
    GANTRY_CHECK(slow.body().size() <= 4 * piece.size());
    slow.drain();
    host.run();
    GANTRY_CHECK_EQUAL(slow.body().size(), 50 * piece.size());
    GANTRY_CHECK(slow.is_over());
}

void test_targets() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::Handler<test::Asker>>()));
    host.location("/", {{"asker", "ftp://app"}});
    GANTRY_CHECK(!host.reload());
    for (const auto& [url, asked] :
         {std::pair{"upstream:app", "upstream:app/"}, std::pair{"upstream:app/a", "upstream:app/a"},
          std::pair{"https://app", "https://app/"},
          std::pair{"http+unix:///run/a.sock:/b", "http+unix:///run/a.sock:/b"}}) {
        Fixture app{url};
        app.host.answer_to("GET", asked, {});
        GANTRY_CHECK_EQUAL(app.ask(), "whole 200\n\n");
    }
}

void test_beside_the_traffic() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::Handler<test::Asker>, gantry::State<test::Polls>>()));
    host.server({{"asker_poll", "http://keys"}});
    host.answer_to("POST", "http://keys/", {.body = {"keys"}});
    GANTRY_CHECK(host.reload());
    GANTRY_CHECK_EQUAL(test::Polls::seen.text, "");
    host.run();
    GANTRY_CHECK_EQUAL(test::Polls::seen.text, "whole 200\n\nkeys;");
    GANTRY_CHECK_EQUAL(host.asked()[0].body, "poll");
    GANTRY_CHECK(host.reload());  // and one that ends with the host
}

}  // namespace

int main() {
    test_answers();
    test_many_fields();
    test_failures();
    test_what_is_the_hosts_is_refused();
    test_clients_leave();
    test_a_large_answer_has_memory_of_its_own();
    test_streams();
    test_targets();
    test_beside_the_traffic();
    return gantry::fake::result();
}
