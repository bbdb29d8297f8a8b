// A module with keys of every kind, for what help, the manual, the schema and plans make of them.
#include "gantry/module.hpp"

#include <chrono>
#include <memory>

namespace {

using namespace std::chrono_literals;
using gantry::Key;

struct Ledger {
    static constexpr const char* modes[] = {"fast", "safe", nullptr};
    static constexpr Key members[] = {
        Key::path("file").required().example("\"ledger.txt\"").doc("Where it is written."),
        Key::size("most", 1024, 1048576)
            .standard("\"64KiB\"")
            .example("\"1MiB\"")
            .doc("How large it may be."),
        Key::timespan("every", 1s, 1h)
            .standard("\"10s\"")
            .example("\"1m\"")
            .doc("How often it is written. Less is slower."),
        Key::choice("mode", modes).standard("\"fast\"").example("\"safe\"").doc("How it is written."),
        Key::text("tags").list().example("[\"a\", \"b\"]").doc("Words."),
        Key::text("code").secret().example("\"s3same\"").doc("Who knows it may read."),
    };
    static constexpr Key rules[] = {
        Key::integer("count", 1, 9).required().example("3").doc("How many."),
    };
    static constexpr Key keys[] = {
        Key::table("ledger", members)
            .in(gantry::kAnywhere)
            .short_for("file")
            .example("\"ledger.txt\"")
            .doc("Writes things down: what, and when."),
        Key::table("ledger_rules", rules)
            .named()
            .short_for("count")
            .in(gantry::kInServer | gantry::kInLocation)
            .example("{ first = 3 }")
            .doc("Rules by name."),
        Key::text("ledger_codes")
            .named()
            .secret()
            .in(gantry::kInServer)
            .example("{ first = \"s3same\" }")
            .doc("Codes by name."),
        Key::boolean("ledger_peers").in(gantry::kInUpstream).example("true").doc("Finds peers."),
        Key::boolean("ledger_old")
            .in(gantry::kInServer)
            .deprecated("write ledger")
            .example("true")
            .doc("Does nothing."),
        Key::pattern("ledger_page").handler().in(gantry::kInLocation).example("\"${host}\"").doc("Answers."),
    };
    static std::unique_ptr<Ledger> create(gantry::Scope& scope) {
        return scope.find_own("ledger_page") ? std::make_unique<Ledger>() : nullptr;
    }
    gantry::Verdict handle(gantry::Exchange& exchange) const {
        exchange.response().body("ledger");
        return gantry::Verdict::Done;
    }
};

}  // namespace

GANTRY_COMMANDS(GANTRY_COMMAND("show", "GET", "show", "Show what is written"));
GANTRY_MODULE("ledger", "2.1.0", "Writes things down.", gantry::Handler<Ledger>);
