// gantry.http/1
#include "core/base/field_syntax.hpp"
#include "core/module/extensions.hpp"
#include "core/module/hooks.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"
#include "core/server/worker_context.hpp"

#include <algorithm>

namespace gantry::module {
namespace {

constexpr std::size_t kMostMemory = 1024 * 1024;

using server::VariableId;

gantry_bytes_t value_of(const gantry_exchange_t* handle, VariableId id) {
    const server::Exchange& exchange = exchange_of(handle);
    server::Variable variable;
    variable.id = id;
    // Values that have to be made are made in the exchange's arena.
    return bytes_of(exchange.value(variable, const_cast<server::Exchange&>(exchange).arena()));
}

// ---- the request

gantry_bytes_t method(const gantry_exchange_t* exchange) noexcept {
    return bytes_of(exchange_of(exchange).request().method_name);
}
gantry_bytes_t target(const gantry_exchange_t* exchange) noexcept {
    return bytes_of(exchange_of(exchange).request().target);
}
gantry_bytes_t path(const gantry_exchange_t* exchange) noexcept {
    return bytes_of(exchange_of(exchange).path());
}
gantry_bytes_t query(const gantry_exchange_t* exchange) noexcept {
    return bytes_of(exchange_of(exchange).request().query);
}
gantry_bytes_t host(const gantry_exchange_t* exchange) noexcept {
    return value_of(exchange, VariableId::Host);
}
gantry_bytes_t scheme(const gantry_exchange_t* exchange) noexcept {
    return value_of(exchange, VariableId::Scheme);
}
gantry_bytes_t protocol(const gantry_exchange_t* exchange) noexcept {
    return bytes_of(http::protocol_text(exchange_of(exchange).request().version));
}
gantry_bytes_t client(const gantry_exchange_t* exchange) noexcept {
    return value_of(exchange, VariableId::RemoteAddr);
}

gantry_bytes_t variable(gantry_exchange_t* handle, gantry_bytes_t name) noexcept {
    std::string_view argument;
    const server::VariableInfo* const info = server::find_variable(view_of(name), argument);
    if (info == nullptr) return {};
    server::Exchange& exchange = exchange_of(handle);
    server::Variable variable;
    variable.id = info->id;
    variable.argument = argument;
    variable.header = http::header_id(argument);
    return bytes_of(exchange.value(variable, exchange.arena()));
}

gantry_bytes_t evaluate(gantry_exchange_t* handle, const gantry_value_t* value) noexcept {
    if (value == nullptr) return {};
    server::Exchange& exchange = exchange_of(handle);
    return bytes_of(value->compiled.evaluate(exchange, exchange.arena()));
}

gantry_result_t set_path(gantry_exchange_t* handle, gantry_bytes_t path) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    const std::string_view text = view_of(path);
    if (exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    const bool is_sound = !text.empty() && text[0] == '/' && text.find('\0') == text.npos &&
                          text.find("/../") == text.npos && text.find("/./") == text.npos &&
                          !text.ends_with("/..") && !text.ends_with("/.");
    if (!is_sound) return GANTRY_ERROR_ARGUMENT;
    exchange.set_path(exchange.arena().copy(text));
    return GANTRY_OK;
}

// Lives in the arena of its exchange.
class ModuleReader final : public http::BodyReader {
public:
    ModuleReader(server::Exchange& exchange, const gantry_body_reader_t& reader)
        : exchange_(exchange), reader_(reader) {}
    void on_body(std::string_view bytes, const Ref<Block>& /*owner*/) override {
        if (reader_.on_data != nullptr && !bytes.empty())
            reader_.on_data(handle_of(exchange_), reader_.self, bytes_of(bytes));
    }
    void on_body_end(const http::Headers* /*trailers*/) override {
        if (reader_.on_end != nullptr) reader_.on_end(handle_of(exchange_), reader_.self);
    }

