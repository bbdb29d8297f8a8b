#include "core/module/trial.hpp"

#include "core/base/unique_fd.hpp"
#include "core/module/contract.hpp"
#include "core/module/instances.hpp"
#include "core/module/modules.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::module {
namespace {

constexpr unsigned kSeconds = 10;

// Lines to whoever waits for the outcome: a letter, and a text without line ends.
class Teller {
public:
    explicit Teller(int fd) : fd_(fd) {}
    void tell(char what, std::string text) const {
        for (char& c : text) {
            if (c == '\n') c = ' ';
        }
        text = fmt::format("{}{}\n", what, text);
        for (std::string_view rest = text; !rest.empty();) {
            const ssize_t written = ::write(fd_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }

private:
    int fd_;
};

std::string type_of(const conf::ModuleKey& key) {
    // In the order of conf::Type; modules have no others.
    constexpr std::string_view kNames[] = {"boolean", "integer", "size",     "timespan",
                                           "string",  "path",    "template", "choice"};
    const auto index = static_cast<std::size_t>(key.doc.type);
    const std::string_view name = key.doc.type == conf::Type::Table ? "table"
                                  : index < std::size(kNames)       ? kNames[index]
                                                                    : "value";
    return fmt::format("{}{}", key.is_list ? "list of " : key.is_named ? "named " : "", name);
}

// What the module gets in a trial.
class Course {
public:
    Course(const std::string& path, const Teller& teller) : path_(path), teller_(teller) {
        services_.main = &tasks_;
        services_.timers = &timers_;
        settings_.modules = {path};
    }

    // Empty: it went well.
    std::string run() {
        begin("open()");
        Modules modules(services_);
        const auto doc = modules.open(path_);
        if (!doc) return fmt::format("{}; {}", doc.error().message, doc.error().hint);
        const Module& module = *modules.all().front();
        const gantry_module_entry_t& entry = *module.library.entry;
        teller_.tell('n', module.name);
        teller_.tell('v', entry.version);
        for (const conf::ModuleKey& key : (*doc)->keys) {
            teller_.tell('k', fmt::format("{}\t{}\t{}", key.doc.name, type_of(key), key.doc.doc));
        }
        passed("it opens, and its keys are sound");
        begin("get_extension()");
        if (entry.get_extension(module.state, "gantry.no-such-thing/1") != nullptr)
            return "get_extension() offers whatever it is asked for; for an id that it does not know it "
                   "returns NULL";
        passed("it offers instances, and nothing of an unknown id");
        if (std::string fault = live(modules); !fault.empty()) return fault;
        begin("close()");
        modules.close();
        tasks_.run();
        passed("it closes");
        return {};
    }

private:
    void begin(const char* what) const { teller_.tell('a', what); }
    void passed(const char* what) const { teller_.tell('p', what); }

    std::string live(const Modules& modules) {
        begin("prepare()");
        conf::Diagnostics diagnostics;
        server::Problems problems;
        auto first = Instances::prepare(modules, settings_, nullptr, problems, diagnostics);
        if (!problems.empty()) {
            teller_.tell('o', fmt::format("it needs to be configured: {}", problems.front().message));
            return {};
        }
        for (const Command& command : modules.all().front()->library.commands) {
            if (!has_route(*first, command))
                teller_.tell('o',
                             fmt::format("there is no route {} {} for its command {} without a configuration",
                                         command.method, command.path, command.name));
        }
        begin("commit()");
        first->commit();
        tasks_.run();
        begin("prepare() of a reload");
        auto second = Instances::prepare(modules, settings_, first.get(), problems, diagnostics);
        if (!problems.empty())
            return fmt::format("prepare() fails when it is reloaded: {}", problems.front().message);
        begin("commit() of a reload");
        second->commit();
        begin("retire()");
        first.reset();
        tasks_.run();
        passed("it is prepared, committed, reloaded and retired");
        begin("retire() without a commit()");
        Instances::prepare(modules, settings_, second.get(), problems, diagnostics).reset();
        second.reset();
        tasks_.run();
        if (timers_.next_check() >= 0)
            return "a timer of every() is left when the last instance is retired; cancel() it in retire()";
        passed("a load that fails elsewhere, and the last retire(), leave nothing behind");
        return {};
    }

    static bool has_route(const Instances& instances, const Command& command) {
        return std::any_of(instances.routes().begin(), instances.routes().end(),
                           [&](const BoundRoute& route) {
                               return route.method == command.method && route.path == command.path;
                           });
    }

    const std::string& path_;
    const Teller& teller_;
    TaskQueue tasks_;
    MainTimers timers_;
    Services services_;
    conf::Settings settings_;
};

// What a child said, and what is still to be said of how it ended.
struct Account {
    Trial trial;
    std::string at;  // the function it was in
    bool is_over = false;

    void line(std::string_view line) {
        const std::string text(line.substr(1));
        switch (line[0]) {
            case 'a':
                at = text;
                break;
            case 'n':
                trial.name = text;
                break;
            case 'v':
                trial.version = text;
                break;
            case 'k':
                key(text);
                break;
            case 'p':
                trial.passed.push_back(text);
                break;
            case 'o':
                trial.notes.push_back(text);
                break;
            case 'c':
                trial.fault = fmt::format("it breaks a contract in {}: {}", at, text);
                break;
            case 'f':
                trial.fault = text;
                break;
            default:
                is_over = true;
        }
    }
    void key(std::string_view text) {
        const std::size_t first = text.find('\t'), second = text.find('\t', first + 1);
        if (second == text.npos) return;
        trial.keys.push_back({std::string(text.substr(0, first)),
                              std::string(text.substr(first + 1, second - first - 1)),
                              std::string(text.substr(second + 1))});
    }
    void ended(int status) {
        if (is_over && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
        if (!trial.fault.empty()) return;
        const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        if (signal == SIGALRM) {
            trial.fault = fmt::format("it did not return from {} within {} seconds", at, kSeconds);
        } else if (signal != 0) {
            trial.fault = fmt::format("it crashed in {}: {}", at, ::strsignal(signal));
        } else {
            trial.fault = fmt::format("it ended the process in {}", at);
        }
    }
};

void read_lines(int fd, Account& account) {
    std::string pending;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        pending.append(buffer.data(), static_cast<std::size_t>(got));
        for (std::size_t end; (end = pending.find('\n')) != pending.npos; pending.erase(0, end + 1)) {
            if (end > 0) account.line(std::string_view(pending).substr(0, end));
        }
    }
}

const Teller* told = nullptr;  // of a child

[[noreturn]] void run_child(int fd, const std::string& path) {
    ::alarm(kSeconds);
    const Teller teller(fd);
    told = &teller;
    contract::set_checked(true);
    contract::set_teller([](std::string_view sentence) {
        told->tell('c', std::string(sentence));
        ::_exit(1);
    });
    std::string fault;
    {
        Course course(path, teller);
        fault = course.run();
    }
    if (!fault.empty()) teller.tell('f', fault);
    teller.tell('.', "");
    ::_exit(0);
}

}  // namespace

Trial try_module(const std::string& path) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {.fault = fmt::format("no pipe: {}", std::strerror(errno))};
    UniqueFd from(ends[0]), to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return {.fault = fmt::format("no process: {}", std::strerror(errno))};
    if (child == 0) run_child(to.get(), path);
    to.reset();
    Account account;
    read_lines(from.get(), account);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    account.ended(status);
    return std::move(account.trial);
}

}  // namespace gantry::module
