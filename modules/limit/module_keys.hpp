// The keys of rules, of the table and of lists of addresses: what may be written, and what it means.
#pragma once

#include "gantry/module.hpp"
#include "table.hpp"

#include <chrono>

namespace limit {

using gantry::Key;
using std::chrono::hours;
using std::chrono::seconds;

inline constexpr const char* const kWhenFull[] = {"pass", "refuse", nullptr};

inline constexpr const char* const kStoreFailure[] = {"pass", "refuse", nullptr};

inline constexpr Key kBanKeys[] = {
    Key::integer("after", 1, 1'000'000).required().example("20").doc("Refusals that are too many."),
    Key::timespan("within", seconds{1}, hours{24})
        .example("\"1m\"")
        .doc("The time in which they count; one minute where nothing is said."),
    Key::timespan("lasts", seconds{1}, hours{24 * 30})
        .example("\"10m\"")
        .doc("How long the key is banned; ten minutes where nothing is said."),
    Key::integer("status", 400, 599)
        .example("429")
        .doc("What is answered meanwhile; 403 where nothing is said."),
};

inline constexpr Key kRuleKeys[] = {
    Key::text("rate").example("\"10/s\"").doc("Requests in a time that pass: 10/s, 600/m, 1000/h, 20/10s."),
    Key::integer("burst", 0, 1'000'000)
        .example("20")
        .doc("Requests that may come early, beyond the rate; none where nothing is said."),
    Key::boolean("delay").example("true").doc(
        "Requests that come early wait for their turn at the rate, instead of passing at once."),
    Key::integer("queue", 1, 1'000'000)
        .example("100")
        .doc("Requests of this rule that may wait at the same time; 1000 where nothing is said."),
    Key::integer("concurrency", 1, 1'000'000)
        .example("8")
        .doc("Requests at the same time, each until its response is sent."),
    Key::pattern("key")
        .list()
        .example("[\"${remote_addr}\", \"${header.X-Api-Key}\"]")
        .doc("Who is counted: what these texts come to. The address of the client where nothing is said; "
             "where all come to nothing, the request is not counted."),
    Key::integer("cost", 1, 1'000'000)
        .example("10")
        .doc("What a request counts for at the rate; 1 where nothing is said."),
    Key::integer("status", 400, 599)
        .example("503")
        .doc("What is answered to those that do not pass; 429 where nothing is said."),
    Key::boolean("fields").example("false").doc(
        "Responses tell the client what is left, by RateLimit and RateLimit-Policy, unless it is false."),
    Key::boolean("dry_run").example("true").doc("Counts and logs, and refuses nothing."),
    Key::boolean("enabled").example("false").doc("False: this rule does not hold here."),
    Key::integer("ipv4_prefix", 8, 32)
        .example("24")
        .doc("Bits of an IPv4 address that count in a key; all of them where nothing is said."),
    Key::integer("ipv6_prefix", 16, 128)
        .example("56")
        .doc("Bits of an IPv6 address that count in a key; 64 where nothing is said, as one client has all "
             "addresses of such a network."),
    Key::text("except")
        .list()
        .example("[\"10.0.0.0/8\", \"2001:db8::/32\"]")
        .doc("Addresses of clients that the rule does not mean."),
    Key::path("except_files")
        .list()
        .example("\"lists/monitors.txt\"")
        .doc("The same, of files: one address or range in each line."),
    Key::boolean("shared").example("true").doc(
        "The rate holds for all machines with the same store together, instead of this process; each request "
        "waits for the store."),
    Key::choice("store_failure", kStoreFailure)
        .example("\"refuse\"")
        .doc("What becomes of requests while the store of a shared rule does not answer; they pass where "
             "nothing "
             "is said."),
    Key::table("ban", kBanKeys)
        .short_for("after")
        .example("{ after = 20, within = \"1m\", lasts = \"1h\" }")
        .doc("A key that is refused too often is shut out for a while."),
};

inline constexpr Key kTableKeys[] = {
    Key::integer("capacity", Table::kLeast, Table::kMost)
        .standard("100000")
        .example("1000000")
        .doc("Keys of all rules together; 64 bytes each."),
    Key::choice("when_full", kWhenFull)
        .standard("\"pass\"")
        .example("\"refuse\"")
        .doc("What becomes of requests with a new key while all others are in use."),
};

inline constexpr Key kAddressKeys[] = {
    Key::text("allow")
        .list()
        .example("[\"10.0.0.0/8\"]")
        .doc("Addresses that may come; all where nothing is said."),
    Key::path("allow_files").list().example("\"lists/office.txt\"").doc("The same, of files."),
    Key::text("deny")
        .list()
        .example("[\"192.0.2.7\"]")
        .doc("Addresses that may not come, whatever is allowed."),
    Key::path("deny_files").list().example("[\"lists/drop.txt\"]").doc("The same, of files."),
    Key::integer("status", 400, 599)
        .example("404")
        .doc("What is answered to them; 403 where nothing is said."),
};

}  // namespace limit
