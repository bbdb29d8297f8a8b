// Calls of the control API that modules are to answer: one answer each, from any thread, within a time.
#pragma once

#include "core/base/clock.hpp"

#include <cstdint>
#include <functional>
#include <gantry/ext/control.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::module {

struct Module;
struct Services;

// A route that an instance mounted.
struct BoundRoute {
    const Module* module = nullptr;
    std::string method;
    std::string path;  // below /v1/modules/NAME/
    Millis deadline = 0;
    void (*run)(void*, const gantry_call_t*) noexcept = nullptr;
    void* self = nullptr;

    // As the log and people say it: "GET bans".
    std::string title() const { return method + ' ' + path; }
};

// What is asked.
struct ControlRequest {
    std::string query;
    std::string arguments;  // a JSON object
    // Its members: of strings the text, of anything else its JSON.
    std::vector<std::pair<std::string, std::string>> values;
    int pid = -1;
    int uid = -1;
};

class ControlCalls {
public:
    // Called once, on any thread. `body`: a JSON object. Empty where the answer is one of the control API;
    // else why not: then whoever asked was told that it failed.
    using Answer = std::function<std::string(unsigned status, std::string_view body)>;

    explicit ControlCalls(Services& services) : services_(services) {}
    ControlCalls(const ControlCalls&) = delete;
    ControlCalls& operator=(const ControlCalls&) = delete;

    // Runs the route. `generation` keeps it, and what its instance refers to, until it is answered. [main]
    void start(const BoundRoute& route, const ControlRequest& request, std::shared_ptr<const void> generation,
               Answer answer);

    // [any]
    gantry_result_t answer(const Module& module, gantry_reply_t reply, unsigned status,
                           std::string_view body);

    // Gantry ends: what is open is answered. [main]
    void cancel_all();

private:
    struct Open {
        const BoundRoute* route = nullptr;
        std::shared_ptr<const void> generation;
        Answer answer;
        std::uint64_t timer = 0;
        bool has_timer = false;
    };
    static constexpr std::uint64_t kPlace = 1;  // a reply of zeros is none

    // Null: there is none, or it is of another module. [any]
    std::unique_ptr<Open> take(std::uint64_t serial, const Module* module);
    void expire(std::uint64_t serial);
    void forget_timer(const Open& open);

    Services& services_;
    std::mutex mutex_;  // of what follows
    std::map<std::uint64_t, std::unique_ptr<Open>> open_;
    std::uint64_t next_serial_ = 1;
};

}  // namespace gantry::module
