// What can only be seen when everything is loaded: names and addresses that clash, hosts that nobody reaches.
#include "core/conf/as_written.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace gantry::conf {
namespace {

bool share_a_listener(const Host& a, const Host& b) {
    return std::any_of(a.listeners.begin(), a.listeners.end(), [&b](std::size_t listener) {
        return std::find(b.listeners.begin(), b.listeners.end(), listener) != b.listeners.end();
    });
}

void check_host_names(Loading& in) {
    struct First {
        std::size_t host;
        Place place;
    };
    std::unordered_map<std::string_view, First> seen[3];
    for (auto& map : seen) map.reserve(in.settings.hosts.size());
    for (std::size_t i = 0; i < in.settings.hosts.size(); ++i) {
        const Host& host = in.settings.hosts[i];
        for (const HostName& name : host.names) {
            const auto [at, fresh] =
                seen[static_cast<std::size_t>(name.kind)].try_emplace(name.text, First{i, name.place});
            if (fresh || at->second.host == i) continue;
            if (!share_a_listener(host, in.settings.hosts[at->second.host])) continue;
            in.error(name.place,
                     fmt::format("the name \"{}\" already belongs to the host \"{}\"", as_written(name),
                                 in.settings.hosts[at->second.host].name),
                     "take one of them out, or put the two hosts on different listeners",
                     Related{at->second.place, "first named here", {}});
        }
    }
}

bool matches_every_name(std::string_view expression) {
    if (expression.starts_with('^')) expression.remove_prefix(1);
    if (expression.ends_with('$')) expression.remove_suffix(1);
    if (expression.starts_with('(') && expression.ends_with(')'))
        expression = expression.substr(1, expression.size() - 2);
    return expression.empty() || expression == "." || expression == ".*" || expression == ".+";
}

// Expressions are tried in the order of the file, so that one that matches every name ends the search.
void check_expressions(Loading& in, std::size_t listener) {
    const HostName* first = nullptr;
    const Host* owner = nullptr;
    for (const Host& host : in.settings.hosts) {
        if (std::find(host.listeners.begin(), host.listeners.end(), listener) == host.listeners.end())
            continue;
        for (const HostName& name : host.names) {
            if (name.kind != HostName::Kind::Regex) continue;
            if (first != nullptr && owner != &host) {
                in.error(name.place,
                         fmt::format("\"~{}\" can never match: \"~{}\" takes every name first", name.text,
                                     first->text),
                         "put it before the other one in the file",
                         Related{first->place, "this one matches first", {}});
                return;
            }
            if (first == nullptr && matches_every_name(name.text)) {
                first = &name;
                owner = &host;
            }
        }
    }
}

void choose_default_hosts(Loading& in) {
    std::vector<std::optional<std::size_t>> explicit_default(in.settings.listeners.size());
    for (std::size_t i = 0; i < in.settings.hosts.size(); ++i) {
        const Host& host = in.settings.hosts[i];
        for (const std::size_t l : host.listeners) {
            Listener& listener = in.settings.listeners[l];
            if (!listener.default_host) listener.default_host = i;
            if (!host.is_default) continue;
            if (!explicit_default[l]) {
                explicit_default[l] = i;
                listener.default_host = i;
                continue;
            }
            const Host& first = in.settings.hosts[*explicit_default[l]];
            in.error(host.place,
                     fmt::format("the listener \"{}\" has two default hosts: \"{}\" and \"{}\"",
                                 listener.name, first.name, host.name),
                     "take default = true out of one of them", Related{first.place, "the first one", {}});
        }
    }
}

// Certificates are offered for names, which an expression is not.
void check_names_for_module(Loading& in, const Host& host) {
    for (const HostName& name : host.names) {
        if (name.kind != HostName::Kind::Regex) continue;
        in.error(name.place,
                 fmt::format("the module \"{}\" cannot offer a certificate for the expression \"~{}\"",
                             host.certificate_module, name.text),
                 "write the names, or a wildcard; or give the host files");
    }
}

// A warning for each of ten thousand hosts would say no more than one.
void check_certificates(Loading& in) {
    for (const Host& host : in.settings.hosts) {
        const Listener* tls = nullptr;
        bool rejects = false;
        for (const std::size_t l : host.listeners) {
            const Listener& listener = in.settings.listeners[l];
            if (!listener.tls) continue;
            if (tls == nullptr) tls = &listener;
            if (listener.tls->fallback == TlsSettings::Fallback::Reject) {
                rejects = true;
                tls = &listener;
            }
        }
        if (!host.certificate_module.empty()) check_names_for_module(in, host);
        if (tls == nullptr) {
            if (host.certificates.empty() && !host.self_signed && host.certificate_module.empty()) continue;
            in.error(!host.certificates.empty()         ? host.certificates[0].place
                     : !host.certificate_module.empty() ? host.certificate_place
                                                        : host.place,
                     fmt::format("the host \"{}\" has a certificate, but none of its listeners has tls",
                                 host.name),
                     "set tls = true on a listener, or take \"certificate\" out");
            continue;
        }
        if (!host.certificates.empty() || !host.certificate_module.empty()) continue;
        if (host.self_signed) {
            if (!rejects) continue;
            in.error(
                host.place,
                fmt::format("the host \"{}\" wants to be self-signed, but the listener \"{}\" rejects that",
                            host.name, tls->name),
                "name a certificate, or set fallback = \"self-signed\" on the listener");
            continue;
        }
        if (in.diagnostics().errors() > 0) continue;
        in.warning(
            host.place,
            fmt::format("the host \"{}\" has no certificate for the listener \"{}\": {}", host.name,
                        tls->name, rejects ? "clients are refused" : "it answers with a self-signed one"),
            rejects
                ? "name one: certificate = { certificate = \"www.pem\", key = \"www.key\" }"
                : "name one: certificate = { certificate = \"www.pem\", key = \"www.key\" }; or say that it "
                  "is meant: certificate = \"self-signed\"");
    }
}

// "upstream:app", "upstream:app/check": how modules name the one that they send requests to.
bool names_upstream(const ModuleValue& value, std::string_view name) {
    constexpr std::string_view kScheme = "upstream:";
    std::string_view text = value.text;
    if (text.starts_with(kScheme)) {
        text.remove_prefix(kScheme.size());
        if (text.substr(0, text.find_first_of("/?")) == name) return true;
    }
    return std::any_of(value.items.begin(), value.items.end(),
                       [&](const ModuleValue& item) { return names_upstream(item, name); });
}

bool is_named_by_module(const Settings& settings, std::string_view name) {
    const auto in_one = [&](const ModuleValues& values) {
        return std::any_of(values.begin(), values.end(),
                           [&](const ModuleValue& value) { return names_upstream(value, name); });
    };
    return in_one(*settings.server.module_values) ||
           std::any_of(settings.hosts.begin(), settings.hosts.end(), [&](const Host& host) {
               return in_one(*host.module_values) ||
                      std::any_of(host.locations.begin(), host.locations.end(),
                                  [&](const Location& one) { return in_one(*one.module_values); });
           });
}

}  // namespace