    void pause() {
        is_paused_ = true;
        exchange_.stream().pause_body();
    }
    // Later: what comes with it may end the exchange, and whoever calls is in the middle of something.
    void resume() {
        if (!std::exchange(is_paused_, false)) return;
        exchange_.worker().net().post([this, &exchange = exchange_, serial = exchange_.serial()] {
            const bool is_there = exchange.serial() == serial && exchange.reader() == this;
            if (is_there && !is_paused_) exchange.stream().resume_body();
        });
    }

private:
    server::Exchange& exchange_;
    gantry_body_reader_t reader_;
    bool is_paused_ = false;
};

gantry_result_t read_body(gantry_exchange_t* handle, const gantry_body_reader_t* given) noexcept {
    const auto reader = whole(given);
    if (!reader) return GANTRY_ERROR_ARGUMENT;
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_answered() || exchange.is_body_taken()) return GANTRY_ERROR_STATE;
    void* const memory = exchange.arena().allocate(sizeof(ModuleReader), alignof(ModuleReader));
    exchange.read_body(*new (memory) ModuleReader(exchange, *reader));  // else it has answered with 413
    return GANTRY_OK;
}

// The proxy reads bodies as well, and knows itself when to pause.
ModuleReader* reader_of(gantry_exchange_t* exchange) {
    return dynamic_cast<ModuleReader*>(exchange_of(exchange).reader());
}

gantry_result_t pause_body(gantry_exchange_t* exchange) noexcept {
    ModuleReader* const reader = reader_of(exchange);
    if (reader == nullptr) return GANTRY_ERROR_STATE;
    reader->pause();
    return GANTRY_OK;
}

gantry_result_t resume_body(gantry_exchange_t* exchange) noexcept {
    ModuleReader* const reader = reader_of(exchange);
    if (reader == nullptr) return GANTRY_ERROR_STATE;
    reader->resume();
    return GANTRY_OK;
}

// ---- fields

http::Headers* fields_of(server::Exchange& exchange, std::uint32_t message) {
    if (message == GANTRY_REQUEST) return &exchange.request().headers;
    if (message == GANTRY_RESPONSE) return &exchange.response().headers;
    return nullptr;
}
const http::Headers* fields_of(const gantry_exchange_t* handle, std::uint32_t message) {
    return fields_of(const_cast<server::Exchange&>(exchange_of(handle)), message);
}

bool field(const gantry_exchange_t* exchange, std::uint32_t message, gantry_bytes_t name,
           gantry_bytes_t* value) noexcept {
    const http::Headers* const fields = fields_of(exchange, message);
    const http::Field* const found = fields == nullptr ? nullptr : fields->find(view_of(name));
    if (value != nullptr) *value = found == nullptr ? gantry_bytes_t{} : bytes_of(found->value);
    return found != nullptr;
}

bool field_at(const gantry_exchange_t* exchange, std::uint32_t message, std::uint32_t index,
              gantry_bytes_t* name, gantry_bytes_t* value) noexcept {
    const http::Headers* const fields = fields_of(exchange, message);
    if (fields == nullptr || index >= fields->size()) return false;
    if (name != nullptr) *name = bytes_of(fields->at(index).name);
    if (value != nullptr) *value = bytes_of(fields->at(index).value);
    return true;
}

enum class Change { Set, Add, Remove };

gantry_result_t change(gantry_exchange_t* handle, std::uint32_t message, gantry_bytes_t name,
                       gantry_bytes_t value, Change what) {
    server::Exchange& exchange = exchange_of(handle);
    http::Headers* const fields = fields_of(exchange, message);
    const bool may_change = is_token(view_of(name)) && connection_field(view_of(name)).empty();
    if (fields == nullptr || !may_change || (what != Change::Remove && has_control_bytes(view_of(value)))) {
        return GANTRY_ERROR_ARGUMENT;
    }
    if (message == GANTRY_RESPONSE && exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    std::string_view key = view_of(name);
    if (message == GANTRY_REQUEST && what != Change::Add) {
        key = exchange.arena().copy(key);
        exchange.close_trailer(key);
    }
    switch (what) {
        case Change::Remove:
            fields->remove(key);
            if (message == GANTRY_RESPONSE && http::header_id(key) == http::HeaderId::Server)
                exchange.response().without_server = true;
            break;
        case Change::Set:
            fields->set(exchange.arena().copy(key), exchange.arena().copy(view_of(value)));
            break;
        case Change::Add:
            fields->add(exchange.arena().copy(key), exchange.arena().copy(view_of(value)));
            break;
    }
    return GANTRY_OK;
}

gantry_result_t set_field(gantry_exchange_t* exchange, std::uint32_t message, gantry_bytes_t name,
                          gantry_bytes_t value) noexcept {
    return change(exchange, message, name, value, Change::Set);
}
gantry_result_t add_field(gantry_exchange_t* exchange, std::uint32_t message, gantry_bytes_t name,
                          gantry_bytes_t value) noexcept {
    return change(exchange, message, name, value, Change::Add);
}
gantry_result_t remove_field(gantry_exchange_t* exchange, std::uint32_t message,
                             gantry_bytes_t name) noexcept {
    return change(exchange, message, name, {}, Change::Remove);
}

// ---- the response

std::int32_t status(const gantry_exchange_t* exchange) noexcept {
    return exchange_of(exchange).response().status;
}

gantry_result_t set_status(gantry_exchange_t* handle, std::int32_t status) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (status < 200 || status > 599) return GANTRY_ERROR_ARGUMENT;
    if (exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    exchange.response().status = status;
    return GANTRY_OK;
}

bool is_head_sent(const gantry_exchange_t* exchange) noexcept {
    return exchange_of(exchange).is_head_sent();
}

gantry_result_t respond(gantry_exchange_t* handle, gantry_bytes_t body) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    exchange.respond(view_of(body));
    return GANTRY_OK;
}

gantry_result_t fail(gantry_exchange_t* handle, std::int32_t status, gantry_bytes_t reason) noexcept {
    if (status < 400 || status > 599) return GANTRY_ERROR_ARGUMENT;
    server::Exchange& exchange = exchange_of(handle);
    if (reason.size == 0) {
        exchange.fail(status);
        return GANTRY_OK;
    }
    // The exchange logs it, and keeps the error for its own log line.
    const std::string_view text = view_of(reason).substr(0, 1024);
    char* const kept = static_cast<char*>(exchange.arena().allocate(text.size() + 1, 1));
    text.copy(kept, text.size());
    kept[text.size()] = '\0';
    exchange.fail(status, {status < 500 ? Code::Forbidden : Code::Internal,
                           status < 500 ? Side::Client : Side::Us, Retry::No, 0, kept});
    return GANTRY_OK;
}

// What is sent outside of hooks goes out at once.
void flush_outside(server::Exchange& exchange) {
    if (!is_in_hook()) exchange.flush();
}

gantry_result_t send_head(gantry_exchange_t* handle, std::uint64_t size) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    http::ResponseHead& head = exchange.response();
    head.body = size == UINT64_MAX ? http::BodyKind::Chunked : http::BodyKind::Length;
    head.content_length = size == UINT64_MAX ? 0 : size;
    if (http::status_forbids_body(head.status)) head.body = http::BodyKind::None;
    exchange.send_head();
    flush_outside(exchange);
    return GANTRY_OK;
}

