// [host."NAME".location."PATTERN"]: its patterns and conditions.
#include "core/base/cidr.hpp"
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

struct LocationDraft : Location {
    Own own;
    static constexpr KeyScope kKeyScope = KeyScope::Location;
    ModuleValues module_draft;
};

// ---- conditions

bool check_condition_name(Loading& in, Condition::Source source, const Entry& entry) {
    if (source == Condition::Source::Query ? !entry.key.empty() : is_token(entry.key)) return true;
    const std::string_view what = source == Condition::Source::Query    ? "a parameter"
                                  : source == Condition::Source::Cookie ? "a cookie"
                                                                        : "a field";
    in.error(entry.place, fmt::format("\"{}\" cannot be the name of {}", entry.key, what),
             source == Condition::Source::Query ? "write the name of a parameter: debug = \"1\""
                                                : "names are made of letters, digits and -");
    return false;
}

template <Condition::Source Source>
void conditions(Loading& in, const KeyDoc& key, const Node& node, Location& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    if (node.count == 0) in.error(node.place, fmt::format("\"{}\" is empty", key.name), "take it out");
    for (const Entry& entry : node.children()) {
        if (!check_condition_name(in, Source, entry)) continue;
        Condition condition;
        condition.source = Source;
        condition.name = entry.key;
        condition.place = entry.place;
        const Node& value = *entry.node;
        if (value.kind == Node::Kind::Boolean) {
            condition.test = value.integer != 0 ? Condition::Test::Present : Condition::Test::Absent;
        } else if (value.kind == Node::Kind::String) {
            const auto text = in.text({.name = entry.key}, value);
            if (!text) continue;
            condition.test = text->starts_with('~') ? Condition::Test::Regex : Condition::Test::Equals;
            condition.value = text->substr(text->starts_with('~') ? 1 : 0);
            condition.place = value.place;
            if (condition.test == Condition::Test::Regex && condition.value.empty()) {
                in.error(value.place, "this regular expression is empty",
                         fmt::format("that it is there at all is written {} = true", entry.key));
                continue;
            }
        } else {
            in.error(value.place,
                     fmt::format("the condition on \"{}\" must be a string, true or false", entry.key),
                     "\"value\" must be equal, \"~expression\" must match, true = is there, false = is not");
            continue;
        }
        into.conditions.push_back(std::move(condition));
    }
}

}  // namespace

void load_networks(Loading& in, const KeyDoc& key, const Node& node, std::vector<std::string>& out) {
    in.each(key, node, [&](const Node& item) {
        auto text = in.text(key, item);
        if (!text) return;
        if (const auto network = parse_cidr(*text); !network) {
            in.error(item.place, fmt::format("\"{}\": {}", *text, network.error()),
                     "for example: \"192.0.2.0/24\", \"2001:db8::/32\", \"127.0.0.1\"");
            return;
        }
        if (std::find(out.begin(), out.end(), *text) != out.end()) {
            in.error(item.place, fmt::format("\"{}\" is listed twice", *text), "take one of the two out");
            return;
        }
        out.push_back(std::move(*text));
    });
    if (node.kind == Node::Kind::Array && node.count == 0) {
        in.error(node.place, fmt::format("\"{}\" is empty", key.name), "take it out, or name a network");
    }
}

