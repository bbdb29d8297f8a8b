"""SIGHUP swaps a generation: nothing is lost, nothing is mixed, and a mistake changes nothing."""

import os
import re
import signal
import threading
import time

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry
from support.origin import Origin, echo, routes, websocket
from support.wait import wait_until


def config(version, extra=""):
    return f"""
[listener.web]
address = "127.0.0.1:0"
[upstream.o]
peers = ["127.0.0.1:@port@"]
{extra}
[host."test"]
[host."test".location."/"]
respond = {{ status = 200, body = "{version}" }}
[host."test".location."/o"]
proxy = "o"
[host."test".location."/www/"]
static = {{ root = "@dir@/www", strip_prefix = true }}
"""


def swap(gantry, text, probe=None):
    """Reloads and waits until every worker answers with the new generation."""
    gantry.reload(text)
    if probe is not None:
        wait_until(lambda: all(fetch(gantry).text == probe for _ in range(8)), f"{probe!r} everywhere")


@pytest.fixture
def origin():
    with Origin(echo) as server:
        yield server


def test_a_new_generation_answers(origin):
    with Gantry(config("one"), port=origin.port) as gantry:
        port, pid = gantry.port(), gantry.server_pid()
        assert fetch(gantry).text == "one"
        swap(gantry, config("two"), "two")
        assert fetch(("127.0.0.1", port)).text == "two"
        assert gantry.server_pid() == pid, "a reload swaps the generation, not the process"


def test_under_load_nothing_is_lost(origin):
    with Gantry(config("v0"), {"www/a.bin": b"a" * 200_000}, port=origin.port) as gantry:
        stop = threading.Event()
        failures, counts = [], []

        def run(number):
            count = 0
            try:
                while not stop.is_set():
                    with RawClient(gantry) as client:
                        for _ in range(20):
                            assert re.fullmatch(r"v\d+", client.get("/").text)
                            assert client.get("/o").status == 200
                            assert len(client.get("/www/a.bin").body) == 200_000
                            count += 3
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)
            counts.append(count)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for version in range(1, 9):
            swap(gantry, config(f"v{version}"), f"v{version}")
        stop.set()
        for thread in threads:
            thread.join(30)
        assert not failures, failures[:3]
        assert sum(counts) > 100


def test_a_broken_configuration_keeps_the_old_one(origin):
    with Gantry(config("good"), port=origin.port) as gantry:
        for broken in ("[listener.web\n", config("bad").replace("respond", "repond", 1), config("bad").replace('"o"\n', '"none"\n')):
            mark = gantry.mark()
            gantry.write("gantry.toml", broken)
            gantry.process.send_signal(signal.SIGHUP)
            gantry.wait_log(r"gantry\.toml:\d+", mark)
            assert fetch(gantry).text == "good"
        swap(gantry, config("better"), "better")


def test_keep_alive_connections_survive(origin):
    with Gantry(config("one"), port=origin.port) as gantry, RawClient(gantry) as client:
        assert client.get("/").text == "one"
        swap(gantry, config("two"), "two")
        assert client.get("/").text == "two"
        swap(gantry, config("three"), "three")
        assert client.get("/o").status == 200
        assert client.get("/").text == "three"


