"""Time limits on a client: head, idle, body and its rate, sending. What is slow ends, what is fast lives."""

import time

import pytest

from support.client import ProtocolError, RawClient, fetch
from support.gantry import Gantry
from support.origin import Origin, echo
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[listener.head]
address = "127.0.0.1:0"
head_timeout = "400ms"
idle_timeout = "30s"

[listener.idle]
address = "127.0.0.1:0"
idle_timeout = "400ms"
head_timeout = "30s"

[listener.body]
address = "127.0.0.1:0"
body_timeout = "400ms"

[listener.rate]
address = "127.0.0.1:0"
body_timeout = "500ms"
body_min_rate = 100000

[listener.send]
address = "127.0.0.1:0"
send_timeout = "500ms"

[upstream.echo]
peers = ["127.0.0.1:@echo@"]

[host."test"]
[host."test".location."/"]
respond = { status = 200, body = "ok" }
[host."test".location."/echo"]
proxy = "echo"
[host."test".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }
"""


@pytest.fixture(scope="module")
def gantry():
    with Origin(echo) as origin, Gantry(CONFIG, {"www/big.bin": b"b" * 30_000_000}, echo=origin.port) as server:
        yield server


def closed_within(client, least, most):
    started = time.monotonic()
    rest = client.read_to_end()
    elapsed = time.monotonic() - started
    assert least <= elapsed <= most, elapsed
    return rest


def test_a_head_that_never_ends(gantry):
    with RawClient(gantry, "head") as client:
        client.send("GET / HTTP/1.1\r\nHost: te")
        rest = closed_within(client, 0.2, 5)
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_a_head_that_drips_is_not_excused(gantry):
    """The deadline counts from the first byte: slowloris gains nothing by sending a byte now and then."""
    with RawClient(gantry, "head") as client:
        started = time.monotonic()
        try:
            while time.monotonic() - started < 8:
                client.send("X")
                time.sleep(0.05)
                if client.socket in __import__("select").select([client.socket], [], [], 0)[0]:
                    break
        except OSError:
            pass
        assert time.monotonic() - started < 6


def test_the_head_deadline_does_not_hit_the_idle(gantry):
    with RawClient(gantry, "head") as client:
        client.expect_silence(1.0)
        assert client.get("/").status == 200
        client.expect_silence(1.0)
        assert client.get("/").status == 200


def test_idle_before_the_first_request(gantry):
    with RawClient(gantry, "idle") as client:
        assert closed_within(client, 0.2, 5) == b""


def test_idle_between_requests(gantry):
    with RawClient(gantry, "idle") as client:
        for _ in range(3):
            assert client.get("/").status == 200
            time.sleep(0.1)
        assert closed_within(client, 0.1, 5) == b""


def test_a_body_that_stops(gantry):
    with RawClient(gantry, "body") as client:
        client.request("POST", "/echo", {"Content-Length": "100"}).send("abc")
        response = client.response()
        assert response.status == 408 and not response.keeps_alive
        client.expect_close()


def test_a_chunked_body_that_stops(gantry):
    with RawClient(gantry, "body") as client:
        client.request("POST", "/echo", {"Transfer-Encoding": "chunked"}).send("5\r\nab")
        assert client.response().status == 408
        client.expect_close()


def test_a_body_that_trickles_below_the_rate(gantry):
    with RawClient(gantry, "rate") as client:
        client.request("POST", "/echo", {"Content-Length": "10000000"})
        started = time.monotonic()
        try:
            while time.monotonic() - started < 10:
                client.send("x")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - started < 8
        try:
            assert client.response().status == 408
        except ProtocolError:
            pass  # the answer may have been overtaken by the reset that our own bytes caused


def test_a_body_above_the_rate_may_take_its_time(gantry):
    with RawClient(gantry, "rate") as client:
        client.request("POST", "/echo", {"Content-Length": "1000000"})
        for _ in range(20):
            client.send(b"x" * 50_000)
            time.sleep(0.06)
        assert '"size": 1000000' in client.response().text


def test_a_client_that_takes_nothing(gantry):
    with RawClient(gantry, "send", receive_buffer=8192) as client:
        client.request("GET", "/files/big.bin")
        client.head()
        assert is_held(client)
        wait_until(lambda: not is_held(client), "the connection to be given up", timeout=10)
        assert len(client.read_to_end()) < 30_000_000


def is_held(client):
    """Does a process still own the other end of this loopback connection?"""
    mine, theirs = client.socket.getsockname()[1], client.socket.getpeername()[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.read().splitlines()[1:]:
            words = line.split()
            local, remote = (int(word.rpartition(":")[2], 16) for word in words[1:3])
            if (local, remote) == (theirs, mine):
                return words[9] != "0"  # the inode
    return False


def test_a_client_that_takes_slowly_is_served(gantry):
    with RawClient(gantry, "send", receive_buffer=65536) as client:
        client.request("GET", "/files/big.bin")
        client.response(body=False)
        have = 0
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            have += len(client.read_exactly(250_000))
            time.sleep(0.05)
        assert len(client.read_exactly(30_000_000 - have)) == 30_000_000 - have


def test_five_hundred_half_open_clients_disturb_nobody(gantry):
    slow = [RawClient(gantry).send("GET / HTTP/1.1\r\nX: ") for _ in range(500)]
    try:
        started = time.monotonic()
        with RawClient(gantry) as client:
            for _ in range(200):
                assert client.get("/").status == 200
        for _ in range(20):
            assert fetch(gantry, "/").status == 200
        assert time.monotonic() - started < 5
    finally:
        for client in slow:
            client.close()
