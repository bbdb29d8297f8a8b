"""What systemd does for a service, without systemd: the socket for its notifications, and sockets passed to it."""

import fcntl
import os
import pathlib
import shutil
import socket
import tempfile
import time

from .wait import DEADLINE


class NotifySocket:
    """Collects notifications: a list of {"READY": "1", "STATUS": "…"} in the order they came."""

    def __init__(self):
        self._dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-notify-"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._dir / "notify"))
        self.seen = []

    def env(self, watchdog=None):
        env = {"NOTIFY_SOCKET": str(self._dir / "notify")}
        if watchdog is not None:
            env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        return env

    def mark(self):
        return len(self.seen)

    def receive(self, seconds):
        """Takes what comes within that time; True if anything did."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return False
        self.seen.append(dict(line.split("=", 1) for line in data.decode().splitlines()))
        return True

    def wait(self, key, value=None, after=0, timeout=DEADLINE):
        """The first notification at or after `after` that has this key (and value)."""
        end = time.monotonic() + timeout
        at = after
        while True:
            while at < len(self.seen):
                one = self.seen[at]
                at += 1
                if key in one and value in (None, one[key]):
                    return one
            left = end - time.monotonic()
            assert left > 0 and self.receive(left), f"no {key}={value or ''} within {timeout} s: {self.seen[after:]}"

    def close(self):
        self._socket.close()
        shutil.rmtree(self._dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def passing(sockets):
    """Arguments for Gantry(...) that pass these (name, socket) on as systemd does."""
    # Out of the way of 3, 4, …, which is where the service expects them.
    copies = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for _, one in sockets]
    moves = " ".join(f"{3 + i}<&{copy} {copy}<&-" for i, copy in enumerate(copies))
    names = ":".join(name for name, _ in sockets)
    script = f'exec {moves}; LISTEN_PID=$$ LISTEN_FDS={len(copies)} LISTEN_FDNAMES={names} exec "$@"'
    return {"prefix": ["bash", "-c", script, "bash"], "pass_fds": tuple(copies)}


def close_copies(arguments):
    for fd in arguments["pass_fds"]:
        os.close(fd)
