"""A real Redis on a unix socket, which may be killed and started again."""

import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from .peer import end
from .wait import wait_until


class Redis:
    """with Redis() as redis: ... redis.socket, redis.ask("GET", "key")."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-redis-"))
        self.socket = self.dir / "redis.sock"
        self.process = None

    def start(self):
        """With nothing in it: it keeps nothing on disk."""
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--dir", str(self.dir)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(self.dir / "log", "ab"))
        wait_until(self._answers, "redis to answer")
        return self

    def _answers(self):
        assert self.process.poll() is None, f"redis ended with {self.process.returncode}: {(self.dir / 'log').read_text()}"
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def ask(self, *words):
        """The first line of the reply."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.socket))
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
            return connection.makefile("rb").readline().decode().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.thaw()
            end(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)
