// [server] and [log].
#include "core/conf/loading.hpp"

#include <algorithm>
#include <grp.h>
#include <pwd.h>
#include <sys/un.h>

namespace gantry::conf {
namespace {

struct ServerDraft : Server {
    Own own;
    static constexpr KeyScope kKeyScope = KeyScope::Server;
    ModuleValues module_draft;
};

constexpr std::string_view kAuto[] = {"auto"};
constexpr std::string_view kStreams[] = {"stderr", "stdout"};
constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error", "critical", "off"};

void workers(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    if (node.kind == Node::Kind::String && node.text == "auto") {
        into.workers = 0;
    } else if (node.kind == Node::Kind::String) {
        in.error(node.place, fmt::format("\"workers\" cannot be \"{}\"", node.text),
                 "write workers = \"auto\", or a number without quotes");
    } else {
        in.read(key, node, into.workers);
    }
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
}

void user(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    auto name = in.text(key, node);
    if (!name) return;
    if (!is_number(*name) && (name->empty() || ::getpwnam(name->c_str()) == nullptr)) {
        in.error(node.place, fmt::format("there is no user \"{}\" on this machine", *name),
                 name->empty() ? "take \"user\" out, or name an account"
                               : fmt::format("make it: useradd --system {}", *name));
        return;
    }
    into.user = std::move(*name);
}

void group(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    auto name = in.text(key, node);
    if (!name) return;
    if (!is_number(*name) && (name->empty() || ::getgrnam(name->c_str()) == nullptr)) {
        in.error(node.place, fmt::format("there is no group \"{}\" on this machine", *name),
                 name->empty() ? "take \"group\" out: then it is that of the user"
                               : fmt::format("make it: groupadd --system {}", *name));
        return;
    }
    into.group = std::move(*name);
}

void control(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    if (node.kind == Node::Kind::Boolean) {
        into.control.is_enabled = node.integer != 0;
        return;
    }
    if (node.kind != Node::Kind::String) {
        in.wrong_type(key, node, "a path, true or false");
        return;
    }
    const auto text = in.text(key, node);
    const auto path = text ? in.resolve(*text, node.place) : std::nullopt;
    if (!path) return;
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    if (path->size() > kLongest) {
        in.error(node.place, fmt::format("the path of \"control\" has more than {} bytes", kLongest),
                 "choose a shorter one: the system allows no longer path for a socket");
        return;
    }
    into.control.path = *path;
}

void fail_open(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    std::vector<std::string_view> known;
    for (const ModuleDoc* doc : in.module_docs) known.push_back(doc->name);
    in.each(key, node, [&](const Node& item) {
        auto name = in.text(key, item);
        if (!name) return;
        if (!in.has_unknown_modules && std::find(known.begin(), known.end(), *name) == known.end()) {
            std::string hint = did_you_mean(*name, known);
            if (hint.empty()) hint = fmt::format("add it to the list: modules = [\"{}\"]", *name);
            in.error(item.place, fmt::format("\"{}\" is none of the modules", *name), std::move(hint));
            return;
        }
        into.fail_open.push_back(std::move(*name));
    });
}

void request_headers(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    load_field_edits(in, key, node, into.own.request_headers);
}
void response_headers(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    load_field_edits(in, key, node, into.own.response_headers);
}
void error_pages(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    load_error_pages(in, key, node, into.own.error_pages);
}
void access_log(Loading& in, const KeyDoc& key, const Node& node, ServerDraft& into) {
    load_access_log(in, key, node, into.own.access_log);
}

constexpr Key<ServerDraft> kServerKeys[] = {
    {{.name = "user",
      .type = Type::String,
      .example = "\"nobody\"",
      .doc =
          "Whose rights the workers have when root starts gantry, by name or number; without it, those of "
          "the account gantry. Files are read and logs written as this user, at the start as at every "
          "reload; only listening sockets are opened by root. To stay root, say \"root\". Started by anyone "
          "else, gantry stays who it is."},
     user},
    {{.name = "group",
      .type = Type::String,
      .example = "\"daemon\"",
      .doc = "The group of the workers in place of the user's own; the user's further groups stay."},
     group},
    {{.name = "workers",
      .type = Type::Integer,
      .standard = "\"auto\"",
      .example = "4",
      .doc = "Threads that serve connections; \"auto\" is one for each processor that the process may use. "
             "More than that seldom helps.",
      .min = 1,
      .max = 1024,
      .choices = kAuto},
     workers},
    {{.name = "drain_timeout",
      .type = Type::Timespan,
      .standard = "\"30s\"",
      .example = "\"1m\"",
      .doc = "How long exchanges that are under way may take to end when gantry stops or is replaced. "
             "What is left then is cut off.",
      .max = 24ull * 3600 * 1000},
     field<&Server::drain_timeout>},
    {{.name = "server_header",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether answers carry \"Server: gantry\"."},
     field<&Server::server_header>},
    {{.name = "blocking_threads",
      .type = Type::Integer,
      .standard = "4",
      .example = "8",
      .doc = "Threads for calls that block, such as reading a file that is not in memory. More of them "
             "help where a slow disk or a network file system is served.",
      .min = 1,
      .max = 256},
     field<&Server::blocking_threads>},
    {{.name = "recent_requests",
      .type = Type::Integer,
      .standard = "1024",
      .example = "8192",
      .doc = "How many finished requests each worker keeps in memory for gantry tail and gantry top, and for "
             "the report after a crash, in 256 bytes each; rounded up to a power of two. 0: none, and these "
             "commands have nothing to show.",
      .max = 1024 * 1024},
     field<&Server::recent_requests>},
    {{.name = "hook_limit",
      .type = Type::Timespan,
      .standard = "\"100ms\"",
      .example = "\"20ms\"",
      .doc =
          "How long a module may hold a worker, which serves thousands of others as well, in one go. A "
          "longer call "
          "is named in the error log, and counted by gantry modules. 0: as long as it likes. Exact to a few "
          "milliseconds.",
      .max = 60ull * 1000},
     field<&Server::hook_limit>},
    {{.name = "fail_open",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"teapot\"]",
      .doc =
          "Modules whose hooks may fail: a request goes on as if the hook that failed had nothing to say. "
          "Without it the answer is 500. Think of what a module is for: with one that decides who may, a "
          "fault lets everybody in. What answers is not passed over, and what a module refuses is no fault. "
          "Faults are in the error log, and counted by gantry modules."},
     fail_open},
    {{.name = "control",
      .type = Type::Special,
      .standard = "true",
      .example = "\"/run/gantry/control.sock\"",
      .doc =
          "The unix socket that gantry reload, status, stop and the other commands speak to, or false for "
          "none. Without it: /run/gantry/control.sock for /etc/gantry/gantry.toml, and for other files one "
          "that the commands find by themselves when given the same file.",
      .forms = {.boolean = true, .text = true}},
     control},
    {{.name = "request_headers",
      .type = Type::Special,
      .example = "{ set = { X-Site = \"${host}\" }, remove = [\"X-Debug\"] }",
      .doc =
          "Changes to the fields of requests before a handler sees them: \"remove\", \"set\" and \"add\", in "
          "this order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     request_headers},
    {{.name = "response_headers",
      .type = Type::Special,
      .example = "{ set = { X-Content-Type-Options = \"nosniff\" } }",
      .doc =
          "Changes to the fields of answers before they are sent: \"remove\", \"set\" and \"add\", in this "
          "order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     response_headers},
    {{.name = "error_pages",
      .type = Type::Special,
      .example = "{ 404 = \"https://www.example.com/not-found\" }",
      .doc = "Pages of your own for errors, by status (404) or by class of statuses (\"4xx\", \"5xx\"): the "
             "file that is the page, a URL to redirect to, or a table that says which. The nearest of "
             "location, host and server that names the status wins, and in it the status before its class.",
      .forms = {.text = true, .table = "error_pages", .named = true, .names = "^[45]([0-9][0-9]|xx)$"}},
     error_pages},
    {{.name = "access_log",
      .type = Type::Special,
      .standard = "false",
      .example = "\"stdout\"",
      .doc = "One line for each exchange: \"stdout\", \"stderr\", a path, true (for \"stdout\"), or a table "
             "with target and format; false writes none. What a location does not say is as in its host, "
             "and what a host does not say is as in [server].",
      .forms = {.boolean = true, .text = true, .table = "access_log"}},
     access_log},
};

constexpr Key<Log> kLogKeys[] = {
    {{.name = "level",
      .type = Type::Choice,
      .standard = "\"info\"",
      .example = "\"debug\"",
      .doc = "The least severe lines that are written, from \"trace\" (everything) to \"critical\"; \"off\" "
             "writes none.",
      .choices = kLevels},
     field<&Log::level>},
    {{.name = "target",
      .type = Type::Special,
      .standard = "\"stderr\"",
      .example = "\"stdout\"",
      .doc = "Where the error log goes: \"stderr\", \"stdout\" or a path, relative to the folder of the file "
             "that it stands in. Under systemd, \"stderr\" is the journal.",
      .choices = kStreams,
      .forms = {.text = true}},
     [](Loading& in, const KeyDoc& key, const Node& node, Log& into) {
         auto target = in.text(key, node);
         if (!target) return;
         if (target->empty()) {
             in.error(node.place, "\"target\" is empty", "write \"stderr\", \"stdout\" or a path");
             return;
         }
         if (*target != "stderr" && *target != "stdout") {
             if (!check_log_word(in, *target, node.place)) return;
             target = in.resolve(*target, node.place);
             if (!target || !check_log_target(in, *target, node.place)) return;
         }
         into.target = std::move(*target);
     }},
};

}  // namespace

void load_server(Loading& in, const Node& node) {
    ServerDraft draft;
    read_table(in, kServerKeys, node, "[server]", draft);
    in.server_scope = inherit(in.server_scope, std::move(draft.own));
    if (!draft.module_draft.empty()) draft.module_values = std::move(draft.module_draft);
    in.settings.server = std::move(draft);
}

void load_log(Loading& in, const Node& node) {
    read_table(in, kLogKeys, node, "[log]", in.settings.log);
}

Scope server_scope_doc() {
    return scope_of({.name = "[server]",
                     .path = "server",
                     .doc = "The process, and what all hosts share.",
                     .frame = "[server]\n@"},
                    kServerKeys);
}

Scope log_scope_doc() {
    return scope_of(
        {.name = "[log]",
         .path = "log",
         .doc = "The error log: what gantry itself has to say. Lines about requests are the access_log.",
         .frame = "[log]\n@"},
        kLogKeys);
}

}  // namespace gantry::conf
