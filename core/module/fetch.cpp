#include "core/module/fetch.hpp"

#include "core/base/field_syntax.hpp"
#include "core/content/proxy_exchange.hpp"
#include "core/module/extensions.hpp"
#include "core/upstream/counts.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gantry::module {
namespace {

constexpr std::uint64_t kLongest = 86'400'000 * kNanosPerMilli;
constexpr Millis kUsualTimeout = 60'000;  // of an answer that is collected
constexpr std::size_t kMaxFields = 256;   // of an answer, as the proxy has it
constexpr std::size_t kKeptBytes = 64 * 1024;

Millis millis_of(std::uint64_t nanos, Millis usual) {
    if (nanos == 0) return usual;
    return static_cast<Millis>(std::max<std::uint64_t>(std::min(nanos, kLongest) / kNanosPerMilli, 1));
}

gantry_fetch_end_t end_of(const Error& error) {
    switch (error.code) {
        case Code::Connect:
        case Code::Tls:
            return GANTRY_FETCH_NOT_CONNECTED;
        case Code::Unavailable:
            return GANTRY_FETCH_NO_PEER;
        case Code::UpstreamTimeout:
            return GANTRY_FETCH_TIMED_OUT;
        case Code::Closed:
            return GANTRY_FETCH_CUT_OFF;
        default:
            return GANTRY_FETCH_BAD_ANSWER;
    }
}

const char* fault_of(const gantry_field_t& field) {
    const std::string_view name = view_of(field.name);
    if (!is_token(name)) return "the name of a field is no token";
    if (has_control_bytes(view_of(field.value))) return "the value of a field has control bytes";
    if (!connection_field(name).empty())
        return "a field belongs to the connection, which gantry keeps in order";
    if (equals_ignore_case(name, "host")) return "Host has a member of its own";
    if (equals_ignore_case(name, "expect")) return "Expect is not for modules";
    return nullptr;
}

bool has_size(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

// Writes into memory that is large enough.
struct Writer {
    char* at;
    void put(std::string_view text) {
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        at += text.size();
    }
    void put_field(std::string_view name, std::string_view value) {
        put(name);
        put(": ");
        put(value);
        put("\r\n");
    }
};

thread_local Fetches* current = nullptr;
// Locals of workers are destroyed one after the other, and those that go later may still ask for this one.
thread_local const server::WorkerContext* ended = nullptr;

}  // namespace

const char* fault_of(const gantry_client_request_t& request) {
    const std::string_view method = view_of(request.method);
    if (request.target == nullptr) return "it has no target";
    if (!method.empty() && !is_token(method)) return "the method is no token";
    if (method == "CONNECT") return "tunnels are not for modules";
    if (request.path.size > 0 && !is_origin_form(view_of(request.path)))
        return "the path does not begin with \"/\", or has bytes that a URL cannot have";
    if (request.host.size > 0 && !is_host_value(view_of(request.host))) return "the host is no value of Host";
    if (request.field_count > 0 && request.fields == nullptr) return "it has no fields";
    for (std::uint32_t i = 0; i < request.field_count; ++i) {
        if (const char* const fault = fault_of(request.fields[i])) return fault;
    }
    const bool is_streamed = (request.flags & GANTRY_FETCH_STREAMED_BODY) != 0;
    if (is_streamed && request.body.size > 0) return "a body is given whole or streamed, and not both";
    if (request.body.size > 0 && request.body.data == nullptr) return "it has no body";
    return nullptr;
}

bool is_too_large(const gantry_client_request_t& request) {
    std::uint64_t head = request.method.size + request.path.size + request.host.size;
    for (std::uint32_t i = 0; i < request.field_count; ++i) {
        head += request.fields[i].name.size + request.fields[i].value.size + 4;
    }
    return head > GANTRY_FETCH_HEAD_MAX || request.body.size > GANTRY_FETCH_BODY_MAX;
}

// ---- the request

void Fetch::start(const Module& module, const gantry_client_request_t& request,
                  const gantry_client_events_t& events, std::uint64_t serial) {
    serial_ = serial;
    module_ = &module;
    events_ = events;
    upstream_ = request.target->upstream;
    is_streamed_ = (request.flags & GANTRY_FETCH_STREAMED_BODY) != 0;
    is_finished_ = !is_streamed_;
    wants_to_write_ = is_paused_ = false;
    received_ = 0;
    start_nanos_ = owner_.worker_.net().now_nanos();
    first_byte_nanos_ = -1;
    method_ = request.method.size == 0 ? http::Method::Get : http::method_of(view_of(request.method));
    status_ = 0;
    fields_ = nullptr;
    field_count_ = 0;
    peer_.clear();
    set_limits(request);
    keep_body(view_of(request.body));
    if (is_streamed_) {
        body_kind_ = request.body_size == UINT64_MAX ? http::BodyKind::Chunked : http::BodyKind::Length;
        body_left_ = request.body_size;
    }
    write_head(request);

    upstream::ForwardRequest forwarded;
    forwarded.upstream = &upstream_;
    forwarded.limits = &limits_;
    forwarded.arena = &arena_;
    forwarded.method = method_;
    forwarded.timeout = millis_of(request.timeout, is_collected() ? kUsualTimeout : 0);
    forwarded.connect_timeout = millis_of(request.connect_timeout, 0);
    is_starting_ = true;
    begin(owner_.worker_.local<content::ProxyWorker>().pools(), forwarded);
    is_starting_ = false;
}

void Fetch::set_limits(const gantry_client_request_t& request) {
    limits_.head.head_bytes = upstream_->max_head;
    limits_.head.fields = kMaxFields;
    limits_.send_timeout = upstream_->send_timeout;
    idle_timeout_ = millis_of(request.idle_timeout, upstream_->response_timeout);
    head_timeout_ = millis_of(request.head_timeout, idle_timeout_);
    // While the head is waited for, the timer of the head alone holds.
    limits_.response_timeout = std::max(idle_timeout_, head_timeout_) + net::Wheel::kTick * 2;
    most_ = request.largest_body;
    if (most_ == 0) most_ = is_collected() ? GANTRY_FETCH_COLLECTED_USUAL : UINT64_MAX;
}

void Fetch::keep_body(std::string_view body) {
    body_kind_ = http::BodyKind::None;
    if (body.empty()) return;
    BlockPool& blocks = owner_.worker_.net().blocks();
    body_ = body.size() <= BlockPool::kBytes ? blocks.take() : blocks.take_large(body.size());
    std::memcpy(body_->data(), body.data(), body.size());
    body_->grow(body.size());
    body_kind_ = http::BodyKind::Length;
}

// All of it but what depends on the peer. Sent anew where the request is.
void Fetch::write_head(const gantry_client_request_t& request) {
    const gantry_target& target = *request.target;
    const std::string_view method = request.method.size == 0 ? "GET" : view_of(request.method);
    const std::string_view path = request.path.size == 0 ? target.path : view_of(request.path);
    const std::string_view host = request.host.size == 0 ? target.host : view_of(request.host);
    std::size_t size = method.size() + path.size() + host.size();
    for (std::uint32_t i = 0; i < request.field_count; ++i) {
        size += request.fields[i].name.size + request.fields[i].value.size + 4;
    }
    constexpr std::size_t kOurs = 128;
    Writer out{static_cast<char*>(arena_.allocate(size + kOurs, 1))};
    const char* from = out.at;
    const auto piece = [&] {
        const std::string_view made(from, static_cast<std::size_t>(out.at - from));
        from = out.at;
        return made;
    };
    out.put(method);
    out.put(" ");
    out.put(path);
    out.put(" HTTP/1.1\r\nHost: ");
    head_begin_ = piece();
    out.put(host);
    host_ = piece();
    out.put("\r\n");
    for (std::uint32_t i = 0; i < request.field_count; ++i) {
        out.put_field(view_of(request.fields[i].name), view_of(request.fields[i].value));
    }
    if (body_kind_ == http::BodyKind::Chunked) {
        out.put("Transfer-Encoding: chunked\r\n");
    } else if (body_kind_ == http::BodyKind::Length || has_size(method)) {
        char digits[20];
        const std::uint64_t length = is_streamed_ ? body_left_ : request.body.size;
        const auto end = std::to_chars(digits, digits + sizeof digits, length).ptr;
        out.put_field("Content-Length", {digits, static_cast<std::size_t>(end - digits)});
    }
    head_end_ = piece();
}

void Fetch::write_request(http::H1Client& client) {
    peer_ = peer();
    Chain& head = client.head();
    head.append_copy(head_begin_);
    const bool is_unix = starts_with_ignore_case(peer_, "unix:");
    head.append_copy(!host_.empty() ? host_ : is_unix ? std::string_view("localhost") : peer_);
    head.append_copy(head_end_);
    head.append_copy(keeps_connections() ? "\r\n" : "Connection: close\r\n\r\n");
    client.set_body(body_kind_);
    if (is_finished_) {
        if (body_) client.send_body(body_->view(), body_);
        client.finish_request(nullptr);
        client.flush();
        return request_is_sent();
    }
    // The head leaves together with the first bytes of the body where these are here.
    client.flush_later();
    if (!is_starting_) tell_writable();
}

void Fetch::request_is_sent() {
    net::Worker& worker = owner_.worker_.net();
    if (status_ == 0) worker.wheel().set(head_timer_, worker.now() + head_timeout_);
}

gantry_result_t Fetch::write(std::string_view bytes) {
    if (!is_streamed_ || is_finished_) return GANTRY_ERROR_STATE;
    if (body_kind_ == http::BodyKind::Length && bytes.size() > body_left_) return GANTRY_ERROR_ARGUMENT;
    http::H1Client* const peer = client();
    if (peer == nullptr || peer->queued() > http::H1Client::kHighWater) {
        wants_to_write_ = true;
        return GANTRY_ERROR_LIMIT;
    }
    if (bytes.empty()) return GANTRY_OK;
    forbid_retry();
    if (body_kind_ == http::BodyKind::Length) body_left_ -= bytes.size();
    peer->send_body(bytes, {});
    peer->flush_later();
    return GANTRY_OK;
}

gantry_result_t Fetch::finish() {
    if (is_finished_) return GANTRY_ERROR_STATE;
    if (body_kind_ == http::BodyKind::Length && body_left_ > 0) return GANTRY_ERROR_ARGUMENT;
    is_finished_ = true;
    http::H1Client* const peer = client();
    if (peer == nullptr) return GANTRY_OK;  // write_request() does
    peer->finish_request(nullptr);
    peer->flush_later();
    request_is_sent();
    return GANTRY_OK;
}

void Fetch::on_request_drained() {
    tell_writable();
}

void Fetch::tell_writable() {
    if (!std::exchange(wants_to_write_, false) || events_.on_writable == nullptr) return;
    tell("on_writable of a fetch", [&] { events_.on_writable(events_.state); });
}

// ---- the answer

void Fetch::on_interim(const http::ResponseHead& /*head*/) {}

void Fetch::take_head(const http::ResponseHead& head) {
    status_ = head.status;
    field_count_ = static_cast<std::uint32_t>(head.headers.size());
    auto* const fields = arena_.make_array<gantry_field_t>(field_count_);
    for (std::uint32_t i = 0; i < field_count_; ++i) {
        const http::Field& field = head.headers.at(i);
        fields[i] = {bytes_of(field.name), bytes_of(field.value)};
    }
    fields_ = fields;
}

void Fetch::on_response_head(http::ResponseHead& head) {
    owner_.worker_.net().wheel().clear(head_timer_);
    limits_.response_timeout = idle_timeout_;
    first_byte_nanos_ = owner_.worker_.net().now_nanos() - start_nanos_;
    take_head(head);
    const bool has_length = head.body == http::BodyKind::Length;
    if (has_length && head.content_length > most_)
        return give_up(GANTRY_FETCH_TOO_LARGE, "the body of the answer is too large");
    if (has_length && is_collected())
        collected_.reserve(std::min<std::uint64_t>(head.content_length, kKeptBytes));
    const std::uint64_t serial = serial_;
    if (events_.on_head != nullptr) {
        const gantry_client_answer_t told = answer(GANTRY_FETCHED, {});
        tell("on_head of a fetch", [&] { events_.on_head(events_.state, &told); });
    }
    if (serial_ == serial && is_paused_ && client() != nullptr) client()->pause();
}

void Fetch::on_response_body(std::string_view bytes, const Ref<Block>& /*owner*/) {
    received_ += bytes.size();
    if (received_ > most_) return give_up(GANTRY_FETCH_TOO_LARGE, "the body of the answer is too large");
    if (is_collected()) {
        collected_.append(bytes);
        return;
    }
    tell("on_body of a fetch", [&] { events_.on_body(events_.state, bytes_of(bytes)); });
}

gantry_result_t Fetch::pause() {
    if (is_collected()) return GANTRY_ERROR_STATE;
    is_paused_ = true;
    if (status_ != 0 && client() != nullptr) client()->pause();
    return GANTRY_OK;
}

gantry_result_t Fetch::resume() {
    is_paused_ = false;
    if (client() != nullptr) client()->resume();
    return GANTRY_OK;
}

// ---- its end

void Fetch::finish_response(const http::Headers* /*trailers*/) {
    end(GANTRY_FETCHED, {});
}

void Fetch::fail_request(const Error& error) {
    if (!is_starting_) return end(end_of(error), describe(error));
    // Not within request(): whoever asked does not expect it.
    owner_.worker_.net().post([this, error, serial = serial_] {
        if (serial_ == serial) end(end_of(error), describe(error));
    });
}

void Fetch::HeadTimer::on_deadline() {
    owner_.give_up(GANTRY_FETCH_TIMED_OUT, "upstream timed out while waiting for the head of the answer");
}

void Fetch::give_up(gantry_fetch_end_t how, const char* reason) {
    drop();
    end(how, reason);
}

void Fetch::cancel(const char* reason) {
    drop();
    end(GANTRY_FETCH_CANCELLED, reason, Within::Module);
}

gantry_client_answer_t Fetch::answer(gantry_fetch_end_t end, std::string_view reason) const {
    gantry_client_answer_t out{};
    out.size = sizeof out;
    out.end = end;
    out.status = status_;
    out.field_count = field_count_;
    out.fields = fields_;
    out.reason = bytes_of(reason);
    out.peer = bytes_of(peer_);
    return out;
}

template <class Call>
void Fetch::tell(const char* what, const Call& call) {
    run_beside(*module_, ticket_of(events_.ticket), what, call);
}

void Fetch::end(gantry_fetch_end_t how, std::string_view reason, Within within) {
    gantry_client_answer_t told = answer(how, reason);
    if (how == GANTRY_FETCHED && is_collected()) told.body = bytes_of(collected_);
    count(how == GANTRY_FETCHED);
    serial_ = 0;  // from here on it is over for everybody
    const auto call = [&] { events_.on_end(events_.state, &told); };
    if (within == Within::Module) {
        call();
    } else {
        tell("the end of a fetch", call);
    }
    rest();
}

// As the proxy counts: not of those that found no peer to try.
void Fetch::count(bool is_whole) {
    if (counted() == 0) return;
    using upstream::PeerCells;
    upstream::count(counted() + PeerCells::kAnswers + http::answer_cell(method_, status_));
    upstream::count(counted() + PeerCells::kReceived, received_);
    upstream::count_time(counted() + PeerCells::kFirstByte, first_byte_nanos_);
    upstream::count_time(counted() + PeerCells::kResponse,
                         is_whole ? owner_.worker_.net().now_nanos() - start_nanos_ : -1);
}

void Fetch::rest() {
    owner_.worker_.net().wheel().clear(head_timer_);
    upstream_.reset();
    body_.reset();
    collected_.clear();
    if (collected_.capacity() > kKeptBytes) collected_.shrink_to_fit();
    arena_.reset();
    owner_.give_back(slot_);
}

// ---- all of a worker

Fetches::Fetches(server::WorkerContext& worker) : worker_(worker) {
    current = this;
}

Fetches::~Fetches() {
    is_ending_ = true;
    for (const auto& fetch : all_) {
        if (fetch != nullptr && fetch->serial() != 0) fetch->cancel("gantry ends");
    }
    if (current != this) return;  // of another thread, which has ended
    current = nullptr;
    ended = &worker_;
}

Fetches* Fetches::here() {
    server::WorkerContext* const worker = server::WorkerContext::here();
    if (worker == nullptr || worker == ended) return nullptr;
    return current != nullptr ? current : &worker->local<Fetches>();
}

gantry_result_t Fetches::start(const Module& module, const gantry_client_request_t& request,
                               const gantry_client_events_t& events, gantry_fetch_t* fetch) {
    if (is_ending_) return GANTRY_ERROR_STATE;
    if (active_ >= GANTRY_FETCHES_MAX) return GANTRY_ERROR_LIMIT;
    if (free_.empty()) free_.push_back(new_slot());
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    ++active_;
    const std::uint64_t serial = next_serial_++;
    if (fetch != nullptr) *fetch = {(static_cast<std::uint64_t>(worker_.net().index()) << 32) | slot, serial};
    all_[slot]->start(module, request, events, serial);
    return GANTRY_OK;
}

std::uint32_t Fetches::new_slot() {
    if (empty_.empty()) {
        empty_.push_back(static_cast<std::uint32_t>(all_.size()));
        all_.emplace_back();
    }
    const std::uint32_t slot = empty_.back();
    empty_.pop_back();
    all_[slot] = std::make_unique<Fetch>(*this, slot);
    return slot;
}

Fetch* Fetches::find(gantry_fetch_t fetch) const {
    const auto slot = static_cast<std::uint32_t>(fetch.place);
    if (fetch.serial == 0 || fetch.place >> 32 != worker_.net().index() || slot >= all_.size())
        return nullptr;
    Fetch* const found = all_[slot].get();
    return found != nullptr && found->serial() == fetch.serial ? found : nullptr;
}

void Fetches::give_back(std::uint32_t slot) {
    --active_;
    if (is_ending_) return;
    if (free_.size() < kRecycled) return free_.push_back(slot);
    // Not now: functions of its own may be on the stack.
    worker_.net().post([last = std::move(all_[slot])] {});
    empty_.push_back(slot);
}

}  // namespace gantry::module
