#include "core/cli/handover.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <utility>

namespace gantry::cli {
namespace {

namespace json = boost::json;

// Programs of different versions read what the others wrote: members are added, and never change their
// meaning without another number here.
constexpr std::int64_t kFormat = 1;

json::array numbers(const std::vector<UniqueFd>& descriptors) {
    json::array out;
    for (const UniqueFd& fd : descriptors) out.emplace_back(fd.get());
    return out;
}

json::object to_json(const net::BrokerState& state) {
    json::array kept;
    for (const auto& one : state.kept) {
        kept.push_back({{"key", one.key},
                        {"family", static_cast<int>(one.address.family)},
                        {"host", one.address.host},
                        {"port", one.address.port},
                        {"passed", one.is_passed},
                        {"sockets", numbers(one.sockets)}});
    }
    json::array passed;
    for (const auto& one : state.passed) {
        passed.push_back(
            {{"fd", one.fd.get()}, {"name", one.name}, {"address", one.address}, {"user", one.user}});
    }
    json::object out{{"kept", std::move(kept)}, {"passed", std::move(passed)}};
    if (state.limit) {
        out["limit"] = {
            {"user", state.limit->user}, {"group", state.limit->group}, {"name", state.limit->name}};
    }
    return out;
}

json::array to_json(const History& history) {
    json::array out;
    for (const Served& served : history.all()) {
        out.push_back({{"generation", served.generation},
                       {"loaded", served.loaded},
                       {"cause", served.cause},
                       {"confirmed", served.is_confirmed},
                       {"snapshot", served.snapshot.get()},
                       {"bytes", served.bytes}});
    }
    return out;
}

// The members throw where something is not as it should be: take_handover() catches.
std::string text(const json::object& from, std::string_view key) {
    return std::string(from.at(key).as_string());
}

template <class Number>
Number number(const json::object& from, std::string_view key) {
    return from.at(key).to_number<Number>();
}

UniqueFd descriptor(const json::value& value) {
    const int fd = value.to_number<int>();
    if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return UniqueFd(fd);
}

net::BrokerState sockets_of(const json::object& from) {
    net::BrokerState state;
    for (const json::value& value : from.at("kept").as_array()) {
        const json::object& one = value.as_object();
        net::BrokerState::Kept kept;
        kept.key = text(one, "key");
        kept.address.family = static_cast<conf::Address::Family>(number<int>(one, "family"));
        kept.address.host = text(one, "host");
        kept.address.port = number<std::uint16_t>(one, "port");
        kept.is_passed = one.at("passed").as_bool();
        for (const json::value& fd : one.at("sockets").as_array()) kept.sockets.push_back(descriptor(fd));
        state.kept.push_back(std::move(kept));
    }
    for (const json::value& value : from.at("passed").as_array()) {
        const json::object& one = value.as_object();
        state.passed.push_back(
            {descriptor(one.at("fd")), text(one, "name"), text(one, "address"), text(one, "user")});
    }
    if (const json::value* const limit = from.if_contains("limit")) {
        const json::object& one = limit->as_object();
        state.limit = {number<uid_t>(one, "user"), number<gid_t>(one, "group"), text(one, "name")};
    }
    return state;
}

History history_of(const json::array& from) {
    History history;
    for (const json::value& value : from) {
        const json::object& one = value.as_object();
        history.add({number<std::uint64_t>(one, "generation"), number<std::int64_t>(one, "loaded"),
                     text(one, "cause"), one.at("confirmed").as_bool(), descriptor(one.at("snapshot")),
                     number<std::size_t>(one, "bytes")});
    }
    return history;
}

Handover from_json(const json::object& from) {
    Handover out;
    out.sockets = sockets_of(from.at("sockets").as_object());
    out.history = history_of(from.at("history").as_array());
    out.server = number<pid_t>(from, "server");
    out.server_socket = descriptor(from.at("server_socket"));
    out.program = text(from, "program");
    out.previous = descriptor(from.at("previous"));
    out.version = text(from, "version");
    out.failure = text(from, "failure");
    return out;
}

void each_descriptor(const Handover& handover, const std::function<void(int)>& visit) {
    for (const auto& kept : handover.sockets.kept) {
        for (const UniqueFd& fd : kept.sockets) visit(fd.get());
    }
    for (const auto& passed : handover.sockets.passed) visit(passed.fd.get());
    for (const Served& served : handover.history.all()) visit(served.snapshot.get());
    visit(handover.server_socket.get());
    visit(handover.previous.get());
}

}  // namespace

UniqueFd render(const Handover& handover) {
    const json::object out{{"format", kFormat},
                           {"sockets", to_json(handover.sockets)},
                           {"history", to_json(handover.history)},
                           {"server", handover.server},
                           {"server_socket", handover.server_socket.get()},
                           {"program", handover.program},
                           {"previous", handover.previous.get()},
                           {"version", handover.version},
                           {"failure", handover.failure}};
    return keep_in_memory(json::serialize(out));
}

tl::expected<Handover, std::string> take_handover(int fd) {
    const auto bytes = read_memory(fd);
    if (!bytes) return tl::unexpected(std::string("what the supervisor left cannot be read"));
    try {
        const json::value value = json::parse(*bytes);
        const auto format = number<std::int64_t>(value.as_object(), "format");
        if (format == kFormat) return from_json(value.as_object());
        return tl::unexpected(fmt::format(
            "what the supervisor left has format {}, and this version reads {}; restart gantry instead",
            format, kFormat));
    } catch (const std::exception& error) {
        return tl::unexpected(fmt::format("what the supervisor left is not understood: {}", error.what()));
    }
}

void set_inherited(const Handover& handover, bool is_inherited) {
    each_descriptor(handover, [is_inherited](int fd) {
        if (fd >= 0) ::fcntl(fd, F_SETFD, is_inherited ? 0 : FD_CLOEXEC);
    });
}

}  // namespace gantry::cli
