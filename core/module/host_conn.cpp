// gantry.conn/1
#include "core/module/host_conn.hpp"

#include "core/base/log.hpp"
#include "core/module/extensions.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"
#include "core/server/bound_listener.hpp"

#include <algorithm>
#include <cstring>

namespace gantry::module {
namespace {

constexpr std::size_t kMostFacts = 128;
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostValue = 4096;

server::Newcomer& newcomer_of(gantry_conn_t* conn) {
    return *reinterpret_cast<server::Newcomer*>(conn);
}
const server::Newcomer& newcomer_of(const gantry_conn_t* conn) {
    return *reinterpret_cast<const server::Newcomer*>(conn);
}

// ---- adding

gantry_result_t add(gantry_scope_t* scope, const gantry_conn_filter_t* given) noexcept {
    const auto filter = whole(given);
    if (scope == nullptr || !filter || filter->name == nullptr || filter->run == nullptr ||
        filter->most > GANTRY_CONN_MOST_BYTES || (filter->most > 0 && filter->deadline == 0)) {
        return GANTRY_ERROR_ARGUMENT;
    }
    if (scope->added == nullptr || scope->kind != GANTRY_IN_LISTENER) return GANTRY_ERROR_STATE;
    const BoundConnFilter& bound = scope->kept->conn_filters.emplace_back(
        BoundConnFilter{filter->run, filter->self, scope->module, filter->name, filter->most,
                        static_cast<Millis>((filter->deadline + kNanosPerMilli - 1) / kNanosPerMilli)});
    scope->added->conn_filters.push_back({order_of(*filter), &bound});
    return GANTRY_OK;
}

// ---- of a connection

gantry_bytes_t listener(const gantry_conn_t* conn) noexcept {
    return bytes_of(newcomer_of(conn).listener->name());
}

// Nothing: it is none.
std::optional<net::PeerAddress> address_of(const gantry_address_t* from) {
    if (from == nullptr || (from->family != 0 && from->family != 4 && from->family != 6)) return std::nullopt;
    net::PeerAddress address;
    address.family = from->family;
    if (from->family == 0) return address;
    std::copy(std::begin(from->ip), std::end(from->ip), address.ip.begin());
    address.port = from->port;
    const bool is_mapped =
        std::all_of(from->ip, from->ip + 10, [](std::uint8_t byte) { return byte == 0; }) &&
        from->ip[10] == 0xff && from->ip[11] == 0xff;
    if (from->family == 4 && !is_mapped) return std::nullopt;
    if (is_mapped) address.family = 4;  // as everywhere else
    return address;
}

void client(const gantry_conn_t* conn, gantry_address_t* to) noexcept {
    *to = handle_of(newcomer_of(conn).client);
}

void local(const gantry_conn_t* conn, gantry_address_t* to) noexcept {
    const server::Newcomer& newcomer = newcomer_of(conn);
    const bool is_told = newcomer.notes != nullptr && newcomer.notes->local;
    *to = handle_of(is_told ? *newcomer.notes->local : net::PeerAddress::of_local(newcomer.fd));
}

gantry_result_t set_client(gantry_conn_t* conn, const gantry_address_t* address) noexcept {
    const auto known = address_of(address);
    if (!known) return GANTRY_ERROR_ARGUMENT;
    newcomer_of(conn).client = *known;
    return GANTRY_OK;
}

gantry_result_t set_local(gantry_conn_t* conn, const gantry_address_t* address) noexcept {
    const auto known = address_of(address);
    if (!known) return GANTRY_ERROR_ARGUMENT;
    newcomer_of(conn).note().local = *known;
    return GANTRY_OK;
}

bool is_fact_name(std::string_view name) {
    return !name.empty() && name.size() <= kMostName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
}

// They go into fields and logs.
bool is_fact_value(std::string_view value) {
    return value.size() <= kMostValue && std::all_of(value.begin(), value.end(), [](char c) {
               return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
           });
}

gantry_result_t set_fact(gantry_conn_t* conn, gantry_bytes_t name, gantry_bytes_t value) noexcept {
    if (!is_fact_name(view_of(name)) || !is_fact_value(view_of(value))) return GANTRY_ERROR_ARGUMENT;
    auto& facts = newcomer_of(conn).note().facts;
    for (auto& [known, text] : facts) {
        if (known != view_of(name)) continue;
        text = view_of(value);
        return GANTRY_OK;
    }
    if (facts.size() == kMostFacts) return GANTRY_ERROR_STATE;
    facts.emplace_back(view_of(name), view_of(value));
    return GANTRY_OK;
}

// ---- running

std::uint32_t more_of(server::Arrival arrival) {
    switch (arrival) {
        case server::Arrival::Open:
            return GANTRY_CONN_OPEN;
        case server::Arrival::Full:
            return GANTRY_CONN_FULL;
        case server::Arrival::Ended:
            return GANTRY_CONN_ENDED;
        case server::Arrival::Late:
            break;
    }
    return GANTRY_CONN_LATE;
}

server::Verdict run(server::Newcomer& newcomer, const void* self, std::string_view bytes,
                    server::Arrival arrival, std::size_t& taken) {
    const auto& filter = *static_cast<const BoundConnFilter*>(self);
    std::uint32_t count = 0;
    const gantry_verdict_t verdict = [&] {
        const AtWork at_work(*filter.module, "filter of connections", filter.name.c_str());
        return filter.run(reinterpret_cast<gantry_conn_t*>(&newcomer), filter.self, bytes_of(bytes),
                          more_of(arrival), &count);
    }();
    taken = count;
    if (verdict == GANTRY_NEXT) return server::Verdict::Next;
    return verdict == GANTRY_WAIT ? server::Verdict::Wait : server::Verdict::Fail;
}

}  // namespace

server::ConnFilter conn_filter(const BoundConnFilter& bound) {
    return {&run, &bound, bound.most, bound.deadline, bound.name};
}

const gantry_conn_1_t kConn = {
    sizeof(gantry_conn_1_t), &add, &listener, &client, &local, &set_client, &set_local, &set_fact,
};

}  // namespace gantry::module
