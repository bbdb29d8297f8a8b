// gantry.client/1 of a fake host: other servers answer what the test says they do, when it says run().
#pragma once

#include "gantry/fake/async_tables.hpp"

#include <algorithm>
#include <utility>

namespace gantry::fake::detail {

struct ClientTable {
    // ---- whom to ask

    static bool is_url(std::string_view url) {
        constexpr std::string_view kBegins[] = {"http://", "https://", "http+unix:///", "upstream:"};
        return std::any_of(std::begin(kBegins), std::end(kBegins), [url](std::string_view begin) {
            return url.size() > begin.size() && url.starts_with(begin);
        });
    }
    // Where the path begins: "http://app", "http+unix:///run/app.sock:", "upstream:app".
    static std::size_t path_at(std::string_view url) {
        if (url.starts_with("http+unix:")) {
            const std::size_t colon = url.find(":/", 13);
            return colon == url.npos ? url.size() : colon + 1;
        }
        const std::size_t scheme = url.find("://");
        return std::min(url.find_first_of("/?", scheme == url.npos ? 0 : scheme + 3), url.size());
    }

    static const gantry_target_t* target(const gantry_scope_t* raw, const gantry_value_t*, gantry_bytes_t url,
                                         const gantry_target_options_t*) noexcept {
        const auto& scope = *reinterpret_cast<const ScopeState*>(raw);
        State& host = *scope.host;
        if (!host.is_in_step(Step::Preparing, "target", "prepare() and configure()")) return nullptr;
        const std::string_view text = view(url);
        if (!is_url(text)) {
            host.errors.push_back({scope.name, std::string{text} + ": not a URL", ""});
            return nullptr;
        }
        const std::size_t path = path_at(text);
        host.targets.push_back(
            {std::string{text.substr(0, path)}, path == text.size() ? "/" : std::string{text.substr(path)}});
        return reinterpret_cast<const gantry_target_t*>(&host.targets.back());
    }

    // ---- requests

    static bool is_refused(std::string_view name) {
        constexpr std::string_view kRefused[] = {
            "content-length", "transfer-encoding", "connection",       "keep-alive", "te",
            "trailer",        "upgrade",           "proxy-connection", "host",       "expect"};
        std::string lower;
        for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        return lower.empty() ||
               std::find(std::begin(kRefused), std::end(kRefused), lower) != std::end(kRefused);
    }
    static bool has_control_bytes(std::string_view text) {
        return std::any_of(text.begin(), text.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
        });
    }
    static bool is_sound(const gantry_client_request_t& request) {
        const std::string_view path = view(request.path);
        if (request.target == nullptr || (!path.empty() && path[0] != '/') || has_control_bytes(path) ||
            path.find(' ') != path.npos || has_control_bytes(view(request.method)))
            return false;
        return std::all_of(request.fields, request.fields + request.field_count,
                           [](const gantry_field_t& field) {
                               return !is_refused(view(field.name)) && !has_control_bytes(view(field.name)) &&
                                      !has_control_bytes(view(field.value));
                           });
    }

