// The load generator of contrib/bench: one thread, epoll, HTTP/1.1, plain or TLS 1.3.
//
// It talks to its parent in lines, so that the parent can read the server's counters at the right moments:
// connect and warm up, say "ready"; then, for every line that comes, run and print one JSON object, until the
// end of input. Connections stay open until then. At the end of a run no request is left in flight: what is
// printed is exactly what the server did.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <random>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace {

using Nanoseconds = std::int64_t;

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kMaxHead = 64 * 1024;

struct Options {
    sockaddr_in address{};
    std::size_t connections = 64;
    std::size_t opening = 256;     // of them at once: do not overrun the accept queue
    std::uint64_t warm_up = 2000;  // requests before "ready", at least one per connection
    std::uint64_t requests = 0;    // of the run; 0: as many as fit in `seconds`
    double seconds = 0.5;
    unsigned pipeline = 1;  // requests sent at once
    bool close = false;     // a connection per request
    bool tls = false;
    bool slow = false;        // never finish a head: send one byte now and then
    double drip_seconds = 1;  // between two bytes of one slow connection
    double rate = 0;          // requests per second, from a clock (open loop); 0: as fast as they come
    std::string path = "/";
    std::string host = "localhost";
    unsigned hosts = 0;       // when set, requests are spread over h0.HOST ... h(N-1).HOST
    bool small_head = false;  // only Host; else what a browser sends
};

struct Connection {
    int fd = -1;
    SSL* ssl = nullptr;
    unsigned expected = 0;  // replies that are still to come
    bool in_body = false;
    bool wait_for_end = false;  // the last reply is here, the server has to close
    std::uint64_t body_left = 0;
    Nanoseconds started = 0;
    std::string head;  // the part of a head that earlier reads brought
};

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "load: %s\n", what.c_str());
    std::exit(1);
}

Nanoseconds now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * kSecond + t.tv_nsec;
}

std::string request_text(const Options& options, const std::string& host) {
    std::string text = "GET " + options.path + " HTTP/1.1\r\nHost: " + host + "\r\n";
    if (!options.small_head) {
        text +=
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
            "Accept-Language: en-US,en;q=0.5\r\n"
            "Accept-Encoding: gzip, deflate\r\n"
            "Cookie: session=6f1c2a7be0d94c55a1b2; theme=dark\r\n";
    }
    return text + (options.close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
}

// The value of Content-Length in a head, or -1.
std::int64_t content_length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
        const char* line = head.data() + at + 2;
        if (head.size() - at - 2 < kName.size()) return -1;
        if ((line[0] | 0x20) == 'c' && strncasecmp(line, kName.data(), kName.size()) == 0) {
            return std::strtoll(line + kName.size(), nullptr, 10);
        }
    }
    return -1;
}

class Load {
public:
    explicit Load(Options options);

    void warm_up();
    void run();
    void drip();
    void print() const;

private:
    void open(Connection& connection);
    void shut(Connection& connection);
    void send(Connection& connection, std::string_view bytes);
    void issue(Connection& connection);
    void send_request(Connection& connection);
    void read(Connection& connection);
    void take(Connection& connection, const char* data, std::size_t size);
    std::size_t take_head(Connection& connection, const char* data, std::size_t size);
    void reply_done(Connection& connection);
    void ended(Connection& connection);
    void next(Connection& connection);
    void loop_until_idle();
    void poll(Nanoseconds until);
    bool may_issue();
    void schedule_due();

    Options options_;
    SSL_CTX* tls_ = nullptr;
    int epoll_ = -1;
    std::vector<Connection> connections_;
    std::vector<std::string> texts_;  // one request per host, repeated `pipeline` times
    std::size_t next_text_ = 0;
    std::vector<char> buffer_ = std::vector<char>(kReadSize);

