// One read from a stream socket, and whether the kernel has more.
#pragma once

#include <cstddef>
#include <sys/types.h>

namespace gantry::net {

// Like recv(), not interrupted by signals. `more` becomes true when another read may find something without a
// new edge: bytes, or a FIN that came along with these (TCP_INQ counts it as one byte; of a reset it says
// nothing). Where the kernel does
// not say, as on unix sockets, that is after every successful read. False after an error or the end.
ssize_t receive(int fd, char* to, std::size_t size, bool& more);

}  // namespace gantry::net
