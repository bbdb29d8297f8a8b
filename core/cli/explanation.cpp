#include "core/cli/explanation.hpp"

#include "core/conf/as_written.hpp"
#include "core/conf/module_keys.hpp"
#include "core/conf/units.hpp"
#include "core/conf/utf8.hpp"
#include "core/upstream/upstream.hpp"

#include <fmt/format.h>
#include <iterator>

namespace gantry::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kShown = 12;      // locations of another path, in the text
constexpr std::size_t kShownBody = 60;  // bytes

std::string place_text(const conf::Settings& settings, const conf::Place& place) {
    if (place.line == 0 || place.file >= settings.files.size()) return {};
    return fmt::format("{}:{}", settings.files[place.file], place.line);
}

const conf::Upstream* upstream_of(const Explanation& explanation) {
    const server::LocationEntry* location = explanation.rehearsed.location;
    if (location == nullptr) return nullptr;
    const auto* proxy = std::get_if<conf::Proxy>(&location->settings->handler);
    return proxy == nullptr ? nullptr : &explanation.settings.upstreams[proxy->upstream];
}

// ---- text

class Text {
public:
    explicit Text(const Explanation& explanation) : explanation_(explanation) {}

    std::string run() {
        route();
        handler();
        answer();
        unchosen();
        return std::move(out_);
    }

private:
    const conf::Settings& settings() const { return explanation_.settings; }
    const server::Rehearsed& rehearsed() const { return explanation_.rehearsed; }

    void line(std::string_view what, std::string_view value, const conf::Place& place = {}) {
        fmt::format_to(std::back_inserter(out_), "{:<10}{}", what, value);
        if (const std::string at = place_text(settings(), place); !at.empty()) out_.append("  ").append(at);
        out_ += '\n';
    }

    void route() {
        const conf::Listener& listener = settings().listeners[explanation_.request.listener];
        line("listener", listener.name + (listener.tls ? " (TLS)" : ""), listener.place);
        if (rehearsed().host != nullptr) {
            const conf::Host& host = *rehearsed().host->settings;
            const conf::HostName* name = rehearsed().name;
            line("host",
                 name != nullptr ? fmt::format("{} as {}", host.name, conf::as_written(*name))
                                 : fmt::format("{} as the default of the listener", host.name),
                 name != nullptr ? name->place : host.place);
            if (!host.certificate_module.empty()) {
                line("tls", fmt::format("certificate offered by the module \"{}\"", host.certificate_module),
                     host.certificate_place);
            }
        }
        disabled();
        if (!rehearsed().path.empty()) line("path", rehearsed().path);
        if (rehearsed().location != nullptr) {
            const conf::Location& location = *rehearsed().location->settings;
            const conf::Pattern* const pattern = rehearsed().chosen;
            const std::string written = pattern != nullptr ? conf::as_written(*pattern) : location.name;
            line("location",
                 written == location.name ? written : fmt::format("{} by {}", location.name, written),
                 pattern != nullptr ? pattern->place : location.place);
        }
        for (const auto& [name, value] : rehearsed().captures)
            line("capture", fmt::format("{} = {}", name, value));
    }

    void disabled() {
        const server::HostEntry* const host = rehearsed().host;
        if (host == nullptr || !host->is_disabled()) return;
        for (const conf::Fault& fault : host->faults) line("disabled", fault.message, fault.place);
    }

    void edits(std::string_view what, const conf::FieldEdits& edits) {
        for (const std::string& name : edits.remove) line(what, "remove " + name);
        for (const auto& [name, value] : edits.set)
            line(what, fmt::format("set {}: {}", name, value.text), value.place);
        for (const auto& [name, value] : edits.add)
            line(what, fmt::format("add {}: {}", name, value.text), value.place);
    }

