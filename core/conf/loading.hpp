// One load under way: the reader, the settings made so far, and what later tables look up in earlier ones.
// Private to the load_*.cpp of this room.
#pragma once

#include "core/base/field_syntax.hpp"
#include "core/conf/module_keys.hpp"
#include "core/conf/reader.hpp"
#include "core/conf/sections.hpp"

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::conf {

// What server, host and location all may set, and hand down.
struct Inherited {
    Shared<FieldEdits> request_headers;
    Shared<FieldEdits> response_headers;
    Shared<std::vector<ErrorPage>> error_pages;
    Shared<AccessLog> access_log;
};

// The same as one scope says it; absent = as the scope around it.
struct Own {
    std::optional<FieldEdits> request_headers;
    std::optional<FieldEdits> response_headers;
    std::optional<std::vector<ErrorPage>> error_pages;
    std::optional<AccessLog> access_log;
};

class Loading : public Reader {
public:
    using Reader::Reader;

    Settings settings;
    Inherited server_scope;
    std::unordered_map<std::string, std::size_t> listeners;  // by name, into settings.listeners
    std::unordered_map<std::string, std::size_t> upstreams;  // by name; inline ones by their URL
    std::vector<bool> upstream_used;
    bool is_partial = false;  // there are files that were not read, or not understood

    // Of the modules in the order of the list.
    std::vector<const ModuleDoc*> module_docs;
    // There are modules, whose keys are not known.
    bool has_unknown_modules = false;
    // False: no module has that key there. Adds its value to `values`.
    bool read_module_key(KeyScope scope, const Entry& entry, ModuleValues& values);
    void add_module_names(KeyScope scope, std::vector<std::string_view>& names) const;
    // Null: no module that is loaded has that name.
    const ModuleDoc* module_named(std::string_view name) const;

    // Something that is referred to, and is not there.
    void missing(Place place, std::string message, std::string hint) {
        // It may be in what was not understood.
        if (is_partial) return diagnostics().environment_error(place, std::move(message), std::move(hint));
        error(place, std::move(message), std::move(hint));
    }

    // The shared form of options; one that equals the last one that was made is that one.
    Shared<StaticOptions> share(StaticOptions&& options);
    Shared<ProxyOptions> share(ProxyOptions&& options);

private:
    Shared<StaticOptions> last_static_;
    Shared<ProxyOptions> last_proxy_;
};

template <auto Member, class T>
void field(Loading& in, const KeyDoc& key, const Node& node, T& into) {
    in.read(key, node, into.*Member);
}

template <class T, std::size_t N, class ScopeName>
bool read_table(Loading& in, const Key<T> (&keys)[N], const Node& table, const ScopeName& scope, T& into) {
    if (table.kind != Node::Kind::Table) return false;
    for (const Entry& entry : table.children()) {
        const Key<T>* found = nullptr;
        for (const Key<T>& key : keys) {
            if (key.doc.name == entry.key) found = &key;
        }
        if (found != nullptr) {
            found->apply(in, found->doc, *entry.node, into);
            continue;
        }
        if constexpr (requires { T::kKeyScope; }) {
            if (in.read_module_key(T::kKeyScope, entry, into.module_draft)) continue;
        }
        table.broken = true;
        std::vector<std::string_view> names;
        for (const Key<T>& key : keys) names.push_back(key.doc.name);
        if constexpr (requires { T::kKeyScope; }) in.add_module_names(T::kKeyScope, names);
        if constexpr (std::is_invocable_v<const ScopeName&>) {
            in.unknown_key(entry, scope(), names);
        } else {
            in.unknown_key(entry, scope, names);
        }
    }
    return true;
}

// `table` does not have `key`, and not because of another mistake that is reported already.
inline bool lacks(const Node& table, std::string_view key) {
    return !table.broken && table.find(key) == nullptr;
}

// ---- one function per table; load.cpp calls them in this order

void load_server(Loading& in, const Node& node);
void load_log(Loading& in, const Node& node);
void load_store(Loading& in, const Node& node);
// For the names of listeners and upstreams.
void check_name(Loading& in, const Entry& entry, std::string_view kind);
void load_listener(Loading& in, const Entry& entry);
void load_upstream(Loading& in, const Entry& entry);
void load_host(Loading& in, const Entry& entry);
// `key` and `host_node` are of the host that it belongs to.
void load_location(Loading& in, const Entry& entry, const Inherited& around, Host& host);

// One of the array, behind the hosts, listeners and upstreams that it names.
void load_test(Loading& in, const Node& node);

// ---- handlers

void load_static(Loading& in, const KeyDoc& key, const Node& node, Location& into);
void load_proxy(Loading& in, const KeyDoc& key, const Node& node, Location& into);
void load_redirect(Loading& in, const KeyDoc& key, const Node& node, Location& into);
void load_respond(Loading& in, const KeyDoc& key, const Node& node, Location& into);

// ---- values that several tables have

void load_field_edits(Loading& in, const KeyDoc& key, const Node& node, std::optional<FieldEdits>& out);
void load_error_pages(Loading& in, const KeyDoc& key, const Node& node,
                      std::optional<std::vector<ErrorPage>>& out);
void load_access_log(Loading& in, const KeyDoc& key, const Node& node, std::optional<AccessLog>& out);
// Where a client is sent to: a path or a URL, perhaps with variables. Reports what is wrong.
bool check_redirect(Loading& in, const Template& target);
Inherited inherit(const Inherited& around, Own own);

// `unix:/path`, `host:port`, a URL; reports what is wrong. `text` has been interpolated.
bool parse_listener_address(Loading& in, std::string_view text, Place place, std::vector<Address>& out);
bool parse_peer_address(Loading& in, std::string_view text, Place place, Peer& out);
// Index of the upstream for "http://host:port" or "https://…"; `uri` gets the path.
std::optional<std::size_t> inline_upstream(Loading& in, const std::string& url, Place place,
                                           std::string& uri);
// A list of addresses and networks, checked.
void load_networks(Loading& in, const KeyDoc& key, const Node& node, std::vector<std::string>& out);

// Without brackets and port.
bool is_ip_address(const std::string& text);

bool parse_host_name(Loading& in, std::string_view text, Place place, HostName& out);
bool parse_pattern(Loading& in, std::string_view text, Place place, Pattern& out);
bool is_pattern(std::string_view text);

// ---- files that settings name

// Certificate and Secret are left to others where LoadOptions::contain is set.
enum class FileUse { Public, Certificate, Secret };
// Reports a file that is not there, not a regular file, not readable or, for a secret, readable by everyone.
bool check_file(Loading& in, const std::string& path, Place place, std::string_view what, FileUse use);
bool check_folder(Loading& in, const std::string& path, Place place, std::string_view what);
// For a log: words that are meant otherwise than as the name of a file.
bool check_log_word(Loading& in, std::string_view target, Place place);
// Its folder must exist.
bool check_log_target(Loading& in, const std::string& path, Place place);

// ---- over all tables, last

void check_hosts(Loading& in);
void check_locations(Loading& in, const Host& host);
void check_loops(Loading& in);
void check_listeners(Loading& in);

// Contains what reading and loading have found (containment.hpp): gives the hosts that are concerned their
// faults, and puts hosts into the settings that answer for those of files that were not understood.
void contain(Loading& in, Sections sections);

// ---- for the manual

Scope root_scope_doc();
Scope server_scope_doc();
Scope log_scope_doc();
Scope store_scope_doc();
std::vector<Scope> listener_scope_docs();
std::vector<Scope> upstream_scope_docs();
Scope host_scope_doc();
std::vector<Scope> certificate_scope_docs();
std::vector<Scope> location_scope_docs();
std::vector<Scope> static_scope_docs();
std::vector<Scope> proxy_scope_docs();
std::vector<Scope> answer_scope_docs();
std::vector<Scope> shared_scope_docs();
std::vector<Scope> test_scope_docs();

}  // namespace gantry::conf
