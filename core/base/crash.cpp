#include "core/base/crash.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <execinfo.h>
#include <fcntl.h>
#include <iterator>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

// Everything below that a signal handler calls is async-signal-safe: no allocation, no locks, no formatting
// but our own. backtrace() loads a library when it is first called, so arm() does that.
namespace gantry::crash {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kStack = 64 * 1024;
constexpr int kFrames = 64;

struct Kind {
    int number;
    const char* name;
};
constexpr Kind kKinds[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"},
};

// Two, so that a path can be changed while a handler reads the other one.
char g_paths[2][kMaxPath];
std::atomic<const char*> g_path{g_paths[0]};
char g_version[64];
std::atomic<bool> g_is_dying{false};

class Line {
public:
    Line& operator<<(std::string_view text) {
        const std::size_t size = std::min(text.size(), sizeof bytes_ - size_);
        std::memcpy(bytes_ + size_, text.data(), size);
        size_ += size;
        return *this;
    }
    Line& number(std::uint64_t value, int base = 10) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value, base);
        return *this << std::string_view(digits, static_cast<std::size_t>(end.ptr - digits));
    }
    void write_to(int fd) const { [[maybe_unused]] const ssize_t written = ::write(fd, bytes_, size_); }

private:
    char bytes_[1536];
    std::size_t size_ = 0;
};

int open_report() {
    const char* const path = g_path.load(std::memory_order_acquire);
    if (*path == '\0') return STDERR_FILENO;
    const int fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    return fd >= 0 ? fd : STDERR_FILENO;
}

void write_report(int number, const siginfo_t* info) {
    const int fd = open_report();
    const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                          [&](const Kind& each) { return each.number == number; });
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    Line head;
    head << "gantry " << g_version << " died: " << (kind != std::end(kKinds) ? kind->name : "signal")
         << " pid=";
    head.number(static_cast<std::uint64_t>(::getpid())) << " thread=";
    head.number(static_cast<std::uint64_t>(::syscall(SYS_gettid))) << " time=";
    head.number(static_cast<std::uint64_t>(now.tv_sec)) << " ";
    if (info->si_code <= 0) {
        head << "sent by pid=";
        head.number(static_cast<std::uint64_t>(info->si_pid));
    } else {
        head << "address=0x";
        head.number(reinterpret_cast<std::uintptr_t>(info->si_addr), 16);
    }
    head << "\nbacktrace (addr2line -Cfpe gantry OFFSET names the lines):\n";
    head.write_to(fd);
    void* frames[kFrames];
    const int count = ::backtrace(frames, kFrames);
    ::backtrace_symbols_fd(frames, count, fd);
    if (fd != STDERR_FILENO) ::close(fd);
}

void on_signal(int number, siginfo_t* info, void* /*context*/) {
    const int saved = errno;
    if (!g_is_dying.exchange(true)) write_report(number, info);
    // Dies of it after the return, or as soon as another thread's report is written.
    std::signal(number, SIG_DFL);
    errno = saved;
    ::raise(number);
}

}  // namespace

void arm(const std::string& path, std::string_view version) {
    const std::size_t size = std::min(version.size(), sizeof g_version - 1);
    std::memcpy(g_version, version.data(), size);
    g_version[size] = '\0';
    char* const next = g_path.load() == g_paths[0] ? g_paths[1] : g_paths[0];
    const std::size_t length = path.size() < kMaxPath ? path.size() : 0;
    std::memcpy(next, path.data(), length);
    next[length] = '\0';
    g_path.store(next, std::memory_order_release);

    void* frames[2];
    ::backtrace(frames, 2);
    prepare_thread();
    for (const Kind& kind : kKinds) {
        struct sigaction now{};
        if (::sigaction(kind.number, nullptr, &now) != 0) continue;
        const bool is_free = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
        if (!is_free) continue;
        struct sigaction ours{};
        ours.sa_sigaction = on_signal;
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigfillset(&ours.sa_mask);
        ::sigaction(kind.number, &ours, nullptr);
    }
}

void prepare_thread() {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0) return;
    // As long as the thread, which takes it off before it is gone.
    struct Stack {
        std::unique_ptr<char[]> bytes{new char[kStack]};
        Stack() {
            stack_t stack{};
            stack.ss_sp = bytes.get();
            stack.ss_size = kStack;
            ::sigaltstack(&stack, nullptr);
        }
        ~Stack() {
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            ::sigaltstack(&none, nullptr);
        }
        Stack(const Stack&) = delete;
        Stack& operator=(const Stack&) = delete;
    };
    static thread_local Stack stack;
}

}  // namespace gantry::crash