    bool issuing_ = false;
    std::uint64_t left_ = 0;    // requests that may still be sent, when counted
    Nanoseconds deadline_ = 0;  // else the time to stop sending
    std::size_t busy_ = 0;      // connections with replies or an end to come
    std::uint64_t done_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t reconnects_ = 0;
    std::uint64_t repeated_ = 0;  // of them with a request in flight, which was sent again
    std::uint64_t bytes_ = 0;
    Nanoseconds began_ = 0;
    Nanoseconds finished_ = 0;
    std::vector<std::uint32_t> latencies_;  // microseconds × 10

    // open loop
    bool open_loop_ = false;
    Nanoseconds next_due_ = 0;
    std::deque<Nanoseconds> waiting_;
    std::vector<Connection*> free_;
    std::mt19937_64 random_{42};
};

Load::Load(Options options) : options_(std::move(options)), connections_(options_.connections) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) die("epoll_create1: " + std::string(std::strerror(errno)));
    if (options_.tls) {
        tls_ = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(tls_, TLS1_3_VERSION);
        SSL_CTX_set_ciphersuites(tls_, "TLS_AES_128_GCM_SHA256");  // the same for every server
        SSL_CTX_set1_groups_list(tls_, "X25519");
        SSL_CTX_set_session_cache_mode(tls_, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(tls_, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_read_ahead(tls_, 1);
    }
    const unsigned hosts = std::max(options_.hosts, 1U);
    for (unsigned i = 0; i < hosts; ++i) {
        const std::string host =
            options_.hosts == 0 ? options_.host : "h" + std::to_string(i) + "." + options_.host;
        const std::string one = request_text(options_, host);
        std::string text;
        for (unsigned k = 0; k < options_.pipeline; ++k) text += one;
        texts_.push_back(std::move(text));
    }
}

void Load::open(Connection& connection) {
    connection = Connection{};
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection.fd < 0) die("socket: " + std::string(std::strerror(errno)));
    const auto* address = reinterpret_cast<const sockaddr*>(&options_.address);
    if (connect(connection.fd, address, sizeof options_.address) != 0) {
        die("connect: " + std::string(std::strerror(errno)));
    }
    fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
    if (tls_ != nullptr) {
        connection.ssl = SSL_new(tls_);
        SSL_set_fd(connection.ssl, connection.fd);
        SSL_set_tlsext_host_name(connection.ssl, options_.host.c_str());
        SSL_set_connect_state(connection.ssl);
        // The client hello leaves now; the request follows when the handshake is over.
        SSL_do_handshake(connection.ssl);
    }
}

