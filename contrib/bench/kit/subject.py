"""The gantry whose operations are measured, what it proxies to, the load on it, and slices of that load."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

from . import peers, process, tools

sys.path.insert(0, str(tools.ROOT / "tests/e2e"))
from support.client import fetch  # noqa: E402
from support.gantry import Gantry  # noqa: E402

CONFIG = """
[server]
workers = 2
control = "@dir@/control.sock"
access_log = @access_log@
drain_timeout = "@drain@"
[listener.web]
address = "127.0.0.1:0"
idle_timeout = "10m"
[upstream.app]
peers = ["127.0.0.1:@app@"]
keep_alive = 128
[host.localhost]
default = true
[host.localhost.location."/"]
static = "@site@"
response_headers = { set = { X-Turn = "@turn@" } }
[host.localhost.location."/proxy/"]
proxy = "app"
"""


class Subject(Gantry):
    """Two workers, a static and a proxied location; `config` adds to that. turn() changes it and reloads."""

    def __init__(self, config="", access_log='"@dir@/access.log"', drain="30s", **values):
        self.turns = 0
        self.text = CONFIG.replace("@access_log@", access_log) + config
        super().__init__(self.text, turn=0, drain=drain, **values)

    def call(self, method, path, body=None, timeout=60):
        """A call of the control API: the status and the answer."""
        with contextlib.closing(UnixConnection(str(self.dir / "control.sock"), timeout)) as connection:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())

    def status(self):
        return self.call("GET", "/v1/status")[1]

    def edit(self):
        self.turns += 1
        self.values["turn"] = self.turns
        self.configure(self.text)

    def turn(self):
        """Another value for a header of the answers, and a reload: the seconds that it took."""
        self.edit()
        began = time.monotonic()
        status, verdict = self.call("POST", "/v1/reload")
        took = time.monotonic() - began
        if status != 200 or not verdict["applied"]:
            raise process.Wrong(f"a reload failed: {status} {verdict}")
        return took

    def shows_last_turn(self, tries=16):
        return all(fetch(self, "/1k.txt").get("x-turn") == str(self.turns) for _ in range(tries))

    def rss(self):
        process.settled_cpu_seconds(self.server_pid())
        return self.resident()

    def worker_seconds(self):
        """Processor time of each worker so far, once the process has gone to sleep."""
        pid = self.server_pid()
        process.settled_cpu_seconds(pid)
        tasks = pathlib.Path(f"/proc/{pid}/task")
        return [int((task / "schedstat").read_text().split()[0]) / 1e9 for task in sorted(tasks.iterdir())
                if (task / "comm").read_text().startswith("worker-")]

    def logged(self, pattern, after=0):
        return [line for line in self.lines[after:] if line and re.search(pattern, line)]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("gantry", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Scene:
    """What every measurement needs: the programs, the files, an origin, and a folder that goes away with it."""

    def __init__(self, folder, programs, binary):
        os.environ["GANTRY_BINARY"] = str(binary)
        self.folder, self.programs, self.binary = folder, programs, binary
        self.site, self.certificate, self.key = tools.make_site(folder)

    def origin(self):
        """For the proxied load: raw epoll."""
        return process.Server("floor", peers.Scene(root=None, certificate=None, key=None, floor=self.programs["floor"]))

    def load(self, subject, path, connections=16, rate=500, seconds=2.0, warm_up=2000, more=()):
        pace = ("--rate", rate) if rate else ()
        arguments = ["--port", subject.port(), "--path", path, "--connections", connections, "--seconds", seconds,
                     "--warm-up", warm_up, *pace, *more]
        # First where we may, so that what it measures is the server and not its own turn; not where it asks without a
        # pause, because the kernel stops whoever is first for 50 ms when that takes most of a second.
        return process.Load(self.programs["load"], arguments, None, first=rate > 0)


PATHS = {"static": "/1k.txt", "proxied": "/proxy/x"}


def run_together(loads):
    """One run of each load at the same time: {name: what it printed}."""
    for load in loads.values():
        load.begin()
    return {name: load.result() for name, load in loads.items()}


class Slices:
    """Short runs with and without something beside them in turn, so that what the machine does meets both alike."""

    def __init__(self, loads):
        self.loads = loads
        self.alone, self.beside = [], []

    def run(self, pairs, beside, after_pair=lambda: None, otherwise=contextlib.nullcontext):
        """`beside()` is a context manager, held while a run is under way; `otherwise()` in the runs without."""
        for turn in range(pairs):
            for is_beside in ((False, True), (True, False))[turn % 2]:
                self.run_one(beside if is_beside else otherwise, is_beside)
            after_pair()
        return self

    def run_one(self, around, is_beside=True):
        with around():
            replies = {name: json.loads(reply) for name, reply in run_together(self.loads).items()}
        (self.beside if is_beside else self.alone).append(replies)

    def sum(self, figure, of=None):
        return sum(reply[figure] for replies in (of or self.alone + self.beside) for reply in replies.values())

    def failed(self, of=None):
        """Answers that were wrong, cut off, or never came."""
        return self.sum("errors", of) + self.sum("repeated", of)

    def pairs(self, name, figure="p99_us"):
        return [(a[name][figure], b[name][figure]) for a, b in zip(self.alone, self.beside)]


@contextlib.contextmanager
def aside(task):
    """Runs the task in a thread while the body is under way, waits for its end, and passes on what went wrong."""
    failures = []

    def run():
        try:
            task()
        except Exception as failure:  # pylint: disable=broad-except  (raised below)
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failures:
        raise failures[0]
