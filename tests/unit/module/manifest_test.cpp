#include "core/module/manifest.hpp"

#include "core/module/elf.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

using namespace gantry::module;

namespace {

std::string fixture(const std::string& name) {
    return GANTRY_ABI_FIXTURES "/gantry-" + name + ".so";
}

std::string bytes_of(const std::string& name) {
    std::ifstream file(fixture(name), std::ios::binary);
    std::string out{std::istreambuf_iterator<char>(file), {}};
    REQUIRE(out.size() > sizeof(Elf64_Ehdr));
    return out;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

// What is said about these bytes; empty where they are read.
std::string complaint(const std::string& bytes) {
    const auto manifest = parse_manifest(bytes, "/m/gantry-good.so");
    return manifest ? std::string() : manifest.error();
}

// The good module with another text of the same length in place of `from`, at the first place where it
// stands.
std::string replaced(std::string_view from, std::string_view to) {
    std::string bytes = bytes_of("good");
    const std::size_t at = bytes.find(from);
    REQUIRE(at != bytes.npos);
    REQUIRE(from.size() == to.size());
    return bytes.replace(at, to.size(), to);
}

std::string with_manifest(std::string_view from, std::string_view to) {
    return complaint(replaced(from, to));
}

template <class T>
void patch(std::string& bytes, std::size_t offset, T value) {
    REQUIRE(offset + sizeof value <= bytes.size());
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <class T>
T peek(const std::string& bytes, std::size_t offset) {
    T out;
    REQUIRE(offset + sizeof out <= bytes.size());
    std::memcpy(&out, bytes.data() + offset, sizeof out);
    return out;
}

// Where the header of the first section of that type is.
std::size_t section_header(const std::string& bytes, std::uint32_t type) {
    const auto header = peek<Elf64_Ehdr>(bytes, 0);
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        const std::size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
        if (peek<Elf64_Shdr>(bytes, at).sh_type == type) return at;
    }
    FAIL("there is no section of type " << type);
    return 0;
}

// That of the manifest.
std::size_t manifest_header(const std::string& bytes) {
    const auto header = peek<Elf64_Ehdr>(bytes, 0);
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        const std::size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
        const auto section = peek<Elf64_Shdr>(bytes, at);
        if (section.sh_type == SHT_PROGBITS && bytes.compare(section.sh_offset, 9, "name=good") == 0)
            return at;
    }
    FAIL("there is no manifest");
    return 0;
}

}  // namespace

TEST_CASE("manifest: what a module says of itself", "[module][manifest]") {
    const auto good = read_manifest(fixture("good"));
    REQUIRE(good);
    CHECK(good->path == fixture("good"));
    CHECK(good->name == "good");
    CHECK(good->version == "1.2.3");
    CHECK(good->description == "does nothing, and does it right – ünïcode");
    CHECK(good->abi == abi_of_this_gantry());
    CHECK(good->has_entry);
    CHECK(good->more.empty());
    CHECK(std::count(good->needed.begin(), good->needed.end(), "libc.so.6") == 1);
    CHECK(why_refused(*good).empty());
}

TEST_CASE("manifest: a library that is no module", "[module][manifest]") {
    const auto read = read_manifest(fixture("no-manifest"));
    REQUIRE_FALSE(read);
    CHECK(read.error() ==
          fixture("no-manifest") +
              " is not a gantry module: it has no section .gantry.manifest; GANTRY_ENTRY() of "
              "gantry/entry.h makes it");
}

TEST_CASE("manifest: an entry that is not exported", "[module][manifest]") {
    const auto read = read_manifest(fixture("no-entry"));
    REQUIRE(read);
    CHECK_FALSE(read->has_entry);
    CHECK(contains(why_refused(*read),
                   "gantry-no-entry.so does not export the constant gantry_module_entry; "));
}