namespace {

constexpr Key<Location> kWhenKeys[] = {
    {{.name = "header",
      .type = Type::Table,
      .example = "{ X-Version = \"2\", Upgrade = true }",
      .doc =
          "Fields that the request must have: \"value\" = it is this, \"~expression\" = it matches, true = "
          "it is there, false = it is not.",
      .forms = {.boolean = true, .text = true, .named = true}},
     conditions<Condition::Source::Header>},
    {{.name = "query",
      .type = Type::Table,
      .example = "{ debug = \"1\" }",
      .doc = "Parameters that the query must have, in the same way.",
      .forms = {.boolean = true, .text = true, .named = true}},
     conditions<Condition::Source::Query>},
    {{.name = "cookie",
      .type = Type::Table,
      .example = "{ beta = true }",
      .doc = "Cookies that the client must send, in the same way.",
      .forms = {.boolean = true, .text = true, .named = true}},
     conditions<Condition::Source::Cookie>},
    {{.name = "clients",
      .type = Type::Strings,
      .example = "[\"192.0.2.0/24\", \"::1\"]",
      .doc = "Addresses and networks, one of which the client must be in."},
     [](Loading& in, const KeyDoc& key, const Node& node, Location& into) {
         load_networks(in, key, node, into.clients);
     }},
};

void when(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    if (!read_table(in, kWhenKeys, node, "when", static_cast<Location&>(into)))
        return in.wrong_type(key, node, "a table");
    if (node.count == 0) in.error(node.place, "\"when\" is empty", "take it out, or name a condition");
}

// ---- patterns and methods

void patterns(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    if (node.kind == Node::Kind::Array && node.count == 0) {
        in.error(node.place, "\"patterns\" is empty", "for example: patterns = [\"/a/\", \"/b/\"]");
    }
    in.each(key, node, [&](const Node& item) {
        const auto text = in.text(key, item);
        Pattern pattern;
        if (text && parse_pattern(in, *text, item.place, pattern))
            into.patterns.push_back(std::move(pattern));
    });
}

void methods(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    if (node.kind == Node::Kind::Array && node.count == 0) {
        in.error(node.place, "\"methods\" is empty", "take it out: a location without it takes every method");
    }
    in.each(key, node, [&](const Node& item) {
        auto text = in.text(key, item);
        if (!text) return;
        const bool token = !text->empty() && std::all_of(text->begin(), text->end(), [](char c) {
            return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
        });
        if (*text == "*" || *text == "ALL" || *text == "ANY") {
            in.error(item.place, fmt::format("\"{}\" is not a method", *text),
                     "take \"methods\" out: a location without it takes every method");
            return;
        }
        const bool upper =
            std::none_of(text->begin(), text->end(), [](char c) { return c >= 'a' && c <= 'z'; });
        if (!token || !upper) {
            std::string up = *text;
            for (char& c : up) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
            in.error(item.place, fmt::format("\"{}\" is not a method", *text),
                     token ? fmt::format("methods are written in capitals: \"{}\"", up)
                           : std::string("for example: methods = [\"GET\", \"POST\"]"));
            return;
        }
        if (std::find(into.methods.begin(), into.methods.end(), *text) != into.methods.end()) {
            in.error(item.place, fmt::format("the method {} is listed twice", *text),
                     "take one of the two out");
            return;
        }
        into.methods.push_back(std::move(*text));
    });
}

void priority(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    if (node.kind != Node::Kind::Integer) return in.wrong_type(key, node, "an integer");
    if (node.integer < -1000 || node.integer > 1000) {
        in.error(node.place, "\"priority\" must be between -1000 and 1000", "for example: priority = 10");
        return;
    }
    into.priority = static_cast<int>(node.integer);
}

void request_headers(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    load_field_edits(in, key, node, into.own.request_headers);
}
void response_headers(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    load_field_edits(in, key, node, into.own.response_headers);
}
void error_pages(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    load_error_pages(in, key, node, into.own.error_pages);
}
void access_log(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    load_access_log(in, key, node, into.own.access_log);
}
template <void (*Load)(Loading&, const KeyDoc&, const Node&, Location&)>
void handler(Loading& in, const KeyDoc& key, const Node& node, LocationDraft& into) {
    Load(in, key, node, into);
    into.handler_place = node.place;
}

constexpr Key<LocationDraft> kKeys[] = {
    {{.name = "static",
      .type = Type::Special,
      .example = "\"/srv/www\"",
      .doc = "Answer with files: the folder that holds them, or a table with root and more.",
      .forms = {.text = true, .table = "host.location.static"}},
     handler<load_static>},
    {{.name = "proxy",
      .type = Type::Special,
      .example = "\"http://127.0.0.1:3000\"",
      .doc = "Answer with what an upstream answers: its name, the URL of a single server, or a table with "
             "upstream and more.",
      .forms = {.text = true, .table = "host.location.proxy"}},
     handler<load_proxy>},
    {{.name = "redirect",
      .type = Type::Special,
      .example = "\"https://${host}${uri}\"",
      .doc = "Send the client elsewhere: where to, or a table with to and status.",
      .forms = {.text = true, .table = "host.location.redirect"}},
     handler<load_redirect>},
    {{.name = "respond",
      .type = Type::Special,
      .example = "\"hello\"",
      .doc = "Answer with a text: the text, which may have variables; a status; or a table with status, "
             "body and content_type.",
      .forms = {.integer = true, .text = true, .table = "host.location.respond", .least = 200, .most = 599}},
     handler<load_respond>},
    {{.name = "patterns",
      .type = Type::Strings,
      .example = "[\"/a/\", \"= /b\", '~\\.png$']",
      .doc = "Further patterns beside the key; needed where the key is a name. \"/prefix\" is the beginning "
             "of a path, \"= /path\" the whole of it, \"~expression\" a regular expression, \"~*expression\" "
             "one without case. Of those that fit, an exact one comes before expressions, these before "
             "prefixes, and the longest prefix first."},
     patterns},
    {{.name = "methods",
      .type = Type::Strings,
      .example = "[\"GET\", \"POST\"]",
      .doc = "Methods that this location takes; absent = all. GET includes HEAD. Where no location takes "
             "the method, the answer is 405."},
     methods},
    {{.name = "when",
      .type = Type::Table,
      .example = "{ header = { X-Version = \"2\" } }",
      .doc = "Further conditions, all of which have to hold; otherwise the next location that fits is "
             "tried.",
      .forms = {.table = "host.location.when"}},
     when},
    {{.name = "priority",
      .type = Type::Integer,
      .standard = "0",
      .example = "10",
      .doc = "Locations of a higher priority are tried before all others, however long their patterns are.",
      .forms = {.integer = true, .least = -1000, .most = 1000}},
     priority},
    {{.name = "max_body",
      .type = Type::Size,
      .example = "\"100MiB\"",
      .doc = "The largest body of a request here; beyond it the answer is 413. Absent = as the host says."},
     field<&Location::max_body>},
    {{.name = "request_headers",
      .type = Type::Special,
      .example = "{ set = { X-Forwarded-User = \"nobody\" } }",
      .doc =
          "Changes to the fields of requests before a handler sees them: \"remove\", \"set\" and \"add\", in "
          "this order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     request_headers},
    {{.name = "response_headers",
      .type = Type::Special,
      .example = "{ add = { X-Frame-Options = \"DENY\" } }",
      .doc =
          "Changes to the fields of answers before they are sent: \"remove\", \"set\" and \"add\", in this "
          "order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     response_headers},
    {{.name = "error_pages",
      .type = Type::Special,
      .example = "{ 5xx = { redirect = \"/sorry\" } }",
      .doc = "Pages of your own for errors, by status (404) or by class of statuses (\"4xx\", \"5xx\"): the "
             "file that is the page, a URL to redirect to, or a table that says which. The nearest of "
             "location, host and server that names the status wins, and in it the status before its class.",
      .forms = {.text = true, .table = "error_pages", .named = true, .names = "^[45]([0-9][0-9]|xx)$"}},
     error_pages},
    {{.name = "access_log",
      .type = Type::Special,
      .example = "false",
      .doc = "One line for each exchange: \"stdout\", \"stderr\", a path, true (for \"stdout\"), or a table "
             "with target and format; false writes none. What a location does not say is as in its host, "
             "and what a host does not say is as in [server].",
      .forms = {.boolean = true, .text = true, .table = "access_log"}},
     access_log},
};

constexpr std::string_view kHandlers[] = {"static", "proxy", "redirect", "respond"};

bool is_handler(const Loading& in, std::string_view name) {
    if (std::find(std::begin(kHandlers), std::end(kHandlers), name) != std::end(kHandlers)) return true;
    const ModuleKey* const key = find_key(in.module_docs, KeyScope::Location, name);
    return key != nullptr && key->is_handler;
}

void check_handler(Loading& in, const Entry& entry) {
    const Entry* first = nullptr;
    for (const Entry& key : entry.node->children()) {
        if (!is_handler(in, key.key)) continue;
        if (first == nullptr) {
            first = &key;
            continue;
        }
        in.error(key.place,
                 fmt::format("this location has two handlers: \"{}\" and \"{}\"", first->key, key.key),
                 "take one of them out, or give it a location of its own",
                 Related{first->place, "the first one", {}});
    }
    if (first == nullptr && !entry.node->broken && !in.has_unknown_modules) {
        in.error(entry.place, fmt::format("the location \"{}\" does not say what answers", entry.key),
                 "add one of: static = \"/srv/www\", proxy = \"app\", redirect = \"/\", respond = \"hello\"");
    }
}

}  // namespace

void load_location(Loading& in, const Entry& entry, const Inherited& around, Host& host) {
    LocationDraft draft;
    draft.name = entry.key;
    draft.place = entry.place;
    if (is_pattern(entry.key)) {
        Pattern pattern;
        if (parse_pattern(in, entry.key, entry.place, pattern)) draft.patterns.push_back(std::move(pattern));
    }
    const auto scope = [&entry] { return fmt::format("the location \"{}\"", entry.key); };
    if (!read_table(in, kKeys, *entry.node, scope, draft)) {
        in.error(entry.node->place, fmt::format("{} must be a table", scope()),
                 "for example: { static = \"/srv/www\" }");
        return;
    }
    if (!is_pattern(entry.key) && lacks(*entry.node, "patterns")) {
        const bool is_word =
            !entry.key.empty() && std::all_of(entry.key.begin(), entry.key.end(), [](char c) {
                return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
            });
        in.error(entry.place, fmt::format("\"{}\" is a name, so this location has no pattern", entry.key),
                 is_word ? fmt::format("write the key as a pattern: \"/{}/\"; or add patterns = [\"/{}/\"]",
                                       entry.key, entry.key)
                         : std::string("patterns are \"/prefix\", \"= /exact\" and \"~expression\""));
    }
    check_handler(in, entry);
    for (const ModuleValue& value : draft.module_draft) {
        if (!value.key->is_handler) continue;
        draft.handler = ByModule{std::string(value.key->doc.name)};
        draft.handler_place = value.place;
    }
    if (!draft.module_draft.empty()) draft.module_values = std::move(draft.module_draft);
    const bool only_regex = std::all_of(draft.patterns.begin(), draft.patterns.end(),
                                        [](const Pattern& p) { return p.kind == Pattern::Kind::Regex; });
    if (const auto* proxy = std::get_if<Proxy>(&draft.handler);
        proxy != nullptr && !proxy->uri.empty() && only_regex && !draft.patterns.empty()) {
        in.error(entry.node->find("proxy")->place,
                 "a path behind the upstream replaces the prefix of the location, and an expression has none",
                 "take the path out, or write the location as a prefix");
    }
    if (const auto* files = std::get_if<Static>(&draft.handler);
        files != nullptr && files->strip_prefix && only_regex && !draft.patterns.empty()) {
        in.error(entry.node->find("static")->node->find("strip_prefix")->place,
                 "\"strip_prefix\" does nothing: an expression has no prefix",
                 "take it out, or write the location as a prefix");
    }
    const Inherited scopes = inherit(around, std::move(draft.own));
    draft.request_headers = scopes.request_headers;
    draft.response_headers = scopes.response_headers;
    draft.error_pages = scopes.error_pages;
    draft.access_log = scopes.access_log;
    // Without a handler there is an error already, and nothing that the checks of other rooms could look at.
    if (!std::holds_alternative<std::monostate>(draft.handler)) host.locations.push_back(std::move(draft));
}

std::vector<Scope> location_scope_docs() {
    return {
        scope_of({.name = "[host.\"NAME\".location.\"PATTERN\"]",
                  .path = "host.location",
                  .doc = "What answers for paths: exactly one of static, proxy, redirect and respond; and "
                         "for which requests.",
                  .frame = "[host.\"www.example.com\".location.\"/\"]\n@",
                  .beside = "proxy = \"http://127.0.0.1:3000\"",
                  .one_of = kHandlers},
                 kKeys),
        scope_of({.name = "[host.\"NAME\".location.\"PATTERN\".when]",
                  .path = "host.location.when",
                  .doc = "Conditions of a location beside path and method.",
                  .frame = "[host.\"www.example.com\".location.\"/\"]\nrespond = \"hello\"\nwhen = { @ }"},
                 kWhenKeys)};
}

}  // namespace gantry::conf