void check_hosts(Loading& in) {
    check_host_names(in);
    for (std::size_t i = 0; i < in.settings.listeners.size(); ++i) check_expressions(in, i);
    choose_default_hosts(in);
    check_certificates(in);
    if (in.diagnostics().errors() > 0) return;  // a mistake elsewhere may be why nobody uses them
    check_loops(in);
    for (const Listener& listener : in.settings.listeners) {
        if (listener.default_host) continue;
        in.warning(listener.place, fmt::format("no host is on the listener \"{}\"", listener.name),
                   "add a [host.\"…\"], or take the listener out");
    }
    for (std::size_t i = 0; i < in.settings.upstreams.size(); ++i) {
        const Upstream& upstream = in.settings.upstreams[i];
        if (in.upstream_used[i] || is_named_by_module(in.settings, upstream.name)) continue;
        in.warning(upstream.place, fmt::format("no location uses the upstream \"{}\"", upstream.name),
                   fmt::format("use it: proxy = \"{}\"; or take it out", upstream.name));
    }
}

void check_listeners(Loading& in) {
    if (in.settings.listeners.empty() && in.diagnostics().errors() == 0) {
        in.error({0, 0, 0}, "there is no listener, so nobody could connect",
                 "add one: [listener.web] and below it address = \"127.0.0.1:8080\"");
    }
    std::map<std::tuple<Address::Family, std::string_view, std::uint16_t>, Place> seen;
    for (const Listener& listener : in.settings.listeners) {
        for (const Address& address : listener.addresses) {
            if (address.family != Address::Family::Unix && address.port == 0) continue;  // always another one
            const auto [at, fresh] =
                seen.try_emplace({address.family, address.host, address.port}, address.place);
            if (fresh) continue;
            in.error(address.place, "this address is already listened on",
                     "an address belongs to one listener", Related{at->second, "first listened on here", {}});
        }
    }
}

}  // namespace gantry::conf
