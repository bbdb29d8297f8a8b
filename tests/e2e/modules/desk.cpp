// A module whose routes answer in every way that there is, and its commands.
#include "gantry/module.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using gantry::Call;
using gantry::Reply;
using gantry::json::Object;

struct Desk {
    static constexpr gantry::Key keys[] = {
        gantry::Key::integer("desk", 1, 100)
            .in(gantry::kInServer)
            .standard("1")
            .example("2")
            .doc("What this configuration is called."),
    };

    static std::unique_ptr<Desk> prepare(gantry::Scope& top, Desk* old) {
        auto desk = std::make_unique<Desk>();
        desk->host = &top.host();
        desk->number = top.find("desk").integer();
        desk->waiting = old != nullptr ? old->waiting : std::make_shared<Waiting>();
        return desk;
    }
    ~Desk() {
        if (thread.joinable()) thread.join();
        if (host != nullptr)
            host->print(gantry::LogLevel::Info, "desk retired number=%d", static_cast<int>(number));
    }

    void control(gantry::Routes<Desk>& routes) {
        routes.get("show", &Desk::show);
        routes.post("echo", &Desk::echo);
        routes.mount("DELETE", "things/all", &Desk::show, {});
        routes.get("wait", &Desk::wait, 60s);
        routes.post("release", &Desk::release);
        routes.get("never", &Desk::never, 300ms);
        routes.get("twice", &Desk::twice);
        routes.get("garbage", &Desk::garbage);
        routes.get("thrown", &Desk::thrown);
        routes.get("refuse", &Desk::refuse);
        routes.get("thread", &Desk::from_thread);
        routes.get("text", &Desk::text);
        if (number == 3) routes.get("third", &Desk::show);
        if (number == 9) routes.get("show", &Desk::show);
    }

    void show(Call call) {
        call.answer(Object().add("number", number).add("method", call.method()).add("path", call.path()),
                    201);
    }
    void echo(Call call) { call.answer_text(call.arguments()); }
    void wait(Call call) {
        const std::scoped_lock lock(waiting->mutex);
        waiting->replies.push_back(call.reply());
        host->print(gantry::LogLevel::Info, "desk waits number=%d", static_cast<int>(number));
    }
    void release(Call call) {
        std::vector<Reply> replies;
        {
            const std::scoped_lock lock(waiting->mutex);
            replies.swap(waiting->replies);
        }
        int answered = 0;
        for (const Reply& reply : replies)
            answered += reply.answer(Object().add("by", number)) == GANTRY_OK ? 1 : 0;
        call.answer(Object().add("answered", answered));
    }
    void never(Call call) { kept = call.reply(); }
    void twice(Call call) {
        call.answer(Object().add("answer", 1));
        const auto second = call.answer(Object().add("answer", 2));
        const bool is_late = kept && kept->answer(Object()) == GANTRY_ERROR_STALE;
        host->print(gantry::LogLevel::Info, "desk second=%d late=%d", second == GANTRY_ERROR_STALE, is_late);
    }
    void garbage(Call call) {
        const std::string what{call.text("what")};
        gantry_result_t result = GANTRY_OK;
        if (what == "text") result = call.answer_text("nonsense");
        if (what == "list") result = call.answer_text("[1]");
        if (what == "deep") result = call.answer_text("{\"a\":" + std::string(100'000, '['));
        if (what == "bytes") result = call.answer_text("{\"a\":\"\xff\"}");
        if (what == "status") result = call.answer_text("{}", 302);
        if (what == "bare") result = call.answer_text("{}", 404);
        if (what == "large") result = call.answer_text("{\"a\":\"" + std::string(17'000'000, 'x') + "\"}");
        if (what == "success") result = call.refuse(200, "a", "b");
        host->print(gantry::LogLevel::Info, "desk garbage=%d", result == GANTRY_ERROR_ARGUMENT);
    }
    void thrown(Call) { throw std::runtime_error("thrown"); }
    void refuse(Call call) { call.refuse(409, "not now\x1b[2J", "ask \xff later"); }
    void from_thread(Call call) {
        if (thread.joinable()) thread.join();
        thread = std::thread([reply = call.reply()] { reply.answer(Object().add("from", "a thread")); });
    }
    void text(Call call) { call.answer(Object().add("text", "in words\n\x1b[2J").add("number", number)); }

    struct Waiting {
        std::mutex mutex;
        std::vector<Reply> replies;
    };
    const gantry::Host* host = nullptr;
    std::int64_t number = 0;
    std::shared_ptr<Waiting> waiting;
    std::optional<Reply> kept;
    std::thread thread;
};

}  // namespace

GANTRY_COMMANDS(GANTRY_COMMAND("show", "GET", "show", "Show what there is")
                    GANTRY_COMMAND("echo", "POST", "echo", "Say what was given")
                        GANTRY_ARGUMENT("first", "THING", GANTRY_REQUIRED, "A thing")
                            GANTRY_ARGUMENT("second", "THING", GANTRY_OPTIONAL, "Another one")
                                GANTRY_OPTION("colour", "red|green", GANTRY_DEFAULT("red"), "How it looks")
                                    GANTRY_OPTION("older-than", "TIME", GANTRY_OPTIONAL,
                                                  "From when on") GANTRY_FLAG("all", "All of them")
                                        GANTRY_COMMAND("refuse", "GET", "refuse", "Do what cannot be done")
                                            GANTRY_COMMAND("text", "GET", "text", "Say it in words")
                                                GANTRY_COMMAND("never", "GET", "never", "Wait for nothing")
                                                    GANTRY_COMMAND("third", "GET", "third",
                                                                   "Do what is not always there"));

GANTRY_MODULE("desk", "1.0.0", "Answers in every way that there is.", gantry::State<Desk>,
              gantry::Control<Desk>);
