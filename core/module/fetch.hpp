// Requests of modules under way on one worker: a fetch is between a module's events and upstream::Forward.
#pragma once

#include "core/base/arena.hpp"
#include "core/module/client_target.hpp"
#include "core/module/module.hpp"
#include "core/net/wheel.hpp"
#include "core/server/worker_context.hpp"
#include "core/upstream/forward.hpp"

#include <cstdint>
#include <gantry/ext/client.h>
#include <memory>
#include <string>
#include <vector>

namespace gantry::module {

class Fetches;

// Why `request` must not be sent; null: it may be. A literal.
const char* fault_of(const gantry_client_request_t& request);
// Whether more of it is asked for than there may be.
bool is_too_large(const gantry_client_request_t& request);

// Recycled by its worker. Events may do anything within themselves, also end this fetch and begin another one
// in its place: what follows such a call looks at the serial first. [worker]
class Fetch final : upstream::Forward {
public:
    Fetch(Fetches& owner, std::uint32_t slot) : owner_(owner), slot_(slot) {}

    // `request` is sound and whole, and so are `events`; both are copied.
    void start(const Module& module, const gantry_client_request_t& request,
               const gantry_client_events_t& events, std::uint64_t serial);
    std::uint64_t serial() const { return serial_; }  // 0: at rest

    gantry_result_t write(std::string_view bytes);
    gantry_result_t finish();
    gantry_result_t pause();
    gantry_result_t resume();
    // Tells the end within the call.
    void cancel(const char* reason);

private:
    // The head of the answer does not come.
    class HeadTimer final : public net::Deadline {
    public:
        explicit HeadTimer(Fetch& owner) : owner_(owner) {}
        ~HeadTimer() override = default;

    private:
        void on_deadline() override;
        Fetch& owner_;
    };
    enum class Within : std::uint8_t { Event, Module };  // who is on the stack

    // upstream::Forward
    void write_request(http::H1Client& client) override;
    void finish_response(const http::Headers* trailers) override;
    void fail_request(const Error& error) override;
    void on_interim(const http::ResponseHead& head) override;
    void on_response_head(http::ResponseHead& head) override;
    void on_response_body(std::string_view bytes, const Ref<Block>& owner) override;
    void on_request_drained() override;
    void on_turn_end() override {}

    void set_limits(const gantry_client_request_t& request);
    void write_head(const gantry_client_request_t& request);
    void keep_body(std::string_view body);
    void request_is_sent();
    void give_up(gantry_fetch_end_t end, const char* reason);
    void take_head(const http::ResponseHead& head);
    gantry_client_answer_t answer(gantry_fetch_end_t end, std::string_view reason) const;
    void end(gantry_fetch_end_t end, std::string_view reason, Within within = Within::Event);
    template <class Call>
    void tell(const char* what, const Call& call);
    void tell_writable();
    void count(bool is_whole);
    void rest();
    bool is_collected() const { return events_.on_body == nullptr; }

    Fetches& owner_;
    std::uint32_t slot_;
    std::uint64_t serial_ = 0;
    const Module* module_ = nullptr;
    gantry_client_events_t events_{};
    std::shared_ptr<const upstream::Upstream> upstream_;
    http::ClientLimits limits_;
    Arena arena_;
    HeadTimer head_timer_{*this};
    Millis head_timeout_ = 0;
    Millis idle_timeout_ = 0;
    // The head up to the value of Host, that, and the rest.
    std::string_view head_begin_, host_, head_end_;
    Ref<Block> body_;  // that was given whole
    http::BodyKind body_kind_ = http::BodyKind::None;
    std::uint64_t body_left_ = 0;  // of one that is streamed, with BodyKind::Length
    std::uint64_t most_ = 0;       // of the answer's body
    std::uint64_t received_ = 0;
    std::int64_t start_nanos_ = 0;
    std::int64_t first_byte_nanos_ = -1;
    http::Method method_ = http::Method::Get;
    std::string collected_;  // with its memory kept
    std::string peer_;       // who was asked last
    int status_ = 0;
    const gantry_field_t* fields_ = nullptr;
    std::uint32_t field_count_ = 0;
    bool is_starting_ = false;
    bool is_streamed_ = false;  // the request's body
    bool is_finished_ = false;
    bool wants_to_write_ = false;
    bool is_paused_ = false;
};

// All of one worker. [worker]
class Fetches {
public:
    explicit Fetches(server::WorkerContext& worker);
    // The worker ends, and so does what is under way.
    ~Fetches();
    Fetches(const Fetches&) = delete;
    Fetches& operator=(const Fetches&) = delete;

    // Those of the worker on this thread; null: elsewhere, or its worker ends. [any]
    static Fetches* here();

    // `request` and `events` are whole, and the ticket, if there is one, sleeps.
    gantry_result_t start(const Module& module, const gantry_client_request_t& request,
                          const gantry_client_events_t& events, gantry_fetch_t* fetch);
    // Null: it is over.
    Fetch* find(gantry_fetch_t fetch) const;
    std::size_t active() const { return active_; }

private:
    friend class Fetch;
    static constexpr std::size_t kRecycled = 256;

    std::uint32_t new_slot();
    void give_back(std::uint32_t slot);

    server::WorkerContext& worker_;
    std::vector<std::unique_ptr<Fetch>> all_;  // by slot
    std::vector<std::uint32_t> free_;          // that are at rest
    std::vector<std::uint32_t> empty_;         // where there is none
    std::uint64_t next_serial_ = 1;
    std::size_t active_ = 0;
    bool is_ending_ = false;
};

}  // namespace gantry::module
