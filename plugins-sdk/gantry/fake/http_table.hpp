// gantry.http/1 of a fake host.
#pragma once

#include "gantry/fake/addresses.hpp"
#include "gantry/fake/conf_table.hpp"
#include "gantry/fake/fields.hpp"

#include <algorithm>

namespace gantry::fake::detail {

struct HttpTable : FieldFunctions {
    static gantry_bytes_t part(const gantry_exchange_t* raw, const char* function,
                               std::string_view (*of)(const ExchangeState&)) {
        const ExchangeState* exchange = usable(raw, function);
        return exchange == nullptr ? gantry_bytes_t{nullptr, 0} : bytes(of(*exchange));
    }
    using E = const ExchangeState&;

    static gantry_bytes_t method(const gantry_exchange_t* raw) noexcept {
        return part(raw, "method", [](E exchange) -> S { return exchange.request.method; });
    }
    static gantry_bytes_t target(const gantry_exchange_t* raw) noexcept {
        return part(raw, "target", [](E exchange) -> S { return exchange.request.target; });
    }
    static gantry_bytes_t path(const gantry_exchange_t* raw) noexcept {
        return part(raw, "path", [](E exchange) -> S { return exchange.path; });
    }
    static gantry_bytes_t query(const gantry_exchange_t* raw) noexcept {
        return part(raw, "query", [](E exchange) -> S { return exchange.query; });
    }
    static gantry_bytes_t host(const gantry_exchange_t* raw) noexcept {
        return part(raw, "host", [](E exchange) -> S { return exchange.request.host; });
    }
    static gantry_bytes_t scheme(const gantry_exchange_t* raw) noexcept {
        return part(raw, "scheme", [](E exchange) -> S { return exchange.request.scheme; });
    }
    static gantry_bytes_t protocol(const gantry_exchange_t* raw) noexcept {
        return part(raw, "protocol", [](E exchange) -> S { return exchange.request.protocol; });
    }
    static gantry_bytes_t client(const gantry_exchange_t* raw) noexcept {
        return part(raw, "client", [](E exchange) -> S { return exchange.request.client; });
    }

    // ---- variables: those of the request, and a few more

    static std::string value_of(const ExchangeState& exchange, S name) {
        if (const auto given = exchange.request.variables.find(std::string{name});
            given != exchange.request.variables.end()) {
            return given->second;
        }
        if (name == "method") return exchange.request.method;
        if (name == "path") return exchange.path;
        if (name == "query") return exchange.query;
        if (name == "host") return exchange.request.host;
        if (name == "scheme") return exchange.request.scheme;
        if (name == "remote_addr") return exchange.request.client;
        if (name == "status") return std::to_string(exchange.status);
        if (name == "request_id") return "request-" + std::to_string(exchange.number);
        return {};
    }
    static gantry_bytes_t keep(ExchangeState& exchange, std::string text) {
        return bytes(exchange.kept.emplace_back(std::move(text)));
    }
    static gantry_bytes_t variable(gantry_exchange_t* raw, gantry_bytes_t name) noexcept {
        ExchangeState* exchange = usable(raw, "variable");
        return exchange == nullptr ? gantry_bytes_t{nullptr, 0}
                                   : keep(*exchange, value_of(*exchange, view(name)));
    }
    static gantry_bytes_t evaluate(gantry_exchange_t* raw, const gantry_value_t* value) noexcept {
        ExchangeState* exchange = usable(raw, "evaluate");
        if (exchange == nullptr) return {nullptr, 0};
        std::string result;
        S rest = view(ConfTable::text(value));
        while (!rest.empty()) {
            const std::size_t begin = rest.find("${");
            result += rest.substr(0, begin);
            if (begin == rest.npos) break;
            const std::size_t end = std::min(rest.find('}', begin), rest.size() - 1);
            result += value_of(*exchange, rest.substr(begin + 2, end - begin - 2));
            rest.remove_prefix(end + 1);
        }
        return keep(*exchange, std::move(result));
    }

    static gantry_result_t set_path(gantry_exchange_t* raw, gantry_bytes_t path) noexcept {
        ExchangeState* exchange = usable(raw, "set_path");
        if (exchange == nullptr || !exchange->is_in_hook) return GANTRY_ERROR_STATE;
        if (exchange->hooks[exchange->at_hook]->phase == "content") return GANTRY_ERROR_STATE;
        if (!view(path).starts_with('/')) return GANTRY_ERROR_ARGUMENT;
        keep(*exchange, std::move(exchange->path));  // views of it stay valid
        exchange->path = view(path);
        return GANTRY_OK;
    }

    static gantry_result_t read_body(gantry_exchange_t* raw, const gantry_body_reader_t* reader) noexcept {
        ExchangeState* exchange = usable(raw, "read_body");
        if (exchange == nullptr || exchange->is_reading || exchange->is_finished) return GANTRY_ERROR_STATE;
        if (reader->size < sizeof(gantry_body_reader_t)) return GANTRY_ERROR_ARGUMENT;
        exchange->reader = *reader;
        exchange->is_reading = true;
        return GANTRY_OK;
    }
    static gantry_result_t pause_body(gantry_exchange_t* raw) noexcept {
        ExchangeState* exchange = usable(raw, "pause_body");
        if (exchange == nullptr || !exchange->is_reading) return GANTRY_ERROR_STATE;
        exchange->is_reading_paused = true;
        return GANTRY_OK;
    }
    static gantry_result_t resume_body(gantry_exchange_t* raw) noexcept {
        ExchangeState* exchange = usable(raw, "resume_body");
        if (exchange == nullptr || !exchange->is_reading) return GANTRY_ERROR_STATE;
        exchange->is_reading_paused = false;
        const std::lock_guard lock{exchange->host->mutex};
        exchange->host->posted.push_back([exchange] { Drive::rest(*exchange); });
        return GANTRY_OK;
    }

