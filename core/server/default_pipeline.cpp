#include "core/server/default_pipeline.hpp"

#include "core/server/generation.hpp"

#include <algorithm>

namespace gantry::server {
namespace {

Verdict edit_request_fields(Exchange& exchange, const void* self) {
    const FieldEdits& edits = *static_cast<const FieldEdits*>(self);
    edits.apply(exchange.request().headers, exchange, exchange.arena());
    edits.each_replaced([&](std::string_view name) { exchange.close_trailer(name); });
    return Verdict::Next;
}

Verdict run_handler(Exchange& exchange, const void* self) {
    return static_cast<const Handler*>(self)->handle(exchange);
}

void edit_response_fields(Exchange& exchange, const void* self) {
    static_cast<const FieldEdits*>(self)->apply(exchange.response().headers, exchange, exchange.arena());
}

}  // namespace

Pipeline default_pipeline(const LocationEntry& location, Pipeline added) {
    Pipeline pipeline;
    // post_read: nothing of the core's. Where connection facts are corrected (the client behind a trusted
    // proxy), before anyone judges them.

    // Routing: host, normal form of the path, location (exchange.cpp). From here on the location's settings
    // hold.

    // rewrite: request fields first, because access rules and the handler are to see what the operator
    // decided, not what the client sent.
    if (!location.request_fields->empty()) {
        pipeline.hooks.push_back(
            {Phase::Rewrite, &edit_request_fields, location.request_fields.get(), "request_headers"});
    }

    // preaccess (limits: cheap refusals before dear checks), access (who may), precontent (caches,
    // try_files-like decisions): modules.

    // content: the one handler of the location. What it leaves unanswered is 404.
    if (location.handler) {
        pipeline.hooks.push_back({Phase::Content, &run_handler, location.handler.get(), "handler"});
    }

    // Within a phase the core's own come first.
    pipeline.hooks.insert(pipeline.hooks.end(), added.hooks.begin(), added.hooks.end());
    std::stable_sort(pipeline.hooks.begin(), pipeline.hooks.end(),
                     [](const Hook& a, const Hook& b) { return a.phase < b.phase; });

    // header_filter: the operator's response fields last, so that they win over whatever a handler or a
    // module set. body_filter: header filters add those that their response needs.
    pipeline.header_filters = std::move(added.header_filters);
    if (!location.response_fields->empty()) {
        pipeline.header_filters.push_back(
            {&edit_response_fields, location.response_fields.get(), "response_headers"});
    }
    // log: modules, then the access log, always (exchange.cpp).
    pipeline.log_hooks = std::move(added.log_hooks);
    return pipeline;
}

}  // namespace gantry::server
