// [[test]]: requests with what is expected of their answers.
#include "core/base/cidr.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

using What = Expectation::What;

constexpr std::string_view kHandlers[] = {"static", "proxy", "redirect", "respond"};

void add(Test& into, What what, std::string value, Place place) {
    into.expect.push_back({what, {}, std::move(value), false, place});
}

void request(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    const auto text = in.text(key, node);
    if (!text) return;
    into.place = node.place;
    const auto blank = text->find(' ');
    const auto scheme = text->find("://");
    const bool is_good = blank != text->npos && blank > 0 && scheme != text->npos && scheme > blank &&
                         text->find(' ', blank + 1) == text->npos;
    if (!is_good) {
        in.error(node.place, fmt::format("\"{}\" is not a method and a URL", *text),
                 "for example: request = \"GET https://www.example.com/\"");
        return;
    }
    into.method = text->substr(0, blank);
    into.url = text->substr(blank + 1);
}

void headers(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    for (const Entry& entry : node.children()) {
        if (!is_token(entry.key)) {
            in.error(entry.place, fmt::format("\"{}\" cannot be the name of a field", entry.key),
                     "names are made of letters, digits and -");
            continue;
        }
        auto value = in.text({.name = entry.key, .example = "\"value\""}, *entry.node);
        if (value) into.headers.emplace_back(entry.key, std::move(*value));
    }
}

void client(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    auto text = in.text(key, node);
    if (!text) return;
    IpBytes address{};
    if (*text != "unix" && !parse_ip(*text, address)) {
        in.error(node.place, fmt::format("\"{}\" is not an IP address", *text),
                 "for example: client = \"192.0.2.7\"; of a unix socket: \"unix\"");
        return;
    }
    into.client = std::move(*text);
}

template <class Known>
bool check_known(Loading& in, std::string_view kind, const std::string& name, Place place,
                 const Known& known) {
    std::vector<std::string_view> names;
    for (const auto& one : known) {
        if (one.name == name) return true;
        names.push_back(one.name);
    }
    std::string hint = did_you_mean(name, names);
    if (hint.empty()) hint = "write a name that stands in this configuration";
    in.error(place, fmt::format("there is no {} \"{}\"", kind, name), std::move(hint));
    return false;
}

void listener(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    auto name = in.text(key, node);
    if (name && check_known(in, "listener", *name, node.place, in.settings.listeners))
        into.listener = std::move(*name);
}

// ---- expect

template <What Of>
void text_of(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    if (auto text = in.text(key, node)) add(into, Of, std::move(*text), node.place);
}

void host(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    auto name = in.text(key, node);
    if (name && check_known(in, "host", *name, node.place, in.settings.hosts))
        add(into, What::Host, std::move(*name), node.place);
}

void upstream(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    auto name = in.text(key, node);
    if (name && check_known(in, "upstream", *name, node.place, in.settings.upstreams))
        add(into, What::Upstream, std::move(*name), node.place);
}

void handler(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    if (const auto index = in.choice(key, node))
        add(into, What::HandlerKind, std::string(kHandlers[*index]), node.place);
}

void file(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    std::string path;
    if (in.read(key, node, path)) add(into, What::File, std::move(path), node.place);
}

void status(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    int status = 0;
    if (in.read(key, node, status)) add(into, What::Status, std::to_string(status), node.place);
}

void header(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    for (const Entry& entry : node.children()) {
        const Node& value = *entry.node;
        if (value.kind == Node::Kind::Boolean && value.integer == 0) {
            into.expect.push_back({What::Header, std::string(entry.key), {}, true, entry.place});
        } else if (auto text = in.text({.name = entry.key, .example = "\"value\""}, value)) {
            into.expect.push_back(
                {What::Header, std::string(entry.key), std::move(*text), false, value.place});
        }
    }
}

