"""What /proc tells about the server's sockets: which worker has a connection, and the socket itself."""

import collections
import ctypes
import os
import re
import socket

import pytest

from .wait import wait_until

LISTEN = "0A"
SYS_PIDFD_GETFD = 438  # on every architecture


class Sockets:
    """The TCP sockets (IPv4) of the server process behind one listener."""

    def __init__(self, gantry, listener="web"):
        self.pid = gantry.server_pid()
        self.port = gantry.port(listener)

    def _rows(self):
        """(port at the other end, state, inode) of the sockets at our port."""
        with open(f"/proc/{self.pid}/net/tcp") as table:
            for line in list(table)[1:]:
                columns = line.split()
                if int(columns[1].rpartition(":")[2], 16) == self.port:
                    yield int(columns[2].rpartition(":")[2], 16), columns[3], columns[9]

    def _descriptors(self):
        """inode -> descriptor, of the sockets; and the descriptors of the epolls."""
        sockets, epolls = {}, []
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                to = os.readlink(f"/proc/{self.pid}/fd/{name}")
            except OSError:
                continue  # closed meanwhile
            if to.startswith("socket:["):
                sockets[to[8:-1]] = int(name)
            elif "[eventpoll]" in to:
                epolls.append(int(name))
        return sockets, epolls

    def _watched(self, epoll):
        with open(f"/proc/{self.pid}/fdinfo/{epoll}") as info:
            return {int(number) for number in re.findall(r"^tfd:\s*(\d+)", info.read(), re.M)}

    def listening(self):
        """The listening descriptors."""
        sockets, _ = self._descriptors()
        return [sockets[inode] for _, state, inode in self._rows() if state == LISTEN and inode in sockets]

    def of(self, client):
        """The descriptor of the connection of a RawClient, which the server must have accepted."""
        port = client.socket.getsockname()[1]
        inodes = [inode for other, state, inode in self._rows() if other == port and state != LISTEN]
        assert len(inodes) == 1, f"{len(inodes)} sockets for the client at port {port}"
        return self._descriptors()[0][inodes[0]]

    def workers(self):
        """For each worker, told by its epoll: the ports of the clients whose connections it has."""
        sockets, epolls = self._descriptors()
        rows = [(port, state, sockets[inode]) for port, state, inode in self._rows() if inode in sockets]
        listening = {number for _, state, number in rows if state == LISTEN}
        clients = {number: port for port, state, number in rows if state != LISTEN}
        found = collections.OrderedDict()
        for epoll in sorted(epolls):
            watched = self._watched(epoll)
            if watched & listening:
                found[epoll] = {clients[number] for number in watched & clients.keys()}
        return found

    def wait_for(self, condition):
        """Until `condition` holds for workers()."""
        wait_until(lambda: condition(self.workers()), "the connections of the workers")

    def worker_of(self, client):
        """The epoll of the worker that has the connection of a RawClient."""
        port = client.socket.getsockname()[1]

        def find():
            return [worker for worker, ports in self.workers().items() if port in ports]

        return wait_until(find, f"a worker for the client at port {port}")[0]

    def duplicate(self, number):
        """The server's descriptor as a socket of this process. Skips the test where that is forbidden."""
        pidfd = os.pidfd_open(self.pid)
        try:
            copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        finally:
            os.close(pidfd)
        if copy < 0:
            pytest.skip(f"pidfd_getfd is not allowed here: {os.strerror(ctypes.get_errno())}")
        return socket.socket(fileno=copy)
