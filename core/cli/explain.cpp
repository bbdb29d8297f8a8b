#include "core/cli/explain.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"
#include "core/cli/explanation.hpp"
#include "core/server/asked_request.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <optional>

namespace gantry::cli {
namespace {

namespace json = boost::json;

using AskedOr = tl::expected<server::RehearsalRequest, std::string>;

// Null after errors were told.
std::shared_ptr<const server::Generation> load_offline(const std::string& config) {
    std::shared_ptr<const server::Generation> generation;
    conf::LoadOptions options;
    options.contain = true;  // as `gantry run` does
    options.modules = &offline_modules();
    net::CertificateStore certificates;
    options.verify = [&](conf::Settings& settings, conf::Diagnostics& diagnostics) {
        settings.tests.clear();  // one that fails may be why somebody asks
        LoadContext context;
        context.certificates = &certificates;
        context.modules = &offline_modules();
        generation = build_generation(std::move(settings), context, diagnostics);
    };
    const conf::Loaded loaded = conf::load(config, options);
    if (loaded.settings) return generation;
    std::fputs(loaded.diagnostics.render_text().c_str(), stderr);
    return nullptr;
}

// "Name: value"
std::optional<std::pair<std::string, std::string>> field_of(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == text.npos || colon == 0) return std::nullopt;
    return std::pair{std::string(text.substr(0, colon)), std::string(trim(text.substr(colon + 1)))};
}

int explain_one(const ExplainOptions& options, server::Rehearsal& rehearsal) {
    server::AskedRequest asked{options.method, options.url, {}, options.client, options.listener};
    for (const std::string& text : options.headers) {
        auto field = field_of(text);
        if (!field) {
            fmt::print(stderr, "gantry: \"{}\" is not a header field: write -H 'Name: value'\n", text);
            return kUsage;
        }
        asked.headers.push_back(std::move(*field));
    }
    const conf::Settings& settings = rehearsal.generation().settings();
    const auto request = server::request_of(settings, asked);
    if (!request) {
        fmt::print(stderr, "gantry: {}\n", request.error());
        return kUsage;
    }
    const server::Rehearsed rehearsed = rehearsal.run(*request, server::Thoroughness::Everything);
    if (options.quiet) return kOk;
    const Explanation explanation{settings, *request, rehearsed};
    const std::string text =
        options.json ? json::serialize(explanation_json(explanation)) + "\n" : explanation_text(explanation);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kOk;
}

// ---- --batch

std::string text_of(const json::object& from, std::string_view name, std::string_view standard) {
    const json::value* const value = from.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::string(standard);
    return std::string(value->get_string());
}

// {"head": "GET / HTTP/1.1\r\n…", "listener": "web", "client": "…"}, or method, url and headers.
AskedOr request_of(const conf::Settings& settings, const json::object& line) {
    server::AskedRequest asked;
    asked.method = text_of(line, "method", asked.method);
    asked.url = text_of(line, "url", "");
    asked.client = text_of(line, "client", asked.client);
    asked.listener = text_of(line, "listener", "");
    if (const json::value* const head = line.if_contains("head"); head != nullptr && head->is_string()) {
        const auto listener = server::find_listener(settings, asked.listener, "", 0);
        if (!listener) return tl::unexpected(listener.error());
        const auto client = server::client_of(asked.client);
        if (!client) return tl::unexpected(client.error());
        return server::RehearsalRequest{*listener, std::string(head->get_string()), *client};
    }
    if (const json::value* const headers = line.if_contains("headers"); headers && headers->is_object()) {
        for (const auto& [name, value] : headers->get_object()) {
            if (value.is_string()) asked.headers.emplace_back(name, value.get_string());
        }
    }
    return server::request_of(settings, asked);
}

std::string explain_line(const std::string& line, server::Rehearsal& rehearsal) {
    boost::system::error_code error;
    const json::value parsed = json::parse(line, error);
    if (error || !parsed.is_object()) return R"({"invalid": "this line is not a JSON object"})";
    const conf::Settings& settings = rehearsal.generation().settings();
    const auto request = request_of(settings, parsed.get_object());
    if (!request) return json::serialize(json::object{{"invalid", request.error()}});
    const server::Rehearsed rehearsed = rehearsal.run(*request, server::Thoroughness::Everything);
    return json::serialize(explanation_json({settings, *request, rehearsed}));
}

int explain_batch(server::Rehearsal& rehearsal) {
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.empty()) continue;
        std::cout << explain_line(line, rehearsal) << '\n';
    }
    std::cout.flush();
    return std::cout ? kOk : kFailure;
}

}  // namespace

int explain_command(const ExplainOptions& options) {
    if (options.batch != options.url.empty()) {
        fmt::print(stderr, "gantry: write a method and a URL: gantry explain GET https://www.example.com/\n");
        return kUsage;
    }
    auto generation = load_offline(options.config);
    if (!generation) return kInvalidConfiguration;
    log::set_level(log::Level::Off);  // nothing that is said of a rehearsal happened
    server::Rehearsal rehearsal(std::move(generation));
    return options.batch ? explain_batch(rehearsal) : explain_one(options, rehearsal);
}

}  // namespace gantry::cli
