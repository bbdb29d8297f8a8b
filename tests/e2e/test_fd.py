"""Descriptors that modules bring along, watched by gantry's loops: the real binary, and libraries that know nothing of it."""

import collections
import concurrent.futures
import contextlib
import os
import socket
import threading

import pytest

from support.client import RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import build
from support.operator import run_json
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-piper.so"]
[server]
workers = @count@
control = "@dir@/control.sock"
piper_fifo = "@folder@/fifo"
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
piper = "@folder@/socket"
[host."test".location."/wait/"]
waiter = "@folder@/socket"
"""
GET = b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/piper.cpp", folder, "piper")
    return folder


class Lines:
    """A server on a unix socket that answers lines: "/slow" when it may, "/die" never, the others at once."""

    def __init__(self, path):
        self.path = path
        self.go = threading.Event()
        self.asked = collections.Counter()
        self.connections = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                path = line.decode().strip()
                self.asked[path] += 1
                if path == "/die":
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                if path == "/slow":
                    self.go.wait(30)
                for part in (f"answer to {path} ", f"{'x' * 100}\n"):
                    connection.sendall(part.encode())

    def close(self):
        self.go.set()
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def folder(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


@pytest.fixture
def lines(folder):
    server = Lines(folder / "socket")
    yield server
    server.close()


def make(modules, folder, count=2):
    return Gantry(CONFIG, modules=modules, folder=folder, count=count)


def answer_to(path):
    return f"answer to {path} {'x' * 100}\n"


def open_pipes(gantry):
    """Sockets and fifos that the server process has open."""
    folder = f"/proc/{gantry.server_pid()}/fd"
    shown = []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            shown.append(os.readlink(f"{folder}/{name}"))
    return sum(path.startswith("socket:") or path.endswith("/fifo") for path in shown)


def test_many_ask_over_one_connection_of_each_worker(modules, folder, lines):
    with make(modules, folder) as gantry, concurrent.futures.ThreadPoolExecutor(20) as pool:
        paths = [f"/{number}" for number in range(200)]
        texts = pool.map(lambda path: fetch(gantry, path).text, paths)
        assert list(texts) == [answer_to(path) for path in paths]
        assert len(lines.connections) <= 2
        told = run_json(gantry, "modules")[1]["modules"]
        assert next(one for one in told if one["name"] == "piper")["calls"] > 400


def test_coroutines_wait_for_descriptors(modules, folder, lines):
    with make(modules, folder) as gantry, concurrent.futures.ThreadPoolExecutor(20) as pool:
        paths = [f"/wait/{number}" for number in range(100)]
        assert list(pool.map(lambda path: fetch(gantry, path).text, paths)) == [answer_to(path) for path in paths]
        before = open_pipes(gantry)
        lines.listener.close()
        os.unlink(lines.path)
        assert fetch(gantry, "/wait/a").status == 503
        wait_until(lambda: open_pipes(gantry) <= before, "all is closed again")


def test_a_connection_that_dies_takes_nobody_else_along(modules, folder, lines):
    with make(modules, folder, count=1) as gantry:
        assert fetch(gantry, "/a").text == answer_to("/a")
        assert fetch(gantry, "/die").status == 502
        assert fetch(gantry, "/b").text == answer_to("/b")
        assert len(lines.connections) == 2
        lines.close()
        os.unlink(lines.path)
        wait_until(lambda: fetch(gantry, "/c").status == 503, "the end of the connection")
        again = Lines(lines.path)
        assert fetch(gantry, "/d").text == answer_to("/d")
        again.close()


def test_who_waits_too_long_is_told_so_by_a_timer(modules, folder, lines):
    with make(modules, folder, count=1) as gantry:
        assert fetch(gantry, "/slow").status == 502


def test_clients_vanish(modules, folder, lines):
    with make(modules, folder) as gantry:
        for path in (b"/slow", b"/wait/slow"):
            for _ in range(50):
                with RawClient(gantry) as client:
                    client.send(GET % path)
        wait_until(lambda: lines.asked["/slow"] > 0, "the first question")
        lines.go.set()
        assert fetch(gantry, "/wait/b").text == answer_to("/wait/b")
        wait_until(lambda: fetch(gantry, "/a").text == answer_to("/a"), "an answer to the right one")


def test_the_main_thread_watches_as_well(modules, folder, lines):
    with make(modules, folder) as gantry:
        gantry.wait_log("piper rang")
        (folder / "fifo").write_text("hello\na line that does not fit into one read\n")
        gantry.wait_log("piper read text=hello")
        gantry.wait_log("piper read text=a line that does not fit into one read")


def test_watches_end_with_their_instance(modules, folder, lines):
    with make(modules, folder, count=1) as gantry:
        assert fetch(gantry, "/a").status == 200
        with RawClient(gantry) as client:
            client.send(GET % b"/slow")
            wait_until(lambda: lines.asked["/slow"] == 1, "the question")
            mark = gantry.mark()
            gantry.reload(expect="generation=2")
            assert not any("piper ended" in line for line in gantry.lines[mark:])  # an exchange keeps the instance
            lines.go.set()
            assert client.response().text == answer_to("/slow")
        gantry.wait_log("piper ended", mark)
        (folder / "fifo").write_text("after the reload\n")
        gantry.wait_log("piper read text=after the reload", mark)
        before = open_pipes(gantry)
        for generation in range(3, 8):
            assert fetch(gantry, "/a").text == answer_to("/a")
            mark = gantry.mark()
            gantry.reload(expect=f"generation={generation}")
            gantry.wait_log("piper ended", mark)
        wait_until(lambda: open_pipes(gantry) <= before, "what the old instances had open is closed")
