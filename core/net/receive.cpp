#include "core/net/receive.hpp"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif

namespace gantry::net {

namespace {

// From the control message that TCP_INQ adds. -1: not said.
int bytes_left(msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == IPPROTO_TCP && header->cmsg_type == TCP_CM_INQ) {
            int left;
            std::memcpy(&left, CMSG_DATA(header), sizeof left);
            return left;
        }
    }
    return -1;
}

}  // namespace

ssize_t receive(int fd, char* to, std::size_t size, bool& more) {
    iovec vector{to, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got;
    do {
        got = ::recvmsg(fd, &message, 0);
    } while (got < 0 && errno == EINTR);
    more = got > 0 && bytes_left(message) != 0;
    return got;
}

}  // namespace gantry::net
