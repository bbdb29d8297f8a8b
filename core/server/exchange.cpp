#include "core/server/exchange.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/generation.hpp"
#include "core/server/secrets.hpp"
#include "core/server/traffic.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

namespace gantry::server {

namespace {
constexpr int kClientClosed = 499;  // the client left before an answer
// To a visitor; who operates the server reads the reason in its log and status.
constexpr std::string_view kDisabled = "This host is switched off until a fault in its setup is mended.";

}  // namespace

const Error Exchange::kNoError{Code::Internal, Side::Client, Retry::No, 0, ""};

static_assert(std::is_trivially_destructible_v<http::RequestHead> &&
                  std::is_trivially_destructible_v<http::ResponseHead>,
              "recycle() builds them anew without an end in between");

// ---- life
// ------------------------------------------------------------------------------------------------------

void Exchange::begin(http::ServerStream& stream, GenerationUse& use) {
    stream_ = &stream;
    use_ = &use;
    ++use.exchanges;
}

void Exchange::recycle() {
    WorkerContext& worker = *worker_;
    worker.release(*std::exchange(use_, nullptr));
    ++serial_;
    // Made anew where they are: assigned, each would be built elsewhere and copied.
    std::construct_at(&request_, arena_);
    std::construct_at(&response_, arena_);
    arena_.reset();
    route_ = {};
    stream_ = nullptr;
    facts_ = {};
    source_ = nullptr;
    held_.reset();
    filtered_.reset();
    reader_ = nullptr;
    upstream_ = {};
    preface_ = {};
    start_nanos_ = 0;
    handler_nanos_ = -1;
    body_received_ = body_sent_ = sent_ = 0;
    next_hook_ = handler_state_ = 0;
    notes_ = nullptr;
    closed_trailers_ = nullptr;
    head_sent_ = has_error_ = is_rewritten_ = was_started_ = has_id_ = is_body_taken_ = false;
    worker.give_back(*this);
}

const Generation& Exchange::generation() const {
    return *use_->generation;
}

// The log phase, then everything is let go.
void Exchange::end() {
    if (slot_ != kNoSlot) worker_->drop_ticket(std::exchange(slot_, kNoSlot));
    drop_source();
    reader_ = nullptr;
    worker_->requests.store(worker_->requests.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (!head_sent_) response_.status = has_error_ && error_.side == Side::Client ? kClientClosed : 0;
    const std::int64_t end_nanos = monotonic_nanos();
    count(end_nanos);
    if (RecentRing* ring = worker_->recent()) remember(*ring, end_nanos);
    if (route_.location != nullptr) {
        for (const Hook& hook : route_.location->pipeline.log_hooks) hook.run(*this, hook.self);
    }
    const AccessLog* log = route_.location != nullptr ? route_.location->access_log.get()
                           : route_.host != nullptr   ? route_.host->access_log.get()
                                                      : nullptr;
    if (log != nullptr) {
        if (char* line = worker_->log().reserve(*log->target)) {
            worker_->log().commit(*log->target, log->format.write(*this, arena_, line), worker_->net().now());
        }
    }
    recycle();
}

const BoundListener& Exchange::bound_listener() const {
    return *static_cast<const BoundListener*>(facts_.listener);
}

void Exchange::count(std::int64_t end_nanos) const {
    const Passed passed({http::answer_cell(request_.method, response_.status),
                         stream_->arrival().head_bytes + body_received_, sent_,
                         static_cast<std::uint64_t>(std::max<std::int64_t>(end_nanos - start_nanos_, 0)),
                         handler_nanos_});
    const std::uint32_t place = route_.location != nullptr ? route_.location->counted.cell()
                                : route_.host != nullptr   ? route_.host->counted.cell()
                                                           : generation().counted_nowhere();
    passed.count_for_location(worker_->cells().at(place));
    passed.count_for_listener(worker_->cells().at(bound_listener().counted()));
}

void Exchange::remember(RecentRing& ring, std::int64_t end_nanos) const {
    RecentRecord& record = ring.begin();
    record.start_nanos = start_nanos_;
    record.end_nanos = end_nanos;
    record.handler_nanos = handler_nanos_;
    record.connect_nanos = upstream_.connect_nanos;
    record.first_byte_nanos = upstream_.first_byte_nanos;
    record.bytes_sent = sent_;
    record.body_received = body_received_;
    record.status = static_cast<std::uint16_t>(response_.status);
    record.upstream_status = static_cast<std::uint16_t>(upstream_.status);
    const net::PeerAddress& client = *facts_.client;
    record.port = client.port;
    record.family = client.family;
    record.is_tls = facts_.tls != nullptr;
    std::memcpy(record.ip, client.ip.data(), sizeof record.ip);
    record.error = has_error_ ? static_cast<std::uint8_t>(static_cast<int>(error_.code) + 1) : 0;
    record.error_side = static_cast<std::uint8_t>(error_.side);
    record.error_system = has_error_ ? error_.system : 0;
    record.version = static_cast<std::uint8_t>(request_.version);
    char* to = record.text;
    std::size_t room = RecentRecord::kText;
    const auto put = [&](std::string_view text, std::size_t most) {
        const std::size_t size = std::min(text.size(), most);
        if (size > 0) std::memcpy(to, text.data(), size);
        to += size;
        room -= size;
        return static_cast<std::uint8_t>(size);
    };
    record.host_size =
        route_.host != nullptr ? put(route_.host->settings->name, RecentRecord::kHost) : std::uint8_t{0};
    record.peer_size = put(upstream_.peer, RecentRecord::kPeer);
    record.path_size = put(request_.path, room);
    record.method_size =
        static_cast<std::uint8_t>(std::min(request_.method_name.size(), sizeof record.method));
    if (record.method_size > 0) std::memcpy(record.method, request_.method_name.data(), record.method_size);
    ring.commit(record);
}

void Exchange::drop_source() {
    if (ResponseSource* source = std::exchange(source_, nullptr)) source->on_end(*this);
}

void Exchange::on_sent() {
    sent_ = stream_->bytes_sent();
    end();
}

void Exchange::on_aborted(const Error& error) {
    sent_ = stream_->bytes_sent();
    if (!was_started_) return recycle();
    error_ = error;
    has_error_ = true;
    end();
}

// ---- from the head to the handler
// ------------------------------------------------------------------------------

void Exchange::start() {
    was_started_ = true;
    facts_ = stream_->facts();
    start_nanos_ = worker_->net().now_nanos();
    worker_->cells().add(bound_listener().counted() + TrafficCells::kStarted, 1);
    if (route()) run_hooks();
    pause_filters();
}

void Exchange::start_failed(const Error& error) {
    was_started_ = true;
    facts_ = stream_->facts();
    start_nanos_ = worker_->net().now_nanos();
    worker_->cells().add(bound_listener().counted() + TrafficCells::kStarted, 1);
    const int listener = bound_listener().index_in(generation());
    if (listener >= 0) route_.host = generation().default_host(static_cast<std::size_t>(listener));
    fail(error);
}

// False: answered already.
bool Exchange::route() {
    const int listener = bound_listener().index_in(generation());
    if (listener < 0) {
        fail(503, {Code::Unavailable, Side::Us, Retry::No, 0, "on a listener that was removed"});
        return false;
    }
    const auto unrouted = find_route(generation(), static_cast<std::size_t>(listener), request_,
                                     facts_.client->ip, arena_, route_);
    if (unrouted) answer_unrouted(*unrouted);
    return !unrouted;
}

void Exchange::answer_unrouted(const Unrouted& unrouted) {
    if (unrouted.status == 204) {
        response_.status = 204;
        response_.headers.add(http::HeaderId::Allow, unrouted.allow);
        return respond({});
    }
    // What follows a CONNECT may be the tunnel's bytes.
    if (unrouted.status == 501) response_.keep_alive = false;
    fail(unrouted.status, unrouted.error,
         unrouted.allow.empty() ? http::HeaderId::Other : http::HeaderId::Allow, unrouted.allow);
}

void Exchange::run_hooks() {
    const std::vector<Hook>& hooks = route_.location->pipeline.hooks;
    while (next_hook_ < hooks.size()) {
        const Hook& hook = hooks[next_hook_++];
        if (!is_for(hook)) break;
        if (hook.run(*this, hook.self) != Verdict::Next) return;
    }
    answer_unhandled();
}

const Hook* Exchange::last_hook() const {
    if (route_.location == nullptr || next_hook_ == 0) return nullptr;
    return &route_.location->pipeline.hooks[next_hook_ - 1];
}

bool Exchange::is_for(const Hook& hook) const {
    return !route_.is_preflight || hook.phase <= Phase::Preaccess;
}

void Exchange::answer_unhandled() {
    if (!route_.is_preflight)
        return fail(404, {Code::NotFound, Side::Client, Retry::No, 0, "nothing answers here"});
    fail(405, {Code::MethodNotAllowed, Side::Client, Retry::No, 0, "no location takes this method"},
         http::HeaderId::Allow, route_.preflight_allow);
}

void* Exchange::note(const void* key) const {
    for (std::size_t i = 0; notes_ != nullptr && i < kMaxNotes; ++i) {
        if (notes_[i].key == key) return notes_[i].value;
    }
    return nullptr;
}

bool Exchange::set_note(const void* key, void* value) {
    if (notes_ == nullptr) {
        notes_ = arena_.make_array<Note>(kMaxNotes);
        std::fill_n(notes_, kMaxNotes, Note{nullptr, nullptr});
    }
    for (std::size_t i = 0; i < kMaxNotes; ++i) {
        if (notes_[i].key != nullptr && notes_[i].key != key) continue;
        notes_[i] = {key, value};
        return true;
    }
    return false;
}

Ticket Exchange::suspend(void* state, void (*dropped)(void* state)) {
    const Ticket ticket = worker_->suspend(*this, state, dropped);
    slot_ = ticket.slot;
    return ticket;
}

void Exchange::resume(Verdict verdict) {
    const Hold hold(*this);
    if (verdict == Verdict::Again) --next_hook_;
    if (verdict != Verdict::Next && verdict != Verdict::Again) return;
    run_hooks();
    flush();
}

// ---- the response
// ----------------------------------------------------------------------------------------------

void Exchange::send_head() {
    if (head_sent_) return;
    if (route_.location != nullptr) {
        const std::vector<HeaderFilter>& filters = route_.location->pipeline.header_filters;
        // A filter sees and may change every field.
        if (!filters.empty() && response_.prepared != nullptr) {
            std::exchange(response_.prepared, nullptr)->append_to(response_.headers);
        }
        for (const HeaderFilter& filter : filters) filter.run(*this, filter.self);
    } else if (route_.host != nullptr) {
        for (const HeaderFilter& filter : route_.host->header_filters) filter.run(*this, filter.self);
        if (!route_.host->response_fields->empty())
            route_.host->response_fields->apply(response_.headers, *this, arena_);
    }
    head_sent_ = true;
    handler_nanos_ = worker_->net().now_nanos() - start_nanos_;
    stream_->send_head(response_);
}

void Exchange::add_body_filter(std::unique_ptr<BodyFilter> filter) {
    if (!has_body()) return;
    if (filtered_ == nullptr) filtered_ = std::make_unique<FilteredBody>(*this);
    filtered_->add(std::move(filter));
    if (response_.body == http::BodyKind::Length) response_.body = http::BodyKind::Chunked;
}

void Exchange::deliver(std::string_view bytes, Ref<RefCounted> owner) {
    body_sent_ += bytes.size();
    stream_->send_body(bytes, std::move(owner));
}

void Exchange::send_body(std::string_view bytes, Ref<RefCounted> owner) {
    if (filtered_ != nullptr) return filtered_->send(bytes, std::move(owner));
    deliver(bytes, std::move(owner));
}

void Exchange::send_file(int fd, off_t offset, std::size_t size, Ref<RefCounted> owner) {
    if (filtered_ != nullptr) return filtered_->send_file(fd, offset, size, std::move(owner));
    body_sent_ += size;
    stream_->send_file(fd, offset, size, std::move(owner));
}

void Exchange::finish(const http::Headers* trailers) {
    if (filtered_ != nullptr) return filtered_->finish(trailers);
    stream_->finish(trailers);
}

void Exchange::flush() {
    pause_filters();
    stream_->flush();
}

bool Exchange::is_output_full() const {
    return stream_->queued() > http::ServerStream::kHighWater;
}

bool Exchange::is_congested() const {
    return is_output_full() || (filtered_ != nullptr && filtered_->is_holding());
}

void Exchange::respond(std::string_view body, Ref<RefCounted> owner) {
    response_.body =
        http::status_forbids_body(response_.status) ? http::BodyKind::None : http::BodyKind::Length;
    response_.content_length = body.size();
    send_head();
    if (request_.method != http::Method::Head) send_body(body, std::move(owner));
    finish();
}

void Exchange::fail(int status, const Error& error, http::HeaderId field, std::string_view value) {
    if (&error != &kNoError) {
        error_ = error;
        has_error_ = true;
        log_error(error, status);
    }
    if (head_sent_ || status == 0) return stream_->abort();
    send_error_page(status, field, value);
}

void Exchange::send_error_page(int status, http::HeaderId field, std::string_view value) {
    response_.status = status;
    response_.headers.clear();
    response_.prepared = nullptr;
    if (field != http::HeaderId::Other) response_.headers.add(field, value);
    const bool is_disabled = route_.host != nullptr && route_.host->is_disabled();
    const ErrorPages* pages = is_disabled                  ? nullptr
                              : route_.location != nullptr ? route_.location->error_pages.get()
                              : route_.host != nullptr     ? route_.host->error_pages.get()
                                                           : nullptr;
    if (const CustomPage* page = pages != nullptr ? pages->find(status) : nullptr) {
        if (page->body) {
            response_.headers.add(http::HeaderId::ContentType, page->content_type);
            return respond(*page->body);
        }
        response_.headers.add(http::HeaderId::Location, page->redirect.evaluate(*this, arena_));
        response_.status = 302;  // only now: the target may name the status of the error
        return respond({});
    }
    const PageFormat format = page_format(request_.headers.value(http::HeaderId::Accept));
    response_.headers.add(http::HeaderId::ContentType, content_type(format));
    const std::string_view detail = is_disabled ? kDisabled : std::string_view();
    respond(builtin_page(status, format, detail, arena_));
}

// What the client did wrong is for the access log; what we or a peer did is for the error log.
void Exchange::log_error(const Error& error, int status) const {
    // A host that is disabled was told of when that happened.
    const bool is_told = route_.host != nullptr && route_.host->is_disabled();
    const log::Level level = error.side == Side::Client || is_told ? log::Level::Debug
                             : status >= 500                       ? log::Level::Error
                                                                   : log::Level::Info;
    if (!log::is_enabled(level)) return;
    Arena scratch;
    log::print(level, "{} status={} host={} request=\"{} {}\" client={} peer={}", describe(error), status,
               route_.host != nullptr ? route_.host->settings->name : "-", request_.method_name,
               field_safe(masked_uri(request_.target, scratch), scratch), facts_.client->to_string(),
               upstream_.peer.empty() ? "-" : upstream_.peer);
}

// ---- the request body
// ------------------------------------------------------------------------------------------

std::uint64_t Exchange::max_body() const {
    return route_.location != nullptr ? route_.location->max_body : 0;
}

bool Exchange::read_body(http::BodyReader& reader) {
    const bool is_tunnel = head_sent_ && response_.status == 101;
    if (std::exchange(is_body_taken_, true) && !is_tunnel) {
        fail({Code::Internal, Side::Us, Retry::No, 0, "the body of the request was read before"});
        return false;
    }
    if (request_.body == http::BodyKind::Length && request_.content_length > max_body()) {
        fail(413, {Code::BodyTooLarge, Side::Client, Retry::No, 0, "while reading the request head"});
        return false;
    }
    reader_ = &reader;
    stream_->read_body(*this);
    return true;
}

void Exchange::close_trailer(std::string_view name) {
    if (request_.body != http::BodyKind::Chunked) return;  // no others have trailers
    closed_trailers_ = arena_.make<ClosedTrailer>(closed_trailers_, name);
}

bool Exchange::is_trailer_closed(std::string_view name) const {
    const auto is_same = [](char a, char b) {
        return to_lower(a == '_' ? '-' : a) == to_lower(b == '_' ? '-' : b);
    };
    for (const ClosedTrailer* one = closed_trailers_; one != nullptr; one = one->next) {
        if (std::equal(name.begin(), name.end(), one->name.begin(), one->name.end(), is_same)) return true;
    }
    return false;
}

void Exchange::on_body(std::string_view bytes, const Ref<Block>& owner) {
    body_received_ += bytes.size();
    const bool is_raw = response_.status == 101 && head_sent_;
    if (!is_raw && body_received_ > max_body()) {
        return on_body_failed(
            {Code::BodyTooLarge, Side::Client, Retry::No, 0, "while reading the request body"});
    }
    if (reader_ != nullptr) reader_->on_body(bytes, owner);
    pause_filters();
}

void Exchange::on_body_end(const http::Headers* trailers) {
    // It has read, and is not known to answer.
    if (http::BodyReader* reader = std::exchange(reader_, nullptr)) reader->on_body_end(trailers);
    pause_filters();
}

void Exchange::on_body_failed(const Error& error) {
    reader_ = nullptr;
    if (slot_ != kNoSlot) worker_->drop_ticket(std::exchange(slot_, kNoSlot));
    drop_source();
    fail(error);
}

void Exchange::on_drained() {
    if (filtered_ != nullptr && filtered_->is_holding()) {
        const std::uint64_t serial = serial_;
        filtered_->on_drained();
        if (serial_ != serial || is_congested()) return;
    }
    if (source_ != nullptr) source_->on_drained(*this);
    pause_filters();
}

std::string_view Exchange::request_id() {
    if (!has_id_) worker_->request_ids().next(id_);
    has_id_ = true;
    return {id_, sizeof id_};
}

}  // namespace gantry::server
