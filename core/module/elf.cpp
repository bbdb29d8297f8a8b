#include "core/module/elf.hpp"

#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <utility>

namespace gantry::module {
namespace {

constexpr std::size_t kMaxNeeded = 256;
constexpr std::size_t kMaxString = 4096;

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t kMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr std::uint16_t kMachine = EM_PPC64;
#elif defined(__loongarch__)
constexpr std::uint16_t kMachine = 258;  // EM_LOONGARCH, which Debian 12's elf.h lacks on other machines
#else
#error "which ELF machine is this?"
#endif

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_X86_64:
            return "x86-64";
        case EM_386:
            return "x86 (32 bits)";
        case EM_AARCH64:
            return "aarch64";
        case EM_ARM:
            return "arm (32 bits)";
        case EM_RISCV:
            return "riscv";
        case EM_PPC64:
            return "ppc64";
        case EM_S390:
            return "s390x";
        default:
            return fmt::format("of number {}", machine);
    }
}

tl::unexpected<std::string> fail(std::string text) {
    return tl::unexpected<std::string>(std::move(text));
}

std::optional<std::string_view> slice(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.substr(offset, size);
}

// A copy, as nothing says that it is aligned. There are sizeof(T) bytes at `offset`.
template <class T>
T read(std::string_view bytes, std::size_t offset) {
    T out;
    std::memcpy(&out, bytes.data() + offset, sizeof out);
    return out;
}

// The NUL-terminated string at `offset`.
std::optional<std::string_view> string_at(std::string_view strings, std::uint64_t offset) {
    if (offset >= strings.size()) return std::nullopt;
    const std::string_view rest = strings.substr(offset, kMaxString);
    const std::size_t end = rest.find('\0');
    if (end == rest.npos) return std::nullopt;
    return rest.substr(0, end);
}

std::string why_not_ours(const Elf64_Ehdr& header) {
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) return "is for another machine: it is big-endian";
    if (header.e_machine != kMachine)
        return fmt::format("is for another machine: {}, and this one is {}", machine_name(header.e_machine),
                           machine_name(kMachine));
    if (header.e_ident[EI_CLASS] != ELFCLASS64) return "is for another machine: it is not of 64 bits";
    if (header.e_version != EV_CURRENT || header.e_ident[EI_VERSION] != EV_CURRENT)
        return "is of a version of ELF that is not known";
    if (header.e_type == ET_REL) return "is an object file; link it to a shared library";
    if (header.e_type != ET_DYN) return "is not a shared library";
    if (header.e_shoff == 0 || header.e_shnum == 0)
        return "has no table of sections; strip it with --strip-unneeded, not more";
    if (header.e_shentsize != sizeof(Elf64_Shdr)) return "is damaged: its sections are of an unknown kind";
    return {};
}

}  // namespace

Elf::Expected<Elf> Elf::parse(std::string_view bytes) {
    if (!bytes.starts_with(std::string_view(ELFMAG, SELFMAG))) return fail("is not an ELF file");
    if (bytes.size() < sizeof(Elf64_Ehdr)) return fail("is damaged: it ends within the first header");
    const auto header = read<Elf64_Ehdr>(bytes, 0);
    if (std::string why = why_not_ours(header); !why.empty()) return fail(std::move(why));

    const auto headers = slice(bytes, header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
    if (!headers) return fail("is damaged: its table of sections lies outside of the file");
    Elf elf(bytes);
    std::vector<std::uint32_t> names;
    for (std::size_t at = 0; at < headers->size(); at += sizeof(Elf64_Shdr)) {
        const auto section = read<Elf64_Shdr>(*headers, at);
        elf.sections_.push_back({"", section.sh_type, section.sh_link, section.sh_flags, section.sh_offset,
                                 section.sh_size, section.sh_entsize});
        names.push_back(section.sh_name);
    }
    const auto strings = elf.section_at(header.e_shstrndx).and_then([&](const Section& section) {
        return elf.contents(section);
    });
    if (!strings) return fail(strings.error());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto name = string_at(*strings, names[i]);
        if (!name) return fail("is damaged: the name of a section lies outside of the names");
        elf.sections_[i].name = *name;
    }
    return elf;
}

Elf::Expected<Elf::Section> Elf::section_at(std::uint64_t index) const {
    if (index >= sections_.size()) return fail("is damaged: it refers to a section that it does not have");
    return sections_[index];
}

Elf::Expected<std::string_view> Elf::contents(const Section& section) const {
    if (section.type == SHT_NOBITS) return fail("is damaged: a section has nothing in the file");
    if ((section.flags & SHF_COMPRESSED) != 0) return fail("is of no use here: a section is compressed");
    const auto found = slice(bytes_, section.offset, section.size);
    if (!found) return fail("is damaged: a section lies outside of the file");
    return *found;
}

Elf::Expected<std::optional<std::string_view>> Elf::section(std::string_view name) const {
    for (const Section& section : sections_) {
        if (section.name != name) continue;
        const auto found = contents(section);
        if (!found) return fail(found.error());
        return *found;
    }
    return std::nullopt;
}

Elf::Expected<std::optional<Elf::Table>> Elf::table(std::uint32_t type, std::size_t entry_size) const {
    for (const Section& section : sections_) {
        if (section.type != type) continue;
        if (section.entry_size != entry_size)
            return fail("is damaged: the entries of a table are of a wrong size");
        const auto entries = contents(section);
        if (!entries) return fail(entries.error());
        const auto strings =
            section_at(section.link).and_then([&](const Section& linked) { return contents(linked); });
        if (!strings) return fail(strings.error());
        return Table{*entries, *strings};
    }
    return std::nullopt;
}

Elf::Expected<Export> Elf::find_export(std::string_view name) const {
    const auto symbols = table(SHT_DYNSYM, sizeof(Elf64_Sym));
    if (!symbols) return fail(symbols.error());
    if (!*symbols) return Export::None;
    const Table& all = **symbols;
    // With its end: what is compared is never longer, however many symbols and long names a file claims to
    // have.
    const std::string terminated = std::string(name) + '\0';
    const std::string_view wanted = terminated;
    for (std::size_t at = 0; all.bytes.size() - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
        const auto symbol = read<Elf64_Sym>(all.bytes, at);
        if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
        if (slice(all.strings, symbol.st_name, wanted.size()) != wanted) continue;
        return ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT ? Export::Object : Export::Other;
    }
    return Export::None;
}

Elf::Expected<std::vector<std::string>> Elf::needed() const {
    std::vector<std::string> out;
    const auto entries = table(SHT_DYNAMIC, sizeof(Elf64_Dyn));
    if (!entries) return fail(entries.error());
    if (!*entries) return out;
    const Table& all = **entries;
    for (std::size_t at = 0; all.bytes.size() - at >= sizeof(Elf64_Dyn); at += sizeof(Elf64_Dyn)) {
        const auto entry = read<Elf64_Dyn>(all.bytes, at);
        if (entry.d_tag == DT_NULL) break;
        if (entry.d_tag != DT_NEEDED) continue;
        if (out.size() == kMaxNeeded) return fail("needs too many libraries");
        const auto name = string_at(all.strings, entry.d_un.d_val);
        if (!name) return fail("is damaged: the name of a needed library lies outside of the names");
        out.emplace_back(*name);
    }
    return out;
}

}  // namespace gantry::module