TEST_CASE("manifest: versions, and what to do about them", "[module][manifest]") {
    auto manifest = read_manifest(fixture("good")).value();
    manifest.path = "/m/gantry-good.so";
    manifest.abi = {1, 3};
    CHECK(why_refused(manifest, {1, 3}).empty());
    CHECK(why_refused(manifest, {1, 7}).empty());
    const std::string minor = why_refused(manifest, {1, 2});
    CHECK(contains(minor, "/m/gantry-good.so needs version 1.3 of the module ABI, and gantry "));
    CHECK(contains(minor, " has 1.2; upgrade gantry, or rebuild the module with the SDK of this gantry"));
    CHECK(contains(why_refused(manifest, {0, 9}), "has 0.9; upgrade gantry, or rebuild"));
    CHECK(contains(why_refused(manifest, {2, 9}), "has 2.9; rebuild the module with the SDK of this gantry"));
}

TEST_CASE("manifest: a file that is not named for its module", "[module][manifest]") {
    auto manifest = read_manifest(fixture("good")).value();
    for (const char* path : {"/m/gantry-bad.so", "/m/good.so", "gantry-good.so.1", "/gantry-good.so/x"}) {
        manifest.path = path;
        CHECK(
            contains(why_refused(manifest),
                     std::string(path) + " is the module good, so its file has to be named gantry-good.so"));
    }
    manifest.path = "gantry-good.so";
    CHECK(why_refused(manifest).empty());
}

TEST_CASE("manifest: lines that cannot be", "[module][manifest]") {
    CHECK(
        with_manifest("name=good", "name=Good") ==
        "/m/gantry-good.so has a bad manifest: line 1: the name \"Good\" is not [a-z][a-z0-9-]*, 32 at most");
    CHECK(contains(with_manifest("version=1.2.3", "version 1.2.3"), "line 2"));
    CHECK(contains(with_manifest("version=1.2.3", "xersion=1.2.3"), "has a manifest without a version"));
    CHECK(contains(with_manifest("name=good", "nane=good"), "has a manifest without a name"));
    CHECK(contains(with_manifest("\nabi=1.", "\nxbi=1."), "has a manifest without an abi"));
    CHECK(contains(with_manifest("\nabi=1.", "\nabi=1,"), "line 3: abi is \"1,"));
    CHECK(contains(with_manifest("\nabi=1.", "\nabi=-."), "line 3: abi is \"-."));
    CHECK(contains(with_manifest("does nothing", "does\x1b[0mless"),
                   "line 4: description is not printable text"));
    CHECK(contains(with_manifest("does nothing", "does \xffothing"),
                   "line 4: description is not printable text"));
    CHECK(contains(with_manifest("description=", "de cription="), "line 4: is not key=value"));
    CHECK(contains(with_manifest("version=1.2.3", "version=\n.2.3"), "line 2: the version is empty"));
    CHECK(contains(with_manifest("description=does", "version=12345678"),
                   "line 4: there is a version already"));
}

TEST_CASE("manifest: keys of a later SDK are kept, and NULs are like ends of lines", "[module][manifest]") {
    const std::string_view added("\n\0\0\0later.key=do", 16);
    const auto later = parse_manifest(replaced("\ndescription=doe", added), "gantry-good.so");
    REQUIRE(later);
    REQUIRE(later->more.size() == 1);
    CHECK(later->more[0].first == "later.key");
    CHECK(later->description.empty());
}

TEST_CASE("manifest: files that are not for this machine, or not libraries", "[module][elf]") {
    CHECK(complaint("") == "/m/gantry-good.so is not an ELF file");
    CHECK(complaint("#!/bin/sh\n") == "/m/gantry-good.so is not an ELF file");
    CHECK(contains(complaint("\x7f"
                             "ELF"),
                   "it ends within the first header"));
    const auto with = [](std::size_t offset, auto value) {
        std::string bytes = bytes_of("good");
        patch(bytes, offset, value);
        return complaint(bytes);
    };
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_S390}),
                   "is for another machine: s390x, and this one is "));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_machine), std::uint16_t{4711}), "of number 4711"));
    CHECK(contains(with(EI_CLASS, char{ELFCLASS32}), "not of 64 bits"));
    CHECK(contains(with(EI_DATA, char{ELFDATA2MSB}), "big-endian"));
    CHECK(contains(with(EI_VERSION, char{9}), "version of ELF"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL}), "is an object file"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_EXEC}), "is not a shared library"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_shoff), std::uint64_t{0}), "has no table of sections"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0}), "has no table of sections"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_shentsize), std::uint16_t{63}), "of an unknown kind"));
}

