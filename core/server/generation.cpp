#include "core/server/generation.hpp"

#include "core/server/default_pipeline.hpp"
#include "core/server/traffic.hpp"

#include <algorithm>
#include <malloc.h>
#include <map>

namespace gantry::server {

// One build. Values that the settings share (conf::Shared) are compiled once and shared as well, unless
// expressions are in scope: then the templates in them may mean different groups.
class GenerationBuilder {
public:
    GenerationBuilder(Generation& generation, const HandlerFactory& handlers, const LogOpener& logs,
                      Problems& problems, const CertificateSource& certificates, const Additions& additions)
        : generation_(generation),
          handlers_(handlers),
          logs_(logs),
          problems_(problems),
          certificates_(certificates),
          additions_(additions) {}

    void run();
    // False: there is a problem of the whole configuration.
    bool disable(const Contain& contain);

private:
    template <class T>
    using Cache = std::map<std::pair<const void*, Stage>, std::shared_ptr<const T>>;

    template <class T, class Make>
    std::shared_ptr<const T> shared(Cache<T>& cache, const void* key, Stage stage, bool can_share,
                                    const Make& make) {
        if (!can_share) return make();
        auto& entry = cache[{key, stage}];
        if (!entry) entry = make();
        return entry;
    }

    void build_host(const conf::Host& settings, HostEntry& host);
    bool has_tls(const conf::Host& host) const;
    void find_certificates(std::uint32_t index);
    void build_location(const HostEntry& host, std::size_t index, LocationEntry& location);
    std::shared_ptr<const FieldEdits> fields(const conf::Shared<conf::FieldEdits>& edits, Stage stage,
                                             const std::vector<const Regex*>& captures);
    std::shared_ptr<const ErrorPages> pages(const conf::Shared<std::vector<conf::ErrorPage>>& settings);
    std::shared_ptr<const AccessLog> access_log(const conf::Shared<conf::AccessLog>& settings,
                                                const std::vector<const Regex*>& captures);
    std::shared_ptr<const AccessLog> make_access_log(const conf::AccessLog& settings,
                                                     const std::vector<const Regex*>& captures);

    Generation& generation_;
    const HandlerFactory& handlers_;
    const LogOpener& logs_;
    Problems& problems_;
    const CertificateSource& certificates_;
    const Additions& additions_;
    // For each problem the host that it was met in; kNoHost: in none.
    static constexpr std::uint32_t kNoHost = 0xffffffff;
    std::vector<std::uint32_t> met_in_;
    std::vector<PeerChoice> peer_choices_;  // of settings.upstreams
    PageFiles page_files_;
    Cache<FieldEdits> edits_;
    Cache<ErrorPages> pages_;
    Cache<AccessLog> access_logs_;
    // Of the host that is being built. Those that match live in the tables of its listeners; these are
    // compiled again, for the names of their groups only.
    std::vector<Regex> host_expressions_;
};

void GenerationBuilder::run() {
    const conf::Settings& settings = generation_.settings_;
    generation_.nowhere_ = metrics::Registry::process().series(location_metrics(), {"", ""});
    for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
        generation_.tables_.push_back(HostTable::build(settings, i, problems_));
    }
    generation_.conn_filters_.resize(settings.listeners.size());
    generation_.hello_hooks_.resize(settings.listeners.size());
    for (std::size_t i = 0; i < settings.listeners.size() && additions_.to_listener; ++i) {
        additions_.to_listener({settings, settings.listeners[i], problems_, generation_.conn_filters_[i],
                                generation_.hello_hooks_[i]});
    }
    peer_choices_.resize(settings.upstreams.size());
    for (std::size_t i = 0; i < settings.upstreams.size() && additions_.to_upstream; ++i) {
        additions_.to_upstream({settings, settings.upstreams[i], problems_, peer_choices_[i]});
    }
    generation_.hosts_.resize(settings.hosts.size());
    for (std::uint32_t i = 0; i < settings.hosts.size(); ++i) {
        met_in_.resize(problems_.size(), kNoHost);
        build_host(settings.hosts[i], generation_.hosts_[i]);
        met_in_.resize(problems_.size(), i);
    }
    if (!certificates_) return;
    for (std::uint32_t i = 0; i < settings.hosts.size(); ++i) find_certificates(i);
}

