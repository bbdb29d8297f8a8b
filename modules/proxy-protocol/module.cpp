// proxy-protocol: whose a connection is, as the proxy in front says in its first bytes, and as peers are
// told.
#include "gantry/module.hpp"

#include "facts.hpp"
#include "gantry/metrics.hpp"
#include "header.hpp"
#include "sources.hpp"
#include "writer.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace proxy_protocol {
namespace {

using gantry::Address;
using gantry::Connection;
using gantry::Counter;
using gantry::Exchange;
using gantry::Key;
using gantry::LogLevel;
using gantry::More;
using gantry::Preface;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// ---- addresses

Endpoint endpoint_of(const Address& address) {
    Endpoint out;
    std::copy(std::begin(address.ip), std::end(address.ip), out.ip.begin());
    out.port = address.port;
    out.family = address.family;
    return out;
}

Address address_of(const Endpoint& endpoint) {
    Address out{};
    std::copy(endpoint.ip.begin(), endpoint.ip.end(), out.ip);
    out.port = endpoint.port;
    out.family = endpoint.family;
    return out;
}

// Without the port.
std::string text_of(const Address& address) {
    if (address.family == 0) return "unix:";
    char text[INET6_ADDRSTRLEN] = {};
    const bool is_v6 = address.family == 6;
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, is_v6 ? address.ip : address.ip + 12, text, sizeof text);
    return text;
}

constexpr std::size_t kMostFact = 4096;
constexpr seconds kBetweenLines{10};

constexpr const char* const kModes[] = {"off", "optional", "required", nullptr};

constexpr Key kReceiverKeys[] = {
    Key::choice("mode", kModes)
        .standard("\"required\"")
        .example("\"optional\"")
        .doc("What becomes of connections without a header: required refuses them, optional serves them as "
             "they are; off looks for none."),
    Key::text("trusted")
        .list()
        .example("[\"10.0.0.0/8\", \"unix\"]")
        .doc("Whose headers are believed: addresses and networks of proxies, unix for unix sockets, any "
             "where nobody but proxies can connect. Connections of others are refused where a header is "
             "required, and otherwise served without a look at their first bytes."),
    Key::timespan("timeout", milliseconds{1}, seconds{3600})
        .standard("\"3s\"")
        .example("\"500ms\"")
        .doc("How long the header may take from the beginning of the connection."),
    Key::size("max_header", 232, static_cast<std::int64_t>(kMostBytes))
        .standard("\"4KiB\"")
        .example("\"16KiB\"")
        .doc("The largest header; a connection with a larger one is refused."),
};

// ---- what is counted

struct Counts {
    gantry::Counters connections;

    static std::unique_ptr<Counts> prepare(gantry::Scope& top, Counts*) {
        auto counts = std::make_unique<Counts>();
        counts->connections = gantry::Counters::declare(
            top.host(), {.name = "connections",
                         .help = "Connections by what became of their header: v1, v2, local, unknown, none, "
                                 "closed; refused: missing, untrusted, broken, large, late.",
                         .labels = {"listener", "header"}});
        return counts;
    }
};

// ---- what is read of connections that come in

class Receiver {
public:
    static constexpr Key keys[] = {
        Key::table("proxy_protocol", kReceiverKeys)
            .in(gantry::kInListener)
            .short_for("mode")
            .example("{ trusted = [\"10.0.0.0/8\"] }")
            .doc("The PROXY protocol, versions 1 and 2: proxies in front say whose connection it is. The "
                 "client's address is that of the header from then on, and what else it says is in the "
                 "variables conn.proxy.NAME."),
    };

    static std::unique_ptr<Receiver> create(gantry::Scope& scope, const Counts& counts) {
        const gantry::Value mode = scope.find("proxy_protocol.mode");
        if (mode.text() == "off" || !scope.find("proxy_protocol")) return nullptr;
        auto receiver = std::make_unique<Receiver>(scope.host(), scope.name(), counts);
        receiver->is_required_ = mode.text() == "required";
        receiver->timeout_ = scope.find("proxy_protocol.timeout").timespan();
        receiver->most_ = static_cast<std::uint32_t>(scope.find("proxy_protocol.max_header").integer());
        const gantry::Value trusted = scope.find("proxy_protocol.trusted");
        for (std::uint32_t i = 0; i < trusted.count(); ++i) {
            if (receiver->trusted_.add(trusted[i].text())) continue;
            scope.error(
                "\"" + std::string(trusted[i].text()) + "\" is no address and no network",
                "write 192.0.2.1, 10.0.0.0/8, 2001:db8::/32 without bits beyond the prefix, unix, or any",
                trusted[i]);
        }
        if (trusted.count() == 0) {
            scope.error(
                "proxy_protocol does not say whose headers are believed",
                "name the proxies: trusted = [\"10.0.0.0/8\"], or [\"any\"] where nobody else can connect",
                scope.find("proxy_protocol"));
        }
        return receiver;
    }