void Load::shut(Connection& connection) {
    if (connection.ssl != nullptr) {
        SSL_set_shutdown(connection.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(connection.ssl);
        connection.ssl = nullptr;
    }
    if (connection.fd >= 0) ::close(connection.fd);
    connection.fd = -1;
    connection.head.clear();
    connection.in_body = false;
}

// A request fits into an empty socket buffer; one that does not is a defect of the set-up.
void Load::send(Connection& connection, std::string_view bytes) {
    if (connection.ssl != nullptr) {
        if (SSL_write(connection.ssl, bytes.data(), static_cast<int>(bytes.size())) <= 0) ++errors_;
        return;
    }
    const ssize_t sent = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;  // the read side sees it too
    if (sent != static_cast<ssize_t>(bytes.size())) die("a request did not fit into the socket's buffer");
}

void Load::issue(Connection& connection) {
    const Nanoseconds started = open_loop_ ? connection.started : now();
    if (connection.fd < 0) open(connection);
    connection.started = started;
    connection.expected = options_.pipeline;
    ++busy_;
    if (connection.ssl == nullptr || SSL_is_init_finished(connection.ssl) != 0) send_request(connection);
}

void Load::send_request(Connection& connection) {
    send(connection, texts_[next_text_]);
    next_text_ = next_text_ + 1 == texts_.size() ? 0 : next_text_ + 1;
}

bool Load::may_issue() {
    if (!issuing_) return false;
    if (deadline_ != 0) return now() < deadline_;
    if (left_ == 0) return false;
    left_ -= std::min<std::uint64_t>(left_, options_.pipeline);
    return true;
}

void Load::read(Connection& connection) {
    if (connection.ssl == nullptr) {
        const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
        if (got > 0) return take(connection, buffer_.data(), static_cast<std::size_t>(got));
        if (got < 0 && errno == EAGAIN) return;
        return ended(connection);
    }
    if (SSL_is_init_finished(connection.ssl) == 0) {
        const int result = SSL_do_handshake(connection.ssl);
        if (result != 1) {
            if (SSL_get_error(connection.ssl, result) == SSL_ERROR_WANT_READ) return;
            return ended(connection);
        }
        if (connection.expected != 0) send_request(connection);
    }
    for (;;) {
        const int got = SSL_read(connection.ssl, buffer_.data(), static_cast<int>(buffer_.size()));
        if (got <= 0) {
            const int reason = SSL_get_error(connection.ssl, got);
            if (reason == SSL_ERROR_WANT_READ) return;
            ERR_clear_error();
            return ended(connection);
        }
        const int fd = connection.fd;
        take(connection, buffer_.data(), static_cast<std::size_t>(got));
        if (connection.fd != fd || connection.ssl == nullptr) return;
    }
}

void Load::take(Connection& connection, const char* data, std::size_t size) {
    bytes_ += size;
    while (size > 0) {
        if (connection.expected == 0) die("bytes after the last reply");
        std::size_t used = 0;
        if (connection.in_body) {
            used = static_cast<std::size_t>(std::min<std::uint64_t>(size, connection.body_left));
            connection.body_left -= used;
        } else {
            used = take_head(connection, data, size);
        }
        data += used;
        size -= used;
        if (connection.in_body && connection.body_left == 0) {
            connection.in_body = false;
            reply_done(connection);
        }
    }
}

// Returns how many bytes were the head's; in_body is set once it is complete.
std::size_t Load::take_head(Connection& connection, const char* data, std::size_t size) {
    const std::size_t kept = connection.head.size();
    std::string_view head(data, size);
    if (kept != 0) {
        connection.head.append(data, std::min(size, kMaxHead));
        head = connection.head;
    }
    const std::size_t end = head.find("\r\n\r\n", kept < 3 ? 0 : kept - 3);
    if (end == head.npos) {
        if (head.size() >= kMaxHead) die("a head without an end");
        if (kept == 0) connection.head.assign(data, size);
        return size;
    }
    head = head.substr(0, end + 4);
    const std::int64_t length = content_length(head);
    if (length < 0) die("a reply without Content-Length:\n" + std::string(head));
    if (head.size() < 12 || head.substr(9, 3) != "200") ++errors_;
    connection.body_left = static_cast<std::uint64_t>(length);
    connection.in_body = true;
    const std::size_t used = head.size() - kept;
    connection.head.clear();
    return used;
}

void Load::reply_done(Connection& connection) {
    ++done_;
    if (--connection.expected != 0) return;
    const Nanoseconds took = now() - connection.started;
    latencies_.push_back(static_cast<std::uint32_t>(std::min<Nanoseconds>(took / 100, UINT32_MAX)));
    if (options_.close) {
        connection.wait_for_end = true;  // the server's closing is part of its work
        return;
    }
    next(connection);
}

void Load::next(Connection& connection) {
    --busy_;
    if (open_loop_) {
        if (waiting_.empty()) {
            free_.push_back(&connection);
            return;
        }
        connection.started = waiting_.front();
        waiting_.pop_front();
        return issue(connection);
    }
    if (may_issue()) issue(connection);
}

void Load::ended(Connection& connection) {
    const bool wanted = connection.wait_for_end;
    const bool in_flight = connection.expected != 0;
    const bool answering = connection.in_body || !connection.head.empty();
    shut(connection);
    connection.wait_for_end = false;
    if (wanted) return next(connection);
    ++reconnects_;
    if (!in_flight) return;  // closed while idle: the next issue() opens another one
    if (reconnects_ > 1000 + done_ / 10) die("the server closes connections instead of answering");
    if (answering) ++errors_;
    ++repeated_;
    // A server may end a connection after so many requests just as we send the next one: ask again.
    --busy_;
    issue(connection);
}

void Load::poll(Nanoseconds until) {
    epoll_event events[512];
    int got = 0;
    if (until == 0) {
        got = epoll_wait(epoll_, events, 512, 5000);
        if (got == 0) die("no reply for five seconds");
    } else {
        const Nanoseconds left = std::max<Nanoseconds>(0, until - now());
        const timespec wait{left / kSecond, left % kSecond};
        got = epoll_pwait2(epoll_, events, 512, &wait, nullptr);
    }
    for (int i = 0; i < got; ++i) read(*static_cast<Connection*>(events[i].data.ptr));
}

void Load::loop_until_idle() {
    while (busy_ > 0) poll(0);
}

void Load::warm_up() {
    for (Connection& connection : connections_) {
        issue(connection);
        while (busy_ >= options_.opening) poll(0);
    }
    loop_until_idle();
    issuing_ = true;
    left_ = options_.warm_up - std::min(options_.warm_up, done_);
    for (Connection& connection : connections_) {
        if (may_issue()) issue(connection);
    }
    loop_until_idle();
    if (errors_ != 0) die("errors while warming up");
    issuing_ = false;
    latencies_.reserve(1 << 20);
}

void Load::schedule_due() {
    std::exponential_distribution<double> gap(options_.rate);
    for (const Nanoseconds t = now(); next_due_ <= t && next_due_ < deadline_;
         next_due_ += static_cast<Nanoseconds>(gap(random_) * kSecond)) {
        if (free_.empty()) {
            waiting_.push_back(next_due_);
            continue;
        }
        Connection& connection = *free_.back();
        free_.pop_back();
        connection.started = next_due_;
        issue(connection);
    }
}

void Load::run() {
    done_ = errors_ = reconnects_ = repeated_ = bytes_ = 0;
    latencies_.clear();
    free_.clear();
    issuing_ = true;
    began_ = now();
    left_ = options_.requests;
    deadline_ = options_.requests != 0 ? 0 : began_ + static_cast<Nanoseconds>(options_.seconds * kSecond);
    if (options_.rate > 0) {
        open_loop_ = true;
        next_due_ = began_;
        for (Connection& connection : connections_) free_.push_back(&connection);
        while (next_due_ < deadline_) {
            schedule_due();
            poll(next_due_);
        }
    } else {
        for (Connection& connection : connections_) {
            if (may_issue()) issue(connection);
        }
    }
    loop_until_idle();
    finished_ = now();
    std::sort(latencies_.begin(), latencies_.end());
}

// Keeps every connection in the middle of a request head until the parent closes our input.
void Load::drip() {
    const std::string start = "GET / HTTP/1.1\r\nHost: " + options_.host + "\r\nX-Slow: ";
    const auto again = [&](Connection& connection) {
        open(connection);
        send(connection, start);
    };
    for (Connection& connection : connections_) again(connection);
    std::puts("ready");
    std::fflush(stdout);
    fcntl(0, F_SETFL, O_NONBLOCK);
    const auto gap = static_cast<Nanoseconds>(options_.drip_seconds * kSecond) /
                     static_cast<Nanoseconds>(connections_.size());
    Nanoseconds due = now();
    for (std::size_t at = 0;; at = at + 1 == connections_.size() ? 0 : at + 1) {
        ::send(connections_[at].fd, "a", 1, MSG_NOSIGNAL);
        due += gap;
        do {
            epoll_event events[64];
            const Nanoseconds left = std::max<Nanoseconds>(0, due - now());
            const timespec wait{left / kSecond, left % kSecond};
            const int got = epoll_pwait2(epoll_, events, 64, &wait, nullptr);
            for (int i = 0; i < got; ++i) {
                auto& connection = *static_cast<Connection*>(events[i].data.ptr);
                const ssize_t bytes = recv(connection.fd, buffer_.data(), buffer_.size(), 0);
                if (bytes > 0 || (bytes < 0 && errno == EAGAIN)) continue;
                shut(connection);
                ++reconnects_;
                again(connection);
            }
        } while (now() < due);
        char byte = 0;
        if (at % 64 == 0 && ::read(0, &byte, 1) == 0) break;
    }
    std::printf("{\"reconnects\": %llu}\n", static_cast<unsigned long long>(reconnects_));
}

void Load::print() const {
    const auto at = [&](double part) {
        if (latencies_.empty()) return 0.0;
        const auto index = static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1));
        return latencies_[index] / 10.0;
    };
    std::printf(
        "{\"requests\": %llu, \"errors\": %llu, \"reconnects\": %llu, \"repeated\": %llu, \"bytes\": %llu, "
        "\"seconds\": %.6f, "
        "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
        static_cast<unsigned long long>(done_), static_cast<unsigned long long>(errors_),
        static_cast<unsigned long long>(reconnects_), static_cast<unsigned long long>(repeated_),
        static_cast<unsigned long long>(bytes_), static_cast<double>(finished_ - began_) / kSecond, at(0.5),
        at(0.9), at(0.99), at(0.999), at(1));
    std::fflush(stdout);
}

