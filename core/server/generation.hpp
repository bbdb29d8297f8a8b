// A generation: what one load of the configuration became. Immutable; any number may be in use at once, each
// kept by the exchanges that began with it.
#pragma once

#include "core/base/metrics.hpp"
#include "core/conf/settings.hpp"
#include "core/http/uri.hpp"
#include "core/net/certificate_store.hpp"
#include "core/server/access_log_format.hpp"
#include "core/server/conn_filter.hpp"
#include "core/server/error_page.hpp"
#include "core/server/field_edits.hpp"
#include "core/server/handler.hpp"
#include "core/server/hello_hook.hpp"
#include "core/server/host_table.hpp"
#include "core/server/location_table.hpp"
#include "core/server/log_writer.hpp"
#include "core/server/offered_certificates.hpp"
#include "core/server/peer_choice.hpp"
#include "core/server/phase.hpp"
#include "core/server/problem.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gantry::server {

// Where access log lines go and what they look like.
struct AccessLog {
    std::shared_ptr<LogTarget> target;
    AccessLogFormat format;
};

// Everything that a location needs to answer, compiled. What many locations have in common is shared.
struct LocationEntry {
    const conf::Location* settings = nullptr;
    std::unique_ptr<Handler> handler;
    std::shared_ptr<const FieldEdits> request_fields;
    std::shared_ptr<const FieldEdits> response_fields;
    std::shared_ptr<const ErrorPages> error_pages;
    std::shared_ptr<const AccessLog> access_log;  // null: off
    std::uint64_t max_body = 0;
    metrics::Series counted;  // what is counted of its requests: TrafficCells
    Pipeline pipeline;
};

struct HostEntry {
    const conf::Host* settings = nullptr;
    metrics::Series counted;  // outside of its locations
    // What keeps it from being served; the first one tells most.
    std::vector<conf::Fault> faults;
    // Set where nothing is missing but a certificate: it may come while the generation serves.
    net::CertificateSetPtr awaited;
    // Of a host whose certificates a module offers; null for all others, and without TLS.
    std::shared_ptr<const OfferedCertificates> offered;
    // Requests are answered with 503. [any]
    bool is_disabled() const { return !faults.empty() && (awaited == nullptr || awaited->is_empty()); }
    LocationTable table;
    std::vector<LocationEntry> locations;  // as in conf::Host
    // For answers outside every location: the filters of modules, then the operator's fields.
    std::vector<HeaderFilter> header_filters;
    std::shared_ptr<const FieldEdits> response_fields;
    std::shared_ptr<const ErrorPages> error_pages;
    std::shared_ptr<const AccessLog> access_log;
};

// As they may stand in a certificate; an expression cannot.
std::vector<std::string> certified_names(const conf::Host& host);

// What becomes of encoded slashes in paths of this host, as http/uri has it.
http::EncodedSlash encoded_slash_of(const conf::Host& host);

// What a handler is made from. `captures`: the expressions of host and location whose groups its templates
// may use.
struct HandlerScope {
    const conf::Settings& settings;
    const conf::Host& host;
    const conf::Location& location;
    const std::vector<const Regex*>& captures;
    Problems& problems;
    Pipeline& added;  // hooks and header filters of this location beside the core's own
    const std::vector<PeerChoice>& peer_choices;  // of settings.upstreams
};
// Null after a problem was added. Given by the room above, so that this one knows no handler.
using HandlerFactory = std::function<std::unique_ptr<Handler>(const HandlerScope&)>;

// What answers of a host outside every location go through.
struct HostScope {
    const conf::Settings& settings;
    const conf::Host& host;
    Problems& problems;
    std::vector<HeaderFilter>& header_filters;
};
// What connections of a listener go through.
struct ListenerScope {
    const conf::Settings& settings;
    const conf::Listener& listener;
    Problems& problems;
    std::vector<ConnFilter>& filters;
    std::vector<HelloHook>& hello_hooks;
};
// Who chooses the peers of an upstream, and what a module that finds peers is told.
struct UpstreamScope {
    const conf::Settings& settings;
    const conf::Upstream& upstream;
    Problems& problems;
    PeerChoice& choice;
};
// What modules add. Empty: there are none.
struct Additions {
    std::function<void(const HostScope&)> to_host;
    std::function<void(const ListenerScope&)> to_listener;
    // Asked for hosts with TLS that name a module; null where it is not there, which is a problem then.
    std::function<std::shared_ptr<const OfferedCertificates>(const HostScope&)> certificates;
    std::function<void(const UpstreamScope&)> to_upstream;
};

// Opens an access log; a sentence in `error` on failure. Null where logs are not opened (gantry check).
using LogOpener = std::function<std::shared_ptr<LogTarget>(const std::string& target, std::string& error)>;

// The certificates of a host that is on a listener with TLS, with what is wrong with them. Empty: they are
// not looked at (gantry check does it elsewhere).
using CertificateSource = std::function<net::CertificateStore::Acquired(const conf::Host&)>;

// Which hosts a problem is of alone; nothing: it is one of the whole configuration. Empty: every problem is.
using Contain =
    std::function<std::optional<std::vector<std::uint32_t>>(const conf::Settings&, const Problem&)>;

class Generation {
public:
    // Control plane; may take long. Null when a problem afterwards is not of some hosts alone; hosts that are
    // concerned are there, but disabled. `number`: what people call it. `kept`: what hooks and handlers refer
    // to, freed after them.
    static std::shared_ptr<const Generation> build(
        conf::Settings settings, const HandlerFactory& handlers, const LogOpener& logs, Problems& problems,
        std::uint64_t number = 0, const CertificateSource& certificates = {}, const Contain& contain = {},
        std::shared_ptr<void> kept = {}, const Additions& additions = {});

    const conf::Settings& settings() const { return settings_; }
    std::uint64_t number() const { return number_; }  // as given to build()
    const std::shared_ptr<void>& kept() const { return kept_; }
    const HostEntry& host(std::uint32_t index) const { return hosts_[index]; }
    const std::vector<HostEntry>& hosts() const { return hosts_; }
    std::size_t host_count() const { return hosts_.size(); }

    // By index into settings().listeners.
    const HostTable& hosts_of(std::size_t listener) const { return tables_[listener]; }
    const std::vector<ConnFilter>& conn_filters(std::size_t listener) const {
        return conn_filters_[listener];
    }
    const std::vector<HelloHook>& hello_hooks(std::size_t listener) const { return hello_hooks_[listener]; }
    // Null: none.
    const HostEntry* default_host(std::size_t listener) const;
    // Index of the listener of that name; -1: not in this generation.
    int listener_index(const std::string& name) const;

    // Those that its hosts serve; one after the other, each once.
    const std::vector<net::CertificateSetPtr>& certificates() const { return certificates_; }

    // Where requests are counted that no host answers.
    std::uint32_t counted_nowhere() const { return nowhere_.cell(); }

private:
    Generation() = default;
    friend class GenerationBuilder;

    std::shared_ptr<void> kept_;
    metrics::Series nowhere_;
    conf::Settings settings_;
    std::vector<HostEntry> hosts_;
    std::vector<HostTable> tables_;
    std::vector<std::vector<ConnFilter>> conn_filters_;
    std::vector<std::vector<HelloHook>> hello_hooks_;
    std::uint64_t number_ = 0;
    // Held, because what nobody holds is read anew for the next host and for who serves it.
    std::vector<net::CertificateSetPtr> certificates_;
};

}  // namespace gantry::server