bool GenerationBuilder::disable(const Contain& contain) {
    bool is_sound = true;
    for (std::size_t i = 0; i < problems_.size(); ++i) {
        Problem& problem = problems_[i];
        problem.hosts = contain ? contain(generation_.settings_, problem) : std::nullopt;
        if (!problem.hosts) {
            is_sound = false;
            continue;
        }
        // What two hosts have in common says the place of one of them only.
        if (met_in_[i] != kNoHost &&
            std::find(problem.hosts->begin(), problem.hosts->end(), met_in_[i]) == problem.hosts->end())
            problem.hosts->push_back(met_in_[i]);
        for (const std::uint32_t host : *problem.hosts) {
            // One that is no other's certificate stays, whatever comes.
            generation_.hosts_[host].awaited.reset();
            generation_.hosts_[host].faults.push_back({problem.place, problem.message, problem.hint});
        }
    }
    return is_sound;
}

bool GenerationBuilder::has_tls(const conf::Host& host) const {
    return std::any_of(host.listeners.begin(), host.listeners.end(), [&](std::size_t listener) {
        return generation_.settings_.listeners[listener].tls.has_value();
    });
}

void GenerationBuilder::find_certificates(std::uint32_t index) {
    const conf::Host& settings = generation_.settings_.hosts[index];
    HostEntry& host = generation_.hosts_[index];
    if (!has_tls(settings) || settings.certificates.empty()) return;
    auto acquired = certificates_(settings);
    if (generation_.certificates_.empty() || generation_.certificates_.back() != acquired.set)
        generation_.certificates_.push_back(acquired.set);
    if (!acquired.set->is_empty()) return;
    for (const net::CertificateProblem& problem : acquired.problems) {
        if (problem.kind != net::CertificateProblem::Kind::Error) continue;
        const conf::Place place = net::place_of(problem, settings.certificates[problem.number]);
        if (host.faults.empty()) host.awaited = acquired.set;
        host.faults.push_back({place, problem.text, problem.hint});
    }
}

void GenerationBuilder::build_host(const conf::Host& settings, HostEntry& host) {
    host.settings = &settings;
    host.counted = metrics::Registry::process().series(location_metrics(), {settings.name, ""});
    host.faults = settings.faults;
    host.table = LocationTable::build(settings, problems_);
    host.response_fields = fields(settings.response_headers, Stage::Response, {});
    host.error_pages = pages(settings.error_pages);
    host.access_log = access_log(settings.access_log, {});
    host_expressions_.clear();
    for (const conf::HostName& name : settings.names) {
        if (name.kind != conf::HostName::Kind::Regex) continue;
        if (auto regex = Regex::compile(name.text, Case::Ignore))
            host_expressions_.push_back(std::move(*regex));
    }
    if (additions_.to_host)
        additions_.to_host({generation_.settings_, settings, problems_, host.header_filters});
    if (!settings.certificate_module.empty() && additions_.certificates && has_tls(settings)) {
        host.offered =
            additions_.certificates({generation_.settings_, settings, problems_, host.header_filters});
    }
    host.locations.resize(settings.locations.size());
    for (std::size_t i = 0; i < host.locations.size(); ++i) build_location(host, i, host.locations[i]);
}

void GenerationBuilder::build_location(const HostEntry& host, std::size_t index, LocationEntry& location) {
    const conf::Host& host_settings = *host.settings;
    const conf::Location& settings = host_settings.locations[index];
    std::vector<const Regex*> captures = host.table.expressions(static_cast<std::uint32_t>(index));
    for (const Regex& regex : host_expressions_) captures.push_back(&regex);

    location.settings = &settings;
    location.request_fields = fields(settings.request_headers, Stage::Request, captures);
    location.response_fields = fields(settings.response_headers, Stage::Response, captures);
    location.error_pages = pages(settings.error_pages);
    location.access_log = access_log(settings.access_log, captures);
    location.counted =
        metrics::Registry::process().series(location_metrics(), {host_settings.name, settings.name});
    location.max_body = settings.max_body.value_or(host_settings.max_body);
    Pipeline added;
    location.handler = handlers_(
        {generation_.settings_, host_settings, settings, captures, problems_, added, peer_choices_});
    location.pipeline = default_pipeline(location, std::move(added));
}

