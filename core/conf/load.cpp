#include "core/conf/load.hpp"

#include "core/conf/containment.hpp"
#include "core/conf/loading.hpp"
#include "core/conf/schema.hpp"

#include <algorithm>

namespace gantry::conf {

Shared<StaticOptions> Loading::share(StaticOptions&& options) {
    static const StaticOptions standard;
    if (options == standard) return {};
    if (!(options == *last_static_)) last_static_ = std::move(options);
    return last_static_;
}

Shared<ProxyOptions> Loading::share(ProxyOptions&& options) {
    static const ProxyOptions standard;
    if (options == standard) return {};
    if (!(options == *last_proxy_)) last_proxy_ = std::move(options);
    return last_proxy_;
}

bool Loading::read_module_key(KeyScope scope, const Entry& entry, ModuleValues& values) {
    const ModuleKey* const key = find_key(module_docs, scope, entry.key);
    if (key == nullptr) return has_unknown_modules;
    if (auto value = read_value(*this, *key, *entry.node)) values.push_back(std::move(*value));
    return true;
}

const ModuleDoc* Loading::module_named(std::string_view name) const {
    for (const ModuleDoc* doc : module_docs) {
        if (doc->name == name) return doc;
    }
    return nullptr;
}

void Loading::add_module_names(KeyScope scope, std::vector<std::string_view>& names) const {
    for (const ModuleDoc* doc : module_docs) {
        for (const ModuleKey& key : doc->keys) {
            if (key.may_stand_in(scope)) names.push_back(key.doc.name);
        }
    }
}

namespace {

struct Root {
    const Node* server = nullptr;
    const Node* log = nullptr;
    const Node* store = nullptr;
    const Node* listeners = nullptr;
    const Node* upstreams = nullptr;
    const Node* hosts = nullptr;
    const Node* tests = nullptr;
};

// "[listener.web]": how the table that `key` stands for begins.
std::string_view section_of(const KeyDoc& key) {
    for (const Scope& scope : all_scopes()) {
        if (scope.path == key.forms.table) return scope.frame.substr(0, scope.frame.find('\n'));
    }
    return key.example;
}

// A table that holds one table per name.
template <const Node* Root::* Member>
void named(Loading& in, const KeyDoc& key, const Node& node, Root& into) {
    if (node.kind == Node::Kind::Table) {
        into.*Member = &node;
        return;
    }
    in.error(node.place, fmt::format("\"{}\" must be a table", key.name),
             fmt::format("write it as a section: {}", section_of(key)));
}

void tests(Loading& in, const KeyDoc&, const Node& node, Root& into) {
    const bool is_good = node.kind == Node::Kind::Array &&
                         std::all_of(node.children().begin(), node.children().end(),
                                     [](const Entry& item) { return item.node->kind == Node::Kind::Table; });
    if (is_good) {
        into.tests = &node;
        return;
    }
    in.error(node.place, "\"test\" must be a list of tables", "write each test below a line [[test]]");
}

void open_module(Loading& in, std::string name, Place place) {
    std::vector<std::string>& names = in.settings.modules;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        in.error(place, fmt::format("the module \"{}\" is listed twice", name), "take one of the two out");
        return;
    }
    if (in.options().modules == nullptr) {
        in.has_unknown_modules = true;
    } else {
        const auto doc = in.options().modules->open(name);
        if (!doc) {
            in.error(place, doc.error().message, doc.error().hint);
            in.has_unknown_modules = true;
            return;
        }
        in.module_docs.push_back(*doc);
    }
    names.push_back(std::move(name));
}

// Before all tables that may have keys of theirs.
void modules(Loading& in, const KeyDoc& key, const Node& node, Root&) {
    in.each(key, node, [&](const Node& item) {
        auto name = in.text(key, item);
        if (!name) return;
        if (name->find('/') != name->npos) name = in.resolve(*name, item.place);
        if (name) open_module(in, std::move(*name), item.place);
    });
}

constexpr Key<Root> kKeys[] = {
    // `include` is taken out while the files are read (document.cpp); it stands here for the manual.
    {{.name = "include",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"conf.d/*.toml\"]",
      .doc = "Further files, as patterns relative to the folder of the file that this stands in: * stands "
             "for any characters, ? for one, [a-z] for one of these. A pattern may match nothing; a plain "
             "name must exist. Files are read in the order of the list, the matches of one pattern in the "
             "order of their names. All files together are one configuration: each may have any section, "
             "but a listener, an upstream or a host is defined in one file."},
     [](Loading&, const KeyDoc&, const Node&, Root&) {}},
    {{.name = "modules",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"teapot\"]",
      .doc = "Shared libraries that add to what gantry can do. A name stands for gantry-NAME.so in the "
             "folders of modules; what has a / in it is a path, relative to the folder of the file that it "
             "stands in. Their keys are keys like all others from then on. Where several have to do with a "
             "request, the order of the list is their order. A library stays loaded until gantry ends: a "
             "changed one is used after gantry upgrade."},
     modules},
    {{.name = "server",
      .type = Type::Table,
      .example = "{ workers = 4 }",
      .doc = "The process, and what all hosts share.",
      .forms = {.table = "server"}},
     named<&Root::server>},
    {{.name = "log",
      .type = Type::Table,
      .example = "{ level = \"warn\" }",
      .doc = "The error log: what gantry itself has to say.",
      .forms = {.table = "log"}},
     named<&Root::log>},
    {{.name = "store",
      .type = Type::Table,
      .example = "{ file = \"/var/lib/gantry/store.db\" }",
      .doc = "Where modules keep what is to outlive the process.",
      .forms = {.table = "store"}},
     named<&Root::store>},
    {{.name = "listener",
      .type = Type::Table,
      .example = "{ web = { address = \"127.0.0.1:8080\" } }",
      .doc = "Addresses that connections are accepted on, with their limits and deadlines. Each has a "
             "name of letters, digits, _, - and . that hosts refer to.",
      .forms = {.table = "listener", .named = true, .names = "^[A-Za-z0-9_.-]{1,64}$"}},
     named<&Root::listeners>},
    {{.name = "upstream",
      .type = Type::Table,
      .example = "{ app = { peers = [\"127.0.0.1:3000\"] } }",
      .doc = "Groups of servers that requests are passed to. Each has a name that \"proxy\" refers to.",
      .forms = {.table = "upstream", .named = true, .names = "^[A-Za-z0-9_.-]{1,64}$"}},
     named<&Root::upstreams>},
    {{.name = "host",
      .type = Type::Table,
      .example = "{ \"www.example.com\" = { location = { \"/\" = { respond = \"hello\" } } } }",
      .doc = "Virtual hosts, by the name that a request asks for: \"www.example.com\", \"*.example.com\" or "
             "\"~\" and a regular expression. The first of these that fits answers: an exact name, the "
             "longest wildcard, an expression in the order of the files, the default host of the listener.",
      .forms = {.table = "host", .named = true}},
     named<&Root::hosts>},
    {{.name = "test",
      .type = Type::Special,
      .example = "[{ request = \"GET http://www.example.com/\", expect = { location = \"/\" } }]",
      .doc = "Requests with what is expected of their answers: a configuration whose tests fail is refused. "
             "Each one stands below a line [[test]] of its own, in any file.",
      .forms = {.list = true, .table = "test"}},
     tests},
};

void load_tree(Loading& in, const Node& root) {
    Root tables;
    read_table(in, kKeys, root, "", tables);
    if (tables.server != nullptr) load_server(in, *tables.server);
    if (tables.log != nullptr) load_log(in, *tables.log);
    if (tables.store != nullptr) load_store(in, *tables.store);
    if (tables.listeners != nullptr) {
        for (const Entry& entry : tables.listeners->children()) load_listener(in, entry);
    }
    if (tables.upstreams != nullptr) {
        for (const Entry& entry : tables.upstreams->children()) load_upstream(in, entry);
    }
    if (tables.hosts != nullptr) {
        in.settings.hosts.reserve(tables.hosts->count);
        for (const Entry& entry : tables.hosts->children()) load_host(in, entry);
    }
    if (tables.tests != nullptr) {
        for (const Entry& item : tables.tests->children()) load_test(in, *item.node);
    }
    check_listeners(in);
    check_hosts(in);
    in.settings.upstreams.shrink_to_fit();
}

// What the rooms above have found without building anything.
void contain_rest(Loading& in) {
    in.diagnostics().contain([&](const Diagnostic& one) -> std::optional<std::vector<std::string>> {
        const auto hosts = in.diagnostics().containment()->hosts_of(in.settings, one.place, one.cause);
        return hosts ? std::optional(names_of(in.settings, *hosts)) : std::nullopt;
    });
}

Loaded finish(Document& document, Diagnostics diagnostics, const LoadOptions& options, Inputs& inputs) {
    Loaded out;
    {
        Loading in(document.sources, diagnostics, options, inputs);
        // Where the main file is missing, the rest of what could be said is noise.
        if (document.sources.names().size() != 1 || diagnostics.errors() == 0 ||
            document.tree.root().count != 0) {
            in.is_partial = !document.sections.broken.empty() || !document.sections.unread.empty();
            load_tree(in, document.tree.root());
        }
        in.settings.files = document.sources.names();
        contain(in, std::move(document.sections));
        if (in.is_partial) check_listeners(in);
        document.tree.clear();  // before the rooms above build from the settings: both need much memory
        if (options.verify) options.verify(in.settings, diagnostics);
        if (!in.settings.files.empty()) contain_rest(in);
        const std::size_t contained = diagnostics.contained();
        const bool refused = diagnostics.errors() > 0 || (contained > 0 && !options.contain) ||
                             (options.strict && diagnostics.warnings() + contained > 0);
        if (!refused) out.settings = std::move(in.settings);
    }
    diagnostics.finish(document.sources);
    out.diagnostics = std::move(diagnostics);
    return out;
}

Inputs inputs_of(const LoadOptions& options) {
    return Inputs(options.environment, options.replayed, options.recorded);
}

}  // namespace

Scope root_scope_doc() {
    return scope_of(
        {.name = "the top level", .doc = "The sections, and what stands before the first one.", .frame = "@"},
        kKeys);
}

Loaded load(const std::string& path, const LoadOptions& options) {
    Document document;
    Diagnostics diagnostics;
    Inputs inputs = inputs_of(options);
    read_document(path, options.overlay, inputs, document, diagnostics);
    return finish(document, std::move(diagnostics), options, inputs);
}

Loaded load_text(const std::string& name, std::string text, const LoadOptions& options) {
    Document document;
    Diagnostics diagnostics;
    Inputs inputs = inputs_of(options);
    read_document_text(name, std::move(text), inputs, document, diagnostics);
    return finish(document, std::move(diagnostics), options, inputs);
}

}  // namespace gantry::conf