    // ---- the response

    static std::int32_t status(const gantry_exchange_t* raw) noexcept {
        const ExchangeState* exchange = usable(raw, "status");
        return exchange == nullptr ? 0 : exchange->status;
    }
    static gantry_result_t set_status(gantry_exchange_t* raw, std::int32_t status) noexcept {
        ExchangeState* exchange = usable(raw, "set_status");
        if (exchange == nullptr || !is_open(*exchange, "the status")) return GANTRY_ERROR_STATE;
        if (status < 200 || status > 599) return GANTRY_ERROR_ARGUMENT;
        exchange->status = status;
        return GANTRY_OK;
    }
    static bool is_head_sent(const gantry_exchange_t* raw) noexcept {
        const ExchangeState* exchange = usable(raw, "is_head_sent");
        return exchange != nullptr && exchange->is_head_sent;
    }
    static gantry_result_t respond(gantry_exchange_t* raw, gantry_bytes_t body) noexcept {
        ExchangeState* exchange = usable(raw, "respond");
        if (exchange == nullptr) return GANTRY_ERROR_STATE;
        if (const auto result = Drive::send_head(*exchange, body.size); result != GANTRY_OK) return result;
        Drive::send_body(*exchange, view(body));
        return Drive::finish(*exchange);
    }
    static gantry_result_t fail(gantry_exchange_t* raw, std::int32_t status, gantry_bytes_t reason) noexcept {
        ExchangeState* exchange = usable(raw, "fail");
        if (exchange == nullptr) return GANTRY_ERROR_STATE;
        if (status < 400 || status > 599) return GANTRY_ERROR_ARGUMENT;
        return Drive::fail(*exchange, status, view(reason));
    }
    static gantry_result_t send_head(gantry_exchange_t* raw, std::uint64_t size) noexcept {
        ExchangeState* exchange = usable(raw, "send_head");
        return exchange == nullptr ? GANTRY_ERROR_STATE : Drive::send_head(*exchange, size);
    }
    static gantry_result_t send_body(gantry_exchange_t* raw, gantry_bytes_t data) noexcept {
        ExchangeState* exchange = usable(raw, "send_body");
        return exchange == nullptr ? GANTRY_ERROR_STATE : Drive::send_body(*exchange, view(data));
    }
    static gantry_result_t finish(gantry_exchange_t* raw) noexcept {
        ExchangeState* exchange = usable(raw, "finish");
        return exchange == nullptr ? GANTRY_ERROR_STATE : Drive::finish(*exchange);
    }
    static bool is_congested(const gantry_exchange_t* raw) noexcept {
        const ExchangeState* exchange = usable(raw, "is_congested");
        return exchange != nullptr && exchange->is_congested;
    }
    static gantry_result_t watch(gantry_exchange_t* raw, void* state,
                                 void (*on_drained)(gantry_exchange_t*, void*) noexcept,
                                 void (*on_end)(void*) noexcept) noexcept {
        ExchangeState* exchange = usable(raw, "watch");
        if (exchange == nullptr || exchange->is_watched) return GANTRY_ERROR_STATE;
        exchange->is_watched = true;
        exchange->watch_state = state;
        exchange->on_drained = on_drained;
        exchange->on_end = on_end;
        return GANTRY_OK;
    }

    static std::uint64_t body_size(const gantry_exchange_t* raw) noexcept {
        const ExchangeState* exchange = usable(raw, "body_size");
        if (exchange == nullptr || exchange->status == 204 || exchange->status == 304) return 0;
        return exchange->passages.empty() ? exchange->announced : UINT64_MAX;
    }

    // ---- the connection

    static void addresses(const gantry_exchange_t* raw, gantry_address_t* client,
                          gantry_address_t* local) noexcept {
        const ExchangeState* exchange = usable(raw, "addresses");
        if (exchange == nullptr) return;
        const std::string& ip = exchange->request.client;
        const bool is_v6 = ip.find(':') != ip.npos;
        if (client != nullptr) *client = address(is_v6 ? "[" + ip + "]:50000" : ip + ":50000");
        if (local != nullptr) *local = address("198.51.100.1:80");
    }

    // ---- memory

    static void* allocate(gantry_exchange_t* raw, std::size_t size) noexcept {
        ExchangeState* exchange = usable(raw, "allocate");
        if (exchange == nullptr || size > (1 << 20)) return nullptr;
        // Each its own, so that AddressSanitizer sees its end; an array of char is aligned for anything.
        return exchange->memory.emplace_back(std::make_unique<char[]>(std::max<std::size_t>(size, 1))).get();
    }
    static void* note(const gantry_exchange_t* raw, const void* key) noexcept {
        const ExchangeState* exchange = usable(raw, "note");
        if (exchange == nullptr) return nullptr;
        const auto found = exchange->notes.find(key);
        return found == exchange->notes.end() ? nullptr : found->second;
    }
    static gantry_result_t set_note(gantry_exchange_t* raw, const void* key, void* value) noexcept {
        ExchangeState* exchange = usable(raw, "set_note");
        if (exchange == nullptr) return GANTRY_ERROR_STATE;
        if (exchange->notes.size() >= 8 && !exchange->notes.contains(key)) return GANTRY_ERROR_LIMIT;
        exchange->notes[key] = value;
        return GANTRY_OK;
    }

    static constexpr gantry_http_1_t kTable{sizeof(gantry_http_1_t),
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
                                            &resume_body};
};

}  // namespace gantry::fake::detail