    Receiver(const gantry::Host& host, std::string_view listener, const Counts& counts)
        : host_(host),
          listener_(listener),
          v1_(counts.connections.series({listener, "v1"})),
          v2_(counts.connections.series({listener, "v2"})),
          local_(counts.connections.series({listener, "local"})),
          unknown_(counts.connections.series({listener, "unknown"})),
          none_(counts.connections.series({listener, "none"})),
          closed_(counts.connections.series({listener, "closed"})),
          missing_(counts.connections.series({listener, "missing"})),
          untrusted_(counts.connections.series({listener, "untrusted"})),
          broken_(counts.connections.series({listener, "broken"})),
          large_(counts.connections.series({listener, "large"})),
          late_(counts.connections.series({listener, "late"})) {}

    std::uint32_t most_bytes() const { return most_; }
    nanoseconds deadline() const { return timeout_; }

    Preface connection(Connection& connection, std::string_view bytes, More more) {
        if (!trusted_.include(endpoint_of(connection.client()))) {
            if (!is_required_) return without(none_);
            return refuse(connection, untrusted_, "it is not from a trusted proxy");
        }
        const Parsed parsed = parse(bytes);
        switch (parsed.outcome) {
            case Outcome::Complete:
                return take(connection, parsed.header);
            case Outcome::Broken:
                return refuse(connection, broken_, parsed.fault);
            case Outcome::Absent:
                if (!is_required_) return without(none_);
                return refuse(connection, missing_, "it begins without one");
            case Outcome::Incomplete:
                break;
        }
        return more == More::Open ? Preface::wait() : give_up(connection, bytes, more);
    }

private:
    static Preface without(const Counter& counter) {
        counter.add();
        return Preface::nothing();
    }

    // More will not come.
    Preface give_up(Connection& connection, std::string_view bytes, More more) {
        // As load balancers do to see whether somebody listens: no fault of anybody.
        if (bytes.empty() && more == More::Ended) {
            closed_.add();
            return Preface::refuse();
        }
        if (more == More::Full) return refuse(connection, large_, "it is larger than max_header");
        if (bytes.empty() && more == More::Late && !is_required_) return without(none_);
        if (more == More::Late) return refuse(connection, late_, "it did not come in time");
        return refuse(connection, broken_, "the connection ends within it");
    }

    Preface take(Connection& connection, const Header& header) {
        (header.is_local ? local_ : !header.has_addresses ? unknown_ : header.version == 1 ? v1_ : v2_).add();
        const Address proxy = connection.client();
        connection.set_fact("proxy.version", header.version == 1 ? "1" : "2");
        connection.set_fact("proxy.command", header.is_local ? "LOCAL" : "PROXY");
        connection.set_fact("proxy.addr", text_of(proxy));
        connection.set_fact("proxy.port", std::to_string(proxy.port));
        if (header.has_addresses) {
            connection.set_client(address_of(header.source));
            connection.set_local(address_of(header.destination));
        }
        for (const auto& [name, value] : facts_of(header.tlvs, kMostFact))
            connection.set_fact("proxy." + name, value);
        return Preface::take(header.size);
    }

    // One line in a while is enough: whoever connects could fill the log.
    Preface refuse(const Connection& connection, const Counter& counter, const char* why) {
        counter.add();
        unsaid_.fetch_add(1, std::memory_order_relaxed);
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        auto last = last_line_.load(std::memory_order_relaxed);
        const bool is_due = last == 0 || nanoseconds(now - last) >= kBetweenLines;
        if (is_due && last_line_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
            const auto count = unsaid_.exchange(0, std::memory_order_relaxed);
            host_.print(
                LogLevel::Warn,
                "connection refused for its PROXY header: %s listener=%s client=%s since_last_line=%llu", why,
                listener_.c_str(), text_of(connection.client()).c_str(),
                static_cast<unsigned long long>(count));
        }
        return Preface::refuse();
    }

    const gantry::Host& host_;
    const std::string listener_;
    const Counter v1_, v2_, local_, unknown_, none_, closed_, missing_, untrusted_, broken_, large_, late_;
    Sources trusted_;
    nanoseconds timeout_{};
    std::uint32_t most_ = 0;
    bool is_required_ = true;
    std::atomic<std::int64_t> last_line_{0};
    std::atomic<std::uint64_t> unsaid_{0};
};

// ---- what is sent on connections to peers

constexpr const char* const kVersions[] = {"off", "v1", "v2", nullptr};
constexpr const char* const kVectors[] = {"authority", "alpn", "unique_id", "ssl", "crc32c", nullptr};

