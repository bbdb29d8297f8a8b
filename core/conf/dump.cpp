#include "core/conf/dump.hpp"

#include "core/conf/as_written.hpp"
#include "core/conf/module_keys.hpp"
#include "core/conf/units.hpp"

#include <fmt/format.h>
#include <string_view>

namespace gantry::conf {
namespace {

// ---- one value of each type

std::string show(bool value) {
    return value ? "true" : "false";
}
std::string show(int value) {
    return fmt::format("{}", value);
}
std::string show(std::uint32_t value) {
    return fmt::format("{}", value);
}
std::string show(std::uint64_t value) {
    return fmt::format("{}", value);
}
std::string show(Duration value) {
    return format_duration(value);
}
std::string show(const std::string& value) {
    return in_quotes(value);
}
std::string show(const Template& value) {
    return in_quotes(value.text);
}
std::string show(const std::map<std::string, std::string>& values) {
    std::string out = "{";
    for (const auto& [key, value] : values) {
        out.append(out.size() > 1 ? ", " : "").append(key).append(" = ").append(in_quotes(value));
    }
    return out.append("}");
}
std::string show(const Server::Control& value) {
    return value.is_enabled ? show(value.path) : show(false);
}
template <class T>
std::string show(const std::optional<T>& value) {
    return value ? show(*value) : "none";
}

template <class E, std::size_t N>
std::string name_of(E value, const std::string_view (&names)[N]) {
    const auto index = static_cast<std::size_t>(value);
    return std::string(index < N ? names[index] : "?");
}
std::string show(Log::Level value) {
    return name_of(value, {"trace", "debug", "info", "warn", "error", "critical", "off"});
}
std::string show(Store::Durability value) {
    return name_of(value, {"full", "normal"});
}
std::string show(TlsSettings::Version value) {
    return name_of(value, {"1.2", "1.3"});
}
std::string show(TlsSettings::Fallback value) {
    return name_of(value, {"self-signed", "reject"});
}
std::string show(ClientCertificates::Mode value) {
    return name_of(value, {"none", "optional", "required"});
}
std::string show(Host::EncodedSlash value) {
    return name_of(value, {"keep", "reject", "decode"});
}
std::string show(StaticOptions::ListingFormat value) {
    return name_of(value, {"auto", "html", "json"});
}
std::string show(StaticOptions::Symlinks value) {
    return name_of(value, {"deny", "beneath", "follow"});
}

std::string show(const Address& address) {
    switch (address.family) {
        case Address::Family::Unix:
            return "unix:" + address.host;
        case Address::Family::Ipv6:
            return fmt::format("[{}]:{}", address.host, address.port);
        case Address::Family::Ipv4:
            break;
    }
    return fmt::format("{}:{}", address.host, address.port);
}
std::string show(const Peer& peer) {
    const std::string weight = peer.weight == 1 ? "" : fmt::format(" weight {}", peer.weight);
    if (peer.is_unix) return "unix:" + peer.host + weight;
    const bool v6 = peer.host.find(':') != peer.host.npos;
    return fmt::format("{}{}{}:{}{}", v6 ? "[" : "", peer.host, v6 ? "]" : "", peer.port, weight);
}
std::string show(const HostName& name) {
    return as_written(name);
}
std::string show(const Pattern& pattern) {
    return as_written(pattern);
}
std::string show(const Condition& condition) {
    return as_written(condition);
}
std::string show(const Certificate& certificate) {
    return fmt::format("{{certificate = {}, key = {}, ocsp = {}}}", in_quotes(certificate.certificate_file),
                       in_quotes(certificate.key_file), in_quotes(certificate.ocsp_file));
}
std::string show(const ErrorPage& page) {
    const std::string status =
        page.status < 10 ? fmt::format("{}xx", page.status) : fmt::format("{}", page.status);
    return page.file.empty() ? fmt::format("{} redirects to {}", status, show(page.redirect))
                             : fmt::format("{} is {}", status, in_quotes(page.file));
}
std::string show(const AccessLog& log) {
    if (!log.enabled) return "off";
    std::string out = fmt::format("{} as {}", in_quotes(log.target), in_quotes(log.format));
    if (!log.mask) return out + " with credentials";
    return log.mask_also.empty() ? out : fmt::format("{} masking {}", out, fmt::join(log.mask_also, ", "));
}
std::string show(const FieldEdits& edits) {
    std::vector<std::string> parts;
    for (const std::string& name : edits.remove) parts.push_back("remove " + name);
    for (const auto& [name, value] : edits.set) parts.push_back(fmt::format("set {} {}", name, show(value)));
    for (const auto& [name, value] : edits.add) parts.push_back(fmt::format("add {} {}", name, show(value)));
    return fmt::format("[{}]", fmt::join(parts, ", "));
}

template <class T>
std::string show(const std::vector<T>& values) {
    std::string out = "[";
    for (const T& value : values) out.append(out.size() > 1 ? ", " : "").append(show(value));
    return out.append("]");
}

// ---- are two the same? Showing both and comparing the texts would say so as well, at ten times the cost.

template <class T>
bool is_same(const T& a, const T& b) {
    return a == b;
}
template <class T>
bool is_same(const std::vector<T>& a, const std::vector<T>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (show(a[i]) != show(b[i])) return false;
    }
    return true;
}
bool is_same(const FieldEdits& a, const FieldEdits& b) {
    return (a.empty() && b.empty()) || show(a) == show(b);
}
bool is_same(const AccessLog& a, const AccessLog& b) {
    return (!a.enabled && !b.enabled) || show(a) == show(b);
}

// ---- tables

class Dump {
public:
    Dump(const Settings& settings, Detail detail) : settings_(settings), detail_(detail) {}

