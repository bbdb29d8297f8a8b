// Filters: pauses of bodies, what is known of their size, answers of hosts outside every location, and tables of keys that
// add up.
#include "entry.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace {

using gantry::Exchange;

// Holds everything back until there is a pause.
struct Holder : test::WithKey<Holder> {
    struct Body {
        std::string held = {};
        int pauses = 0;
        void data(std::string_view data, gantry::Sink&) { held += data; }
        bool pause(gantry::Sink& sink) {
            sink.send("[" + std::exchange(held, {}) + "]");
            return ++pauses < 3;
        }
        void end(gantry::Sink& sink) { sink.send(held); }
    };
    std::optional<Body> filter(Exchange& exchange) {
        const std::uint64_t size = exchange.response().body_size();
        exchange.response().fields().set("X-Size", size == UINT64_MAX ? "unknown" : std::to_string(size));
        return Body{};
    }
};

void test_pauses_between_pieces() {
    gantry::fake::Host host;
    test::load<gantry::BodyFilter<Holder>>(host);
    host.answer_with(200, {}, {"one", "two", "three"});
    const auto whole = host.request("GET", "/");
    GANTRY_CHECK_EQUAL(whole.body(), "[one][two]three");
    GANTRY_CHECK_EQUAL(whole.field("X-Size").value_or(""), "11");
    host.stream_with(200, {}, {"one", "two"});
    GANTRY_CHECK_EQUAL(host.request("GET", "/").field("X-Size").value_or(""), "unknown");
    host.answer_with(200, {}, {"1", "2", "3", "4", "5"});
    GANTRY_CHECK(host.request("GET", "/").is_cut());  // a filter that gives up at a pause
    host.answer_with(204, {}, {});
    GANTRY_CHECK_EQUAL(host.request("GET", "/").field("X-Size").value_or(""), "0");
}

// Names the place that it was made for.
struct Stamp : test::WithKey<Stamp> {
    static constexpr bool in_hosts = true;
    static constexpr bool takes_preflights = true;
    static std::unique_ptr<Stamp> create(gantry::Scope& scope) {
        auto made = std::make_unique<Stamp>();
        made->place =
            (scope.kind() == gantry::Scope::Kind::Host ? "host " : "location ") + std::string{scope.name()};
        return made;
    }
    gantry::Verdict access(Exchange&) { return gantry::Verdict::Next; }
    void head(Exchange& exchange) { exchange.response().fields().set("X-Place", place); }
    std::string place = {};
};

void test_answers_of_hosts() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::Access<Stamp>, gantry::HeaderFilter<Stamp>>()));
    host.virtual_host("one.test", {{"on", true}});
    host.location("/a", {});
    host.virtual_host("other.test", {});
    host.location("/a", {});
    GANTRY_CHECK(host.reload());
    const auto place = [&](const char* name, const char* target) {
        return host.request({.target = target, .host = name}).field("X-Place").value_or("none");
    };
    GANTRY_CHECK_EQUAL(place("one.test", "/a"), "location /a");
    GANTRY_CHECK_EQUAL(place("one.test", "/b"), "host one.test");
    GANTRY_CHECK_EQUAL(place("other.test", "/b"), "none");
}

// Says which members hold.
struct Tables {
    static constexpr gantry::Key kMembers[] = {
        gantry::Key::integer("one", 0, 9).example("1").doc("One."),
        gantry::Key::integer("two", 0, 9).example("2").doc("Two."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("numbers", kMembers)
            .in(gantry::kAnywhere)
            .short_for("one")
            .example("1")
            .doc("Some."),
    };
    static std::unique_ptr<Tables> create(gantry::Scope& scope) {
        auto made = std::make_unique<Tables>();
        for (const char* member : {"numbers.one", "numbers.two"}) {
            const gantry::Value value = scope.find_nearest(member);
            made->numbers += value ? std::to_string(value.integer()) : "-";
        }
        return made;
    }
    void head(Exchange& exchange) { exchange.response().fields().set("X-Numbers", numbers); }
    std::string numbers = {};
};

void test_tables_add_up() {
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(test::entry<gantry::HeaderFilter<Tables>>()));
    host.server({{"numbers", 3}});
    host.location("/", {});
    host.location("/two", {{"numbers", gantry::fake::table({{"two", 4}})}});
    host.location("/one", {{"numbers", 5}});
    GANTRY_CHECK(host.reload());
    const auto numbers = [&](const char* target) {
        return host.request("GET", target).field("X-Numbers").value_or("none");
    };
    GANTRY_CHECK_EQUAL(numbers("/"), "3-");
    GANTRY_CHECK_EQUAL(numbers("/two"), "34");
    GANTRY_CHECK_EQUAL(numbers("/one"), "5-");
}

}  // namespace

int main() {
    test_pauses_between_pieces();
    test_answers_of_hosts();
    test_tables_add_up();
    return gantry::fake::result();
}
