// Requests of modules that begin on the main thread: they are sent by a worker, and end where they began.
#pragma once

#include <cstdint>
#include <gantry/ext/client.h>
#include <map>
#include <memory>

namespace gantry::module {

struct Module;
struct Services;

// [main]
class MainFetches {
public:
    explicit MainFetches(Services& services) : services_(services) {}
    MainFetches(const MainFetches&) = delete;
    MainFetches& operator=(const MainFetches&) = delete;

    // `request` and `events` are sound and whole. All of it is copied.
    gantry_result_t start(const Module& module, const gantry_client_request_t& request,
                          const gantry_client_events_t& events, gantry_fetch_t* fetch);
    // Tells the end within the call.
    gantry_result_t cancel(gantry_fetch_t fetch);
    // The process ends.
    void cancel_all();

    // Of the worker that sends them, in the place of a number of its own.
    static constexpr std::uint64_t kPlace = UINT64_MAX;
    struct Answer;
    struct Order;

private:
    void arrive(std::uint64_t serial, const gantry_client_answer_t& answer);

    Services& services_;
    std::map<std::uint64_t, std::shared_ptr<Order>> orders_;
    std::uint64_t next_serial_ = 1;
};

}  // namespace gantry::module