    std::string text() {
        all();
        return std::move(out_);
    }
    std::vector<DumpedTable> tables() {
        std::vector<DumpedTable> tables;
        tables_ = &tables;
        all();
        return tables;
    }

private:
    using Kind = DumpedTable::Kind;

    void all() {
        server();
        for (const Listener& listener : settings_.listeners) this->listener(listener);
        for (const Upstream& upstream : settings_.upstreams) this->upstream(upstream);
        for (const Host& host : settings_.hosts) this->host(host);
        if (tables_ == nullptr) tests();
    }

    // What follows belongs to this table.
    void begin(Kind kind, std::string_view name, std::string_view host, Place place, std::string prefix) {
        prefix_ = std::move(prefix);
        outer_ = prefix_.size();
        if (tables_ != nullptr) tables_->push_back({kind, name, host, place, {}});
    }
    void put(std::string_view name, std::string value) {
        if (tables_ == nullptr) {
            fmt::format_to(std::back_inserter(out_), "{}{} = {}\n", prefix_, name, value);
            return;
        }
        tables_->back().values.emplace_back(prefix_.substr(outer_).append(name), std::move(value));
    }
    template <class T>
    void line(std::string_view name, const T& value, const T& standard) {
        if (detail_ == Detail::Everything || !is_same(value, standard)) put(name, show(value));
    }
    // Always shown: what makes the thing what it is.
    template <class T>
    void always(std::string_view name, const T& value) {
        put(name, show(value));
    }

    void tests() {
        static const Test standard;
        std::size_t number = 0;
        for (const Test& t : settings_.tests) {
            begin(Kind::Server, {}, {}, {}, fmt::format("test.{}.", ++number));
            always("request", t.method + " " + t.url);
            for (const auto& [name, value] : t.headers) always("headers." + name, value);
            line("client", t.client, standard.client);
            line("listener", t.listener, standard.listener);
            for (const Expectation& e : t.expect) {
                const std::string name =
                    fmt::format("expect.{}{}{}", as_written(e.what), e.name.empty() ? "" : ".", e.name);
                e.is_absent ? always(name, false) : always(name, e.value);
            }
        }
    }

    void server() {
        static const Server standard;
        const Server& s = settings_.server;
        begin(Kind::Server, {}, {}, {}, "server.");
        line("user", s.user, standard.user);
        line("group", s.group, standard.group);
        line("workers", s.workers, standard.workers);
        line("drain_timeout", s.drain_timeout, standard.drain_timeout);
        line("server_header", s.server_header, standard.server_header);
        line("blocking_threads", s.blocking_threads, standard.blocking_threads);
        line("hook_limit", s.hook_limit, standard.hook_limit);
        line("fail_open", s.fail_open, standard.fail_open);
        line("recent_requests", s.recent_requests, standard.recent_requests);
        line("control", s.control, standard.control);
        of_modules(*s.module_values);
        begin(Kind::Log, {}, {}, {}, "log.");
        line("level", settings_.log.level, Log().level);
        line("target", settings_.log.target, Log().target);
        begin(Kind::Store, {}, {}, {}, "store.");
        line("file", settings_.store.file, Store().file);
        line("durability", settings_.store.durability, Store().durability);
    }

