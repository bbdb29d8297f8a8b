#include "core/conf/containment.hpp"

#include "core/conf/loading.hpp"

#include <algorithm>

namespace gantry::conf {
namespace {

bool is_same(const Place& a, const Place& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column;
}

bool is_global(std::string_view kind) {
    return kind == "server" || kind == "log" || kind == "store" || kind == "listener" || kind == "modules";
}

bool uses(const Settings& settings, const Host& host, std::string_view upstream) {
    return std::any_of(host.locations.begin(), host.locations.end(), [&](const Location& location) {
        const auto* proxy = std::get_if<Proxy>(&location.handler);
        return proxy != nullptr && settings.upstreams[proxy->upstream].name == upstream;
    });
}

template <class Is>
Containment::Hosts select(const Settings& settings, const Is& is) {
    Containment::Hosts out;
    for (std::uint32_t i = 0; i < settings.hosts.size(); ++i) {
        if (is(settings.hosts[i])) out.push_back(i);
    }
    return out;
}

}  // namespace

bool Containment::is_shared(Place place) const {
    return place.file == sections_.overlay ||
           std::find(shared_files_.begin(), shared_files_.end(), place.file) != shared_files_.end() ||
           std::any_of(shared_includes_.begin(), shared_includes_.end(),
                       [&](const Place& shared) { return is_same(shared, place); });
}

bool Containment::is_of_file(Place place) const {
    return sections_.is_broken(place.file) ||
           std::any_of(sections_.unread.begin(), sections_.unread.end(),
                       [&](const Sections::Unread& file) { return is_same(file.place, place); });
}

std::optional<Containment::Hosts> Containment::hosts_of(const Settings& settings, Place place,
                                                        Cause cause) const {
    if (place.line == 0 || is_shared(place)) return std::nullopt;
    const auto of_file = [&](const Host& host) { return host.place.file == place.file; };
    if (sections_.is_broken(place.file)) return select(settings, of_file);
    if (is_of_file(place)) {
        return select(settings, [&](const Host& host) { return is_same(host.place, place); });
    }
    const bool is_included = place.file != 0;
    if (!is_included && cause == Cause::Text) return std::nullopt;
    const Section section = sections_.find(place);
    if (section.kind == "host") {
        return select(settings, [&](const Host& host) { return of_file(host) && host.name == section.name; });
    }
    if (section.kind == "upstream") {
        return select(settings, [&](const Host& host) { return uses(settings, host, section.name); });
    }
    // An unknown section is a mistake of its file as a whole.
    if (is_included && !is_global(section.kind) && section.kind != "test") return select(settings, of_file);
    return std::nullopt;
}

std::vector<std::string> names_of(const Settings& settings, const Containment::Hosts& hosts) {
    std::vector<std::string> out;
    for (const std::uint32_t host : hosts) out.push_back(settings.hosts[host].name);
    return out;
}

// ---- hosts of files that were not understood

namespace {

// Puts hosts into the settings that answer 503 in the place of those that a file seems to have, so that their
// requests do not go to somebody else's.
class Substitutes {
public:
    Substitutes(Loading& in, const Settings* before) : in_(in), before_(before) {}

    // What was served from this file so far has listeners.
    bool has_listeners(const std::string& path) const {
        return before_ != nullptr &&
               std::any_of(before_->listeners.begin(), before_->listeners.end(),
                           [&](const Listener& listener) { return file_of(listener.place) == path; });
    }

    void add_known(const std::string& path, Place place) {
        if (before_ == nullptr) return;
        for (const Host& host : before_->hosts) {
            if (file_of(host.place) == path) add(host.name, place);
        }
    }

    void add(std::string_view name, Place place) {
        const Host* const known = find(before_, name);
        Host* host = const_cast<Host*>(find(&in_.settings, name));
        if (host == nullptr) {
            Host fresh = make(name, place, known);
            if (fresh.names.empty()) return;
            in_.settings.hosts.push_back(std::move(fresh));
            host = &in_.settings.hosts.back();
        } else if (known != nullptr) {
            for (const HostName& one : known->names) take(*host, one);
        }
        if (known != nullptr)
            keep_default(*known, static_cast<std::size_t>(host - in_.settings.hosts.data()));
    }

private:
    std::string_view file_of(Place place) const {
        return place.file < before_->files.size() ? std::string_view(before_->files[place.file]) : "";
    }
    static const Host* find(const Settings* settings, std::string_view name) {
        if (settings == nullptr) return nullptr;
        const auto found = std::find_if(settings->hosts.begin(), settings->hosts.end(),
                                        [&](const Host& host) { return host.name == name; });
        return found == settings->hosts.end() ? nullptr : &*found;
    }

