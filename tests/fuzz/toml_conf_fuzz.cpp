// Whole configurations: whatever the bytes are, loading ends, and either gives settings that can be shown or
// says what is wrong in text and JSON. Nothing outside of the text is read: the environment is empty, and
// what names a file is kept away from the disk by its path.
#include "core/conf/dump.hpp"
#include "core/conf/load.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace conf = gantry::conf;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// What would make loading depend on the machine or read devices.
bool names_files(std::string_view text) {
    return text.find("include") != text.npos || text.find("file:") != text.npos ||
           text.find("/dev") != text.npos || text.find("/proc") != text.npos ||
           text.find("/sys") != text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (size > 64 * 1024 || names_files(text)) return 0;
    conf::LoadOptions options;
    options.environment = [](std::string_view) { return std::nullopt; };
    const conf::Loaded loaded = conf::load_text("/nonexistent/gantry/fuzz.toml", std::string(text), options);
    require(loaded.settings.has_value() ==
            (loaded.diagnostics.errors() + loaded.diagnostics.contained() == 0));
    const std::string said = loaded.diagnostics.render_text();
    require(
        said.empty() ==
        (loaded.diagnostics.errors() + loaded.diagnostics.contained() + loaded.diagnostics.warnings() == 0));
    // Nothing of the file may write to the terminal.
    for (const char c : said) require(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
    require(loaded.diagnostics.render_json().starts_with("["));
    if (loaded.settings) conf::dump(*loaded.settings, conf::Detail::Everything);
    return 0;
}