constexpr Key kSenderKeys[] = {
    Key::choice("version", kVersions)
        .required()
        .example("\"v2\"")
        .doc("Version 1, in text, or 2; off sends none."),
    Key::choice("vectors", kVectors)
        .list()
        .example("[\"authority\", \"ssl\"]")
        .doc("What version 2 says beside addresses: the name that the client asked for, its ALPN, the id of "
             "the request, facts about its TLS, a checksum. With unique_id each request has a connection of "
             "its own."),
};

class Sender {
public:
    static constexpr Key keys[] = {
        Key::table("send_proxy_protocol", kSenderKeys)
            .in(gantry::kAnywhere)
            .short_for("version")
            .example("\"v2\"")
            .doc("Connections to the peers of a proxy begin with a header of the PROXY protocol, which says "
                 "whose requests they carry. A connection carries those of one client only."),
    };

    static std::unique_ptr<Sender> create(gantry::Scope& scope) {
        const std::string_view version = scope.find("send_proxy_protocol.version").text();
        if (version.empty() || version == "off") return nullptr;
        auto sender = std::make_unique<Sender>();
        sender->is_v2_ = version == "v2";
        const gantry::Value vectors = scope.find("send_proxy_protocol.vectors");
        for (std::uint32_t i = 0; i < vectors.count(); ++i) {
            const std::string_view name = vectors[i].text();
            (name == "authority"   ? sender->authority_
             : name == "alpn"      ? sender->alpn_
             : name == "unique_id" ? sender->unique_id_
             : name == "ssl"       ? sender->ssl_
                                   : sender->checksum_) = true;
        }
        if (!sender->is_v2_ && vectors.count() > 0) {
            scope.error("version 1 of the PROXY protocol has no vectors",
                        "send version = \"v2\", or take vectors out", vectors);
        }
        return sender;
    }

    gantry::Verdict precontent(Exchange& exchange) const {
        const Endpoint source = endpoint_of(exchange.client_address());
        const Endpoint destination = endpoint_of(exchange.local_address());
        const std::string header =
            is_v2_ ? second(exchange, source, destination) : version_1(source, destination);
        // What does not fit is not sent without what it should say.
        return exchange.set_preface(header) == GANTRY_OK ? gantry::Verdict::Next : gantry::Verdict::Fail;
    }

private:
    std::string second(const Exchange& exchange, const Endpoint& source, const Endpoint& destination) const {
        Version2 header(source, destination);
        const bool is_tls = !exchange.variable("tls.version").empty();
        if (alpn_ && is_tls) header.add(0x01, "http/1.1");
        if (authority_) {
            const std::string_view name = exchange.variable("tls.sni");
            header.add(0x02, name.empty() ? exchange.host_name() : name);
        }
        if (unique_id_) header.add(0x05, exchange.variable("request_id"));
        if (ssl_) header.add(0x20, tls_of(exchange, is_tls));
        return std::move(header).finish(checksum_);
    }

    // Section 2.2.6.
    static std::string tls_of(const Exchange& exchange, bool is_tls) {
        constexpr char kTls = 1, kShownNow = 2, kShownInSession = 4;
        const std::string_view subject = exchange.variable("tls.client_subject");
        const bool is_shown = !subject.empty();
        const bool is_verified = exchange.variable("tls.client_verified") == "yes";
        std::string value(
            1, static_cast<char>((is_tls ? kTls : 0) | (is_shown ? kShownNow | kShownInSession : 0)));
        value += std::string(3, '\0');
        value += static_cast<char>(is_shown && is_verified ? 0 : 1);
        if (!is_tls) return value;
        value += Version2::tlv(0x21, exchange.variable("tls.version"));
        value += Version2::tlv(0x23, exchange.variable("tls.cipher"));
        if (const std::string_view name = common_name(subject); !name.empty())
            value += Version2::tlv(0x22, name);
        return value;
    }

    // Of a name as RFC 2253 writes it; one with characters that it escapes is left out.
    static std::string_view common_name(std::string_view subject) {
        const std::size_t at = subject.starts_with("CN=") ? 0 : subject.find(",CN=");
        if (at == subject.npos) return {};
        const std::size_t begin = subject.find('=', at) + 1;
        const std::string_view name = subject.substr(begin, subject.find(',', begin) - begin);
        return name.find_first_of("\\\"+") == name.npos ? name : std::string_view();
    }

    bool is_v2_ = false;
    bool authority_ = false;
    bool alpn_ = false;
    bool unique_id_ = false;
    bool ssl_ = false;
    bool checksum_ = false;
};

}  // namespace
}  // namespace proxy_protocol

GANTRY_MODULE("proxy-protocol", "1.0.0",
              "The PROXY protocol, of connections that come in and of those to peers.",
              gantry::State<proxy_protocol::Counts>, gantry::ConnFilter<proxy_protocol::Receiver>,
              gantry::Precontent<proxy_protocol::Sender>);
