"""HAProxy, in front of gantry."""

import pathlib
import shutil
import socket
import subprocess
import tempfile

from .peer import end
from .wait import wait_until

GLOBAL = """
global
    maxconn 200
defaults
    timeout connect 10s
    timeout client 30s
    timeout server 30s
"""


class HAProxy:
    """
    with HAProxy("frontend … bind 127.0.0.1:@port@ …") as haproxy: ... haproxy.port. The socket is bound here and
    inherited, so that no port has to be guessed; @dir@ is where `files` are.
    """

    def __init__(self, config, files=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-haproxy-"))
        self.listener = socket.socket(socket.AF_INET)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(100)
        self.port = self.listener.getsockname()[1]
        for name, content in (files or {}).items():
            (self.dir / name).write_bytes(content.encode() if isinstance(content, str) else content)
        config = config.replace("127.0.0.1:@port@", f"fd@{self.listener.fileno()}").replace("@dir@", str(self.dir))
        (self.dir / "haproxy.cfg").write_text(GLOBAL + config)

    def __enter__(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/haproxy", "-db", "-f", self.dir / "haproxy.cfg"],
            pass_fds=[self.listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=open(self.dir / "log", "wb"),
        )
        # The socket listens already: connections wait in its backlog.
        wait_until(lambda: self.process.poll() is None, "haproxy to begin")
        return self

    def __exit__(self, *_):
        ended = self.process.poll()
        assert ended is None, f"haproxy ended with {ended}: {(self.dir / 'log').read_text()}"
        end(self.process)
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)
