#include "core/module/control_calls.hpp"

#include "core/base/log.hpp"
#include "core/module/control_call.hpp"
#include "core/module/extensions.hpp"
#include "core/module/module.hpp"

#include <fmt/format.h>

namespace gantry::module {
namespace {

void log_call(const BoundRoute& route, const ControlRequest& request) {
    if (route.method == "GET") return;
    log::info("control module={} route=\"{}\" asked for by pid={} uid={}", route.module->name, route.title(),
              request.pid, request.uid);
}

}  // namespace

void ControlCalls::start(const BoundRoute& route, const ControlRequest& request,
                         std::shared_ptr<const void> generation, Answer answer) {
    const auto held = generation;  // an answer within the call lets go of its own
    std::uint64_t serial = 0;
    {
        const std::lock_guard lock(mutex_);
        if (open_.size() < GANTRY_CALLS_MAX) {
            serial = next_serial_++;
            auto open = std::make_unique<Open>();
            *open = {&route, std::move(generation), std::move(answer)};
            if (services_.timers != nullptr) {
                open->timer = services_.timers->every(route.deadline, [this, serial] { expire(serial); });
                open->has_timer = true;
            }
            open_.emplace(serial, std::move(open));
        }
    }
    if (serial == 0) {
        answer(503, refusal_json("too many calls of modules are open", "try again when some are answered"));
        return;
    }
    log_call(route, request);
    ControlCall call;
    call.size = sizeof(gantry_call_t);
    call.pid = request.pid;
    call.uid = request.uid;
    call.method = bytes_of(route.method);
    call.path = bytes_of(route.path);
    call.query = bytes_of(request.query);
    call.arguments = bytes_of(request.arguments);
    call.reply = {kPlace, serial};
    call.values = &request.values;
    route.run(route.self, &call);
}

std::unique_ptr<ControlCalls::Open> ControlCalls::take(std::uint64_t serial, const Module* module) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(serial);
    if (found == open_.end() || (module != nullptr && found->second->route->module != module)) return nullptr;
    auto open = std::move(found->second);
    open_.erase(found);
    return open;
}

void ControlCalls::forget_timer(const Open& open) {
    if (!open.has_timer) return;
    services_.main->post([timers = services_.timers, timer = open.timer] { timers->cancel(timer); });
}

gantry_result_t ControlCalls::answer(const Module& module, gantry_reply_t reply, unsigned status,
                                     std::string_view body) {
    const auto open = reply.place == kPlace ? take(reply.serial, &module) : nullptr;
    if (open == nullptr) return GANTRY_ERROR_STALE;
    forget_timer(*open);
    std::string why;
    if (body.size() > GANTRY_CALL_ANSWER_MAX) {
        why = "its answer has more than 16 MiB";
        open->answer(500, refusal_json(fmt::format("the module {} failed: {}", module.name, why),
                                       "its author has to mend it"));
    } else {
        why = open->answer(status, body.empty() ? "{}" : body);
    }
    if (why.empty()) return GANTRY_OK;
    log::error("answer of the control API refused module={} route=\"{}\": {}", module.name,
               open->route->title(), why);
    return GANTRY_ERROR_ARGUMENT;
}

void ControlCalls::expire(std::uint64_t serial) {
    const auto open = take(serial, nullptr);
    if (open == nullptr) return;
    forget_timer(*open);
    const BoundRoute& route = *open->route;
    log::error("no answer of the control API module={} route=\"{}\" after {} ms", route.module->name,
               route.title(), route.deadline);
    open->answer(504, refusal_json(fmt::format("the module {} did not answer {} within {} ms",
                                               route.module->name, route.title(), route.deadline),
                                   "the error log may say why; try again"));
}

void ControlCalls::cancel_all() {
    for (;;) {
        std::uint64_t serial = 0;
        {
            const std::lock_guard lock(mutex_);
            if (open_.empty()) return;
            serial = open_.begin()->first;
        }
        if (const auto open = take(serial, nullptr)) {
            forget_timer(*open);
            open->answer(503, refusal_json("gantry ends", "start it again"));
        }
    }
}

}  // namespace gantry::module
