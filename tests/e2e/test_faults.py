"""Faults: the server process killed, descriptors exhausted, disks full, clients that vanish at every stage."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from support.certs import trusting
from support.client import ProtocolError, RawClient, fetch
from support.gantry import Gantry
from support.operator import run_json
from support.origin import Origin, echo, mirror
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[upstream.mirror]
peers = ["127.0.0.1:@mirror@"]
[host."test"]
certificate = "self-signed"
[host."test".location."/"]
respond = { status = 200, body = "ok" }
[host."test".location."/echo"]
proxy = "echo"
[host."test".location."/mirror"]
proxy = "mirror"
[host."test".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true, cache_size = "1MiB" }
"""

FILES = {"www/big.bin": os.urandom(3_000_000), "www/small.txt": "small"}


@pytest.fixture(scope="module")
def origins():
    with Origin(echo) as one, Origin(mirror) as two:
        yield {"echo": one.port, "mirror": two.port}


@pytest.fixture(scope="module")
def gantry(origins):
    with Gantry(CONFIG, FILES, **origins) as server:
        yield server


# ---- the server process dies


def test_killed_under_load_the_next_connection_is_served(origins):
    with Gantry(CONFIG, FILES, **origins) as gantry:
        stop = threading.Event()
        served = [0] * 4
        refused = []

        def run(number):
            while not stop.is_set():
                try:
                    with RawClient(gantry, timeout=30) as client:
                        for _ in range(10):
                            assert client.get("/").body == b"ok"
                            served[number] += 1
                except ConnectionRefusedError as failure:
                    refused.append(failure)  # the listening socket must never be gone
                except (ProtocolError, OSError):
                    pass  # cut in the middle: the fault itself

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                pid = gantry.server_pid()
                before = list(served)
                wait_until(lambda: all(now > then + 20 for now, then in zip(served, before)), "traffic")
                os.kill(pid, signal.SIGKILL)
                assert fetch(gantry, timeout=30).body == b"ok"
                assert gantry.server_pid() != pid
        finally:
            stop.set()
            for thread in threads:
                thread.join(40)
        assert not refused, f"{len(refused)} connections refused"


def test_a_dead_server_process_is_said(origins):
    with Gantry(CONFIG, FILES, **origins) as gantry:
        mark = gantry.mark()
        pid = gantry.server_pid()
        os.kill(pid, signal.SIGKILL)
        gantry.wait_log(r"(signal|killed|9).*|died|ended", mark)
        assert fetch(gantry, timeout=30).body == b"ok"


def test_one_that_served_for_a_while_is_followed_at_once(origins):
    """Pauses are for server processes that die as soon as they are started."""
    with Gantry(CONFIG, FILES, **origins) as gantry:
        for _ in range(3):
            wait_until(lambda: run_json(gantry, "status")[1]["uptime_seconds"] >= 2, "a second of service", interval=0.1)
            mark = gantry.mark()
            os.kill(gantry.server_pid(), signal.SIGKILL)
            gantry.wait_log("server process died: signal 9; .*the next one starts in 0 ms", mark)
            gantry.wait_ready(mark)


def test_the_supervisor_dies_and_leaves_nobody(origins):
    with Gantry(CONFIG, FILES, **origins) as gantry:
        gantry.may_fail()
        child = gantry.server_pid()
        gantry.process.kill()
        gantry.process.wait()
        wait_until(lambda: not alive(child), "the server process to follow its supervisor")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


# ---- out of descriptors


@contextlib.contextmanager
def failing(pid, calls, error):
    """While inside, these system calls of the process fail. (With a real limit the sanitizers, which need descriptors
    of their own to look at memory, would fail first and report what is not so.)"""
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"],
        stderr=subprocess.PIPE,
    )
    try:
        tasks = f"/proc/{pid}/task"

        def attached():
            assert tracer.poll() is None, tracer.stderr.read().decode()
            return all(
                f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(tasks, task, "status").read_text() for task in os.listdir(tasks)
            )

        wait_until(attached, "strace to hold every thread")
        threading.Thread(target=tracer.stderr.read, daemon=True).start()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_out_of_descriptors(gantry):
    """EMFILE: connections that are there go on, and when descriptors are free again the waiting ones are served."""
    with RawClient(gantry) as first:
        assert first.get("/").status == 200
        crowd = []
        with failing(gantry.server_pid(), "accept4,openat2,openat,socket", "EMFILE"):
            for _ in range(20):
                crowd.append(RawClient(gantry).send("GET / HTTP/1.1\r\nHost: test\r\n\r\n"))
            gantry.wait_log("Too many open files")
            assert first.get("/").status == 200
            assert first.get("/files/never-seen.txt").status in (404, 500, 503)
            assert first.get("/echo").status in (200, 500, 502, 503)
            for client in crowd:
                client.expect_open()
        for client in crowd:
            assert client.response().body == b"ok"
            client.close()
        assert first.get("/files/small.txt").status == 200
        assert first.get("/echo").status == 200


# ---- disks


def test_the_error_log_on_a_full_disk(origins):
    config = CONFIG + '\n[log]\ntarget = "/dev/full"\nlevel = "debug"\n[server]\nworkers = 2\n'
    config = config.replace('"127.0.0.1:0"\ntls', '"unix:@dir@/tls.sock"\ntls').replace('"127.0.0.1:0"', '"unix:@dir@/web.sock"')
    server = Gantry(config, FILES, ready=False, **origins)
    with server:
        path = str(server.dir / "web.sock")

        def served():
            try:
                with RawClient(path) as client:
                    return client.get("/").status == 200
            except (OSError, ProtocolError):
                return False

        wait_until(served, "the server without a log", timeout=30)
        with RawClient(path) as client:
            for _ in range(100):
                assert client.get("/none").status == 200
            assert client.get("/files/none").status == 404