    void listener(const Listener& l) {
        static const Listener standard;
        begin(Kind::Listener, l.name, {}, l.place, fmt::format("listener.{}.", l.name));
        always("address", l.addresses);
        line("protocols", l.protocols, standard.protocols);
        line("backlog", l.backlog, standard.backlog);
        line("max_connections", l.max_connections, standard.max_connections);
        if (l.unix_mode != standard.unix_mode || detail_ == Detail::Everything) {
            put("unix_mode", fmt::format("{:o}", l.unix_mode));
        }
        line("max_head", l.max_head, standard.max_head);
        line("max_request_line", l.max_request_line, standard.max_request_line);
        line("max_fields", l.max_fields, standard.max_fields);
        line("max_requests", l.max_requests, standard.max_requests);
        line("head_timeout", l.head_timeout, standard.head_timeout);
        line("idle_timeout", l.idle_timeout, standard.idle_timeout);
        line("body_timeout", l.body_timeout, standard.body_timeout);
        line("body_min_rate", l.body_min_rate, standard.body_min_rate);
        line("send_timeout", l.send_timeout, standard.send_timeout);
        of_modules(*l.module_values);
        if (l.tls) tls(*l.tls);
        if (l.default_host) always("default_host", settings_.hosts[*l.default_host].name);
    }

    void tls(const TlsSettings& t) {
        static const TlsSettings standard;
        always("tls", true);
        const std::string outer = prefix_;
        prefix_ += "tls.";
        line("min_version", t.min_version, standard.min_version);
        line("ciphers", t.ciphers, standard.ciphers);
        line("groups", t.groups, standard.groups);
        line("fallback", t.fallback, standard.fallback);
        line("tickets", t.tickets, standard.tickets);
        line("ticket_rotation", t.ticket_rotation, standard.ticket_rotation);
        line("handshake_timeout", t.handshake_timeout, standard.handshake_timeout);
        line("client_certificate.mode", t.client.mode, standard.client.mode);
        line("client_certificate.ca", t.client.ca_file, standard.client.ca_file);
        line("client_certificate.depth", t.client.depth, standard.client.depth);
        prefix_ = outer;
    }

    void upstream(const Upstream& u) {
        static const Upstream standard;
        begin(Kind::Upstream, u.name, {}, u.place, fmt::format("upstream.{}.", u.name));
        if (!u.peers.empty() || u.module_values->empty()) always("peers", u.peers);
        of_modules(*u.module_values);
        if (u.tls) {
            always("tls", true);
            line("tls.verify", u.tls->verify, true);
            line("tls.ca", u.tls->ca_file, std::string());
            line("tls.server_name", u.tls->server_name, std::string());
        }
        line("keep_alive", u.keep_alive, standard.keep_alive);
        line("keep_alive_timeout", u.keep_alive_timeout, standard.keep_alive_timeout);
        line("connect_timeout", u.connect_timeout, standard.connect_timeout);
        line("send_timeout", u.send_timeout, standard.send_timeout);
        line("response_timeout", u.response_timeout, standard.response_timeout);
        line("max_head", u.max_head, standard.max_head);
    }

    void host(const Host& h) {
        static const Host standard;
        const std::string prefix = fmt::format("host.{}.", in_quotes(h.name));
        begin(Kind::Host, h.name, {}, h.place, prefix);
        always("names", h.names);
        std::vector<std::string> listeners;
        for (const std::size_t index : h.listeners) listeners.push_back(settings_.listeners[index].name);
        always("listeners", listeners);
        line("default", h.is_default, standard.is_default);
        line("certificate", h.certificates, standard.certificates);
        line("certificate", h.certificate_module, standard.certificate_module);
        line("self_signed", h.self_signed, standard.self_signed);
        line("max_body", h.max_body, standard.max_body);
        line("encoded_slash", h.encoded_slash, standard.encoded_slash);
        line("merge_slashes", h.merge_slashes, standard.merge_slashes);
        shared(h);
        for (const Location& location : h.locations) {
            begin(Kind::Location, location.name, h.name, location.place,
                  fmt::format("{}location.{}.", prefix, in_quotes(location.name)));
            this->location(location);
        }
    }

