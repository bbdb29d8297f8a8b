"""What a service manager is told: ready, reloading, stopping, alive; and what happens when the server process hangs."""

import ctypes
import os
import pathlib
import signal
import threading
import time

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry
from support.origin import Origin, routes
from support.systemd import NotifySocket
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "ok"
"""


@pytest.fixture
def notify():
    with NotifySocket() as one:
        yield one


def test_ready_comes_when_it_serves_and_says_what(notify):
    with Gantry(CONFIG, env=notify.env()) as gantry:
        told = notify.wait("READY", "1")
        assert fetch(gantry).text == "ok"
        assert told["STATUS"].startswith("serving ") and "hosts=1" in told["STATUS"]
        assert notify.seen == [told], "nothing comes before it"
        assert "WATCHDOG" not in told


def test_a_reload_is_framed_by_reloading_and_ready(notify):
    with Gantry(CONFIG, env=notify.env()) as gantry:
        notify.wait("READY")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        mark = notify.mark()
        gantry.process.send_signal(signal.SIGHUP)
        told = notify.wait("RELOADING", "1", mark)
        # systemd takes only what is younger than its signal for the answer to it.
        assert before <= int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert "generation=2" in notify.wait("READY", "1", mark)["STATUS"]


def test_a_reload_that_fails_is_over_as_well_and_the_status_says_so(notify):
    with Gantry(CONFIG, env=notify.env()) as gantry:
        notify.wait("READY")
        mark = notify.mark()
        gantry.reload(CONFIG + "nonsense = 1\n", expect="the old one goes on")
        notify.wait("RELOADING", "1", mark)
        status = notify.wait("READY", "1", mark)["STATUS"]
        assert "last reload failed" in status and "generation=1" in status


def test_stopping_asks_for_the_time_that_draining_takes(notify):
    release = threading.Event()

    def answer(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegin")
        release.wait(30)
        connection.send("end")

    config = CONFIG.replace('respond = "ok"', 'proxy = "http://127.0.0.1:@port@"')
    with Origin(routes({"*": answer})) as origin:
        with Gantry(config, env=notify.env(), port=origin.port) as gantry, RawClient(gantry) as client:
            notify.wait("READY")
            client.request("GET", "/")
            response = client.response(body=False)
            gantry.process.send_signal(signal.SIGQUIT)
            assert "STOPPING" in notify.wait("STOPPING", "1")
            assert int(notify.wait("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
            assert "connections=1" in notify.wait("STATUS", after=2)["STATUS"]
            mark = notify.mark()
            release.set()
            client.read_body(response)
            assert gantry.process.wait(20) == 0
            while notify.receive(0):
                pass
            assert not any("READY" in one for one in notify.seen[mark:])


def test_a_server_process_that_died_is_told_and_its_successor_is_ready(notify):
    with Gantry(CONFIG, env=notify.env()) as gantry:
        notify.wait("READY")
        mark = notify.mark()
        os.kill(gantry.server_pid(), signal.SIGKILL)
        assert "died" in notify.wait("STATUS", after=mark)["STATUS"]
        notify.wait("READY", "1", mark)
        assert fetch(gantry).text == "ok"


def test_an_abstract_socket_is_understood():
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        name = f"gantry-test-{os.getpid()}"
        one.bind("\0" + name)
        one.settimeout(30)
        with Gantry(CONFIG, env={"NOTIFY_SOCKET": "@" + name}):
            assert b"READY=1" in one.recv(4096)


# ---- watchdog


def test_it_pings_the_watchdog_while_the_workers_turn(notify):
    with Gantry(CONFIG, env=notify.env(watchdog=6)):
        notify.wait("READY")
        for _ in range(3):
            notify.wait("WATCHDOG", "1", notify.mark(), timeout=5)


def test_the_watchdog_of_another_process_is_not_ours(notify):
    """WATCHDOG_PID tells; an environment that was passed on does not oblige."""
    with Gantry(CONFIG, env=dict(notify.env(watchdog=0.6), WATCHDOG_PID="1")) as gantry:
        notify.wait("READY")
        gantry.reload()
        notify.wait("READY", after=1)
        while notify.receive(1):
            pass
        assert not any("WATCHDOG" in one for one in notify.seen)


def stop_whole(pid):
    """Returns when every thread stands; until then one of them could still accept a connection."""
    os.kill(pid, signal.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{pid}/task")
    wait_until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()),
               "every thread of the server process to stand")


def test_a_server_process_that_hangs_is_replaced_and_clients_wait_for_its_successor(notify):
    with Gantry(CONFIG, env=notify.env(watchdog=6)) as gantry:
        notify.wait("WATCHDOG")
        pid = gantry.server_pid()
        mark = gantry.mark()
        stop_whole(pid)
        response = fetch(gantry)  # waits in the queue of the socket
        assert response.text == "ok"
        gantry.wait_log(r"does not answer: its workers have not turned for \d+ ms pid=%d" % pid, mark)
        gantry.wait_log("server process died: signal", mark)
        assert gantry.server_pid() != pid
        notify.wait("WATCHDOG", after=notify.mark())


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def test_one_worker_that_is_stuck_is_enough(notify):
    """The rest of the process is well, and would answer for itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    with Gantry(CONFIG, env=notify.env(watchdog=6), workers=2) as gantry:
        notify.wait("WATCHDOG")
        tasks = pathlib.Path(f"/proc/{gantry.server_pid()}/task")
        thread = next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == "worker-1\n")
        mark = gantry.mark()
        if libc.ptrace(PTRACE_SEIZE, thread, None, None) != 0:
            pytest.skip(f"no ptrace here: {os.strerror(ctypes.get_errno())}")
        libc.ptrace(PTRACE_INTERRUPT, thread, None, None)
        gantry.wait_log("does not answer", mark)
        wait_until(lambda: reaped(thread), "the end of the stuck thread")
        gantry.wait_ready(mark)
        assert fetch(gantry).text == "ok"


def reaped(thread):
    """A traced thread that ended is waited for by the tracer, or its process stays."""
    try:
        done, status = os.waitpid(thread, os.WNOHANG | WALL)
    except ChildProcessError:
        return True
    return done == thread and (os.WIFEXITED(status) or os.WIFSIGNALED(status))


# ---- logs


def test_sigusr1_opens_the_logs_anew():
    config = CONFIG + '[log]\ntarget = "@dir@/error.log"\n[server]\nworkers = 2\naccess_log = "@dir@/access.log"\n'
    config = config.replace('address = "127.0.0.1:0"', 'address = "unix:@dir@/web.sock"')
    with Gantry(config, ready=False) as gantry:
        path, error, access = str(gantry.dir / "web.sock"), gantry.dir / "error.log", gantry.dir / "access.log"
        wait_until(lambda: error.exists() and " ready " in error.read_text(), "the server")
        assert fetch(path, "/before").status == 200
        wait_until(lambda: "/before" in access.read_text(), "the line of the first request")
        for file in (error, access):
            file.rename(str(file) + ".1")
        gantry.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: error.exists() and access.exists(), "new files")
        assert "opened anew" in error.read_text()
        assert fetch(path, "/after").status == 200
        wait_until(lambda: "/after" in access.read_text(), "the line of the second request")
        assert "/after" not in (gantry.dir / "access.log.1").read_text()
