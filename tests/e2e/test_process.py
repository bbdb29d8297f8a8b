"""The processes: signals, a server process that keeps dying, and what the error log says at which level."""

import os
import re
import signal
import threading

import pytest

from support.client import RawClient, exchange, fetch
from support.gantry import Gantry
from support.origin import Origin, routes
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[upstream.o]
peers = ["127.0.0.1:@port@"]
[host."test".location."/"]
respond = "ok"
[host."test".location."/o"]
proxy = "o"
[host."test".location."/post"]
methods = ["POST"]
respond = "posted"
"""


def slow(release):
    def answer(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegin")
        release.wait(30)
        connection.send("end")

    return routes({"*": answer})


# ---- signals


def test_sigint_ends_it_as_sigterm_does():
    """Control-C in a terminal: what is under way is finished."""
    release = threading.Event()
    with Origin(slow(release)) as origin, Gantry(CONFIG, port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/o")
        response = client.response(body=False)
        gantry.process.send_signal(signal.SIGINT)
        gantry.wait_log("draining")
        release.set()
        client.read_body(response)
        assert response.body == b"beginend"
        assert gantry.process.wait(20) == 0


def test_sigquit_waits_for_what_is_under_way_however_long_that_takes():
    release = threading.Event()
    config = CONFIG + '\n[server]\nworkers = 2\ndrain_timeout = "1ms"\n'
    with Origin(slow(release)) as origin, Gantry(config, port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/o")
        response = client.response(body=False)
        gantry.process.send_signal(signal.SIGQUIT)
        gantry.wait_log("draining")
        with pytest.raises(AssertionError):
            wait_until(lambda: gantry.process.poll() is not None, "an end that must not come", timeout=0.5)
        release.set()
        client.read_body(response)
        assert response.body == b"beginend"
        assert gantry.process.wait(20) == 0


def test_a_second_signal_while_draining_does_no_harm():
    release = threading.Event()
    with Origin(slow(release)) as origin, Gantry(CONFIG, port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/o")
        response = client.response(body=False)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
            gantry.process.send_signal(number)
        gantry.wait_log("draining")
        release.set()
        client.read_body(response)
        assert response.body == b"beginend"
        assert gantry.process.wait(20) == 0


# ---- a server process that dies


def test_a_server_process_that_keeps_dying_is_started_again_ever_later():
    with Gantry(CONFIG, port=1) as gantry:
        pauses = []
        for _ in range(4):
            mark = gantry.mark()
            pid = gantry.server_pid()
            os.kill(pid, signal.SIGKILL)
            pauses.append(int(gantry.wait_log(r"server process died: signal 9.* (\d+) ms", mark).group(1)))
            gantry.wait_ready(mark)
            assert fetch(gantry).text == "ok"
        # At once, unless the supervisor had not heard yet that it was ready.
        assert pauses[0] <= 50, pauses
        assert pauses == sorted(pauses) and pauses[-1] > pauses[1] > 0, pauses


def test_a_signal_reaches_the_supervisor_while_no_server_process_lives():
    """Between two starts there is nobody to drain: it ends at once."""
    with Gantry(CONFIG, port=1) as gantry:
        gantry.may_fail()
        for _ in range(5):
            mark = gantry.mark()
            os.kill(gantry.server_pid(), signal.SIGKILL)
            pause = int(gantry.wait_log(r"server process died: signal 9.* (\d+) ms", mark).group(1))
            if pause >= 400:
                break
            gantry.wait_ready(mark)
        gantry.process.send_signal(signal.SIGTERM)
        gantry.process.wait(5)


# ---- the error log

LEVELS = ["debug", "info", "warn", "error", "critical"]


def lines_of(path):
    return path.read_text("utf-8", "replace").splitlines() if path.exists() else []


@pytest.mark.parametrize("level", LEVELS + ["off"])
def test_the_level_of_the_error_log(level):
    """Clients' mistakes are for debug, the course of things for info, a dead peer for error."""
    config = CONFIG.replace('address = "127.0.0.1:0"', 'address = "unix:@dir@/web.sock"')
    config += f'\n[log]\ntarget = "@dir@/error.log"\nlevel = "{level}"\n'
    with Gantry(config, ready=False, port=1) as gantry:
        path = str(gantry.dir / "web.sock")
        wait_until(lambda: os.path.exists(path) and answers(path), "the server")
        assert fetch(path, "/o").status == 502
        assert exchange(path, "GET", "/post").status == 200  # by "/", as methods fall through
        assert exchange(path, "TRACE", "/").status == 501
        gantry.process.send_signal(signal.SIGTERM)
        assert gantry.process.wait(20) == 0
        lines = lines_of(gantry.dir / "error.log")
    said = {match.group(1) for match in (re.search(r"^\S+ \d+ (\w+): ", line) for line in lines) if match}
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \d+ \w+: ", line) for line in lines)
    expected = {"debug": {"debug", "info", "error"}, "info": {"info", "error"}, "warn": {"error"}, "error": {"error"}}.get(level, set())
    assert expected <= said, said
    quieter = {"info": {"debug"}, "warn": {"debug", "info"}, "error": {"debug", "info", "warning"}}
    assert not said & quieter.get(level, set()), said
    if level in ("critical", "off"):
        assert not said


def answers(path):
    try:
        return fetch(path).status == 200
    except (OSError, AssertionError):
        return False


def test_an_error_says_what_and_whose_it_was():
    with Gantry(CONFIG, port=1) as gantry:
        assert fetch(gantry, "/o?token=secret1", {"User-Agent": "x\ty"}).status == 502
        line = gantry.wait_log(r"error: .*status=502.*").group(0)
        for part in ("Connection refused", "host=test", "client=127.0.0.1:", 'request="GET /o'):
            assert part in line
        assert "secret1" not in line
