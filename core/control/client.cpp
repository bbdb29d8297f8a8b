#include "core/control/client.hpp"

#include "core/base/clock.hpp"
#include "core/base/unique_fd.hpp"
#include "core/http/h1_response.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAnswer = 256 * 1024 * 1024;

// Empty: `error` is the errno.
UniqueFd connect_to(const std::string& path, int& error) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.size() >= sizeof to.sun_path) {
        error = ENAMETOOLONG;
        return UniqueFd();
    }
    std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
    error = errno;
    return UniqueFd();
}

Response no_answer(std::string problem) {
    return {0, std::move(problem), {}};
}

class Conversation {
public:
    Conversation(UniqueFd fd, Millis deadline) : fd_(std::move(fd)), deadline_(deadline) {}

    Response ask(http::Method method, std::string_view path, const json::object& body) {
        const std::string text = body.empty() ? "" : json::serialize(body);
        const std::string request =
            fmt::format("{} {} HTTP/1.1\r\nHost: gantry\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                        http::name_of(method), path, text.size(), text);
        if (!send(request)) return no_answer(problem("while asking"));
        reader_.start(method, http::H1ResponseReader::Upgrade::Refused, {});
        return read();
    }

private:
    static std::string problem(std::string_view when) {
        return errno == ETIMEDOUT ? "gantry did not answer in time"
                                  : fmt::format("{} {}", std::strerror(errno), when);
    }

    bool wait(short events) {
        pollfd waits{fd_.get(), events, 0};
        for (;;) {
            const Millis left = deadline_ - monotonic_millis();
            const int got =
                left <= 0 ? 0 : ::poll(&waits, 1, static_cast<int>(std::min<Millis>(left, 60'000)));
            if (got > 0) return true;
            if (got < 0 && errno != EINTR) return false;
            if (monotonic_millis() >= deadline_) {
                errno = ETIMEDOUT;
                return false;
            }
        }
    }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            if (!wait(POLLOUT)) return false;
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) return false;
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    Response read() {
        for (;;) {
            const std::string_view input = std::string_view(buffer_).substr(at_);
            const auto step = reader_.feed(input, response_);
            if (!step) return no_answer("the answer is not HTTP: " + describe(step.error()));
            using Event = http::H1ResponseReader::Event;
            if (step->event == Event::Body) body_.append(step->data);
            if (step->event == Event::Head) status_ = response_.head.status;
            at_ += step->consumed;
            if (step->event == Event::End) return complete();
            if (step->event != Event::NeedMore) continue;
            if (!fill()) return no_answer(problem("while reading the answer"));
        }
    }

    // False: errno says why there is no more.
    bool fill() {
        // Views into the buffer end with the head: only its status is used.
        buffer_.erase(0, std::exchange(at_, 0));
        char bytes[64 * 1024];
        if (body_.size() > kMaxAnswer || !wait(POLLIN)) return false;
        const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
        if (got == 0) errno = ECONNRESET;
        if (got <= 0) return got < 0 && errno == EINTR;
        buffer_.append(bytes, static_cast<std::size_t>(got));
        return true;
    }

    Response complete() {
        json::error_code error;
        json::value value = json::parse(body_, error);
        if (error || !value.is_object()) return no_answer("the answer is not a JSON object");
        return {status_, "", std::move(value.as_object())};
    }

    UniqueFd fd_;
    Millis deadline_;
    Arena arena_;
    http::H1ResponseReader reader_;
    http::IncomingResponse response_{arena_};
    std::string buffer_;
    std::size_t at_ = 0;
    std::string body_;
    int status_ = 0;
};

}  // namespace

Response ask(const std::vector<std::string>& sockets, http::Method method, std::string_view path,
             const json::object& body, std::chrono::milliseconds timeout) {
    int refused = ENOENT;
    for (const std::string& socket : sockets) {
        int error = 0;
        UniqueFd fd = connect_to(socket, error);
        if (fd)
            return Conversation(std::move(fd), monotonic_millis() + timeout.count()).ask(method, path, body);
        if (error != ENOENT) refused = error;
    }
    std::string tried;
    for (const std::string& socket : sockets) tried.append(tried.empty() ? "" : ", ").append(socket);
    return no_answer(fmt::format("no gantry answers on {}: {}", tried, std::strerror(refused)));
}

}  // namespace gantry::control