    void handler() {
        const server::LocationEntry* const location = rehearsed().location;
        if (location == nullptr) return;
        for (const server::Hook* hook : rehearsed().hooks)
            line("phase", fmt::format("{}: {}", server::name_of(hook->phase), hook->name));
        edits("request", *location->settings->request_headers);
        edits("response", *location->settings->response_headers);
        line("max_body", conf::format_size(location->max_body));
        const server::Outlook& outlook = rehearsed().outlook;
        line("handler", outlook.handler, location->settings->handler_place);
        for (const std::string& file : outlook.files) line("file", file);
        if (!outlook.otherwise.empty()) line("otherwise", outlook.otherwise);
        if (const conf::Upstream* upstream = upstream_of(explanation_)) {
            line("upstream", upstream->name, upstream->place);
            for (const conf::Peer& peer : upstream->peers) line("peer", upstream::text_of(peer), peer.place);
            for (const conf::ModuleValue& value : *upstream->module_values)
                line("peer", fmt::format("also those that \"{}\" finds", value.key->doc.name), value.place);
            if (!outlook.request_line.empty())
                line("passes on", fmt::format("{}, Host: {}", outlook.request_line, outlook.host));
        }
    }

    void answer() {
        if (rehearsed().is_head_incomplete) return line("answer", "none: the head of the request has no end");
        if (rehearsed().status == 0) return;
        std::string text = std::to_string(rehearsed().status);
        if (!rehearsed().error.empty()) text.append(": ").append(rehearsed().error);
        line("answer", text, rehearsed().decided);
        for (const auto& [name, value] : rehearsed().headers)
            line("field", fmt::format("{}: {}", name, value));
        if (rehearsed().outlook.handler == "respond" && !rehearsed().body.empty()) {
            const std::string_view body = rehearsed().body;
            line("body", fmt::format("{}{}", conf::in_quotes(body.substr(0, kShownBody)),
                                     body.size() > kShownBody ? " …" : ""));
        }
    }

    void unchosen() {
        std::size_t elsewhere = 0;
        for (const server::Unchosen& other : rehearsed().unchosen) {
            if (other.pattern == nullptr && ++elsewhere > kShown) continue;
            line("not", fmt::format("{}: {}", other.location->name, other.why), other.place);
        }
        if (elsewhere > kShown)
            line("not", fmt::format("{} more, whose patterns are not that of the path", elsewhere - kShown));
    }

    const Explanation& explanation_;
    std::string out_;
};

// ---- JSON

// Paths may hold any bytes, JSON may not.
std::string utf8(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t step = conf::utf8_step(text);
        const bool is_good = step > 1 || static_cast<unsigned char>(text[0]) < 0x80;
        out += is_good ? text.substr(0, step) : std::string_view("\xEF\xBF\xBD");
        text.remove_prefix(step);
    }
    return out;
}

json::object pairs(const std::vector<std::pair<std::string, std::string>>& from) {
    json::object out;
    for (const auto& [name, value] : from) out.insert_or_assign(name, utf8(value));
    return out;
}

json::array list(const std::vector<std::pair<std::string, std::string>>& from) {
    json::array out;
    for (const auto& [name, value] : from) out.push_back(json::array{name, utf8(value)});
    return out;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(utf8(text));
}

class Json {
public:
    explicit Json(const Explanation& explanation) : explanation_(explanation) {}

    json::object run() const {
        const server::Rehearsed& found = explanation_.rehearsed;
        json::object out;
        const conf::Listener& listener = settings().listeners[explanation_.request.listener];
        out["listener"] = json::object{{"name", listener.name}, {"place", place(listener.place)}};
        out["host"] = host();
        out["disabled"] = disabled();
        out["path"] = text_or_null(found.path);
        out["location"] = location();
        out["captures"] = pairs(found.captures);
        out["handler"] = handler();
        out["status"] = found.status == 0 ? json::value(nullptr) : json::value(found.status);
        out["headers"] = list(found.headers);
        out["body"] = found.status == 0 ? json::value(nullptr) : json::value(utf8(found.body));
        out["error"] = text_or_null(found.error);
        out["decided"] = place(found.decided);
        json::array unchosen;
        for (const server::Unchosen& other : found.unchosen) {
            unchosen.push_back(json::object{
                {"location", other.location->name},
                {"pattern", other.pattern == nullptr ? json::value(nullptr)
                                                     : json::value(conf::as_written(*other.pattern))},
                {"why", other.why},
                {"place", place(other.place)}});
        }
        out["unchosen"] = std::move(unchosen);
        return out;
    }

private:
    const conf::Settings& settings() const { return explanation_.settings; }
    json::value place(const conf::Place& place) const { return text_or_null(place_text(settings(), place)); }