Options parse(int argc, char** argv) {
    Options options;
    options.address.sin_family = AF_INET;
    options.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--close") {
            options.close = true;
            continue;
        }
        if (name == "--tls") {
            options.tls = true;
            continue;
        }
        if (name == "--slow") {
            options.slow = true;
            continue;
        }
        if (name == "--small-head") {
            options.small_head = true;
            continue;
        }
        if (i + 1 == argc) die(std::string(name) + " needs a value");
        const char* value = argv[++i];
        if (name == "--port")
            options.address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(value)));
        else if (name == "--connections")
            options.connections = std::strtoul(value, nullptr, 10);
        else if (name == "--opening")
            options.opening = std::max(1UL, std::strtoul(value, nullptr, 10));
        else if (name == "--warm-up")
            options.warm_up = std::strtoull(value, nullptr, 10);
        else if (name == "--requests")
            options.requests = std::strtoull(value, nullptr, 10);
        else if (name == "--seconds")
            options.seconds = std::atof(value);
        else if (name == "--pipeline")
            options.pipeline = static_cast<unsigned>(std::atoi(value));
        else if (name == "--drip-seconds")
            options.drip_seconds = std::atof(value);
        else if (name == "--rate")
            options.rate = std::atof(value);
        else if (name == "--path")
            options.path = value;
        else if (name == "--host")
            options.host = value;
        else if (name == "--hosts")
            options.hosts = static_cast<unsigned>(std::atoi(value));
        else
            die("unknown option " + std::string(name));
    }
    if (options.address.sin_port == 0) die("--port is missing");
    if (options.connections == 0 || options.pipeline == 0) die("--connections and --pipeline are at least 1");
    return options;
}

// Waits for a line of the parent; false at the end of input.
bool told_to_run() {
    int got = std::getchar();
    if (got == EOF) return false;
    while (got != '\n' && got != EOF) got = std::getchar();
    return true;
}

void raise_file_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    const Options options = parse(argc, argv);
    Load load(options);
    if (options.slow) {
        load.drip();
        return 0;
    }
    load.warm_up();
    std::puts("ready");
    std::fflush(stdout);
    while (told_to_run()) {  // never, for the memory rows: only held open
        load.run();
        load.print();
    }
}
