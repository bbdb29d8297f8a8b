// [listener.NAME], its tls table and its addresses.
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

struct ListenerDraft : Listener {
    static constexpr KeyScope kKeyScope = KeyScope::Listener;
    ModuleValues module_draft;
};

constexpr std::uint64_t kDay = 24ull * 3600 * 1000;
constexpr std::string_view kFallbacks[] = {"self-signed", "reject"};
constexpr std::string_view kVersions[] = {"1.2", "1.3"};
constexpr std::string_view kProtocols[] = {"http/1.1"};
constexpr std::string_view kClientModes[] = {"none", "optional", "required"};

// ---- client certificates

void client_ca(Loading& in, const KeyDoc& key, const Node& node, ClientCertificates& into) {
    into.ca_place = node.place;
    if (in.read(key, node, into.ca_file) && !check_file(in, into.ca_file, node.place, "ca", FileUse::Public))
        into.ca_file.clear();
}

constexpr Key<ClientCertificates> kClientKeys[] = {
    {{.name = "mode",
      .type = Type::Choice,
      .standard = "\"none\"",
      .example = "\"required\"",
      .doc = "Whether clients are asked for a certificate: never, without insisting (a client without one "
             "is served all the same; see the variable tls.client_verified), or always. One that is shown "
             "must be valid.",
      .choices = kClientModes,
      .beside = "ca = \"clients-ca.pem\""},
     field<&ClientCertificates::mode>},
    {{.name = "ca",
      .type = Type::Path,
      .example = "\"clients-ca.pem\"",
      .doc = "A file with the authorities (PEM) that client certificates must come from. Required where "
             "clients are asked for one.",
      .beside = "mode = \"required\""},
     client_ca},
    {{.name = "depth",
      .type = Type::Integer,
      .standard = "3",
      .example = "2",
      .doc = "The longest chain from a client's certificate to an authority.",
      .min = 1,
      .max = 100,
      .beside = "mode = \"required\"\nca = \"clients-ca.pem\""},
     field<&ClientCertificates::depth>},
};

void client_certificate(Loading& in, const KeyDoc& key, const Node& node, TlsSettings& into) {
    if (!read_table(in, kClientKeys, node, "client_certificate", into.client)) {
        in.wrong_type(key, node, "a table");
        return;
    }
    const bool asks = into.client.mode != ClientCertificates::Mode::None;
    if (asks && lacks(node, "ca")) {
        in.error(node.place, "client certificates are asked for, but \"ca\" is missing",
                 "name the authorities that they must come from: ca = \"clients-ca.pem\"");
    }
    if (asks || node.find("mode") != nullptr) return;
    for (const std::string_view name : {"ca", "depth"}) {
        if (const Entry* const idle = node.find(name)) {
            in.error(idle->place, fmt::format("\"{}\" does nothing without \"mode\"", name),
                     "add mode = \"required\" or \"optional\"");
        }
    }
}

// ---- tls

template <std::string TlsSettings::* Text, Place TlsSettings::* Where>
void openssl_text(Loading& in, const KeyDoc& key, const Node& node, TlsSettings& into) {
    into.*Where = node.place;
    in.read(key, node, into.*Text);
}

