// The main configuration file and all that it includes, as one tree.
#pragma once

#include "core/conf/diagnostic.hpp"
#include "core/conf/inputs.hpp"
#include "core/conf/sections.hpp"
#include "core/conf/tree.hpp"

#include <string>

namespace gantry::conf {

struct Document {
    Sources sources;
    Tree tree;
    Sections sections;
};

// Reads `path` and, after each file, what its `include` names: patterns relative to the folder of the
// including file, in the order of the list, the files of one pattern in the order of their bytes, depth
// first. Names in the sources are as given, so that messages show what the user typed. `overlay`: TOML that
// takes the place of what the files say, "" = none.
void read_document(const std::string& path, const std::string& overlay, Inputs& inputs, Document& out,
                   Diagnostics& diagnostics);

// The same for a text that is not in a file; `name` stands in messages, and relative paths and includes start
// from its folder.
void read_document_text(const std::string& name, std::string text, Inputs& inputs, Document& out,
                        Diagnostics& diagnostics);

}  // namespace gantry::conf
