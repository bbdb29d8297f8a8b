"""The access log over syslog, and what becomes of it when nobody takes the lines: traffic goes on, losses are counted."""

import contextlib
import json
import os
import re
import socket
import subprocess

from support.client import RawClient, fetch
from support.gantry import Gantry, binary
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[host."test"]
access_log = { target = "@target@", format = "${method} ${path} ${status}" }
[host."test".location."/"]
respond = { status = 200, body = "12345" }
"""
MESSAGE = re.compile(r"<190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ gantry \d+ access - (.*)", re.S)


def log_of(gantry):
    done = subprocess.run(
        [binary(), "status", "-c", str(gantry.config_path), "--format", "json"], capture_output=True, text=True, timeout=60, check=True
    )
    (log,) = json.loads(done.stdout)["logs"]
    return log


@contextlib.contextmanager
def syslog(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(20)
        yield server


def flood(gantry, until):
    """Requests until `until` says so; each of them is answered."""
    with RawClient(gantry) as client:
        for number in range(100_000):
            assert client.get(f"/{number}/" + "x" * 400).status == 200
            if number % 500 == 499 and until():
                return
    raise AssertionError("that never happened")


def test_lines_come_as_messages(tmp_path):
    with syslog(tmp_path / "log") as server, Gantry(CONFIG, target=f"syslog:{tmp_path}/log") as gantry:
        fetch(gantry, "/one?x=1")
        fetch(gantry, "/two")
        texts = {MESSAGE.fullmatch(server.recv(65536).decode()).group(1) for _ in range(2)}
        assert texts == {"GET /one 200", "GET /two 200"}


def test_lines_come_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        with Gantry(CONFIG, target=f"udp://127.0.0.1:{server.getsockname()[1]}") as gantry:
            fetch(gantry, "/over-udp")
            assert MESSAGE.fullmatch(server.recv(65536).decode()).group(1) == "GET /over-udp 200"


def test_a_syslog_that_takes_nothing(tmp_path):
    with syslog(tmp_path / "log") as server, Gantry(CONFIG, target=f"syslog:{tmp_path}/log") as gantry:
        flood(gantry, lambda: log_of(gantry)["lost"] > 0)
        gantry.wait_log("access log lines lost: buffers full target=syslog:.*/log")
        server.setblocking(False)

        def drained():
            """Once it is read again, new lines arrive."""
            fetch(gantry, "/again")
            with contextlib.suppress(BlockingIOError):
                while True:
                    if b"/again" in server.recv(65536):
                        return True
            return False

        wait_until(drained, "a line behind the loss", timeout=20)
        status = subprocess.run([binary(), "status", "-c", str(gantry.config_path)], capture_output=True, text=True, timeout=60, check=True)
        assert re.search(r"log syslog:.*: \d+ lines written, \d+ LOST", status.stdout)


def test_a_syslog_that_is_gone_and_comes_back(tmp_path):
    with Gantry(CONFIG, target=f"syslog:{tmp_path}/log", ready=False) as gantry:
        gantry.may_fail()
        gantry.wait_log("access log not opened")
    with syslog(tmp_path / "log") as server, Gantry(CONFIG, target=f"syslog:{tmp_path}/log") as gantry:
        fetch(gantry, "/before")
        assert b"/before" in server.recv(65536)
        server.close()
        os.unlink(tmp_path / "log")
        assert fetch(gantry, "/lost").status == 200
        wait_until(lambda: log_of(gantry)["lost"] == 1, "the loss")
        gantry.wait_log("access log lines lost: .* target=syslog:")
        with syslog(tmp_path / "log") as again:
            fetch(gantry, "/after")
            assert b"/after" in again.recv(65536)


def test_a_fifo_whose_reader_sleeps(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Gantry(CONFIG, target=fifo) as gantry:
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # opens, and reads nothing
        flood(gantry, lambda: log_of(gantry)["lost"] > 0)
        gantry.wait_log("access log lines lost: buffers full target=.*/fifo")
        os.close(reader)


def test_a_full_disk_is_named():
    with Gantry(CONFIG, target="/dev/full") as gantry:
        for _ in range(5):
            assert fetch(gantry, "/full").status == 200
        wait_until(lambda: log_of(gantry)["lost"] == 5, "the loss")
        assert log_of(gantry) == {"target": "/dev/full", "written": 0, "lost": 5}
        gantry.wait_log("access log lines lost: No space left on device target=/dev/full")