constexpr Key<TlsSettings> kTlsKeys[] = {
    {{.name = "min_version",
      .type = Type::Choice,
      .standard = "\"1.2\"",
      .example = "\"1.3\"",
      .doc = "The oldest version of TLS that is spoken.",
      .choices = kVersions},
     field<&TlsSettings::min_version>},
    {{.name = "ciphers",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"ECDHE+AESGCM:ECDHE+CHACHA20\"",
      .doc = "Ciphers of TLS 1.2, as OpenSSL writes them; empty = a modern list. Those of TLS 1.3 are all "
             "good, and not a matter of choice."},
     openssl_text<&TlsSettings::ciphers, &TlsSettings::ciphers_place>},
    {{.name = "groups",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"X25519:P-256\"",
      .doc = "Groups of the key exchange, as OpenSSL writes them, best first; empty = a modern list, "
             "X25519 first."},
     openssl_text<&TlsSettings::groups, &TlsSettings::groups_place>},
    {{.name = "fallback",
      .type = Type::Choice,
      .standard = "\"self-signed\"",
      .example = "\"reject\"",
      .doc = "What a host without a usable certificate does: answer with one that it signed itself, or "
             "refuse the connection.",
      .choices = kFallbacks},
     field<&TlsSettings::fallback>},
    {{.name = "tickets",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Session tickets: clients that come back need no full handshake."},
     field<&TlsSettings::tickets>},
    {{.name = "ticket_rotation",
      .type = Type::Timespan,
      .standard = "\"8h\"",
      .example = "\"1h\"",
      .doc = "How long one key seals tickets. A ticket can be used for twice that time.",
      .min = 1000,
      .max = 30 * kDay},
     field<&TlsSettings::ticket_rotation>},
    {{.name = "handshake_timeout",
      .type = Type::Timespan,
      .standard = "\"10s\"",
      .example = "\"5s\"",
      .doc = "How long a handshake may take before the connection is closed.",
      .min = 1,
      .max = kDay},
     field<&TlsSettings::handshake_timeout>},
    {{.name = "client_certificate",
      .type = Type::Table,
      .example = "{ mode = \"optional\", ca = \"clients-ca.pem\" }",
      .doc = "Whether clients show certificates, and whose.",
      .forms = {.table = "listener.tls.client_certificate"}},
     client_certificate},
};

void tls(Loading& in, const KeyDoc& key, const Node& node, ListenerDraft& into) {
    if (node.kind == Node::Kind::Boolean) {
        if (node.integer != 0) into.tls.emplace();
        return;
    }
    TlsSettings settings;
    if (!read_table(in, kTlsKeys, node, "tls", settings)) {
        in.wrong_type(key, node, "true, false or a table");
        return;
    }
    if (!settings.tickets && node.find("ticket_rotation") != nullptr) {
        in.error(node.find("ticket_rotation")->place, "\"ticket_rotation\" does nothing: tickets are off",
                 "take it out, or set tickets = true");
    }
    if (settings.min_version == TlsSettings::Version::Tls13 && !settings.ciphers.empty()) {
        in.error(node.find("ciphers")->place, "\"ciphers\" does nothing: they are for TLS 1.2, which is off",
                 "take it out, or set min_version = \"1.2\"");
    }
    into.tls = std::move(settings);
}

// ---- listener

void address(Loading& in, const KeyDoc& key, const Node& node, ListenerDraft& into) {
    if (node.kind == Node::Kind::Integer) {
        in.error(node.place, "\"address\" must be a string with an address and a port, not a number",
                 fmt::format("write address = \"0.0.0.0:{}\" for every address of this machine, or "
                             "\"127.0.0.1:{}\" for itself only",
                             node.integer, node.integer));
        return;
    }
    in.each(key, node, [&](const Node& item) {
        const auto text = in.text(key, item);
        if (text) parse_listener_address(in, *text, item.place, into.addresses);
    });
    if (node.kind == Node::Kind::Array && node.count == 0) {
        in.error(node.place, "\"address\" is empty", "for example: address = \"127.0.0.1:8080\"");
    }
}

void protocols(Loading& in, const KeyDoc& key, const Node& node, ListenerDraft& into) {
    std::vector<std::string> names;
    if (!in.read(key, node, names)) return;
    if (names.empty()) {
        in.error(node.place, "\"protocols\" is empty", "write protocols = [\"http/1.1\"], or leave it out");
        return;
    }
    for (const std::string& name : names) {
        if (name == "http/1.1") continue;
        if (name == "h2" || name == "h3") {
            in.error(node.place, fmt::format("this version of gantry does not speak {} yet", name),
                     "write protocols = [\"http/1.1\"], or leave it out");
        } else {
            in.error(node.place, fmt::format("\"{}\" is not a protocol", name),
                     "write protocols = [\"http/1.1\"]");
        }
        return;
    }
    if (names.size() > 1) in.error(node.place, "a protocol is listed twice", "take one of the two out");
    into.protocols = std::move(names);
}

// "660" or 0o660: the bits of a socket file.
void unix_mode(Loading& in, const KeyDoc& key, const Node& node, ListenerDraft& into) {
    std::uint64_t mode = 0;
    if (node.kind == Node::Kind::Integer) {
        mode = static_cast<std::uint64_t>(node.integer);
        if (node.integer < 0 || mode > 0777) {
            in.error(node.place, "\"unix_mode\" is not the mode of a file",
                     "write it in octal: unix_mode = \"660\" or 0o660");
            return;
        }
    } else {
        const auto text = in.text(key, node);
        if (!text) return;
        const bool octal =
            !text->empty() && text->size() <= 4 && text->find_first_not_of("01234567") == std::string::npos;
        for (const char c : *text) mode = mode * 8 + static_cast<std::uint64_t>(c - '0');
        if (!octal || mode > 0777) {
            in.error(node.place, fmt::format("\"{}\" is not the mode of a file", *text),
                     "three octal digits: unix_mode = \"660\"");
            return;
        }
    }
    if ((mode & 0222) == 0) {
        in.error(node.place, "with this \"unix_mode\" nobody could connect",
                 "connecting needs the right to write: unix_mode = \"660\"");
        return;
    }
    into.unix_mode = static_cast<std::uint32_t>(mode);
}

constexpr Key<ListenerDraft> kKeys[] = {
    {{.name = "address",
      .type = Type::Special,
      .example = "[\"127.0.0.1:8080\", \"[::1]:8080\"]",
      .doc =
          "Where connections are accepted: \"192.0.2.1:80\", \"[2001:db8::1]:80\", \"*:80\" (every address "
          "of this machine, IPv4 and IPv6), \"unix:/run/gantry/web.sock\"; one or a list. Port 0 lets "
          "the system choose, and the log says which.",
      .forms = {.text = true, .list = true},
      .need = Need::Required},
     address},
    {{.name = "tls",
      .type = Type::Special,
      .standard = "false",
      .example = "true",
      .doc = "Whether connections are encrypted: false, true, or a table with details. The certificates "
             "belong to the hosts.",
      .forms = {.boolean = true, .table = "listener.tls"}},
     tls},
    {{.name = "protocols",
      .type = Type::Strings,
      .standard = "[\"http/1.1\"]",
      .example = "[\"http/1.1\"]",
      .doc = "What is spoken. This version speaks http/1.1.",
      .choices = kProtocols},
     protocols},
    {{.name = "backlog",
      .type = Type::Integer,
      .standard = "4096",
      .example = "1024",
      .doc = "Connections that the system queues until they are accepted. The system has a limit of its "
             "own: net.core.somaxconn.",
      .min = 1,
      .max = 65535},
     field<&Listener::backlog>},
    {{.name = "max_connections",
      .type = Type::Integer,
      .standard = "10000",
      .example = "50000",
      .doc = "Connections that are open at one time, over all workers. More wait in the queue of the "
             "system until one closes.",
      .min = 1,
      .max = 10'000'000},
     field<&Listener::max_connections>},
    {{.name = "unix_mode",
      .type = Type::Special,
      .standard = "\"666\"",
      .example = "\"660\"",
      .doc = "Permissions of the files of unix sockets, in octal. Who may write to the file may connect.",
      .forms = {.integer = true, .text = true, .pattern = "^[0-7]{1,4}$", .most = 0777},
      .beside = "address = \"unix:/run/gantry/web.sock\""},
     unix_mode},
    {{.name = "max_head",
      .type = Type::Size,
      .standard = "\"16KiB\"",
      .example = "\"32KiB\"",
      .doc = "The largest head of a request, that is its first line and its fields; beyond it the answer "
             "is 431.",
      .min = 1024,
      .max = 1u << 20},
     field<&Listener::max_head>},
    {{.name = "max_request_line",
      .type = Type::Size,
      .standard = "\"8KiB\"",
      .example = "\"4KiB\"",
      .doc = "The longest first line of a request, which has the path and the query in it; beyond it the "
             "answer is 414. At most max_head.",
      .min = 64,
      .max = 1u << 20},
     field<&Listener::max_request_line>},
    {{.name = "max_fields",
      .type = Type::Integer,
      .standard = "100",
      .example = "64",
      .doc = "The most fields in the head of a request; beyond it the answer is 431.",
      .min = 1,
      .max = 10'000},
     field<&Listener::max_fields>},
    {{.name = "max_requests",
      .type = Type::Integer,
      .standard = "0",
      .example = "10000",
      .doc = "Requests on one connection before it is closed; 0 = any number."},
     field<&Listener::max_requests>},
    {{.name = "head_timeout",
      .type = Type::Timespan,
      .standard = "\"10s\"",
      .example = "\"5s\"",
      .doc = "How long a client may take from the first byte of a request to the end of its head; beyond "
             "it the answer is 408.",
      .min = 1,
      .max = kDay},
     field<&Listener::head_timeout>},
    {{.name = "idle_timeout",
      .type = Type::Timespan,
      .standard = "\"1m15s\"",
      .example = "\"30s\"",
      .doc = "How long a connection may wait for a request: the first one, or the next one. Then it is "
             "closed.",
      .min = 1,
      .max = kDay},
     field<&Listener::idle_timeout>},
    {{.name = "body_timeout",
      .type = Type::Timespan,
      .standard = "\"30s\"",
      .example = "\"10s\"",
      .doc = "How long a client that sends the body of a request may pause; beyond it the answer is 408.",
      .min = 1,
      .max = kDay},
     field<&Listener::body_timeout>},
    {{.name = "body_min_rate",
      .type = Type::Size,
      .standard = "256",
      .example = "\"1KiB\"",
      .doc = "Bytes a second that the body of a request must bring on average, once body_timeout has "
             "passed; 0 = any. It ends uploads that drip.",
      .max = 1u << 30},
     field<&Listener::body_min_rate>},
    {{.name = "send_timeout",
      .type = Type::Timespan,
      .standard = "\"1m\"",
      .example = "\"30s\"",
      .doc = "How long a client may pause in taking the answer. Then the connection is closed.",
      .min = 1,
      .max = kDay},
     field<&Listener::send_timeout>},
};

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.';
    });
}

}  // namespace

