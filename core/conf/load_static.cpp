// `static` of a location.
#include "core/base/text.hpp"
#include "core/conf/loading.hpp"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

namespace gantry::conf {
namespace {

struct StaticDraft : StaticOptions {
    std::string root;
    bool strip_prefix = false;
};

constexpr std::string_view kCodings[] = {"br", "zstd", "gzip"};
constexpr std::string_view kFormats[] = {"auto", "html", "json"};
constexpr std::string_view kSymlinks[] = {"deny", "beneath", "follow"};

void root(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    if (in.read(key, node, into.root)) check_folder(in, into.root, node.place, "the root");
}

// Names of files below the root.
bool check_relative(Loading& in, const KeyDoc& key, std::string_view name, Place place) {
    const bool leads_out = fmt::format("/{}/", name).find("/../") != std::string::npos;
    if (!name.empty() && !name.starts_with('/') && !name.ends_with('/') && !leads_out) return true;
    in.error(place, fmt::format("\"{}\": \"{}\" is not the name of a file below the root", key.name, name),
             fmt::format("for example: {} = {}", key.name, key.example));
    return false;
}

void index(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    std::vector<std::string> names;
    in.each(key, node, [&](const Node& item) {
        auto name = in.text(key, item);
        if (!name || !check_relative(in, key, *name, item.place)) return;
        if (std::find(names.begin(), names.end(), *name) != names.end()) {
            in.error(item.place, fmt::format("\"{}\" is listed twice", *name), "take one of the two out");
            return;
        }
        names.push_back(std::move(*name));
    });
    into.index = std::move(names);
}

void spa(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    std::string name;
    if (in.read(key, node, name) && (name.empty() || check_relative(in, key, name, node.place)))
        into.spa = std::move(name);
}

void try_files(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    std::vector<Template> entries;
    if (!in.read(key, node, entries)) return;
    if (entries.empty()) {
        in.error(node.place, "\"try_files\" is empty",
                 fmt::format("for example: try_files = {}", key.example));
        return;
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string& text = entries[i].text;
        if (text.starts_with('=')) {
            const auto status = parse_decimal(std::string_view(text).substr(1));
            if (!status || *status < 400 || *status > 599) {
                in.error(entries[i].place, fmt::format("\"{}\" is not the status of an error", text),
                         "write \"=404\", or a path");
                return;
            }
            if (i + 1 != entries.size()) {
                in.error(entries[i].place, fmt::format("what stands behind \"{}\" is never tried", text),
                         "a status is the last entry");
                return;
            }
        } else if (!text.starts_with('/') && !text.starts_with("${")) {
            in.error(entries[i].place, fmt::format("\"{}\" is not a path below the root", text),
                     "begin it with / or a variable: \"${path}\", \"/index.html\"");
            return;
        } else if (text.find("${uri}") != text.npos) {
            in.error(entries[i].place, "${uri} has the query in it, which no file has", "write ${path}");
            return;
        } else if ((text + '/').find("/../") != text.npos) {
            in.error(entries[i].place, fmt::format("\"{}\" leads out of the root", text),
                     "write the path without ..");
            return;
        }
    }
    into.try_files = std::move(entries);
}

void listing_theme(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    if (in.read(key, node, into.listing_theme)) {
        check_file(in, into.listing_theme, node.place, "the theme", FileUse::Public);
    }
}

void precompressed(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    if (node.kind == Node::Kind::Boolean) {
        into.precompressed.clear();
        if (node.integer != 0) into.precompressed = {"br", "zstd", "gzip"};
        return;
    }
    std::vector<std::string> codings;
    in.each(key, node, [&](const Node& item) {
        auto coding = in.text(key, item);
        if (!coding) return;
        if (*coding != "br" && *coding != "zstd" && *coding != "gzip") {
            std::string hint = did_you_mean(*coding, {"br", "zstd", "gzip"});
            if (hint.empty()) hint = "\"br\" (.br), \"zstd\" (.zst) and \"gzip\" (.gz) are";
            in.error(item.place, fmt::format("\"{}\" is not a coding that can be served", *coding),
                     std::move(hint));
        } else if (std::find(codings.begin(), codings.end(), *coding) != codings.end()) {
            in.error(item.place, fmt::format("\"{}\" is listed twice", *coding), "take one of the two out");
        } else {
            codings.push_back(std::move(*coding));
        }
    });
    into.precompressed = std::move(codings);
}

bool check_media_type(Loading& in, std::string_view type, Place place) {
    const auto slash = type.find('/');
    const bool printable =
        std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (slash != type.npos && slash != 0 && slash + 1 < type.size() && printable) return true;
    in.error(place, fmt::format("\"{}\" is not a media type", type), "for example: \"text/plain\"");
    return false;
}

void types(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    if (node.kind != Node::Kind::Table) return in.wrong_type(key, node, "a table");
    for (const Entry& entry : node.children()) {
        std::string type;
        if (!in.read({.name = entry.key, .example = "\"text/plain\""}, *entry.node, type)) continue;
        const auto dot = entry.key.rfind('.');
        if (entry.key.empty() || entry.key.find('/') != entry.key.npos) {
            in.error(entry.place, fmt::format("\"{}\" is not the extension of a file", entry.key),
                     "for example: types = { map = \"application/json\" }");
        } else if (into.types.contains(lower_case(entry.key))) {
            in.error(entry.place, fmt::format("the extension \"{}\" is listed twice", entry.key),
                     "take one of the two out: extensions have no case");
        } else if (dot != entry.key.npos && dot != 0) {
            in.error(entry.place, fmt::format("\"{}\" never matches: an extension has no dot", entry.key),
                     fmt::format("write what stands behind the last one: {} = \"{}\"",
                                 entry.key.substr(dot + 1), type));
        } else if (entry.key.starts_with('.')) {
            in.error(entry.place, fmt::format("\"{}\": extensions are written without the dot", entry.key),
                     fmt::format("write {} = \"{}\"", entry.key.substr(1), type));
        } else if (check_media_type(in, type, entry.node->place)) {
            into.types[lower_case(entry.key)] = std::move(type);
        }
    }
}

void default_type(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    std::string type;
    if (in.read(key, node, type) && check_media_type(in, type, node.place))
        into.default_type = std::move(type);
}

// A text that goes into a field of the answer as it is.
template <std::string StaticOptions::* Member>
void field_value(Loading& in, const KeyDoc& key, const Node& node, StaticDraft& into) {
    std::string value;
    if (!in.read(key, node, value)) return;
    if (std::any_of(value.begin(), value.end(), [](char c) { return c < 0x20 || c == 0x7F; })) {
        in.error(node.place,
                 fmt::format("\"{}\" cannot have line breaks or other than ASCII characters", key.name),
                 fmt::format("for example: {} = {}", key.name, key.example));
        return;
    }
    if (Member == &StaticOptions::charset && !value.empty() && !is_token(value)) {
        in.error(node.place, fmt::format("\"{}\" is not a character set", value),
                 fmt::format("for example: {} = {}", key.name, key.example));
        return;
    }
    into.*Member = std::move(value);
}

constexpr Key<StaticDraft> kKeys[] = {
    {{.name = "root",
      .type = Type::Path,
      .example = "\"/srv/www\"",
      .doc = "The folder that holds the files. The whole path of a request is looked for below it: see "
             "strip_prefix.",
      .need = Need::Required},
     root},
    {{.name = "strip_prefix",
      .type = Type::Boolean,
      .standard = "false",
      .example = "true",
      .doc = "Whether the pattern of the location is taken off the path: /a/b.txt in the location \"/a/\" "
             "is then b.txt below the root instead of a/b.txt."},
     field<&StaticDraft::strip_prefix>},
    {{.name = "index",
      .type = Type::Strings,
      .standard = "[\"index.html\"]",
      .example = "[\"index.html\", \"index.htm\"]",
      .doc = "Files that answer for a folder; the first one that is there."},
     index},
    {{.name = "spa",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"index.html\"",
      .doc = "For applications that route in the browser: a file below the root that answers, with 200, "
             "where nothing is found."},
     spa},
    {{.name = "try_files",
      .type = Type::Templates,
      .example = "[\"${path}\", \"${path}/index.html\", \"=404\"]",
      .doc = "Paths below the root that are tried in turn; the last entry may be a status. It replaces "
             "what is done without it: \"${path}\", then index files."},
     try_files},
    {{.name = "listing",
      .type = Type::Boolean,
      .standard = "false",
      .example = "true",
      .doc = "Whether a folder without an index file is answered with a list of what is in it."},
     field<&StaticOptions::listing>},
    {{.name = "listing_format",
      .type = Type::Choice,
      .standard = "\"auto\"",
      .example = "\"json\"",
      .doc = "The form of such lists; auto = as the client prefers.",
      .choices = kFormats,
      .beside = "listing = true"},
     field<&StaticOptions::listing_format>},
    {{.name = "listing_theme",
      .type = Type::Path,
      .example = "\"listing.css\"",
      .doc = "A style sheet that is put into lists; absent = our own.",
      .beside = "listing = true"},
     listing_theme},
    {{.name = "dotfiles",
      .type = Type::Boolean,
      .standard = "false",
      .example = "true",
      .doc = "Whether files and folders whose names begin with a dot are served."},
     field<&StaticOptions::dotfiles>},
    {{.name = "symlinks",
      .type = Type::Choice,
      .standard = "\"deny\"",
      .example = "\"beneath\"",
      .doc = "Symbolic links: never followed, followed as long as they stay below the root, or always.",
      .choices = kSymlinks},
     field<&StaticOptions::symlinks>},
    {{.name = "precompressed",
      .type = Type::Strings,
      .standard = "[]",
      .example = "[\"br\", \"gzip\"]",
      .doc = "Codings for which a file beside the wanted one (.br, .zst, .gz) may be served to clients "
             "that take it, best first; true = all three.",
      .choices = kCodings,
      .forms = {.boolean = true}},
     precompressed},
    {{.name = "charset",
      .type = Type::String,
      .standard = "\"utf-8\"",
      .example = "\"iso-8859-1\"",
      .doc = "The charset that is told for texts; empty = none."},
     field_value<&StaticOptions::charset>},
    {{.name = "types",
      .type = Type::Table,
      .standard = "{}",
      .example = "{ geojson = \"application/geo+json\" }",
      .doc = "Media types by extension, over the built-in ones.",
      .forms = {.text = true, .named = true}},
     types},
    {{.name = "default_type",
      .type = Type::String,
      .standard = "\"application/octet-stream\"",
      .example = "\"text/plain\"",
      .doc = "The media type of files with an unknown extension."},
     default_type},
    {{.name = "etag",
      .type = Type::Boolean,
      .standard = "true",
      .example = "false",
      .doc = "Whether answers carry an ETag, by which clients ask whether a file has changed."},
     field<&StaticOptions::etag>},
    {{.name = "cache_control",
      .type = Type::String,
      .standard = "\"\"",
      .example = "\"public, max-age=3600\"",
      .doc = "The Cache-Control of answers: how long clients and proxies may keep them; empty = none."},
     field_value<&StaticOptions::cache_control>},
    {{.name = "cache_size",
      .type = Type::Size,
      .standard = "\"64MiB\"",
      .example = "\"16MiB\"",
      .doc = "Memory for small files that are asked for often, in all of the process; 0 = none."},
     field<&StaticOptions::cache_size>},
    {{.name = "cache_max_file",
      .type = Type::Size,
      .standard = "\"256KiB\"",
      .example = "\"64KiB\"",
      .doc = "The largest file that is kept in memory."},
     field<&StaticOptions::cache_max_file>},
    {{.name = "cache_check",
      .type = Type::Timespan,
      .standard = "\"1s\"",
      .example = "\"10s\"",
      .doc = "How often a file in memory is compared with the disk: a change is seen after at most this "
             "time."},
     field<&StaticOptions::cache_check>},
};

// It may come with a later deployment.
void check_spa(Loading& in, const Node& node, const StaticDraft& draft) {
    if (draft.spa.empty() || draft.root.empty() || !draft.try_files.empty()) return;
    const std::string path = draft.root + '/' + draft.spa;
    if (::access(path.c_str(), F_OK) == 0 || errno != ENOENT) return;
    in.warning(node.find("spa")->node->place, fmt::format("there is no {} yet", path),
               "until it is there, what is not found is answered with 404");
}

// What does nothing is a mistake somewhere.
void check_sense(Loading& in, const Node& node, const StaticDraft& draft) {
    const auto idle = [&](std::string_view name, bool does_nothing, std::string_view why) {
        const Entry* entry = node.find(name);
        if (entry == nullptr || !does_nothing) return;
        in.error(entry->place, fmt::format("\"{}\" does nothing: {}", name, why), "take one of the two out");
    };
    idle("listing_format", !draft.listing, "listing is off");
    idle("listing_theme", !draft.listing, "listing is off");
    idle("spa", !draft.try_files.empty(), "try_files says what is tried");
    idle("cache_max_file", draft.cache_size == 0, "cache_size is 0");
    idle("cache_max_file", draft.cache_size != 0 && draft.cache_max_file > draft.cache_size,
         "cache_size is smaller");
    idle("cache_check", draft.cache_size == 0, "cache_size is 0");
}

}  // namespace

void load_static(Loading& in, const KeyDoc& key, const Node& node, Location& into) {
    StaticDraft draft;
    if (node.kind == Node::Kind::String) {
        KeyDoc path = key;
        path.type = Type::Path;
        root(in, path, node, draft);
    } else if (!read_table(in, kKeys, node, "static", draft)) {
        in.wrong_type(key, node, "a folder or a table");
        return;
    } else {
        if (lacks(node, "root")) {
            in.error(node.place, "\"static\" has no \"root\"",
                     "for example: static = { root = \"/srv/www\" }");
        }
        check_sense(in, node, draft);
        check_spa(in, node, draft);
    }
    Static made;
    made.root = std::move(draft.root);
    made.strip_prefix = draft.strip_prefix;
    made.options = in.share(static_cast<StaticOptions&&>(draft));
    into.handler = std::move(made);
}

std::vector<Scope> static_scope_docs() {
    return {scope_of({.name = "[host.\"NAME\".location.\"PATTERN\".static]",
                      .path = "host.location.static",
                      .doc = "Answer with files. static = \"/srv/www\" is this table with root only.",
                      .frame = "[host.\"www.example.com\".location.\"/\".static]\n@",
                      .beside = "root = \"/srv/www\""},
                     kKeys)};
}

}  // namespace gantry::conf
