#include "core/content/proxy.hpp"

#include "core/content/proxy_exchange.hpp"

#include <utility>

namespace gantry::content {

namespace {

constexpr std::size_t kMaxFields = 256;  // of a response

class Proxy final : public server::Handler {
public:
    Proxy(ProxySettings settings, const conf::Upstream& upstream)
        : settings_(std::move(settings)), upstream_(upstream) {}

    server::Verdict handle(server::Exchange& exchange) const override {
        if (!is_small(exchange)) return server::Verdict::Fail;
        exchange.worker().local<ProxyWorker>().start(settings_, exchange);
        return server::Verdict::Done;
    }

    void foresee(server::Exchange& exchange, server::Outlook& outlook) const override {
        outlook.handler = "proxy";
        outlook.upstream = upstream_.name;
        if (!is_small(exchange)) return;
        const std::string peer = upstream_.peers.empty() ? "" : upstream::text_of(upstream_.peers.front());
        const ProxyTarget target{peer, http::BodyKind::None, 0, false, true};
        Chain* const head = exchange.worker().net().take_chain();
        write_proxy_head(settings_.rules, exchange, target, *head);
        std::string text;
        for (std::size_t i = 0; i < head->segments(); ++i) text += head->at(i).view();
        exchange.worker().net().give_chain(head);
        const std::size_t end = text.find("\r\n");
        outlook.request_line = text.substr(0, end);
        constexpr std::string_view kHost = "Host: ";  // the first field, always
        const std::size_t begin = end + 2 + kHost.size();
        outlook.host = text.substr(begin, text.find("\r\n", begin) - begin);
    }

private:
    // False: 413 was answered.
    static bool is_small(server::Exchange& exchange) {
        const http::RequestHead& request = exchange.request();
        if (request.body != http::BodyKind::Length || request.content_length <= exchange.max_body())
            return true;
        exchange.fail(
            Error{Code::BodyTooLarge, Side::Client, Retry::No, 0, "while reading the request head"});
        return false;
    }

    ProxySettings settings_;
    const conf::Upstream& upstream_;  // of the generation
};

// False: a problem was added.
bool build_rules(const conf::Proxy& proxy, const server::HandlerScope& scope, ProxyRules& rules) {
    const conf::ProxyOptions& options = *proxy.options;
    const std::size_t problems = scope.problems.size();
    rules.uri = proxy.uri;
    rules.encoded_slash = server::encoded_slash_of(scope.host);
    rules.forwarded = options.forwarded;
    std::vector<Cidr> trusted;
    for (const std::string& text : options.trusted) {
        if (auto network = parse_cidr(text)) {
            trusted.push_back(*network);
        } else {
            scope.problems.push_back({scope.location.place, 0, network.error(), ""});
        }
    }
    rules.trusted = CidrSet(trusted);
    if (options.host) {
        auto host = server::Template::compile(
            options.host->text, {server::Purpose::Field, server::Stage::Request, scope.captures});
        if (host) {
            rules.sets_host = true;
            rules.host = std::move(*host);
        } else {
            scope.problems.push_back({options.host->place, static_cast<std::uint32_t>(host.error().offset),
                                      host.error().message, host.error().hint});
        }
    }
    return scope.problems.size() == problems;
}

}  // namespace

std::unique_ptr<server::Handler> make_proxy(const server::HandlerScope& scope, upstream::Registry* registry) {
    const auto& proxy = std::get<conf::Proxy>(scope.location.handler);
    const conf::ProxyOptions& options = *proxy.options;
    ProxySettings settings;
    if (!build_rules(proxy, scope, settings.rules)) return nullptr;
    const conf::Upstream& upstream = scope.settings.upstreams[proxy.upstream];
    if (registry == nullptr) return std::make_unique<Proxy>(std::move(settings), upstream);
    settings.upstream = registry->make(upstream);
    settings.choice = scope.peer_choices[proxy.upstream];
    settings.limits.head.head_bytes = settings.upstream->max_head;
    settings.limits.head.fields = kMaxFields;
    settings.limits.send_timeout = settings.upstream->send_timeout;
    settings.limits.response_timeout = settings.upstream->response_timeout;
    settings.limits.tunnel_timeout = options.tunnel_timeout.count();
    settings.timeout = options.timeout ? options.timeout->count() : 0;
    settings.upgrade = options.upgrade;
    settings.buffer_requests = options.buffer_requests;
    return std::make_unique<Proxy>(std::move(settings), upstream);
}

}  // namespace gantry::content