constexpr Key<Test> kExpectKeys[] = {
    {{.name = "host",
      .type = Type::String,
      .example = "\"www.example.com\"",
      .doc = "The host that answers, by its key in the configuration."},
     host},
    {{.name = "location",
      .type = Type::String,
      .example = "\"/api/\"",
      .doc = "The location that answers, by its key in the configuration; \"\" = none does."},
     text_of<What::Location>},
    {{.name = "path",
      .type = Type::String,
      .example = "\"/a/b\"",
      .doc = "The path in normal form: decoded, without dot segments."},
     text_of<What::Path>},
    {{.name = "handler",
      .type = Type::Choice,
      .example = "\"proxy\"",
      .doc = "What answers.",
      .choices = kHandlers},
     handler},
    {{.name = "upstream",
      .type = Type::String,
      .example = "\"app\"",
      .doc = "The upstream that the request is passed to."},
     upstream},
    {{.name = "file",
      .type = Type::Path,
      .example = "\"/srv/www/index.html\"",
      .doc = "A file that is looked for; whether it is there is not tested."},
     file},
    {{.name = "status",
      .type = Type::Integer,
      .example = "301",
      .doc = "The status, where it depends neither on a file nor on a peer: of redirects, fixed answers and "
             "refusals.",
      .min = 100,
      .max = 599},
     status},
    {{.name = "header",
      .type = Type::Table,
      .example = "{ Location = \"https://www.example.com/\", X-Debug = false }",
      .doc = "Fields of such an answer: \"value\" is the value of one of that name, false = there is none.",
      .forms = {.boolean = true, .text = true, .named = true}},
     header},
};

void expect(Loading& in, const KeyDoc& key, const Node& node, Test& into) {
    if (!read_table(in, kExpectKeys, node, "expect", into)) return in.wrong_type(key, node, "a table");
    if (node.count == 0)
        in.error(node.place, "\"expect\" is empty", "for example: expect = { status = 301 }");
}

constexpr Key<Test> kKeys[] = {
    {{.name = "request",
      .type = Type::String,
      .example = "\"GET https://www.example.com/api/\"",
      .doc =
          "The method and the URL. The listener is the one with that scheme and port; without a port in the "
          "URL, and none at 80 or 443, the first of the scheme.",
      .need = Need::Required,
      .beside = "expect = { location = \"/api/\" }"},
     request},
    {{.name = "headers",
      .type = Type::Table,
      .example = "{ Cookie = \"a=b\" }",
      .doc = "Fields of the request; a Host here stands in for that of the URL.",
      .forms = {.text = true, .named = true}},
     headers},
    {{.name = "client",
      .type = Type::String,
      .standard = "\"127.0.0.1\"",
      .example = "\"192.0.2.7\"",
      .doc = "The address of the client; \"unix\" for one at a unix socket."},
     client},
    {{.name = "listener",
      .type = Type::String,
      .example = "\"web\"",
      .doc = "The listener, where scheme and port of the URL do not say it."},
     listener},
    {{.name = "expect",
      .type = Type::Table,
      .example = "{ host = \"www.example.com\", location = \"/api/\", upstream = \"app\" }",
      .doc = "What has to be so.",
      .forms = {.table = "test.expect"},
      .need = Need::Required},
     expect},
};

}  // namespace

void load_test(Loading& in, const Node& node) {
    Test test;
    test.place = node.place;
    read_table(in, kKeys, node, "[[test]]", test);
    if (lacks(node, "request")) {
        in.error(node.place, "this test has no request",
                 "add one: request = \"GET https://www.example.com/\"");
    }
    if (lacks(node, "expect")) {
        in.error(node.place, "this test expects nothing", "for example: expect = { status = 301 }");
    }
    if (!test.url.empty()) in.settings.tests.push_back(std::move(test));
}

std::vector<Scope> test_scope_docs() {
    return {
        scope_of(
            {.name = "[[test]]",
             .path = "test",
             .doc = "A request, and what is expected of its answer. Tests run in gantry check, and "
                    "before a configuration is served; one that fails is an error.",
             .frame = "[[test]]\n@",
             .beside = "request = \"GET https://www.example.com/api/\"\nexpect = { location = \"/api/\" }"},
            kKeys),
        scope_of({.name = "[[test]] expect",
                  .path = "test.expect",
                  .doc = "What has to be so, as far as no disk and no peer is asked.",
                  .frame = "[[test]]\nrequest = \"GET https://www.example.com/api/\"\nexpect = { @ }"},
                 kExpectKeys)};
}

}  // namespace gantry::conf