    Host make(std::string_view name, Place place, const Host* known) {
        Host host;
        host.name = name;
        host.place = place;
        for (std::size_t i = 0; i < in_.settings.listeners.size(); ++i) {
            const bool was_on =
                known == nullptr ||
                std::any_of(known->listeners.begin(), known->listeners.end(), [&](std::size_t l) {
                    return before_->listeners[l].name == in_.settings.listeners[i].name;
                });
            if (was_on) host.listeners.push_back(i);
        }
        Diagnostics nobody;  // what is wrong with the name is the least of it
        Inputs nothing;
        Loading scratch(in_.sources(), nobody, in_.options(), nothing);
        HostName parsed;
        if (parse_host_name(scratch, name, place, parsed)) take(host, parsed);
        if (known != nullptr) {
            for (const HostName& one : known->names) take(host, one);
        }
        return host;
    }

    // A name that no other host has.
    void take(Host& into, HostName name) {
        const auto has = [&](const Host& host) {
            return std::any_of(host.names.begin(), host.names.end(), [&](const HostName& other) {
                return other.kind == name.kind && other.text == name.text;
            });
        };
        if (has(into) || std::any_of(in_.settings.hosts.begin(), in_.settings.hosts.end(), has)) return;
        name.place = into.place;
        into.names.push_back(std::move(name));
    }

    // Nobody else begins to answer for names that no host has.
    void keep_default(const Host& known, std::size_t host) {
        for (const Listener& old : before_->listeners) {
            if (!old.default_host || &before_->hosts[*old.default_host] != &known) continue;
            for (Listener& listener : in_.settings.listeners) {
                if (listener.name != old.name) continue;
                const bool is_asked =
                    listener.default_host && in_.settings.hosts[*listener.default_host].is_default;
                if (!is_asked) listener.default_host = host;
            }
        }
    }

    Loading& in_;
    const Settings* before_;
};

void find_substitutes(Loading& in, Containment& containment) {
    Substitutes substitutes(in, in.options().before);
    for (const std::uint32_t file : containment.sections().broken) {
        const std::string& path = in.sources().names()[file];
        bool has_hosts = false;
        bool is_shared = substitutes.has_listeners(path);
        for (const ScannedSection& found : scan_sections(in.sources().text(file))) {
            is_shared |= is_global(found.section.kind);
            if (found.section.kind != "host" || found.section.name.empty()) continue;
            has_hosts = true;
            substitutes.add(found.section.name, {file, found.line, 1});
        }
        if (!has_hosts) substitutes.add_known(path, {file, 1, 1});
        if (is_shared) containment.share(file);
    }
    for (const Sections::Unread& unread : containment.sections().unread) {
        substitutes.add_known(unread.path, unread.place);
        if (substitutes.has_listeners(unread.path)) containment.share(unread);
    }
}

}  // namespace

void contain(Loading& in, Sections sections) {
    const auto containment = std::make_shared<Containment>(std::move(sections));
    find_substitutes(in, *containment);
    in.diagnostics().contain([&](const Diagnostic& one) -> std::optional<std::vector<std::string>> {
        const auto hosts = containment->hosts_of(in.settings, one.place, one.cause);
        if (!hosts) return std::nullopt;
        for (const std::uint32_t host : *hosts)
            in.settings.hosts[host].faults.push_back({one.place, one.message, one.hint});
        if (hosts->empty() && containment->is_of_file(one.place))
            in.settings.faults.push_back({one.place, one.message, one.hint});
        return names_of(in.settings, *hosts);
    });
    for (Host& host : in.settings.hosts) {
        // Where it was to be is what went wrong: its requests are not for the others there either.
        if (host.faults.empty() || !host.listeners.empty()) continue;
        for (std::size_t i = 0; i < in.settings.listeners.size(); ++i) host.listeners.push_back(i);
    }
    in.diagnostics().set_containment(containment);
}

}  // namespace gantry::conf
