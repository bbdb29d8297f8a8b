// Reads shared objects (ELF, 64 bits, little-endian, of this machine) as data: nothing of them is mapped or
// run, and not a single number in them is believed before it is checked against the size of the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace gantry::module {

// What the dynamic linker would find under a name.
enum class Export : std::uint8_t { None, Object, Other };  // Other: a function, for example

// A view of `bytes`, which must outlive it. An error is the end of a sentence that begins with the file's
// path: "is not an ELF file".
class Elf {
public:
    template <class T>
    using Expected = tl::expected<T, std::string>;

    static Expected<Elf> parse(std::string_view bytes);

    // What is in the section of that name; nullopt: there is none.
    Expected<std::optional<std::string_view>> section(std::string_view name) const;

    // Whether the table of dynamic symbols has `name`, defined and not local.
    Expected<Export> find_export(std::string_view name) const;

    // The libraries that are loaded with it, in their order (DT_NEEDED).
    Expected<std::vector<std::string>> needed() const;

private:
    struct Section {
        std::string_view name;
        std::uint32_t type;
        std::uint32_t link;
        std::uint64_t flags;
        std::uint64_t offset;
        std::uint64_t size;
        std::uint64_t entry_size;
    };
    // A section that consists of entries which name strings of another section.
    struct Table {
        std::string_view bytes;
        std::string_view strings;
    };

    explicit Elf(std::string_view bytes) : bytes_(bytes) {}
    Expected<Section> section_at(std::uint64_t index) const;
    Expected<std::string_view> contents(const Section& section) const;
    Expected<std::optional<Table>> table(std::uint32_t type, std::size_t entry_size) const;

    std::string_view bytes_;
    std::vector<Section> sections_;
};

}  // namespace gantry::module