void check_name(Loading& in, const Entry& entry, std::string_view kind) {
    if (is_name(entry.key)) return;
    in.error(entry.place,
             fmt::format("\"{}\" cannot be the name of {} {}", entry.key, kind.starts_with('u') ? "an" : "a",
                         kind),
             "names are made of letters, digits, _, - and .");
}

void load_listener(Loading& in, const Entry& entry) {
    check_name(in, entry, "listener");
    ListenerDraft listener;
    listener.name = entry.key;
    listener.place = entry.place;
    const std::string scope = fmt::format("[listener.{}]", entry.key);
    if (!read_table(in, kKeys, *entry.node, scope, listener)) {
        in.error(entry.place, fmt::format("{} must be a table", scope),
                 "for example: [listener.web] and below it address = \"127.0.0.1:8080\"");
        return;
    }
    if (lacks(*entry.node, "address")) {
        in.error(entry.place, fmt::format("{} has no \"address\"", scope),
                 "for example: address = \"127.0.0.1:8080\"");
    }
    const bool has_unix = std::any_of(listener.addresses.begin(), listener.addresses.end(),
                                      [](const Address& a) { return a.family == Address::Family::Unix; });
    if (const Entry* mode = entry.node->find("unix_mode"); mode != nullptr && !has_unix) {
        in.error(mode->place, "\"unix_mode\" does nothing: no address of this listener is a unix socket",
                 "take it out, or add an address such as \"unix:/run/gantry.sock\"");
    }
    if (listener.max_request_line > listener.max_head) {
        const Entry* line = entry.node->find("max_request_line");
        const Entry* head = entry.node->find("max_head");
        in.error((line != nullptr ? line : head)->place, "\"max_request_line\" is larger than \"max_head\"",
                 "the first line is a part of the head: raise max_head or lower max_request_line");
    }
    for (std::size_t i = 0; i < listener.addresses.size(); ++i) {
        Address& address = listener.addresses[i];
        if (address.family == Address::Family::Unix || address.port != 0) continue;
        address.tag = fmt::format("{}#{}", listener.name, i);
    }
    if (!listener.module_draft.empty()) listener.module_values = std::move(listener.module_draft);
    in.listeners.emplace(listener.name, in.settings.listeners.size());
    in.settings.listeners.push_back(std::move(listener));
}

std::vector<Scope> listener_scope_docs() {
    return {
        scope_of({.name = "[listener.NAME]",
                  .path = "listener",
                  .doc = "Addresses that connections are accepted on, and the limits and deadlines of these "
                         "connections.",
                  .frame = "[listener.web]\n@",
                  .beside = "address = \"127.0.0.1:8080\""},
                 kKeys),
        scope_of(
            {.name = "[listener.NAME.tls]",
             .path = "listener.tls",
             .doc = "Encryption of a listener. tls = true is this table with nothing in it.",
             .frame = "[listener.websecure]\naddress = \"127.0.0.1:8443\"\n\n[listener.websecure.tls]\n@"},
            kTlsKeys),
        scope_of({.name = "[listener.NAME.tls.client_certificate]",
                  .path = "listener.tls.client_certificate",
                  .doc = "Certificates that clients show.",
                  .frame = "[listener.websecure]\naddress = \"127.0.0.1:8443\"\n\n"
                           "[listener.websecure.tls.client_certificate]\n@"},
                 kClientKeys)};
}

}  // namespace gantry::conf
