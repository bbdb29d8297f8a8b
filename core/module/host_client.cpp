// gantry.client/1
#include "core/base/log.hpp"
#include "core/module/extensions.hpp"
#include "core/module/fetch.hpp"
#include "core/module/scope.hpp"
#include "core/module/sized.hpp"
#include "core/net/tls_client.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::module {
namespace {

// ---- targets

using Made = tl::expected<gantry_target, TargetFault>;

Made from_settings(const gantry_scope& scope, const TargetUrl& url, const gantry_target_options_t& options) {
    const bool has_more = options.flags != 0 || options.ca_file.size > 0 || options.server_name.size > 0 ||
                          options.connect_timeout > 0 || options.keep > 0;
    if (has_more) {
        return tl::unexpected(
            TargetFault{"how an upstream is connected to is not said here",
                        fmt::format("TLS and timeouts stand in [upstream.{}]; or name a URL", url.upstream)});
    }
    const auto& upstreams = scope.settings->upstreams;
    const auto found = std::find_if(upstreams.begin(), upstreams.end(), [&](const conf::Upstream& upstream) {
        return upstream.name == url.upstream;
    });
    if (found == upstreams.end()) {
        return tl::unexpected(TargetFault{fmt::format("there is no upstream \"{}\"", url.upstream),
                                          fmt::format("add it: [upstream.{}]", url.upstream)});
    }
    upstream::Registry* const registry = scope.module->services->upstreams;
    return gantry_target{registry == nullptr ? nullptr : registry->make(*found), {}, url.path};
}

Made from_url(const gantry_scope& scope, const TargetUrl& url, std::string_view text,
              const gantry_target_options_t& options) {
    conf::Upstream upstream;
    upstream.name = text.substr(0, text.size() - (text.ends_with(url.path) ? url.path.size() : 0));
    upstream.peers.push_back(url.peer);
    if (options.connect_timeout > 0) {
        upstream.connect_timeout = conf::Duration(
            static_cast<Millis>(std::max<std::uint64_t>(options.connect_timeout / kNanosPerMilli, 1)));
    }
    if (options.keep > 0) upstream.keep_alive = options.keep;
    const bool is_tls_meant = options.flags != 0 || options.ca_file.size > 0 || options.server_name.size > 0;
    if (!url.is_tls && is_tls_meant) {
        return tl::unexpected(TargetFault{"there is nothing to verify without TLS", "write https://"});
    }
    if (url.is_tls) {
        conf::UpstreamTls& tls = upstream.tls.emplace();
        tls.verify = (options.flags & GANTRY_TARGET_UNVERIFIED) == 0;
        tls.ca_file = view_of(options.ca_file);
        tls.server_name = view_of(options.server_name);
        if (std::string problem = tls.ca_file.empty() ? "" : net::TlsClientContext::check(tls);
            !problem.empty())
            return tl::unexpected(TargetFault{std::move(problem), "it is a file of certificates, as PEM"});
    }
    upstream::Registry* const registry = scope.module->services->upstreams;
    return gantry_target{registry == nullptr ? nullptr : registry->make(upstream), url.host, url.path};
}

const gantry_target_t* target(const gantry_scope_t* scope, const gantry_value_t* value, gantry_bytes_t text,
                              const gantry_target_options_t* given) noexcept {
    if (scope == nullptr || scope->settings == nullptr) return nullptr;
    const auto options = given == nullptr ? gantry_target_options_t{} : whole(given);
    if (!options) {
        kConf.error(scope, value, GANTRY_BYTES("the options of its target do not say their size"),
                    GANTRY_BYTES("the author of the module has to mend it"));
        return nullptr;
    }
    const std::string_view host = view_of(options->host);
    const Made made = parse_target(view_of(text)).and_then([&](const TargetUrl& url) -> Made {
        if (!host.empty() && !is_host_value(host)) {
            return tl::unexpected(TargetFault{fmt::format("\"{}\" is no value of the field Host", host),
                                              "for example: \"app.internal\""});
        }
        return url.upstream.empty() ? from_url(*scope, url, view_of(text), *options)
                                    : from_settings(*scope, url, *options);
    });
    if (!made) {
        kConf.error(scope, value, bytes_of(made.error().message), bytes_of(made.error().hint));
        return nullptr;
    }
    gantry_target& kept = scope->kept->targets.emplace_back(*made);
    if (!host.empty()) kept.host = host;
    return &kept;
}

// ---- requests

bool is_none(gantry_ticket_t ticket) {
    return ticket.place == 0 && ticket.serial == 0;
}

gantry_result_t begin(const Module& module, const gantry_client_request_t& request,
                      const gantry_client_events_t& events, gantry_fetch_t* fetch) {
    const bool is_streamed = (request.flags & GANTRY_FETCH_STREAMED_BODY) != 0;
    if (server::WorkerContext* const worker = server::WorkerContext::here()) {
        if (!is_none(events.ticket) && worker->sleeper(ticket_of(events.ticket)) == nullptr)
            return GANTRY_ERROR_STALE;
        Fetches* const fetches = Fetches::here();
        return fetches == nullptr ? GANTRY_ERROR_STATE : fetches->start(module, request, events, fetch);
    }
    Services& services = *module.services;
    const bool is_here = std::this_thread::get_id() == services.main_thread && services.main != nullptr;
    const bool is_simple = !is_streamed && events.on_body == nullptr && is_none(events.ticket);
    if (!is_here || !is_simple) return GANTRY_ERROR_STATE;
    return services.fetches.start(module, request, events, fetch);
}

gantry_result_t request(const gantry_host_t* host, const gantry_client_request_t* given,
                        const gantry_client_events_t* given_events, gantry_fetch_t* fetch) noexcept {
    if (fetch != nullptr) *fetch = {0, 0};
    const Module& module = module_of(host);
    const auto request = whole(given);
    const auto events = whole(given_events);
    const char* const fault = !request || !events         ? "it does not say its size"
                              : events->on_end == nullptr ? "nobody is told its end"
                                                          : fault_of(*request);
    if (fault != nullptr) {
        log::warn("request of a module refused: {} module={}", fault, module.name);
        return GANTRY_ERROR_ARGUMENT;
    }
    if (is_too_large(*request)) return GANTRY_ERROR_LIMIT;
    if (request->target->upstream == nullptr) return GANTRY_ERROR_STATE;
    return begin(module, *request, *events, fetch);
}

Fetch* find(gantry_fetch_t fetch) {
    const Fetches* const fetches = Fetches::here();
    return fetches == nullptr ? nullptr : fetches->find(fetch);
}

gantry_result_t cancel(const gantry_host_t* host, gantry_fetch_t fetch) noexcept {
    Services& services = *module_of(host).services;
    if (fetch.place == MainFetches::kPlace) {
        if (std::this_thread::get_id() != services.main_thread) return GANTRY_ERROR_STATE;
        return services.fetches.cancel(fetch);
    }
    Fetch* const found = find(fetch);
    if (found == nullptr) return GANTRY_ERROR_STALE;
    found->cancel("cancelled");
    return GANTRY_OK;
}

gantry_result_t write(const gantry_host_t* /*host*/, gantry_fetch_t fetch, gantry_bytes_t data) noexcept {
    Fetch* const found = find(fetch);
    return found == nullptr ? GANTRY_ERROR_STALE : found->write(view_of(data));
}

gantry_result_t finish(const gantry_host_t* /*host*/, gantry_fetch_t fetch) noexcept {
    Fetch* const found = find(fetch);
    return found == nullptr ? GANTRY_ERROR_STALE : found->finish();
}

gantry_result_t pause(const gantry_host_t* /*host*/, gantry_fetch_t fetch) noexcept {
    Fetch* const found = find(fetch);
    return found == nullptr ? GANTRY_ERROR_STALE : found->pause();
}

gantry_result_t resume(const gantry_host_t* /*host*/, gantry_fetch_t fetch) noexcept {
    Fetch* const found = find(fetch);
    return found == nullptr ? GANTRY_ERROR_STALE : found->resume();
}

}  // namespace

const gantry_client_1_t kClient = {
    sizeof(gantry_client_1_t), &target, &request, &cancel, &write, &finish, &pause, &resume,
};

}  // namespace gantry::module
