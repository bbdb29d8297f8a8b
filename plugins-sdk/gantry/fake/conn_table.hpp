// gantry.conn/1 of a fake host, and connections as a test makes them.
#pragma once

#include "gantry/fake/hook_tables.hpp"

#include <algorithm>
#include <cstring>
#include <map>

namespace gantry::fake {

struct Connecting {
    std::string listener = "web";
    std::string client = "192.0.2.1:50000";
    std::string local = "198.51.100.1:80";
    std::string bytes = {};  // that have come at once
};

namespace detail {

struct ConnState {
    State* host;
    Generation* generation;
    std::string listener;
    gantry_address_t client;
    gantry_address_t local;
    std::string bytes = {};
    std::map<std::string, std::string, std::less<>> facts = {};
    std::vector<ConnHook*> filters = {};
    std::size_t next = 0;
    std::uint32_t more = GANTRY_CONN_OPEN;
    bool is_running = false;
    bool is_refused = false;

    gantry_conn_t* raw() { return reinterpret_cast<gantry_conn_t*>(this); }

    ~ConnState() { --generation->exchanges; }

    // Shows what is there to the filters, as far as they let it.
    void go_on() {
        for (; !is_refused && next < filters.size(); ++next) {
            const gantry_conn_filter_t& filter = filters[next]->filter;
            // A copy, so that AddressSanitizer sees who keeps a view of it.
            const std::string shown = bytes.substr(0, filter.most);
            const std::uint32_t state =
                filter.most > 0 && shown.size() == filter.most ? GANTRY_CONN_FULL : more;
            std::uint32_t taken = 0;
            is_running = true;
            const gantry_verdict_t verdict =
                filter.run(raw(), filter.self, {shown.data(), shown.size()}, state, &taken);
            is_running = false;
            if (verdict == GANTRY_WAIT && state == GANTRY_CONN_OPEN && filter.most > 0) return;
            if (verdict != GANTRY_NEXT) {
                is_refused = true;
            } else if (taken > shown.size()) {
                host->violation("a filter of connections takes more than it saw");
                is_refused = true;
            } else {
                bytes.erase(0, taken);
                if (more == GANTRY_CONN_LATE) more = GANTRY_CONN_OPEN;
            }
        }
    }
};

struct ConnTable {
    static ConnState* usable(const gantry_conn_t* raw, const char* function) {
        auto* conn = reinterpret_cast<ConnState*>(const_cast<gantry_conn_t*>(raw));
        if (conn->is_running) return conn;
        conn->host->violation(std::string{function} + ": not in the filter of that connection");
        return nullptr;
    }

    static gantry_result_t add(gantry_scope_t* raw, const gantry_conn_filter_t* filter) noexcept {
        ScopeState* scope = PhaseTable::writable(raw, "add()");
        if (scope == nullptr) return GANTRY_ERROR_STATE;
        if (scope->kind != GANTRY_IN_LISTENER) {
            scope->host->violation("add(): filters of connections are of listeners");
            return GANTRY_ERROR_STATE;
        }
        if (filter->size < sizeof(gantry_conn_filter_t) || filter->run == nullptr ||
            filter->name == nullptr || filter->most > GANTRY_CONN_MOST_BYTES ||
            (filter->most > 0 && filter->deadline == 0)) {
            scope->host->violation("add(): a filter has its size, a name, a function, and a deadline");
            return GANTRY_ERROR_ARGUMENT;
        }
        scope->conn_filters.push_back({filter->name, PhaseTable::text_or_nothing(filter->before),
                                       PhaseTable::text_or_nothing(filter->after), "", *filter});
        return GANTRY_OK;
    }

    static gantry_bytes_t listener(const gantry_conn_t* raw) noexcept {
        const ConnState* conn = usable(raw, "listener()");
        return conn == nullptr ? gantry_bytes_t{} : bytes(conn->listener);
    }
    static void client(const gantry_conn_t* raw, gantry_address_t* to) noexcept {
        const ConnState* conn = usable(raw, "client()");
        *to = conn == nullptr ? gantry_address_t{} : conn->client;
    }
    static void local(const gantry_conn_t* raw, gantry_address_t* to) noexcept {
        const ConnState* conn = usable(raw, "local()");
        *to = conn == nullptr ? gantry_address_t{} : conn->local;
    }
    static gantry_result_t set(gantry_address_t ConnState::* member, gantry_conn_t* raw,
                               const gantry_address_t* address) noexcept {
        ConnState* conn = usable(raw, "set_client() or set_local()");
        if (conn == nullptr) return GANTRY_ERROR_STATE;
        if (address->family != 0 && address->family != 4 && address->family != 6)
            return GANTRY_ERROR_ARGUMENT;
        conn->*member = *address;
        return GANTRY_OK;
    }
    static gantry_result_t set_client(gantry_conn_t* raw, const gantry_address_t* address) noexcept {
        return set(&ConnState::client, raw, address);
    }
    static gantry_result_t set_local(gantry_conn_t* raw, const gantry_address_t* address) noexcept {
        return set(&ConnState::local, raw, address);
    }
    static gantry_result_t set_fact(gantry_conn_t* raw, gantry_bytes_t name, gantry_bytes_t value) noexcept {
        ConnState* conn = usable(raw, "set_fact()");
        if (conn == nullptr) return GANTRY_ERROR_STATE;
        const auto is_good = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        };
        const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
        const std::string_view key = view(name);
        const std::string_view text = view(value);
        if (key.empty() || key.size() > 64 || !std::all_of(key.begin(), key.end(), is_good) ||
            text.size() > 4096 || std::any_of(text.begin(), text.end(), is_control))
            return GANTRY_ERROR_ARGUMENT;
        if (conn->facts.size() == 128 && conn->facts.find(key) == conn->facts.end())
            return GANTRY_ERROR_STATE;
        conn->facts[std::string{key}] = text;
        return GANTRY_OK;
    }

    static constexpr gantry_conn_1_t kTable{
        sizeof(gantry_conn_1_t), &add, &listener, &client, &local, &set_client, &set_local, &set_fact};
};

}  // namespace detail

// What a test sees of a connection; it ends with this.
class Connection {
public:
    explicit Connection(std::unique_ptr<detail::ConnState> state) : state_(std::move(state)) {}

    // More bytes come; the client ends its direction; the deadline of the filter that waits passes.
    void send(std::string_view bytes) {
        state_->bytes += bytes;
        state_->go_on();
    }
    void end() { become(GANTRY_CONN_ENDED); }
    void be_late() { become(GANTRY_CONN_LATE); }

    bool is_through() const { return !state_->is_refused && state_->next == state_->filters.size(); }
    bool is_refused() const { return state_->is_refused; }
    bool is_waiting() const { return !is_through() && !is_refused(); }

    std::string client() const { return text_of(state_->client); }
    std::string local() const { return text_of(state_->local); }
    // "": there is none.
    std::string fact(std::string_view name) const {
        const auto found = state_->facts.find(name);
        return found == state_->facts.end() ? "" : found->second;
    }
    std::size_t facts() const { return state_->facts.size(); }
    // What TLS or HTTP begins with.
    const std::string& rest() const { return state_->bytes; }

private:
    void become(std::uint32_t more) {
        state_->more = more;
        state_->go_on();
    }

    std::unique_ptr<detail::ConnState> state_;
};

}  // namespace gantry::fake
