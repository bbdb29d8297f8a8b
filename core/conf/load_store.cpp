// [store].
#include "core/conf/loading.hpp"

namespace gantry::conf {
namespace {

constexpr std::string_view kDurabilities[] = {"full", "normal"};

void file(Loading& in, const KeyDoc& key, const Node& node, Store& into) {
    const auto text = in.text(key, node);
    if (!text) return;
    if (text->empty()) {
        in.error(node.place, "\"file\" is empty", "write a path, or take it out");
        return;
    }
    if (auto path = in.resolve(*text, node.place)) into.file = std::move(*path);
}

constexpr Key<Store> kStoreKeys[] = {
    {{.name = "file",
      .type = Type::Special,
      .standard = "\"/var/lib/gantry/store.db\"",
      .example = "\"/srv/gantry/store.db\"",
      .doc =
          "The file, in the format of SQLite, relative to the folder of the file that this stands in. It is "
          "made, and its folder too, when a module first has something to keep; two more files stand beside "
          "it, "
          "with -wal and -shm behind its name. Only the user that runs gantry may read it. A copy of it is "
          "made "
          "with sqlite3 FILE .backup, while gantry runs.",
      .forms = {.text = true}},
     file},
    {{.name = "durability",
      .type = Type::Choice,
      .standard = "\"full\"",
      .example = "\"normal\"",
      .doc = "What becomes of things that modules were told are kept. \"full\": they survive that the power "
             "fails. "
             "\"normal\": they survive that gantry is killed, but a power cut may cost those of the last "
             "seconds, "
             "which spares the disk much work.",
      .choices = kDurabilities},
     field<&Store::durability>},
};

}  // namespace

void load_store(Loading& in, const Node& node) {
    read_table(in, kStoreKeys, node, "[store]", in.settings.store);
}

Scope store_scope_doc() {
    return scope_of(
        {.name = "[store]",
         .path = "store",
         .doc = "Where modules keep what is to outlive the process. Nothing is made or opened where no "
                "module asks for it.",
         .frame = "[store]\n@"},
        kStoreKeys);
}

}  // namespace gantry::conf
