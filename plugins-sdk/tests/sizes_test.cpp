// A module meets a host that is older than its headers: tables that end earlier say so, and what they lack is not called.
#include "entry.hpp"

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

// Between the module and the fake host: gives tables of these sizes, in memory of just that size.
struct OlderHost {
    static inline std::map<std::string, std::size_t, std::less<>> sizes =
        {};  // by ids; others as they are; 0: none
    static inline std::map<std::string, std::vector<char>, std::less<>> tables = {};
    static inline const gantry_host_t* real = nullptr;
    static inline gantry_host_t shown = {};

    static const gantry_host_t* of(const gantry_host_t* host) {
        real = host;
        shown = *host;
        shown.get_extension = &get_extension;
        return &shown;
    }
    static const void* get_extension(const gantry_host_t*, const char* id) noexcept {
        const void* table = real->get_extension(real, id);
        const auto found = sizes.find(id);
        if (found == sizes.end() || table == nullptr) return table;
        if (found->second == 0) return nullptr;
        const auto size = static_cast<std::uint32_t>(found->second);
        std::vector<char>& copy = tables[id];
        copy.assign(static_cast<const char*>(table), static_cast<const char*>(table) + size);
        std::memcpy(copy.data(), &size, sizeof size);
        return copy.data();
    }
};

template <class... Roles>
const gantry_module_entry_t& entry_for_older() {
    static gantry_module_entry_t made = test::entry<Roles...>();
    made.open = [](const gantry_host_t* host, void** module) noexcept {
        return test::entry<Roles...>().open(OlderHost::of(host), module);
    };
    return made;
}

// Asks for what came last.
struct Asker : test::WithKey<Asker> {
    gantry::Verdict handle(gantry::Exchange& exchange) {
        const gantry_http_1_t* const http = exchange.host().http();
        std::string text = GANTRY_HAS(http, respond) ? "respond " : "";
        if (GANTRY_HAS(http, body_size)) text += "body_size ";
        if (GANTRY_HAS(http, addresses)) text += "addresses ";
        // What the C++ face makes of it.
        text += exchange.client_address().family == 0 ? "unknown" : "known";
        exchange.response().body(text);
        return gantry::Verdict::Done;
    }
};

std::string asked(std::size_t size) {
    OlderHost::sizes = {{GANTRY_HTTP_1, size}};
    gantry::fake::Host host;
    GANTRY_CHECK(host.load(entry_for_older<gantry::Handler<Asker>>()));
    host.location("/", {{"on", true}});
    GANTRY_CHECK(host.reload());
    return std::string{host.request("GET", "/").body()};
}

void test_what_a_shorter_table_lacks_is_not_there() {
    GANTRY_CHECK_EQUAL(asked(offsetof(gantry_http_1_t, pause_body)), "respond body_size addresses known");
    GANTRY_CHECK_EQUAL(asked(offsetof(gantry_http_1_t, pause_body) - 1), "respond body_size unknown");
    GANTRY_CHECK_EQUAL(asked(offsetof(gantry_http_1_t, addresses)), "respond body_size unknown");
    GANTRY_CHECK_EQUAL(asked(offsetof(gantry_http_1_t, body_size)), "respond unknown");
}

void test_what_a_module_needs_is_asked_for_when_it_opens() {
    OlderHost::sizes = {{GANTRY_PHASE_1, 0}};
    gantry::fake::Host host;
    GANTRY_CHECK(!host.load(entry_for_older<gantry::Handler<Asker>>()));
    GANTRY_CHECK(host.has_logged(GANTRY_PHASE_1));
}

void test_the_edge_of_a_table() {
    gantry_phase_1_t table{};
    const gantry_phase_1_t* const none = nullptr;
    table.add = [](gantry_scope_t*, const gantry_hook_t*) noexcept { return GANTRY_OK; };
    GANTRY_CHECK(!GANTRY_HAS(none, add));
    for (table.size = 0; table.size < sizeof table; ++table.size) GANTRY_CHECK(!GANTRY_HAS(&table, add));
    GANTRY_CHECK(GANTRY_HAS(&table, add));
    table.size += 100;  // of a newer host
    GANTRY_CHECK(GANTRY_HAS(&table, add));
    table.add = nullptr;
    GANTRY_CHECK(!GANTRY_HAS(&table, add));
}

}  // namespace

int main() {
    test_what_a_shorter_table_lacks_is_not_there();
    test_what_a_module_needs_is_asked_for_when_it_opens();
    test_the_edge_of_a_table();
    return gantry::fake::result();
}