    static gantry_result_t request(const gantry_host_t* raw, const gantry_client_request_t* request,
                                   const gantry_client_events_t* events, gantry_fetch_t* number) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("request")) return GANTRY_ERROR_STATE;
        if (request == nullptr || events == nullptr || events->on_end == nullptr || !is_sound(*request))
            return GANTRY_ERROR_ARGUMENT;
        if (events->ticket.serial != 0 && host.asleep(events->ticket) == nullptr) return GANTRY_ERROR_STALE;
        if (host.is_network_full) return GANTRY_ERROR_LIMIT;
        const auto& target = *reinterpret_cast<const TargetState*>(request->target);
        Asked asked{
            request->method.size == 0 ? "GET" : std::string{view(request->method)},
            target.origin + (request->path.size == 0 ? target.path : std::string{view(request->path)}),
            {},
            std::string{view(request->body)}};
        for (std::uint32_t i = 0; i < request->field_count; ++i) {
            asked.fields.push_back(
                {std::string{view(request->fields[i].name)}, std::string{view(request->fields[i].value)}});
        }
        FetchState fetch;
        fetch.events = *events;
        fetch.asked = host.asked.size();
        fetch.is_streamed = (request->flags & GANTRY_FETCH_STREAMED_BODY) != 0;
        fetch.largest = request->largest_body;
        fetch.reply = reply_to(host, asked);
        host.asked.push_back(std::move(asked));
        const std::uint64_t serial = ++host.last_fetch;
        const bool is_whole = !fetch.is_streamed;
        host.fetches[serial] = std::move(fetch);
        if (number != nullptr) *number = {1, serial};
        if (is_whole) answer_later(host, serial);
        return GANTRY_OK;
    }
    static Reply reply_to(const State& host, const Asked& asked) {
        const auto found = host.replies.find({asked.method, asked.url});
        if (found != host.replies.end()) return found->second;
        return {.end = GANTRY_FETCH_NOT_CONNECTED,
                .reason = "the test has no answer to " + asked.method + " " + asked.url};
    }

    static FetchState* find(State& host, std::uint64_t serial) {
        const auto found = host.fetches.find(serial);
        return found == host.fetches.end() ? nullptr : &found->second;
    }

    // ---- the answer

    static void answer_later(State& host, std::uint64_t serial) {
        AsyncTable::later(host, [&host, serial] { answer(host, serial); });
    }

    // As far as it comes: on_head, the pieces until it is paused, the end.
    static void answer(State& host, std::uint64_t serial) {
        FetchState* fetch = find(host, serial);
        if (fetch == nullptr || fetch->reply.hangs) return;
        const bool has_head = fetch->reply.status != 0 && (fetch->reply.end == GANTRY_FETCHED ||
                                                           fetch->reply.end == GANTRY_FETCH_TOO_LARGE ||
                                                           fetch->reply.end == GANTRY_FETCH_CUT_OFF);
        if (has_head && !std::exchange(fetch->has_head, true) && fetch->events.on_head != nullptr) {
            const std::vector<gantry_field_t> fields = fields_of(fetch->reply);
            const gantry_client_answer_t head = told(*fetch, GANTRY_FETCHED, fields);
            const gantry_client_events_t events = fetch->events;
            call(host, events, [&] { events.on_head(events.state, &head); });
        }
        while ((fetch = find(host, serial)) != nullptr && has_head && fetch->events.on_body != nullptr &&
               fetch->next < fetch->reply.body.size()) {
            if (fetch->is_paused) return;
            const std::string piece = fetch->reply.body[fetch->next++];
            const gantry_client_events_t events = fetch->events;
            call(host, events, [&] { events.on_body(events.state, bytes(piece)); });
        }
        if (fetch != nullptr) end(host, serial, fetch->reply.end, fetch->reply.reason);
    }

    static std::vector<gantry_field_t> fields_of(const Reply& reply) {
        std::vector<gantry_field_t> fields;
        for (const Field& field : reply.fields) fields.push_back({bytes(field.name), bytes(field.value)});
        return fields;
    }
    static gantry_client_answer_t told(const FetchState& fetch, gantry_fetch_end_t end,
                                       const std::vector<gantry_field_t>& fields) {
        gantry_client_answer_t answer{};
        answer.size = sizeof(answer);
        answer.end = end;
        answer.peer = GANTRY_BYTES("fake");
        if (!fetch.has_head) return answer;
        answer.status = fetch.reply.status;
        answer.field_count = static_cast<std::uint32_t>(fields.size());
        answer.fields = fields.data();
        return answer;
    }

    static void end(State& host, std::uint64_t serial, gantry_fetch_end_t how, std::string_view reason) {
        auto gone = host.fetches.extract(serial);
        FetchState& fetch = gone.mapped();
        std::string body;
        for (const std::string& piece : fetch.reply.body) body += piece;
        const std::uint64_t most = fetch.largest != 0 ? fetch.largest : GANTRY_FETCH_COLLECTED_USUAL;
        const bool is_collected = fetch.events.on_body == nullptr;
        if (how == GANTRY_FETCHED && is_collected && body.size() > most) {
            how = GANTRY_FETCH_TOO_LARGE;
            reason = "the body of the answer is too large";
        }
        const std::vector<gantry_field_t> fields = fields_of(fetch.reply);
        gantry_client_answer_t answer = told(fetch, how, fields);
        if (how == GANTRY_FETCHED && is_collected) answer.body = bytes(body);
        answer.reason = bytes(reason);
        const gantry_client_events_t events = fetch.events;
        call(host, events, [&] { events.on_end(events.state, &answer); });
    }

    // What is answered meanwhile ends when the call has returned.
    template <class Call>
    static void call(State& host, const gantry_client_events_t& events, const Call& call) {
        ExchangeState* exchange = events.ticket.serial == 0 ? nullptr : host.asleep(events.ticket);
        if (exchange == nullptr) return call();
        {
            const AtWork work{*exchange};
            call();
        }
        Drive::rest(*exchange);
    }

    static gantry_result_t cancel(const gantry_host_t* raw, gantry_fetch_t number) noexcept {
        State& host = State::of(raw);
        if (!host.is_right_thread("cancel")) return GANTRY_ERROR_STATE;
        if (find(host, number.serial) == nullptr) return GANTRY_ERROR_STALE;
        end(host, number.serial, GANTRY_FETCH_CANCELLED, "cancelled");
        return GANTRY_OK;
    }

    static gantry_result_t write(const gantry_host_t* raw, gantry_fetch_t number,
                                 gantry_bytes_t data) noexcept {
        State& host = State::of(raw);
        FetchState* fetch = find(host, number.serial);
        if (fetch == nullptr) return GANTRY_ERROR_STALE;
        if (!fetch->is_streamed || fetch->is_finished) return GANTRY_ERROR_STATE;
        if (!std::exchange(fetch->is_connected, true)) {  // the first one is always too early
            AsyncTable::later(host, [&host, serial = number.serial] {
                const FetchState* still = find(host, serial);
                if (still == nullptr || still->events.on_writable == nullptr) return;
                const gantry_client_events_t events = still->events;
                call(host, events, [&] { events.on_writable(events.state); });
            });
            return GANTRY_ERROR_LIMIT;
        }
        host.asked[fetch->asked].body += view(data);
        return GANTRY_OK;
    }
    static gantry_result_t finish(const gantry_host_t* raw, gantry_fetch_t number) noexcept {
        State& host = State::of(raw);
        FetchState* fetch = find(host, number.serial);
        if (fetch == nullptr) return GANTRY_ERROR_STALE;
        if (!fetch->is_streamed || std::exchange(fetch->is_finished, true)) return GANTRY_ERROR_STATE;
        answer_later(host, number.serial);
        return GANTRY_OK;
    }

    static gantry_result_t pause(const gantry_host_t* raw, gantry_fetch_t number) noexcept {
        FetchState* fetch = find(State::of(raw), number.serial);
        if (fetch == nullptr) return GANTRY_ERROR_STALE;
        if (fetch->events.on_body == nullptr) return GANTRY_ERROR_STATE;
        fetch->is_paused = true;
        return GANTRY_OK;
    }
    static gantry_result_t resume(const gantry_host_t* raw, gantry_fetch_t number) noexcept {
        State& host = State::of(raw);
        FetchState* fetch = find(host, number.serial);
        if (fetch == nullptr) return GANTRY_ERROR_STALE;
        if (std::exchange(fetch->is_paused, false)) answer_later(host, number.serial);
        return GANTRY_OK;
    }

    static constexpr gantry_client_1_t kTable{
        sizeof(gantry_client_1_t), &target, &request, &cancel, &write, &finish, &pause, &resume};
};

}  // namespace gantry::fake::detail
