#include "core/module/manifest.hpp"

#include "core/base/text.hpp"
#include "core/base/unique_fd.hpp"
#include "core/base/version.hpp"
#include "core/conf/utf8.hpp"
#include "core/module/elf.hpp"
#include "gantry/entry.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::module {
namespace {

constexpr std::size_t kMaxFile = 256 * 1024 * 1024;
constexpr std::size_t kMaxText = 64 * 1024;  // of a manifest
constexpr std::size_t kMaxValue = 1024;
constexpr std::uint64_t kMaxVersion = 65535;
constexpr std::string_view kEntry = "gantry_module_entry";

using Failure = tl::unexpected<std::string>;

bool is_printable(std::string_view text) {
    while (!text.empty()) {
        const std::string_view character = text.substr(0, conf::utf8_step(text));
        if (character == "\t" || conf::utf8_width(character) < 0) return false;
        text.remove_prefix(character.size());
    }
    return true;
}

bool is_key(std::string_view key) {
    return !key.empty() && key.size() <= 64 && is_alpha(key[0]) &&
           std::all_of(key.begin(), key.end(),
                       [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; });
}

std::optional<AbiVersion> parse_abi(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == text.npos) return std::nullopt;
    const auto major = parse_decimal(text.substr(0, dot));
    const auto minor = parse_decimal(text.substr(dot + 1));
    if (!major || !minor || *major > kMaxVersion || *minor > kMaxVersion) return std::nullopt;
    return AbiVersion{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

// Fills in a manifest line by line. An error is the end of a sentence that begins with the path.
class Lines {
public:
    explicit Lines(Manifest& out) : out_(out) {}

    // Several strings may stand one after the other, with as many NULs between them as the linker likes.
    std::string read(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find_first_of(std::string_view("\n\0", 2)), text.size());
            if (end > 0) {
                ++number_;
                if (std::string why = take(text.substr(0, end)); !why.empty()) return why;
            }
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        if (!has_name_) return "has a manifest without a name";
        if (!has_version_) return "has a manifest without a version";
        if (!has_abi_) return "has a manifest without an abi";
        return {};
    }

private:
    std::string take(std::string_view line) {
        const auto equals = line.find('=');
        if (equals == line.npos || !is_key(line.substr(0, equals))) return wrong("is not key=value");
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (value.size() > kMaxValue) return wrong(fmt::format("{} is too long", key));
        if (!is_printable(value)) return wrong(fmt::format("{} is not printable text", key));
        if (key == "name") return take_name(value);
        if (key == "version") return take_version(value);
        if (key == "abi") return take_abi(value);
        if (key == "description") return take_description(value);
        if (is_command_line(key)) {
            const std::string why = take_command_line(key, value, out_.commands);
            return why.empty() ? why : wrong(why);
        }
        out_.more.emplace_back(key, value);
        return {};
    }

    std::string take_name(std::string_view value) {
        if (std::exchange(has_name_, true)) return wrong("there is a name already");
        out_.name = value;
        if (is_module_name(value)) return {};
        return wrong(fmt::format("the name \"{}\" is not [a-z][a-z0-9-]*, 32 at most", value));
    }
    std::string take_version(std::string_view value) {
        if (std::exchange(has_version_, true)) return wrong("there is a version already");
        out_.version = value;
        return value.empty() ? wrong("the version is empty") : std::string();
    }
    std::string take_abi(std::string_view value) {
        if (std::exchange(has_abi_, true)) return wrong("there is an abi already");
        const auto abi = parse_abi(value);
        if (!abi) return wrong(fmt::format("abi is \"{}\", not MAJOR.MINOR", value));
        out_.abi = *abi;
        return {};
    }
    std::string take_description(std::string_view value) {
        if (std::exchange(has_description_, true)) return wrong("there is a description already");
        out_.description = value;
        return {};
    }

    std::string wrong(std::string_view what) const {
        return fmt::format("has a bad manifest: line {}: {}", number_, what);
    }

    Manifest& out_;
    std::size_t number_ = 0;  // of the line
    bool has_name_ = false;
    bool has_version_ = false;
    bool has_abi_ = false;
    bool has_description_ = false;
};

// The end of a sentence, or nothing.
std::string read_elf(std::string_view bytes, Manifest& out) {
    const auto elf = Elf::parse(bytes);
    if (!elf) return elf.error();
    const auto text = elf->section(GANTRY_MANIFEST_SECTION);
    if (!text) return text.error();
    if (!*text)
        return "is not a gantry module: it has no section " GANTRY_MANIFEST_SECTION
               "; GANTRY_ENTRY() of gantry/entry.h makes it";
    if ((*text)->size() > kMaxText) return "has a manifest of more than 64 KiB";
    if (std::string why = Lines(out).read(**text); !why.empty()) return why;
    const auto entry = elf->find_export(kEntry);
    if (!entry) return entry.error();
    out.has_entry = *entry == Export::Object;
    auto needed = elf->needed();
    if (!needed) return needed.error();
    out.needed = std::move(*needed);
    if (!std::all_of(out.needed.begin(), out.needed.end(), is_printable))
        return "is damaged: the name of a needed library is not printable text";
    return {};
}

std::string problem(const std::string& path, int error) {
    return fmt::format("{}: {}", path, std::strerror(error));
}

std::string file_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

AbiVersion abi_of_this_gantry() {
    return {GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR};
}

bool is_module_name(std::string_view name) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && name.size() <= 32 && is_lower(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

tl::expected<Manifest, std::string> parse_manifest(std::string_view bytes, const std::string& path) {
    Manifest out;
    out.path = path;
    if (const std::string why = read_elf(bytes, out); !why.empty())
        return Failure(fmt::format("{} {}", path, why));
    return out;
}

tl::expected<Manifest, std::string> read_manifest(const std::string& path) {
    // O_NONBLOCK: a pipe that nobody writes to must not hold up a load.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return Failure(problem(path, errno));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return Failure(problem(path, errno));
    if (!S_ISREG(status.st_mode)) return Failure(path + " is not a regular file");
    if (static_cast<std::uint64_t>(status.st_size) > kMaxFile)
        return Failure(path + " is larger than 256 MiB; strip it of what is for debuggers");
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Failure(problem(path, errno));
        if (got == 0) break;  // it became shorter meanwhile, and is judged as it is
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return parse_manifest(bytes, path);
}

std::string why_refused(const Manifest& manifest, AbiVersion ours) {
    const AbiVersion abi = manifest.abi;
    if (abi.major != ours.major || abi.minor > ours.minor) {
        const bool is_newer = abi.major > ours.major || (abi.major == ours.major && abi.minor > ours.minor);
        return fmt::format("{} needs version {}.{} of the module ABI, and gantry {} has {}.{}; {}",
                           manifest.path, abi.major, abi.minor, version(), ours.major, ours.minor,
                           is_newer ? "upgrade gantry, or rebuild the module with the SDK of this gantry"
                                    : "rebuild the module with the SDK of this gantry");
    }
    if (!manifest.has_entry)
        return fmt::format(
            "{} does not export the constant {}; GANTRY_ENTRY() of gantry/entry.h makes it, "
            "and no version script of the linker may hide it",
            manifest.path, kEntry);
    if (const std::string expected = fmt::format("gantry-{}.so", manifest.name);
        file_name(manifest.path) != expected)
        return fmt::format("{} is the module {}, so its file has to be named {}", manifest.path,
                           manifest.name, expected);
    return {};
}

}  // namespace gantry::module
