// The floor: what the kernel alone costs. A raw epoll program that looks for the end of a request head and
// nothing else. No server that parses, routes and times out can be cheaper; how near ours comes is the steady
// figure of contrib/bench. Also the origin that the proxy rows stand on.
//
//   floor static --size N [--tls CERT KEY]   answers every request with N bytes from memory
//   floor static --size N --sendfile         the same from a file in the page cache
//   floor proxy --upstream PORT              passes bytes on, one upstream connection per client connection
//
// Prints the port that the kernel chose, then serves until it is killed.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kRecord = 16 * 1024;

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

// One end. `other` is set in proxies only, `ssl` with TLS only.
struct Connection {
    int fd = -1;
    Connection* other = nullptr;
    SSL* ssl = nullptr;
    unsigned matched = 0;    // bytes of CRLFCRLF at the end of what was read
    unsigned replies = 0;    // still to be sent
    std::size_t offset = 0;  // into the reply that is being sent
    std::string in;          // TLS: ciphertext that waits for OpenSSL
    std::string pending;     // bytes that the socket did not take
    bool close = false;      // after the last reply
};

struct Program {
    bool proxy = false;
    std::string reply;
    std::size_t head = 0;  // its first bytes
    int file = -1;         // the rest of it, with --sendfile
    std::uint16_t upstream = 0;
    SSL_CTX* tls = nullptr;
    int epoll = -1;
    int listener = -1;
    std::vector<char> buffer = std::vector<char>(kReadSize);
};

Program program;

void watch(Connection& connection, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    epoll_ctl(program.epoll, operation, connection.fd, &event);
}

int listen_anywhere() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited by what is accepted
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
    if (listen(fd, 4096) != 0) die("listen");
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return fd;
}

