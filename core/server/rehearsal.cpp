#include "core/server/rehearsal.hpp"

#include "core/http/h1_parser.hpp"
#include "core/server/as_worker.hpp"
#include "core/server/bound_listener.hpp"
#include "core/server/worker_context.hpp"

#include <fmt/format.h>

namespace gantry::server {

// Where a codec would be: keeps what is sent.
class Rehearsal::Stage final : public http::ServerStream {
public:
    explicit Stage(Facts facts) : facts_(facts) {}

    void send_interim(int, const http::Headers*) override {}
    void send_head(const http::ResponseHead& head) override {
        status = head.status;
        for (const http::Field& field : head.headers) headers.emplace_back(field.name, field.value);
    }
    void send_body(std::string_view bytes, Ref<RefCounted>) override { body += bytes; }
    void send_file(int, off_t, std::size_t, Ref<RefCounted>) override {}
    void finish(const http::Headers*) override {}
    void end_write() override {}
    void abort() override {}
    void read_body(http::BodyReader&) override {}
    void pause_body() override {}
    void resume_body() override {}
    void flush() override {}
    void enter() override {}
    void leave() override {}
    std::size_t queued() const override { return 0; }
    Facts facts() const override { return facts_; }
    std::uint64_t bytes_sent() const override { return 0; }

    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

private:
    Facts facts_;
};

namespace {

void add_captures(const Captures& captures, std::vector<std::pair<std::string, std::string>>& to) {
    for (std::size_t i = 1; i < captures.size(); ++i) {
        to.emplace_back(captures.name_of(i).empty() ? std::to_string(i) : captures.name_of(i),
                        captures.group(i));
    }
}

}  // namespace

Rehearsal::Rehearsal(std::shared_ptr<const Generation> generation)
    : generation_(std::move(generation)), worker_(std::make_unique<WorkerContext>(0, 1, nobody_, nullptr)) {
    worker_->set_generation(generation_);
    for (const conf::Listener& listener : generation_->settings().listeners) {
        listeners_.push_back(std::make_unique<BoundListener>(listener.name, std::vector<WorkerContext*>{}));
    }
}

Rehearsal::~Rehearsal() = default;

Rehearsed Rehearsal::run(const RehearsalRequest& request, Thoroughness thoroughness) {
    const AsWorker as_worker(*worker_);  // for the filters of modules
    const conf::Listener& listener = generation_->settings().listeners[request.listener];
    const net::TlsInfo tls;
    http::ServerStream::Facts facts;
    facts.client = &request.client;
    facts.tls = listener.tls ? &tls : nullptr;
    facts.listener = listeners_[request.listener].get();
    facts.connection_id = facts.request_number = 1;
    Stage stage(facts);

    Rehearsed rehearsed;
    auto& exchange = static_cast<Exchange&>(worker_->acquire(stage));
    const http::HeadLimits limits{listener.max_head, listener.max_request_line, listener.max_fields};
    std::size_t scanned = 0;
    const auto size = http::parse_request_head(request.head, limits, exchange.request_, scanned);
    if (!size) {
        rehearsed.is_head_refused = true;
        exchange.start_failed(size.error());
    } else if (*size == 0) {
        rehearsed.is_head_incomplete = true;
    } else {
        answer(exchange, rehearsed);
    }
    tell(exchange, stage, rehearsed);
    rehearsed.decided = listener.place;
    if (rehearsed.host != nullptr && !rehearsed.is_head_refused)
        rehearsed.decided = rehearsed.host->settings->place;
    if (rehearsed.host != nullptr && rehearsed.host->is_disabled())
        rehearsed.decided = rehearsed.host->faults.front().place;
    if (rehearsed.location != nullptr) rehearsed.decided = rehearsed.location->settings->handler_place;
    if (thoroughness == Thoroughness::Everything) find_reasons(exchange, request, rehearsed);
    let_go(exchange);
    return rehearsed;
}

// As Exchange::start(), but for the handler.
void Rehearsal::answer(Exchange& exchange, Rehearsed& rehearsed) const {
    exchange.facts_ = exchange.stream_->facts();
    exchange.start_nanos_ = exchange.worker_->net().now_nanos();
    if (!exchange.route()) return;
    const LocationEntry& location = *exchange.location();
    for (const Hook& hook : location.pipeline.hooks) {
        if (!exchange.is_for(hook)) break;
        rehearsed.hooks.push_back(&hook);
        // It may wait, ask others, or count.
        if (hook.is_foreign && hook.phase != Phase::Content) continue;
        if (hook.is_foreign) {
            rehearsed.outlook.handler = hook.name;
            return;
        }
        if (hook.self == location.handler.get()) {
            location.handler->foresee(exchange, rehearsed.outlook);
            return;
        }
        if (hook.run(exchange, hook.self) != Verdict::Next) return;
    }
    exchange.answer_unhandled();
}

void Rehearsal::find_reasons(Exchange& exchange, const RehearsalRequest& request, Rehearsed& rehearsed) {
    if (rehearsed.host == nullptr || rehearsed.is_head_refused) return;
    const HostEntry& host = *rehearsed.host;
    rehearsed.name = find_name(host, exchange.request_.authority);
    if (rehearsed.path.empty()) return;
    if (rehearsed.location != nullptr) {
        rehearsed.chosen = find_pattern(host, *rehearsed.location, rehearsed.pattern, rehearsed.path);
    }
    rehearsed.unchosen = find_unchosen(host, rehearsed.location, rehearsed.chosen, exchange.request_,
                                       rehearsed.path, request.client.ip, exchange.arena_);
}

void Rehearsal::tell(Exchange& exchange, const Stage& stage, Rehearsed& rehearsed) {
    rehearsed.status = stage.status;
    rehearsed.headers = stage.headers;
    rehearsed.body = stage.body;
    if (exchange.has_error_) rehearsed.error = describe(exchange.error_);
    rehearsed.host = exchange.route_.host;
    rehearsed.location = exchange.route_.location;
    rehearsed.path = exchange.route_.path;
    rehearsed.pattern = exchange.route_.pattern;
    add_captures(exchange.route_.location_captures, rehearsed.captures);
    add_captures(exchange.route_.host_captures, rehearsed.captures);
}

// Without the log phase: nothing happened.
void Rehearsal::let_go(Exchange& exchange) {
    if (exchange.slot_ != Exchange::kNoSlot)
        exchange.worker_->drop_ticket(std::exchange(exchange.slot_, Exchange::kNoSlot));
    exchange.drop_source();
    exchange.recycle();
}

}  // namespace gantry::server