    void of_modules(const ModuleValues& values) {
        for (const ModuleValue& value : values) {
            std::string masked = value_text(value);
            std::string plain = tables_ == nullptr ? masked : value_text(value, Secrets::Plain);
            if (plain != masked)
                tables_->back().secrets.emplace_back(prefix_.substr(outer_).append(value.key->doc.name),
                                                     std::move(plain));
            put(value.key->doc.name, std::move(masked));
        }
    }

    template <class Scope>
    void shared(const Scope& scope) {
        of_modules(*scope.module_values);
        line("request_headers", *scope.request_headers, FieldEdits());
        line("response_headers", *scope.response_headers, FieldEdits());
        line("error_pages", *scope.error_pages, std::vector<ErrorPage>());
        line("access_log", *scope.access_log, AccessLog());
    }

    void location(const Location& l) {
        static const Location standard;
        always("patterns", l.patterns);
        line("methods", l.methods, standard.methods);
        line("conditions", l.conditions, standard.conditions);
        line("clients", l.clients, standard.clients);
        line("priority", l.priority, standard.priority);
        line("max_body", l.max_body, standard.max_body);
        shared(l);
        if (const auto* files = std::get_if<Static>(&l.handler)) this->files(*files);
        if (const auto* proxy = std::get_if<Proxy>(&l.handler)) this->proxy(*proxy);
        if (const auto* redirect = std::get_if<Redirect>(&l.handler)) {
            always("redirect.to", redirect->to);
            always("redirect.status", redirect->status);
        }
        if (const auto* respond = std::get_if<Respond>(&l.handler)) {
            always("respond.status", respond->status);
            always("respond.body", respond->body);
            line("respond.content_type", respond->content_type, Respond().content_type);
        }
    }

    void files(const Static& s) {
        static const StaticOptions standard;
        const StaticOptions& o = *s.options;
        always("static.root", s.root);
        line("static.strip_prefix", s.strip_prefix, false);
        line("static.index", o.index, standard.index);
        line("static.spa", o.spa, standard.spa);
        line("static.try_files", o.try_files, standard.try_files);
        line("static.listing", o.listing, standard.listing);
        line("static.listing_format", o.listing_format, standard.listing_format);
        line("static.listing_theme", o.listing_theme, standard.listing_theme);
        line("static.dotfiles", o.dotfiles, standard.dotfiles);
        line("static.symlinks", o.symlinks, standard.symlinks);
        line("static.precompressed", o.precompressed, standard.precompressed);
        line("static.charset", o.charset, standard.charset);
        line("static.types", o.types, standard.types);
        line("static.default_type", o.default_type, standard.default_type);
        line("static.etag", o.etag, standard.etag);
        line("static.cache_control", o.cache_control, standard.cache_control);
        line("static.cache_size", o.cache_size, standard.cache_size);
        line("static.cache_max_file", o.cache_max_file, standard.cache_max_file);
        line("static.cache_check", o.cache_check, standard.cache_check);
    }

    void proxy(const Proxy& p) {
        static const ProxyOptions standard;
        const ProxyOptions& o = *p.options;
        always("proxy.upstream", settings_.upstreams[p.upstream].name);
        line("proxy.uri", p.uri, std::string());
        line("proxy.host", o.host, standard.host);
        line("proxy.forwarded", o.forwarded, standard.forwarded);
        line("proxy.trusted", o.trusted, standard.trusted);
        line("proxy.upgrade", o.upgrade, standard.upgrade);
        line("proxy.buffer_requests", o.buffer_requests, standard.buffer_requests);
        line("proxy.timeout", o.timeout, standard.timeout);
        line("proxy.tunnel_timeout", o.tunnel_timeout, standard.tunnel_timeout);
    }

    const Settings& settings_;
    Detail detail_;
    std::string prefix_;     // of the names in the text
    std::size_t outer_ = 0;  // of it, what does not belong to a value's name within its table
    std::string out_;
    std::vector<DumpedTable>* tables_ = nullptr;  // null: text is asked for
};

}  // namespace

std::string dump(const Settings& settings, Detail detail) {
    return Dump(settings, detail).text();
}

std::vector<DumpedTable> dump_tables(const Settings& settings) {
    return Dump(settings, Detail::Changed).tables();
}

}  // namespace gantry::conf