TEST_CASE("manifest: numbers that lead out of the file", "[module][elf]") {
    const std::string good = bytes_of("good");
    const auto with = [&good](std::size_t offset, auto value) {
        std::string bytes = good;
        patch(bytes, offset, value);
        return complaint(bytes);
    };
    constexpr std::uint64_t kFar = ~std::uint64_t{0};
    for (const std::uint64_t offset :
         {kFar, kFar - 63, std::uint64_t{good.size()}, std::uint64_t{good.size() - 1}})
        CHECK(contains(with(offsetof(Elf64_Ehdr, e_shoff), offset), "its table of sections lies outside"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0xffff}), "lies outside"));
    CHECK(contains(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{0xffff}), "it does not have"));

    const std::size_t manifest = manifest_header(good);
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_offset), kFar), "a section lies outside"));
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_size), kFar), "a section lies outside"));
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_size), std::uint64_t{0}), "without a name"));
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_type), std::uint32_t{SHT_NOBITS}),
                   "nothing in the file"));
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_flags), std::uint64_t{SHF_COMPRESSED}),
                   "compressed"));
    CHECK(contains(with(manifest + offsetof(Elf64_Shdr, sh_name), std::uint32_t{0xffffffff}),
                   "name of a section"));

    const std::size_t symbols = section_header(good, SHT_DYNSYM);
    CHECK(contains(with(symbols + offsetof(Elf64_Shdr, sh_offset), kFar), "a section lies outside"));
    CHECK(contains(with(symbols + offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{0}), "wrong size"));
    CHECK(contains(with(symbols + offsetof(Elf64_Shdr, sh_link), std::uint32_t{0xffffffff}),
                   "it does not have"));

    const std::size_t dynamic = section_header(good, SHT_DYNAMIC);
    CHECK(contains(with(dynamic + offsetof(Elf64_Shdr, sh_size), kFar), "a section lies outside"));
    CHECK(contains(with(dynamic + offsetof(Elf64_Shdr, sh_link), std::uint32_t{0xfffffff0}),
                   "it does not have"));
}

TEST_CASE("manifest: a file that is cut anywhere is refused", "[module][elf]") {
    // The table of sections is the last thing in a file; some linkers put other things behind it.
    const std::string good = bytes_of("good");
    const auto header = peek<Elf64_Ehdr>(good, 0);
    const std::size_t end = header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr);
    for (std::size_t size = 0; size < end; size += size < 4096 ? 1 : 61) {
        INFO(size);
        REQUIRE_FALSE(complaint(good.substr(0, size)).empty());
    }
}

TEST_CASE("elf: what is exported", "[module][elf]") {
    const std::string bytes = bytes_of("good");
    const auto elf = Elf::parse(bytes);
    REQUIRE(elf);
    CHECK(elf->find_export("gantry_module_entry").value() == Export::Object);
    CHECK(elf->find_export("gantry_module_entr").value() == Export::None);
    CHECK(elf->find_export("fixture_open").value() == Export::None);
    CHECK(elf->find_export("strcmp").value() == Export::None);  // needed, not offered
    CHECK(elf->find_export("").value() == Export::None);
    CHECK_FALSE(elf->section(".nothing").value().has_value());
}

TEST_CASE("manifest: what cannot be read", "[module][manifest]") {
    CHECK(read_manifest("/nowhere/gantry-x.so").error() == "/nowhere/gantry-x.so: No such file or directory");
    CHECK(read_manifest("/").error() == "/ is not a regular file");
    CHECK(read_manifest("/dev/zero").error() == "/dev/zero is not a regular file");
    const std::string pipe = std::string(GANTRY_ABI_FIXTURES) + "/pipe";
    ::unlink(pipe.c_str());
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(read_manifest(pipe).error() == pipe + " is not a regular file");  // and comes back
    ::unlink(pipe.c_str());
}

TEST_CASE("manifest: names of modules", "[module][manifest]") {
    for (const char* name : {"a", "proxy-protocol", "h2", "a-", "abcdefghijklmnopqrstuvwxyz012345"})
        CHECK(is_module_name(name));
    for (const char* name :
         {"", "A", "1a", "-a", "a_b", "a.b", "a/b", "ä", "abcdefghijklmnopqrstuvwxyz0123456"})
        CHECK_FALSE(is_module_name(name));
}
