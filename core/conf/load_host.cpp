// [host."NAME"]: its names, listeners and certificates.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>
#include <unistd.h>

namespace gantry::conf {
namespace {

struct HostDraft : Host {
    Own own;
    static constexpr KeyScope kKeyScope = KeyScope::Host;
    ModuleValues module_draft;
    const Node* location_table = nullptr;
};

constexpr std::string_view kSelfSigned[] = {"self-signed"};
constexpr std::string_view kSlashes[] = {"keep", "reject", "decode"};

// ---- certificates

void certificate_file(Loading& in, const KeyDoc& key, const Node& node, Certificate& into) {
    into.place = node.place;
    if (in.read(key, node, into.certificate_file)) {
        into.is_complained_of |=
            !check_file(in, into.certificate_file, node.place, "the certificate", FileUse::Certificate);
    }
}

void key_file(Loading& in, const KeyDoc& key, const Node& node, Certificate& into) {
    into.key_place = node.place;
    if (in.read(key, node, into.key_file)) {
        into.is_complained_of |= !check_file(in, into.key_file, node.place, "the key", FileUse::Secret);
    }
}

void ocsp_file(Loading& in, const KeyDoc& key, const Node& node, Certificate& into) {
    into.ocsp_place = node.place;
    if (in.read(key, node, into.ocsp_file)) {
        into.is_complained_of |=
            !check_file(in, into.ocsp_file, node.place, "the OCSP answer", FileUse::Certificate);
    }
}

constexpr Key<Certificate> kCertificateKeys[] = {
    {{.name = "certificate",
      .type = Type::Path,
      .example = "\"www.example.com.pem\"",
      .doc = "A file with the certificate (PEM, the host's own first) and those between it and the "
             "authority.",
      .need = Need::Required,
      .beside = "key = \"www.example.com.key\""},
     certificate_file},
    {{.name = "key",
      .type = Type::Path,
      .example = "\"www.example.com.key\"",
      .doc = "A file with the private key (PEM), which others must not be able to read. Absent: the key "
             "is in the file of the certificate."},
     key_file},
    {{.name = "ocsp",
      .type = Type::Path,
      .example = "\"www.example.com.ocsp\"",
      .doc = "A file with an answer of the authority's OCSP service (DER), which is stapled to handshakes "
             "while it holds."},
     ocsp_file},
};

// "acme": as modules are called, and files hardly are.
bool is_like_module(std::string_view text) {
    const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
    return !text.empty() && is_small(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_small(c) || is_digit(c) || c == '-';
    });
}

std::string remedy_for_module(const Loading& in, std::string_view name) {
    std::vector<std::string_view> known;
    for (const ModuleDoc* doc : in.module_docs) {
        if (doc->offers_certificates) known.push_back(doc->name);
    }
    std::string hint = did_you_mean(name, known);
    if (hint.empty()) hint = fmt::format("add it to the list: modules = [\"{}\"]", name);
    return hint +
           fmt::format("; or name a file, which is written \"./{}\" where it is called like that", name);
}

// Whether the name of a module stands here, in the place of a file.
bool is_module(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    const auto name = in.text(key, node);
    if (!name) return true;  // which was reported
    if (!is_like_module(*name)) return false;
    const ModuleDoc* const doc = in.module_named(*name);
    if (doc == nullptr) {
        const auto path = in.resolve(*name, node.place);
        if (path && ::access(path->c_str(), F_OK) == 0) return false;
        if (!in.has_unknown_modules) {
            in.error(node.place,
                     fmt::format("there is no module \"{}\" to offer certificates, and no such file", *name),
                     remedy_for_module(in, *name));
        }
    } else if (!doc->offers_certificates) {
        in.error(node.place, fmt::format("the module \"{}\" offers no certificates", *name),
                 fmt::format(
                     "name one that does, or a file, which is written \"./{}\" where it is called like that",
                     *name));
    }
    into.certificate_module = *name;
    into.certificate_place = node.place;
    return true;
}

void certificate_item(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    Certificate draft;
    draft.place = node.place;
    draft.key_place = node.place;
    if (node.kind == Node::Kind::String) {
        if (node.text == "self-signed") {
            into.self_signed = true;
            return;
        }
        if (is_module(in, key, node, into)) return;
        if (!in.read(key, node, draft.certificate_file)) return;
        // One file with both is as secret as the key in it.
        draft.is_complained_of =
            !check_file(in, draft.certificate_file, node.place, "the certificate", FileUse::Secret);
        draft.key_file = draft.certificate_file;
    } else if (!read_table(in, kCertificateKeys, node, "certificate", draft)) {
        in.wrong_type(key, node, "a path, a table or a list of them");
        return;
    } else if (const Entry* certificate = node.find("certificate"); certificate == nullptr) {
        in.error(node.place, "this table has no \"certificate\"",
                 "for example: { certificate = \"www.pem\", key = \"www.key\" }");
        return;
    } else if (node.find("key") == nullptr && !draft.certificate_file.empty()) {
        draft.is_complained_of |= !check_file(in, draft.certificate_file, certificate->node->place,
                                              "the certificate", FileUse::Secret);
        draft.key_file = draft.certificate_file;
        draft.key_place = draft.place;
    }
    if (draft.certificate_file.empty() || draft.key_file.empty()) return;
    for (const Certificate& other : into.certificates) {
        if (other.certificate_file != draft.certificate_file || other.key_file != draft.key_file) continue;
        in.error(node.place, "this certificate is listed twice", "take one of the two out",
                 Related{other.place, "first listed here", {}});
        return;
    }
    into.certificates.push_back(std::move(draft));
}

void certificate(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    if (node.kind == Node::Kind::Array) {
        if (node.count == 0) in.error(node.place, "\"certificate\" is empty", "take it out, or name a file");
        for (const Entry& item : node.children()) {
            KeyDoc each = key;
            each.type = Type::Path;
            certificate_item(in, each, *item.node, into);
        }
        if (into.self_signed && node.count > 1) {
            in.error(node.place, "\"self-signed\" does nothing beside a certificate",
                     "take one of the two out");
        }
        if (!into.certificate_module.empty() && node.count > 1) {
            in.error(into.certificate_place, "a module that offers certificates stands alone",
                     fmt::format("write certificate = \"{}\", or the files", into.certificate_module));
        }
    } else {
        KeyDoc one = key;
        one.type = Type::Path;
        certificate_item(in, one, node, into);
    }
}

// ---- names and listeners

void names(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    in.each(key, node, [&](const Node& item) {
        const auto text = in.text(key, item);
        HostName name;
        if (!text || !parse_host_name(in, *text, item.place, name)) return;
        for (const HostName& other : into.names) {
            if (other.kind != name.kind || other.text != name.text) continue;
            in.error(item.place, fmt::format("the name \"{}\" is already a name of this host", *text),
                     "take it out: the key of the host is its first name",
                     Related{other.place, "first named here", {}});
            return;
        }
        into.names.push_back(std::move(name));
    });
}

void listeners(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    if (node.kind == Node::Kind::Array && node.count == 0) {
        in.error(node.place, "\"listeners\" is empty: this host could never be reached",
                 "name a listener, or leave it out: a host without \"listeners\" is on all of them");
    }
    in.each(key, node, [&](const Node& item) {
        const auto name = in.text(key, item);
        if (!name) return;
        const auto found = in.listeners.find(*name);
        if (found == in.listeners.end()) {
            std::vector<std::string_view> known;
            for (const Listener& listener : in.settings.listeners) known.push_back(listener.name);
            std::string hint = did_you_mean(*name, known);
            if (hint.empty()) hint = fmt::format("define it: [listener.{}]", *name);
            in.missing(item.place, fmt::format("there is no listener \"{}\"", *name), std::move(hint));
            return;
        }
        if (std::find(into.listeners.begin(), into.listeners.end(), found->second) != into.listeners.end()) {
            in.error(item.place, fmt::format("the listener \"{}\" is listed twice", *name),
                     "take one of the two out");
            return;
        }
        into.listeners.push_back(found->second);
    });
}

void locations(Loading& in, const KeyDoc&, const Node& node, HostDraft& into) {
    if (node.kind == Node::Kind::Table) {
        into.location_table = &node;
        return;
    }
    in.error(node.place, "\"location\" must be a table",
             "write it as a section: [host.\"www.example.com\".location.\"/\"]");
}

void request_headers(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    load_field_edits(in, key, node, into.own.request_headers);
}
void response_headers(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    load_field_edits(in, key, node, into.own.response_headers);
}
void error_pages(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    load_error_pages(in, key, node, into.own.error_pages);
}
void access_log(Loading& in, const KeyDoc& key, const Node& node, HostDraft& into) {
    load_access_log(in, key, node, into.own.access_log);
}

constexpr Key<HostDraft> kKeys[] = {
    {{.name = "names",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"example.com\", \"*.example.org\"]",
      .doc = "Further names beside the key: exact, \"*.example.com\" for everything below a name, or \"~\" "
             "and a regular expression, whose named groups are variables in the host's locations."},
     names},
    {{.name = "listeners",
      .type = Type::Strings,
      .example = "[\"web\"]",
      .doc = "The names of the listeners that this host is on; absent = all."},
     listeners},
    {{.name = "default",
      .type = Type::Boolean,
      .standard = "false",
      .example = "true",
      .doc = "Whether this host answers for names that no host has. Where none says so it is the first "
             "host of the listener."},
     field<&Host::is_default>},
    {{.name = "certificate",
      .type = Type::Special,
      .example = "\"self-signed\"",
      .doc = "What the host shows on listeners with tls: a PEM file with certificate and key; a table "
             "with certificate, key and ocsp; a list of these, for RSA and ECDSA together; the name of a "
             "module that offers certificates; or \"self-signed\". Files that change are loaded anew by "
             "themselves. Until a module has offered one, a name shows a placeholder that is self-signed.",
      .choices = kSelfSigned,
      .forms = {.text = true, .list = true, .table = "host.certificate"}},
     certificate},
    {{.name = "max_body",
      .type = Type::Size,
      .standard = "\"1GiB\"",
      .example = "\"10MiB\"",
      .doc = "The largest body of a request; beyond it the answer is 413. A location may say otherwise."},
     field<&Host::max_body>},
    {{.name = "encoded_slash",
      .type = Type::Choice,
      .standard = "\"keep\"",
      .example = "\"reject\"",
      .doc = "What becomes of %2F in a path: it is kept as it is, refused with 400, or decoded. Decoded, "
             "a name with / in it cannot be told from a folder.",
      .choices = kSlashes},
     field<&Host::encoded_slash>},
    {{.name = "merge_slashes",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether // in a path counts as /, for choosing a location and for files."},
     field<&Host::merge_slashes>},
    {{.name = "request_headers",
      .type = Type::Special,
      .example = "{ remove = [\"Cookie\"] }",
      .doc =
          "Changes to the fields of requests before a handler sees them: \"remove\", \"set\" and \"add\", in "
          "this order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     request_headers},
    {{.name = "response_headers",
      .type = Type::Special,
      .example = "{ set = { Strict-Transport-Security = \"max-age=31536000\" } }",
      .doc =
          "Changes to the fields of answers before they are sent: \"remove\", \"set\" and \"add\", in this "
          "order. Server, host and location add up; the nearer one has the last word on a field.",
      .forms = {.table = "request_headers"}},
     response_headers},
    {{.name = "error_pages",
      .type = Type::Special,
      .example = "{ 404 = { redirect = \"/\" } }",
      .doc = "Pages of your own for errors, by status (404) or by class of statuses (\"4xx\", \"5xx\"): the "
             "file that is the page, a URL to redirect to, or a table that says which. The nearest of "
             "location, host and server that names the status wins, and in it the status before its class.",
      .forms = {.text = true, .table = "error_pages", .named = true, .names = "^[45]([0-9][0-9]|xx)$"}},
     error_pages},
    {{.name = "access_log",
      .type = Type::Special,
      .standard = "false",
      .example = "{ target = \"stdout\", format = \"json\" }",
      .doc = "One line for each exchange: \"stdout\", \"stderr\", a path, true (for \"stdout\"), or a table "
             "with target and format; false writes none. What a location does not say is as in its host, "
             "and what a host does not say is as in [server].",
      .forms = {.boolean = true, .text = true, .table = "access_log"}},
     access_log},
    {{.name = "location",
      .type = Type::Table,
      .example = "{ \"/\" = { respond = \"hello\" } }",
      .doc = "What answers, by path. The key is a pattern: \"/prefix/\" is the beginning of a path, \"= "
             "/path\" the whole of it, \"~expression\" a regular expression, \"~*expression\" one without "
             "case; or a name, and \"patterns\" has them.",
      .forms = {.table = "host.location", .named = true}},
     locations},
};

void load_locations(Loading& in, const Entry& entry, HostDraft& draft, const Inherited& scope) {
    if (draft.location_table != nullptr && draft.location_table->count != 0) {
        draft.locations.reserve(draft.location_table->count);
        for (const Entry& location : draft.location_table->children())
            load_location(in, location, scope, draft);
        check_locations(in, draft);
    } else if (in.diagnostics().errors() == 0) {
        in.warning(entry.place,
                   fmt::format("host \"{}\" has no location: every request is answered with 404", entry.key),
                   fmt::format("add one: [host.\"{}\".location.\"/\"]", entry.key));
    }
}

// [host.www.example.com] is a host "www" with a table "example" in it.
bool is_unquoted(Loading& in, const Entry& entry) {
    std::string name(entry.key);
    if (name.find('.') != name.npos) return false;  // it was in quotes
    const Node* node = entry.node;
    if (node->kind != Node::Kind::Table || node->count != 1 || node->header) return false;
    const std::string_view below = node->entries[0].key;
    for (const Key<HostDraft>& key : kKeys) {
        if (key.doc.name == below) return false;
    }
    while (node->kind == Node::Kind::Table && !node->closed && node->count == 1 && !node->header) {
        if (node->entries[0].node->kind != Node::Kind::Table || node->entries[0].key == "location") break;
        name.append(".").append(node->entries[0].key);
        node = node->entries[0].node;
    }
    in.error(entry.place, "the name of this host is not in quotes, so its dots make tables of it",
             fmt::format("write [host.\"{}\"]", name));
    return true;
}

}  // namespace

void load_host(Loading& in, const Entry& entry) {
    if (is_unquoted(in, entry)) return;
    HostDraft draft;
    draft.name = entry.key;
    draft.place = entry.place;
    HostName name;
    if (parse_host_name(in, entry.key, entry.place, name)) draft.names.push_back(std::move(name));
    const auto scope = [&entry] { return fmt::format("[host.\"{}\"]", entry.key); };
    if (!read_table(in, kKeys, *entry.node, scope, draft)) {
        in.error(entry.place, fmt::format("{} must be a table", scope()),
                 "for example: [host.\"www.example.com\".location.\"/\"] and below it respond = \"hello\"");
        return;
    }
    if (entry.node->find("listeners") == nullptr) {
        for (std::size_t i = 0; i < in.settings.listeners.size(); ++i) draft.listeners.push_back(i);
    }
    if (!draft.module_draft.empty()) draft.module_values = std::move(draft.module_draft);
    const Inherited scopes = inherit(in.server_scope, std::move(draft.own));
    draft.request_headers = scopes.request_headers;
    draft.response_headers = scopes.response_headers;
    draft.error_pages = scopes.error_pages;
    draft.access_log = scopes.access_log;
    load_locations(in, entry, draft, scopes);
    in.settings.hosts.push_back(std::move(draft));
}

Scope host_scope_doc() {
    return scope_of({.name = "[host.\"NAME\"]",
                     .path = "host",
                     .doc = "A virtual host: what answers for a name, or for several.",
                     .frame = "[host.\"www.example.com\"]\n@"},
                    kKeys);
}

std::vector<Scope> certificate_scope_docs() {
    return {scope_of({.name = "[host.\"NAME\"] certificate",
                      .path = "host.certificate",
                      .doc = "One certificate of a host, as files.",
                      .frame = "[host.\"www.example.com\"]\ncertificate = { @ }",
                      .beside = "certificate = \"www.example.com.pem\""},
                     kCertificateKeys)};
}

}  // namespace gantry::conf
