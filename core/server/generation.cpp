#include "core/server/generation.hpp"

#include "core/server/default_pipeline.hpp"
#include "core/server/traffic.hpp"

#include <malloc.h>
#include <map>

namespace gantry::server {

// One build. Values that the settings share (conf::Shared) are compiled once and shared as well, unless
// expressions are in scope: then the templates in them may mean different groups.
class GenerationBuilder {
public:
    GenerationBuilder(Generation& generation, const HandlerFactory& handlers, const LogOpener& logs,
                      Problems& problems)
        : generation_(generation), handlers_(handlers), logs_(logs), problems_(problems) {}

    void run();

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
    for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
        generation_.tables_.push_back(HostTable::build(settings, i, problems_));
    }
    generation_.hosts_.resize(settings.hosts.size());
    for (std::size_t i = 0; i < settings.hosts.size(); ++i)
        build_host(settings.hosts[i], generation_.hosts_[i]);
}

void GenerationBuilder::build_host(const conf::Host& settings, HostEntry& host) {
    host.settings = &settings;
    host.number = HostNumbers::instance().number_of(settings.name);
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
    location.max_body = settings.max_body.value_or(host_settings.max_body);
    Pipeline added;
    location.handler =
        handlers_({generation_.settings_, host_settings, settings, captures, problems_, added});
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
                             "give the user that runs gantry the right to write it"});
        return nullptr;
    }
    auto log = std::make_shared<AccessLog>();
    log->target = std::move(target);
    log->format = std::move(*format);
    return log->target ? log : nullptr;
}

std::shared_ptr<const Generation> Generation::build(conf::Settings settings, const HandlerFactory& handlers,
                                                    const LogOpener& logs, Problems& problems,
                                                    std::uint64_t number) {
    // What ten thousand hosts took lies scattered: without being asked, malloc() would keep it until the end.
    const std::shared_ptr<Generation> generation(new Generation, [](Generation* old) {
        delete old;
        ::malloc_trim(0);
    });
    generation->settings_ = std::move(settings);
    GenerationBuilder(*generation, handlers, logs, problems).run();
    if (!problems.empty()) return nullptr;
    generation->number_ = number;
    return generation;
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
