#include "core/cli/upgrade.hpp"

#include "core/base/text.hpp"
#include "core/cli/configuration.hpp"
#include "core/cli/exit_code.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <limits>
#include <sys/auxv.h>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

// In the environment of the program that is started: the descriptor of what render() made.
constexpr const char* kHandover = "GANTRY_HANDOVER";
constexpr const char* kRehearsal = "GANTRY_REHEARSAL";

std::vector<std::string> own_arguments() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    std::vector<std::string> out;
    for (std::size_t at = 0; at < all.size(); at += out.back().size() + 1) out.emplace_back(all.c_str() + at);
    return out;
}

// Returns only when that failed.
void execute(const std::string& path, int program) {
    std::vector<std::string> arguments = own_arguments();
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    if (program >= 0) {
        ::fexecve(program, pointers.data(), environ);
    } else {
        ::execv(path.c_str(), pointers.data());
    }
}

// A variable that is for this process alone.
std::optional<UniqueFd> take_descriptor(const char* name) {
    const char* const value = std::getenv(name);
    const auto number = value == nullptr ? std::nullopt : parse_decimal(value);
    ::unsetenv(name);
    if (!number || *number > std::numeric_limits<int>::max()) return std::nullopt;
    return UniqueFd(static_cast<int>(*number));
}

}  // namespace

std::string own_program() {
    const auto* const name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    std::error_code error;
    return name == nullptr ? std::string() : std::filesystem::absolute(name, error).string();
}

UniqueFd open_own_program() {
    return UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
}

tl::expected<std::optional<Handover>, std::string> handover_to_us() {
    const auto file = take_descriptor(kHandover);
    if (!file) return std::nullopt;
    auto taken = take_handover(file->get());
    if (!taken) return tl::unexpected(taken.error());
    return std::optional<Handover>(std::move(*taken));
}

pid_t start_rehearsal(const Handover& handover, const std::optional<Identity>& identity, int output) {
    const UniqueFd file = render(handover);
    const Served* const served = handover.history.trusted();
    if (!file || served == nullptr) return -1;
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (identity) {
        if (const auto done = become(*identity); !done) {
            std::fprintf(stderr, "%s\n", done.error().c_str());
            ::_exit(kFailure);
        }
    }
    for (const int fd : {file.get(), served->snapshot.get()}) ::fcntl(fd, F_SETFD, 0);
    ::setenv(kRehearsal, std::to_string(file.get()).c_str(), 1);
    execute(handover.program, -1);
    std::fprintf(stderr, "%s cannot be executed: %s\n", handover.program.c_str(), std::strerror(errno));
    ::_exit(kFailure);
}

std::optional<int> rehearse(const RunOptions& options) {
    const auto file = take_descriptor(kRehearsal);
    if (!file) return std::nullopt;
    auto handover = take_handover(file->get());
    if (!handover) {
        std::fprintf(stderr, "%s\n", handover.error().c_str());
        return kFailure;
    }
    const Served* const served = handover->history.trusted();
    const auto snapshot = served != nullptr ? read_snapshot(served->snapshot.get()) : std::nullopt;
    LoadContext context;
    context.modules = &offline_modules();
    context.replayed = snapshot ? &*snapshot : nullptr;
    const Configuration loaded = snapshot ? load_configuration(options, context) : Configuration();
    if (!loaded.generation) std::fputs(loaded.report.c_str(), stderr);
    std::fflush(nullptr);
    // The other descriptors of the handover are not open here: nothing may come to closing them.
    ::_exit(loaded.generation ? kOk : kInvalidConfiguration);
}

std::string become_program(const Handover& handover, int program) {
    const UniqueFd file = render(handover);
    if (!file) return "there is no memory for what the next program has to know";
    set_inherited(handover, true);
    ::fcntl(file.get(), F_SETFD, 0);
    ::setenv(kHandover, std::to_string(file.get()).c_str(), 1);
    execute(handover.program, program);
    const int error = errno;
    ::unsetenv(kHandover);
    set_inherited(handover, false);
    return fmt::format("{} cannot be executed: {}", handover.program, std::strerror(error));
}

}  // namespace gantry::cli