void shut(Connection* connection) {
    for (Connection* end : {connection, connection->other}) {
        if (end == nullptr) continue;
        if (end->ssl != nullptr) {
            SSL_set_shutdown(end->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
            SSL_free(end->ssl);
        }
        close(end->fd);
        end->fd = -1;
        // The ends of a proxy are leaked: an event of the same batch may still point to one of them.
        if (end->other == nullptr) delete end;
    }
}

// ---- TLS over our own BIO: one recv and one send per turn, whatever OpenSSL does in between.

int bio_read(BIO* bio, char* to, int size) {
    auto& connection = *static_cast<Connection*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (connection.in.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t taken = std::min(connection.in.size(), static_cast<std::size_t>(size));
    std::memcpy(to, connection.in.data(), taken);
    connection.in.erase(0, taken);
    return static_cast<int>(taken);
}

int bio_write(BIO* bio, const char* from, int size) {
    auto& connection = *static_cast<Connection*>(BIO_get_data(bio));
    connection.pending.append(from, static_cast<std::size_t>(size));
    return size;
}

long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* bio_method() {
    static BIO_METHOD* method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "floor");
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

void start_tls(Connection& connection) {
    connection.ssl = SSL_new(program.tls);
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, &connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(connection.ssl, bio, bio);
    SSL_set_accept_state(connection.ssl);
}

// ---- replies

// Sends connection.pending. False: the connection is gone.
bool flush(Connection& connection) {
    while (!connection.pending.empty()) {
        const ssize_t sent =
            send(connection.fd, connection.pending.data(), connection.pending.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent < 0) return shut(&connection), false;
        if (static_cast<std::size_t>(sent) == connection.pending.size()) {
            connection.pending.clear();
        } else {
            connection.pending.erase(0, static_cast<std::size_t>(sent));
        }
    }
    return true;
}

bool answer_file(Connection& connection) {
    const std::size_t size = program.reply.size();
    while (connection.replies > 0) {
        ssize_t sent = 0;
        if (connection.offset < program.head) {
            sent = send(connection.fd, program.reply.data() + connection.offset,
                        program.head - connection.offset, MSG_NOSIGNAL | MSG_MORE);
        } else {
            auto from = static_cast<off_t>(connection.offset - program.head);
            sent = sendfile(connection.fd, program.file, &from, size - connection.offset);
        }
        if (sent < 0 && errno == EAGAIN) {
            watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent < 0) return shut(&connection), false;
        connection.offset += static_cast<std::size_t>(sent);
        if (connection.offset == size) connection.offset = 0, --connection.replies;
    }
    if (connection.close) return shut(&connection), false;
    return true;
}

bool answer_plain(Connection& connection) {
    if (program.file >= 0) return answer_file(connection);
    while (connection.replies > 0) {
        iovec parts[64];
        unsigned count = 0;
        for (; count < connection.replies && count < 64; ++count) {
            const std::size_t from = count == 0 ? connection.offset : 0;
            parts[count] = {program.reply.data() + from, program.reply.size() - from};
        }
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = count;
        const ssize_t sent = count == 1
                                 ? send(connection.fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                                 : sendmsg(connection.fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent < 0) return shut(&connection), false;
        const std::size_t total = connection.offset + static_cast<std::size_t>(sent);
        connection.replies -= static_cast<unsigned>(total / program.reply.size());
        connection.offset = total % program.reply.size();
    }
    if (connection.close) return shut(&connection), false;
    return true;
}

// Encrypts up to four records per send, so that memory stays small and the socket full.
bool answer_tls(Connection& connection) {
    while (connection.replies > 0) {
        while (connection.replies > 0 && connection.pending.size() < 4 * kRecord) {
            const std::size_t left = program.reply.size() - connection.offset;
            const int written = SSL_write(connection.ssl, program.reply.data() + connection.offset,
                                          static_cast<int>(std::min(left, kRecord)));
            if (written <= 0) return shut(&connection), false;
            connection.offset += static_cast<std::size_t>(written);
            if (connection.offset == program.reply.size()) {
                connection.offset = 0;
                --connection.replies;
            }
        }
        if (!flush(connection)) return false;
        if (!connection.pending.empty()) return true;
    }
    if (connection.close) return shut(&connection), false;
    return true;
}

void count_heads(Connection& connection, std::string_view bytes) {
    if (connection.matched == 0) {  // the usual case: whole heads in one read
        std::size_t at = 0;
        while ((at = bytes.find("\r\n\r\n", at)) != bytes.npos) {
            ++connection.replies;
            at += 4;
            if (at == bytes.size()) {
                if (memmem(bytes.data(), bytes.size(), "Connection: close", 17) != nullptr) {
                    connection.close = true;
                }
                return;
            }
        }
    }
    constexpr char kEnd[] = "\r\n\r\n";
    for (const char byte : bytes) {
        connection.matched = byte == kEnd[connection.matched] ? connection.matched + 1 : byte == '\r';
        if (connection.matched == 4) ++connection.replies, connection.matched = 0;
    }
}

void on_request(Connection& connection) {
    const ssize_t got = recv(connection.fd, program.buffer.data(), program.buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return shut(&connection);
    if (connection.ssl == nullptr) {
        count_heads(connection, {program.buffer.data(), static_cast<std::size_t>(got)});
        if (connection.replies > 0) answer_plain(connection);
        return;
    }
    connection.in.append(program.buffer.data(), static_cast<std::size_t>(got));
    for (;;) {
        char text[kRecord];
        const int plain = SSL_read(connection.ssl, text, sizeof text);
        if (plain > 0) {
            count_heads(connection, {text, static_cast<std::size_t>(plain)});
            continue;
        }
        if (SSL_get_error(connection.ssl, plain) == SSL_ERROR_WANT_READ) break;
        ERR_clear_error();
        return shut(&connection);
    }
    if (connection.replies > 0) {
        answer_tls(connection);
    } else {
        flush(connection);
    }
}

// ---- proxy

Connection* connect_upstream() {
    auto* connection = new Connection;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(program.upstream);
    if (connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("connect");
    return connection;
}

void pump(Connection& from) {
    if (from.fd < 0) return;
    const ssize_t got = recv(from.fd, program.buffer.data(), program.buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return shut(&from);
    Connection& to = *from.other;
    ssize_t sent =
        send(to.fd, program.buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return shut(&from);
    if (sent < 0) sent = 0;
    if (sent < got) {
        to.pending.assign(program.buffer.data() + sent, static_cast<std::size_t>(got - sent));
        watch(to, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        watch(from, 0, EPOLL_CTL_MOD);
    }
}

void unblock(Connection& to) {
    if (to.fd < 0) return;
    const ssize_t sent = send(to.fd, to.pending.data(), to.pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return;
    to.pending.erase(0, static_cast<std::size_t>(sent));
    if (!to.pending.empty()) return;
    watch(to, EPOLLIN, EPOLL_CTL_MOD);
    watch(*to.other, EPOLLIN, EPOLL_CTL_MOD);
}

// ---- the loop

void on_accept() {
    for (;;) {
        const int fd = accept4(program.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        auto* connection = new Connection;
        connection->fd = fd;
        watch(*connection, EPOLLIN, EPOLL_CTL_ADD);
        if (program.tls != nullptr) start_tls(*connection);
        if (!program.proxy) continue;
        connection->other = connect_upstream();
        connection->other->other = connection;
        watch(*connection->other, EPOLLIN, EPOLL_CTL_ADD);
    }
}

void on_writable(Connection& connection) {
    if (program.proxy) return unblock(connection);
    if (connection.ssl != nullptr && (!flush(connection) || !connection.pending.empty())) return;
    const bool alive = connection.ssl != nullptr ? answer_tls(connection) : answer_plain(connection);
    if (alive && connection.replies == 0) watch(connection, EPOLLIN, EPOLL_CTL_MOD);
}

void serve() {
    program.epoll = epoll_create1(EPOLL_CLOEXEC);
    program.listener = listen_anywhere();
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(program.epoll, EPOLL_CTL_ADD, program.listener, &event);
    for (;;) {
        epoll_event events[512];
        const int got = epoll_wait(program.epoll, events, 512, -1);
        for (int i = 0; i < got; ++i) {
            auto* connection = static_cast<Connection*>(events[i].data.ptr);
            if (connection == nullptr) {
                on_accept();
            } else if ((events[i].events & EPOLLOUT) != 0) {
                on_writable(*connection);
            } else if (program.proxy) {
                pump(*connection);
            } else {
                on_request(*connection);
            }
        }
    }
}

void use_file() {
    std::FILE* file = std::tmpfile();
    if (file == nullptr) die("tmpfile");
    const std::size_t size = program.reply.size() - program.head;
    if (std::fwrite(program.reply.data() + program.head, 1, size, file) != size) die("tmpfile");
    std::fflush(file);
    program.file = fileno(file);  // open for as long as we run
}

void use_tls(const char* certificate, const char* key) {
    program.tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(program.tls, TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(program.tls, "X25519");
    SSL_CTX_set_num_tickets(program.tls, 1);
    SSL_CTX_set_session_cache_mode(program.tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(program.tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(program.tls, 1);
    if (SSL_CTX_use_certificate_chain_file(program.tls, certificate) != 1) die(certificate);
    if (SSL_CTX_use_PrivateKey_file(program.tls, key, SSL_FILETYPE_PEM) != 1) die(key);
}

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    std::size_t size = 1024;
    bool from_file = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "proxy") program.proxy = true;
        if (word == "--sendfile") from_file = true;
        if (word == "--size" && i + 1 < argc) size = std::strtoul(argv[++i], nullptr, 10);
        if (word == "--upstream" && i + 1 < argc)
            program.upstream = static_cast<std::uint16_t>(std::atoi(argv[++i]));
        if (word == "--tls" && i + 2 < argc) use_tls(argv[i + 1], argv[i + 2]), i += 2;
    }
    program.reply =
        "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: " +
        std::to_string(size) +
        "\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"0123456789abcdef\"\r\n"
        "Accept-Ranges: bytes\r\n\r\n";
    program.head = program.reply.size();
    program.reply.append(size, 'x');
    if (from_file) use_file();
    serve();
}
