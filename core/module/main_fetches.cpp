#include "core/module/main_fetches.hpp"

#include "core/module/extensions.hpp"
#include "core/module/fetch.hpp"

#include <string>
#include <utility>
#include <vector>

namespace gantry::module {

// What a worker is to send. The request is the worker's once it was posted, the events are the main thread's.
struct MainFetches::Order {
    MainFetches* owner = nullptr;
    Services* services = nullptr;
    const Module* module = nullptr;
    std::uint64_t serial = 0;
    gantry_client_events_t events{};
    gantry_target target;
    std::vector<std::string> texts;  // that `request` and `fields` refer to
    std::vector<gantry_field_t> fields;
    gantry_client_request_t request{};
    gantry_fetch_t fetch{};  // of the worker

    gantry_bytes_t keep(gantry_bytes_t bytes) { return bytes_of(texts.emplace_back(view_of(bytes))); }
    void take(const gantry_client_request_t& from) {
        target = *from.target;
        texts.reserve(4 + std::size_t{from.field_count} * 2);  // they do not move
        fields.reserve(from.field_count);
        request = from;
        request.target = &target;
        request.method = keep(from.method);
        request.path = keep(from.path);
        request.host = keep(from.host);
        request.body = keep(from.body);
        for (std::uint32_t i = 0; i < from.field_count; ++i)
            fields.push_back({keep(from.fields[i].name), keep(from.fields[i].value)});
        request.fields = fields.data();
    }
};

// A copy on its way back.
struct MainFetches::Answer {
    std::vector<std::string> texts;
    std::vector<gantry_field_t> fields;
    gantry_client_answer_t raw{};

    explicit Answer(const gantry_client_answer_t& from) : raw(from) {
        const auto keep = [&](gantry_bytes_t bytes) { return bytes_of(texts.emplace_back(view_of(bytes))); };
        texts.reserve(3 + std::size_t{from.field_count} * 2);
        raw.body = keep(from.body);
        raw.reason = keep(from.reason);
        raw.peer = keep(from.peer);
        for (std::uint32_t i = 0; i < from.field_count; ++i)
            fields.push_back({keep(from.fields[i].name), keep(from.fields[i].value)});
        raw.fields = fields.data();
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
};

namespace {

using OrderPtr = std::shared_ptr<MainFetches::Order>;

}  // namespace

gantry_result_t MainFetches::start(const Module& module, const gantry_client_request_t& request,
                                   const gantry_client_events_t& events, gantry_fetch_t* fetch) {
    if (orders_.size() >= GANTRY_FETCHES_MAX) return GANTRY_ERROR_LIMIT;
    const auto order = std::make_shared<Order>();
    order->owner = this;
    order->services = &services_;
    order->module = &module;
    order->serial = next_serial_++;
    order->events = events;
    order->take(request);

    // [worker]
    const auto on_end = [](void* state, const gantry_client_answer_t* told) noexcept {
        const std::unique_ptr<OrderPtr> mine(static_cast<OrderPtr*>(state));
        const Order& done = **mine;
        const auto kept = std::make_shared<Answer>(*told);
        done.services->main->post(
            [owner = done.owner, serial = done.serial, kept] { owner->arrive(serial, kept->raw); });
    };
    const auto send = [order, on_end] {
        Fetches* const fetches = Fetches::here();
        gantry_client_events_t to{};
        to.size = sizeof to;
        auto mine = std::make_unique<OrderPtr>(order);
        to.state = mine.get();
        to.on_end = on_end;
        if (fetches != nullptr &&
            fetches->start(*order->module, order->request, to, &order->fetch) == GANTRY_OK) {
            static_cast<void>(mine.release());
            return;
        }
        gantry_client_answer_t none{};
        none.size = sizeof none;
        none.end = GANTRY_FETCH_CANCELLED;
        none.reason = GANTRY_BYTES("too much is under way, or gantry ends");
        on_end(mine.release(), &none);
    };
    if (!services_.post_to_worker(0, send)) return GANTRY_ERROR_STATE;
    if (fetch != nullptr) *fetch = {kPlace, order->serial};
    orders_.emplace(order->serial, order);
    return GANTRY_OK;
}

void MainFetches::arrive(std::uint64_t serial, const gantry_client_answer_t& answer) {
    const auto found = orders_.find(serial);
    if (found == orders_.end()) return;  // cancelled meanwhile
    const OrderPtr order = found->second;
    orders_.erase(found);
    order->events.on_end(order->events.state, &answer);
}

gantry_result_t MainFetches::cancel(gantry_fetch_t fetch) {
    const auto found = fetch.place == kPlace ? orders_.find(fetch.serial) : orders_.end();
    if (found == orders_.end()) return GANTRY_ERROR_STALE;
    const OrderPtr order = found->second;
    services_.post_to_worker(0, [order] {
        Fetches* const fetches = Fetches::here();
        Fetch* const under_way = fetches == nullptr ? nullptr : fetches->find(order->fetch);
        if (under_way != nullptr) under_way->cancel("cancelled");
    });
    gantry_client_answer_t told{};
    told.size = sizeof told;
    told.end = GANTRY_FETCH_CANCELLED;
    told.reason = GANTRY_BYTES("cancelled");
    arrive(fetch.serial, told);
    return GANTRY_OK;
}

void MainFetches::cancel_all() {
    while (!orders_.empty()) static_cast<void>(cancel({kPlace, orders_.begin()->first}));
}

}  // namespace gantry::module
