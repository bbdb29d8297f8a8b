#include "core/cli/module_new.hpp"

#include "core/base/unique_fd.hpp"
#include "core/cli/exit_code.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

namespace fs = std::filesystem;

int refuse(const std::string& why, int code) {
    fmt::print(stderr, "gantry: {}\n", why);
    return code;
}

// Empty, or why not.
std::string make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fmt::format("{}: {}", folder, error.message());
    const bool is_empty = fs::is_empty(folder, error);
    if (error) return fmt::format("{}: {}", folder, error.message());
    return is_empty ? std::string()
                    : fmt::format("{} is not empty, and nothing is overwritten; name another folder by --dir",
                                  folder);
}

std::string write_file(const std::string& path, std::string_view text) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file) return fmt::format("{}: {}", path, std::strerror(errno));
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fmt::format("{}: {}", path, std::strerror(errno));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

int module_new_command(const ModuleNewOptions& options) {
    if (const std::string why = module::why_not_named(options.name); !why.empty())
        return refuse(fmt::format("no module can be named \"{}\": {}", options.name, why), kUsage);
    const std::string folder = options.folder.empty() ? "gantry-" + options.name : options.folder;
    if (const std::string why = make_folder(folder); !why.empty()) return refuse(why, kFailure);
    boost::json::array written;
    for (const module::ProjectFile& file : module::new_project(options.name, options.language)) {
        const std::string path = fs::path(folder) / file.name;
        if (const std::string why = write_file(path, file.text); !why.empty()) return refuse(why, kFailure);
        written.emplace_back(file.name);
    }
    if (options.quiet) return kOk;
    if (options.json) {
        const boost::json::object out{
            {"name", options.name}, {"folder", folder}, {"files", std::move(written)}};
        fmt::print("{}\n", boost::json::serialize(out));
    } else {
        fmt::print("{}: a module, its test and a configuration to try it with; README.md says how to go on\n",
                   folder);
    }
    return kOk;
}

}  // namespace gantry::cli
