#include "core/content/respond.hpp"

#include "core/server/template.hpp"

namespace gantry::content {
namespace {

using server::Exchange;
using server::Template;
using server::Verdict;

class Respond final : public server::Handler {
public:
    Respond(const conf::Respond& settings, Template body)
        : status_(settings.status), type_(settings.content_type), body_(std::move(body)) {}

    Verdict handle(Exchange& exchange) const override {
        exchange.response().status = status_;
        if (!type_.empty()) exchange.response().headers.add(http::HeaderId::ContentType, type_);
        exchange.respond(body_.evaluate(exchange, exchange.arena()));
        return Verdict::Done;
    }
    void foresee(Exchange& exchange, server::Outlook& outlook) const override {
        outlook.handler = "respond";
        handle(exchange);
    }

private:
    int status_;
    std::string type_;
    Template body_;
};

class Redirect final : public server::Handler {
public:
    Redirect(int status, Template to) : status_(status), to_(std::move(to)) {}

    Verdict handle(Exchange& exchange) const override {
        exchange.response().status = status_;
        exchange.response().headers.add(http::HeaderId::Location, to_.evaluate(exchange, exchange.arena()));
        exchange.respond({});
        return Verdict::Done;
    }
    void foresee(Exchange& exchange, server::Outlook& outlook) const override {
        outlook.handler = "redirect";
        handle(exchange);
    }

private:
    int status_;
    Template to_;
};

}  // namespace

Template compile_template(const conf::Template& text, server::Purpose purpose,
                          const server::HandlerScope& scope) {
    server::TemplateScope allowed{purpose, server::Stage::Request, scope.captures};
    allowed.encoded_slash = server::encoded_slash_of(scope.host);
    auto compiled = Template::compile(text.text, allowed);
    if (compiled) return std::move(*compiled);
    scope.problems.push_back({text.place, static_cast<std::uint32_t>(compiled.error().offset),
                              compiled.error().message, compiled.error().hint});
    return {};
}

std::unique_ptr<server::Handler> make_respond(const conf::Respond& settings,
                                              const server::HandlerScope& scope) {
    return std::make_unique<Respond>(settings, compile_template(settings.body, server::Purpose::Text, scope));
}

std::unique_ptr<server::Handler> make_redirect(const conf::Redirect& settings,
                                               const server::HandlerScope& scope) {
    return std::make_unique<Redirect>(settings.status,
                                      compile_template(settings.to, server::Purpose::Uri, scope));
}

}  // namespace gantry::content