# ---- clients that vanish


STAGES = {
    "before-anything": b"",
    "in-request-line": b"GET / HT",
    "in-head": b"GET / HTTP/1.1\r\nHost: te",
    "after-head": b"GET /files/big.bin HTTP/1.1\r\nHost: test\r\n\r\n",
    "proxied": b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n",
    "in-length-body": b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nhalf",
    "in-chunk-size": b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5",
    "in-chunk": b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "in-trailers": b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: ",
    "in-mirror": b"POST /mirror HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000,
    "in-canned-body": b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000,
    "expecting": b"POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "pipelined": b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n" * 20 + b"GET /files/big.bin HTTP/1.1\r\nHost: test\r\n\r\n" * 20,
    "upgrade": b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes",
    "bad": b"GET / HTTP/7\r\n\r\n",
}


@pytest.mark.parametrize("leave", ["close", "reset", "half-close"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_client_vanishes(gantry, stage, leave):
    before = gantry.open_files()
    for read in (False, True):
        for listener in ("web", "tls"):
            client = RawClient(gantry, listener, tls=trusting() if listener == "tls" else None, receive_buffer=8192)
            client.send(STAGES[stage])
            if read and stage in ("after-head", "proxied", "pipelined", "expecting", "bad"):
                client.socket.recv(1)
            if leave == "reset":
                client.reset()
            elif leave == "half-close" and listener == "web":
                client.half_close()
                if stage not in ("after-head", "pipelined"):
                    client.read_to_end()
                client.close()
            else:
                client.close()
    assert fetch(gantry).body == b"ok"
    wait_until(lambda: gantry.open_files() <= before + 6, "the connections to be given back")


@pytest.mark.parametrize("listener", ["web", "tls"])
@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"pipelined"}))
def test_a_reset_that_comes_with_the_last_bytes(gantry, stage, listener):
    """The server sees both at once, with one event: nothing else will tell it that the client is gone."""
    before = gantry.open_files()
    clients = [RawClient(gantry, listener, tls=trusting() if listener == "tls" else None) for _ in range(8)]
    for client in clients:
        assert client.get("/").body == b"ok"
    pid = gantry.server_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        for client in clients:
            client.send(STAGES[stage])
            client.reset()
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: gantry.open_files() <= before + 4, "the connections to be given back", timeout=8)


def test_clients_that_vanish_at_random(gantry):
    """Many exchanges cut at a random byte; the generator is seeded, so a failure comes back."""
    chance = random.Random(20261120)
    scripts = list(STAGES.values())
    for _ in range(300):
        data = chance.choice(scripts)
        client = RawClient(gantry, receive_buffer=8192)
        client.send_until_refused(data[: chance.randint(0, len(data))])
        if chance.random() < 0.3:
            client.socket.setblocking(False)
            try:
                client.socket.recv(chance.randint(1, 5000))
            except (BlockingIOError, OSError):
                pass
        chance.choice([RawClient.close, RawClient.reset])(client)
    assert fetch(gantry).body == b"ok"


def test_tls_clients_that_vanish_in_the_handshake(gantry):
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting().wrap_bio(incoming, outgoing, server_hostname="test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    for cut in range(0, len(hello) + 1, 7):
        with socket.create_connection(gantry.address("tls")) as sock:
            sock.sendall(hello[:cut])
            if cut % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert RawClient(gantry, "tls", tls=trusting()).get("/").status == 200


def test_random_bytes(gantry):
    chance = random.Random(7)
    for _ in range(150):
        with RawClient(gantry) as client:
            client.send_until_refused(chance.randbytes(chance.randint(1, 3000)))
            client.socket.setblocking(True)
            try:
                client.half_close()
            except OSError:
                continue
            rest = client.read_to_end()
            assert rest == b"" or rest.startswith(b"HTTP/1.1 4") or rest.startswith(b"HTTP/1.1 505"), rest[:100]


def test_mutated_requests(gantry):
    """Valid requests with a few bytes changed: every answer is well formed, and the server lives."""
    chance = random.Random(11)
    bases = [STAGES["proxied"], STAGES["expecting"], STAGES["in-trailers"] + b"y\r\n\r\n",
             b"GET /files/small.txt HTTP/1.1\r\nHost: test\r\nRange: bytes=0-1,3-4\r\nIf-None-Match: \"x\"\r\n\r\n"]
    for _ in range(400):
        data = bytearray(chance.choice(bases))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            action = chance.random()
            if action < 0.5:
                data[at] = chance.randrange(256)
            elif action < 0.75:
                del data[at]
            else:
                data[at:at] = chance.choice([b"\r", b"\n", b"\r\n", b" ", b":", b"\0", b"0", b"chunked"])
        with RawClient(gantry) as client:
            client.send_until_refused(bytes(data))
            try:
                client.half_close()
            except OSError:
                continue
            while client.buffer or client._fill():  # nothing at all is right where the request was cut by our FIN
                head = client.head()
                if head.status == 100:
                    continue  # told to go on, and then gone: nothing more has to come
                if client.read_body(head).status == 101:
                    break
