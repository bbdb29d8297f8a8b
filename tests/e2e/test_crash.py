"""A server process that dies of a bug: what it leaves behind, and that its successor says so."""

import os
import re
import signal

import pytest

from support.client import fetch
from support.gantry import Gantry
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = { status = 200, body = "ok" }
"""
FILE = '[server]\nworkers = 2\n[log]\ntarget = "@dir@/logs/error.log"\n'
# The handlers of a sanitizer stay where there are any; these tests are about ours.
UNHANDLED = "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"
OURS = {"ASAN_OPTIONS": UNHANDLED + ":detect_leaks=0", "TSAN_OPTIONS": UNHANDLED}


def error_log(gantry):
    path = gantry.dir / "logs" / "error.log"
    return path.read_text() if path.exists() else ""


def wait_error(gantry, pattern):
    return wait_until(lambda: re.search(pattern, error_log(gantry)), pattern)


def crash(gantry, number):
    """Kills the server process and waits for the next one. Returns what was written about the first, and its id."""
    pid = int(wait_error(gantry, r"ready version=\S+ workers=2 .*pid=(\d+)").group(1))
    address = ("127.0.0.1", int(wait_error(gantry, r"address=127\.0\.0\.1:(\d+)").group(1)))
    for name in range(5):
        assert fetch(address, f"/before/{name}").text == "ok"
    os.kill(pid, number)
    report = wait_error(gantry, rf"the server process before this one died: pid={pid} signal={int(number)} last_requests=5 report=(\S+)").group(1)
    assert fetch(address).text == "ok"
    return open(report, encoding="utf-8").read(), pid


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_crash_leaves_a_report(number):
    with Gantry(CONFIG + FILE, {"logs/none": ""}, env=OURS, ready=False) as gantry:
        text, pid = crash(gantry, number)
        assert re.search(rf"gantry \S+ died: {number.name} pid={pid} thread=\d+ time=\d+ sent by pid={os.getpid()}\n", text)
        frames = re.findall(r"^\S*\(\S*\+0x[0-9a-f]+\) ?\[0x[0-9a-f]+\]$", text, re.M)
        assert len(frames) >= 3, text
        assert f"died: signal={int(number)}" in text
        assert len(re.findall(r" 200 test GET /before/\d ", text)) == 5


def test_a_process_that_was_killed_left_no_words_but_its_requests():
    with Gantry(CONFIG + FILE, {"logs/none": ""}, ready=False) as gantry:
        text, _ = crash(gantry, signal.SIGKILL)
        assert "backtrace" not in text and len(re.findall(r"GET /before/\d ", text)) == 5


def test_a_report_goes_where_the_log_goes():
    with Gantry(CONFIG, env=OURS) as gantry:
        fetch(gantry, "/last-words")
        os.kill(gantry.server_pid(), signal.SIGSEGV)
        gantry.wait_log("died: SIGSEGV")
        gantry.wait_log(r"error: the server process before this one died: pid=\d+ signal=11 last_requests=1")
        gantry.wait_log("error: its last requests: .* GET /last-words ")


def test_a_process_that_ended_as_told_is_not_mourned():
    with Gantry(CONFIG + FILE, {"logs/none": ""}, ready=False) as gantry:
        wait_error(gantry, "ready")
        gantry.stop()
        assert "died" not in error_log(gantry) and not list((gantry.dir / "logs").glob("gantry-crash*"))