std::shared_ptr<const FieldEdits> GenerationBuilder::fields(const conf::Shared<conf::FieldEdits>& edits,
                                                            Stage stage,
                                                            const std::vector<const Regex*>& captures) {
    return shared(edits_, edits.get(), stage, captures.empty(), [&] {
        return std::make_shared<const FieldEdits>(FieldEdits::build(*edits, stage, captures, problems_));
    });
}

std::shared_ptr<const ErrorPages> GenerationBuilder::pages(
    const conf::Shared<std::vector<conf::ErrorPage>>& settings) {
    return shared(pages_, settings.get(), Stage::Response, true, [&] {
        return std::make_shared<const ErrorPages>(ErrorPages::build(*settings, page_files_, problems_));
    });
}

std::shared_ptr<const AccessLog> GenerationBuilder::access_log(const conf::Shared<conf::AccessLog>& settings,
                                                               const std::vector<const Regex*>& captures) {
    if (!settings->enabled) return nullptr;
    return shared(access_logs_, settings.get(), Stage::Log, captures.empty(),
                  [&] { return make_access_log(*settings, captures); });
}

std::shared_ptr<const AccessLog> GenerationBuilder::make_access_log(
    const conf::AccessLog& settings, const std::vector<const Regex*>& captures) {
    auto format = AccessLogFormat::compile(settings.format, captures, {settings.mask, settings.mask_also});
    if (!format) {
        problems_.push_back({settings.format_place, static_cast<std::uint32_t>(format.error().offset),
                             format.error().message, format.error().hint});
        return nullptr;
    }
    std::string error;
    auto target = logs_ ? logs_(settings.target, error) : nullptr;
    if (!error.empty()) {
        problems_.push_back({settings.place, 0, "access log not opened: " + error,
                             "give the user that runs gantry the right to write it",
                             conf::Cause::Environment});
        return nullptr;
    }
    auto log = std::make_shared<AccessLog>();
    log->target = std::move(target);
    log->format = std::move(*format);
    return log->target ? log : nullptr;
}

std::shared_ptr<const Generation> Generation::build(conf::Settings settings, const HandlerFactory& handlers,
                                                    const LogOpener& logs, Problems& problems,
                                                    std::uint64_t number,
                                                    const CertificateSource& certificates,
                                                    const Contain& contain, std::shared_ptr<void> kept,
                                                    const Additions& additions) {
    // What ten thousand hosts took lies scattered: without being asked, malloc() would keep it until the end.
    const std::shared_ptr<Generation> generation(new Generation, [](Generation* old) {
        delete old;
        ::malloc_trim(0);
    });
    generation->settings_ = std::move(settings);
    generation->kept_ = std::move(kept);
    GenerationBuilder builder(*generation, handlers, logs, problems, certificates, additions);
    builder.run();
    if (!builder.disable(contain)) return nullptr;
    generation->number_ = number;
    return generation;
}

std::vector<std::string> certified_names(const conf::Host& host) {
    std::vector<std::string> names;
    for (const conf::HostName& name : host.names) {
        if (name.kind == conf::HostName::Kind::Exact) names.push_back(name.text);
        if (name.kind == conf::HostName::Kind::Wildcard) names.push_back("*." + name.text);
    }
    return names;
}

http::EncodedSlash encoded_slash_of(const conf::Host& host) {
    switch (host.encoded_slash) {
        case conf::Host::EncodedSlash::Keep:
            return http::EncodedSlash::Keep;
        case conf::Host::EncodedSlash::Reject:
            return http::EncodedSlash::Reject;
        case conf::Host::EncodedSlash::Decode:
            return http::EncodedSlash::Decode;
    }
    return http::EncodedSlash::Reject;
}

const HostEntry* Generation::default_host(std::size_t listener) const {
    const auto index = settings_.listeners[listener].default_host;
    return index ? &hosts_[*index] : nullptr;
}

int Generation::listener_index(const std::string& name) const {
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
        if (settings_.listeners[i].name == name) return static_cast<int>(i);
    }
    return -1;
}

}  // namespace gantry::server