gantry_result_t send_body(gantry_exchange_t* handle, gantry_bytes_t data) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (!exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    if (data.size == 0) return GANTRY_OK;
    exchange.send_body(view_of(data), {});
    flush_outside(exchange);
    return GANTRY_OK;
}

gantry_result_t finish(gantry_exchange_t* handle) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (!exchange.is_head_sent()) return GANTRY_ERROR_STATE;
    exchange.finish();
    return GANTRY_OK;
}

bool is_congested(const gantry_exchange_t* exchange) noexcept {
    return exchange_of(exchange).is_congested();
}

// Lives in the arena of its exchange.
class ModuleSource final : public server::ResponseSource {
public:
    using Drained = void (*)(gantry_exchange_t*, void*) noexcept;
    using End = void (*)(void*) noexcept;
    ModuleSource(void* state, Drained drained, End end) : state_(state), drained_(drained), end_(end) {}

    void on_drained(server::Exchange& exchange) override {
        if (drained_ != nullptr) drained_(handle_of(exchange), state_);
    }
    void on_end(server::Exchange& /*exchange*/) override {
        if (end_ != nullptr) end_(state_);
    }

private:
    void* state_;
    Drained drained_;
    End end_;
};

gantry_result_t watch(gantry_exchange_t* handle, void* state,
                      void (*on_drained)(gantry_exchange_t*, void*) noexcept,
                      void (*on_end)(void*) noexcept) noexcept {
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.has_source()) return GANTRY_ERROR_STATE;
    void* const memory = exchange.arena().allocate(sizeof(ModuleSource), alignof(ModuleSource));
    exchange.set_source(new (memory) ModuleSource(state, on_drained, on_end));
    return GANTRY_OK;
}

std::uint64_t body_size(const gantry_exchange_t* handle) noexcept {
    const server::Exchange& exchange = exchange_of(handle);
    if (!exchange.has_body()) return 0;
    const http::ResponseHead& head = exchange.response();
    return head.body == http::BodyKind::Length ? head.content_length : UINT64_MAX;
}

// ---- the connection

void addresses(const gantry_exchange_t* exchange, gantry_address_t* client,
               gantry_address_t* local) noexcept {
    if (client != nullptr) *client = handle_of(exchange_of(exchange).client_address());
    if (local != nullptr) *local = handle_of(exchange_of(exchange).local_address());
}

// ---- memory

void* allocate(gantry_exchange_t* exchange, std::size_t size) noexcept {
    if (size > kMostMemory) return nullptr;
    return exchange_of(exchange).arena().allocate(std::max<std::size_t>(size, 1), alignof(std::max_align_t));
}
void* note(const gantry_exchange_t* exchange, const void* key) noexcept {
    return key == nullptr ? nullptr : exchange_of(exchange).note(key);
}
gantry_result_t set_note(gantry_exchange_t* exchange, const void* key, void* value) noexcept {
    if (key == nullptr) return GANTRY_ERROR_ARGUMENT;
    return exchange_of(exchange).set_note(key, value) ? GANTRY_OK : GANTRY_ERROR_LIMIT;
}

}  // namespace

const gantry_http_1_t kHttp = {
    sizeof(gantry_http_1_t),
    &method,
    &target,
    &path,
    &query,
    &host,
    &scheme,
    &protocol,
    &client,
    &variable,
    &evaluate,
    &set_path,
    &read_body,
    &field,
    &field_at,
    &set_field,
    &add_field,
    &remove_field,
    &status,
    &set_status,
    &is_head_sent,
    &respond,
    &fail,
    &send_head,
    &send_body,
    &finish,
    &is_congested,
    &watch,
    &allocate,
    &note,
    &set_note,
    &body_size,
    &addresses,
    &pause_body,
    &resume_body,
};

}  // namespace gantry::module