    json::value host() const {
        const server::Rehearsed& found = explanation_.rehearsed;
        if (found.host == nullptr) return nullptr;
        json::value name = nullptr;
        if (found.name != nullptr) name = conf::as_written(*found.name);
        json::object out{
            {"name", found.host->settings->name},
            {"matched", std::move(name)},
            {"place", place(found.name != nullptr ? found.name->place : found.host->settings->place)}};
        if (const std::string& module = found.host->settings->certificate_module; !module.empty())
            out["certificate_module"] = module;
        return out;
    }

    json::array disabled() const {
        json::array out;
        const server::HostEntry* const host = explanation_.rehearsed.host;
        if (host == nullptr || !host->is_disabled()) return out;
        for (const conf::Fault& fault : host->faults) {
            out.push_back(json::object{
                {"reason", fault.message}, {"remedy", fault.hint}, {"place", place(fault.place)}});
        }
        return out;
    }

    json::value location() const {
        const server::Rehearsed& found = explanation_.rehearsed;
        if (found.location == nullptr) return nullptr;
        json::array hooks;
        for (const server::Hook* hook : found.hooks)
            hooks.push_back(json::object{{"phase", server::name_of(hook->phase)}, {"name", hook->name}});
        const conf::Location& settings = *found.location->settings;
        json::value pattern = nullptr;
        if (found.chosen != nullptr) pattern = conf::as_written(*found.chosen);
        return json::object{{"name", settings.name},
                            {"pattern", std::move(pattern)},
                            {"place", place(found.chosen != nullptr ? found.chosen->place : settings.place)},
                            {"max_body", found.location->max_body},
                            {"request_headers", edits(*settings.request_headers)},
                            {"response_headers", edits(*settings.response_headers)},
                            {"hooks", std::move(hooks)}};
    }

    json::array edits(const conf::FieldEdits& edits) const {
        json::array out;
        for (const std::string& name : edits.remove) out.push_back(json::object{{"remove", name}});
        const auto add = [&](std::string_view verb, const auto& fields) {
            for (const auto& [name, value] : fields) {
                out.push_back(
                    json::object{{verb, name}, {"value", value.text}, {"place", place(value.place)}});
            }
        };
        add("set", edits.set);
        add("add", edits.add);
        return out;
    }

    json::value handler() const {
        const server::Rehearsed& found = explanation_.rehearsed;
        if (found.location == nullptr) return nullptr;
        const server::Outlook& outlook = found.outlook;
        json::object out{{"kind", outlook.handler},
                         {"place", place(found.location->settings->handler_place)}};
        if (outlook.handler == "static") {
            json::array files;
            for (const std::string& file : outlook.files) files.emplace_back(utf8(file));
            out["files"] = std::move(files);
            out["otherwise"] = text_or_null(outlook.otherwise);
        }
        if (const conf::Upstream* upstream = upstream_of(explanation_)) {
            json::array peers;
            for (const conf::Peer& peer : upstream->peers) peers.emplace_back(upstream::text_of(peer));
            out["upstream"] = upstream->name;
            out["upstream_place"] = place(upstream->place);
            out["peers"] = std::move(peers);
            out["request_line"] = text_or_null(outlook.request_line);
            out["request_host"] = text_or_null(outlook.host);
        }
        return out;
    }

    const Explanation& explanation_;
};

}  // namespace

std::string explanation_text(const Explanation& explanation) {
    return Text(explanation).run();
}

boost::json::object explanation_json(const Explanation& explanation) {
    return Json(explanation).run();
}

}  // namespace gantry::cli