def test_websockets_survive():
    with Origin(websocket) as origin, Gantry(config("one"), port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/o", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "eA=="})
        assert client.response().status == 101
        for version in ("two", "three"):
            client.send(version)
            assert client.read_exactly(len(version)) == version.encode()
            swap(gantry, config(version), version)
        client.send("end")
        assert client.read_exactly(3) == b"end"


def test_an_exchange_keeps_the_generation_it_began_with():
    release = threading.Event()

    def slow(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n")
        release.wait(30)
        connection.send("3\r\nend\r\n0\r\n\r\n")

    with Origin(routes({"*": slow})) as origin, Gantry(config("one"), port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/o")
        response = client.response(body=False)
        without = config("two").replace('[host."test".location."/o"]\nproxy = "o"\n', "")
        swap(gantry, without, "two")
        release.set()
        client.read_body(response)
        assert response.body == b"beginend"
        assert client.get("/o").text == "two"


def test_connections_to_the_origin_survive(origin):
    with Gantry(config("one"), port=origin.port, workers=1) as gantry:
        fetch(gantry, "/o")
        swap(gantry, config("two"), "two")
        fetch(gantry, "/o")
        assert origin.connections == 1


def test_listeners_come_and_go(origin):
    extra = '[listener.second]\naddress = "127.0.0.1:0"\n'
    with Gantry(config("one"), port=origin.port) as gantry:
        mark = gantry.mark()
        gantry.configure(config("two", extra))
        gantry.process.send_signal(signal.SIGHUP)
        gantry.wait_log(r"listening listener=second", mark)
        wait_until(lambda: fetch(gantry, listener="second").text == "two", "the new listener")
        second = gantry.address("second")
        swap(gantry, config("three"), "three")

        def refused():
            try:
                RawClient(second, timeout=2).close()
                return False
            except OSError:
                return True

        wait_until(refused, "the removed listener to be closed")
        assert fetch(gantry).text == "three"


def test_many_reloads_leak_nothing(origin):
    with Gantry(config("v"), port=origin.port) as gantry:
        for turn in range(3):
            swap(gantry, config(f"warm{turn}"), f"warm{turn}")
        before = gantry.open_files()
        for turn in range(20):  # more than the history keeps, with a descriptor for each
            swap(gantry, config(f"x{turn}"), f"x{turn}")
        full = gantry.open_files()
        assert full <= before + 4 + 20
        for turn in range(10):
            swap(gantry, config(f"y{turn}"), f"y{turn}")
        assert gantry.open_files() <= full + 4


def test_hangups_in_a_burst(origin):
    with Gantry(config("one"), port=origin.port) as gantry:
        gantry.configure(config("two"))
        for _ in range(30):
            gantry.process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(fetch(gantry).text == "two" for _ in range(8)), "the new generation")


# ---- the end


def test_sigterm_lets_exchanges_finish():
    release = threading.Event()

    def slow(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegin")
        release.wait(30)
        connection.send("end")

    with Origin(routes({"*": slow})) as origin, Gantry(config("one"), port=origin.port) as gantry:
        idle = RawClient(gantry)
        idle.get("/")
        with RawClient(gantry) as client:
            client.request("GET", "/o")
            response = client.response(body=False)
            gantry.process.send_signal(signal.SIGTERM)
            idle.expect_close()
            wait_until(lambda: not accepts(gantry), "the listeners to be closed")
            assert gantry.process.poll() is None
            release.set()
            client.read_body(response)
            assert response.body == b"beginend"
            client.expect_close()
        assert gantry.process.wait(20) == 0


def accepts(gantry):
    try:
        with RawClient(gantry, timeout=2) as client:
            return client.get("/").status == 200
    except (OSError, AssertionError):
        return False


def test_the_drain_has_an_end():
    release = threading.Event()

    def stuck(connection, request, _):
        release.wait(30)

    text = config("one") + '\n[server]\nworkers = 2\ndrain_timeout = "500ms"\n'
    with Origin(routes({"*": stuck})) as origin, Gantry(text, port=origin.port) as gantry:
        with RawClient(gantry) as client:
            client.request("GET", "/o")
            origin.wait_requests(1)
            started = time.monotonic()
            gantry.process.send_signal(signal.SIGTERM)
            assert gantry.process.wait(20) == 0
            assert time.monotonic() - started < 15
        release.set()


def test_sigterm_while_idle_is_quick(origin):
    with Gantry(config("one"), port=origin.port) as gantry:
        idle = [RawClient(gantry) for _ in range(20)]
        for client in idle[:10]:
            client.get("/")
        started = time.monotonic()
        gantry.stop()
        assert time.monotonic() - started < 10
        for client in idle:
            client.close()
