"""gantry upgrade: the running gantry becomes the program that was installed in its place, and nobody notices."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading

import pytest

from support import gantry as support
from support.client import ProtocolError, RawClient, fetch
from support.gantry import Gantry
from support.modules import SDK, build
from support.operator import run, run_json
from support.origin import Origin
from support.wait import wait_until

CONFIG = """
[server]
workers = 2
drain_timeout = "20s"
[listener.web]
address = "127.0.0.1:0"
[listener.local]
address = "unix:@dir@/web.sock"
[host."test".location."/"]
respond = "${WORD:-word}"
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The program at a path of its own, where another can be put."""
    path = tmp_path / "gantry"
    shutil.copy(support.binary(), path)
    monkeypatch.setenv("GANTRY_BINARY", str(path))
    return path


def install(path, script=None):
    """As a package manager does it: the new file takes the name, the old one stays open."""
    fresh = path.with_name("fresh")
    if script is None:
        shutil.copy(path if path.stat().st_size > 10_000 else path.with_name("good"), fresh)
    else:
        shutil.copy(path, path.with_name("good"))
        fresh.write_text(script)
        fresh.chmod(0o755)
    fresh.rename(path)


def good(path):
    """The program that answers commands, also where a broken one is installed."""
    return path.with_name("good") if path.with_name("good").exists() else path


def order(gantry, path, *words):
    return subprocess.run(
        [good(path), words[0], "-c", str(gantry.config_path), *words[1:]], capture_output=True, text=True, timeout=100, check=False
    )


def inode(pid):
    return os.stat(f"/proc/{pid}/exe").st_ino


def children(gantry):
    pid = gantry.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def test_an_upgrade_serves_the_same_with_the_new_program(installed):
    with Gantry(CONFIG, env={"WORD": "kept"}) as gantry:
        supervisor, server = gantry.process.pid, gantry.server_pid()
        before = inode(supervisor)
        install(installed)
        done = run(gantry, "upgrade")
        assert done.returncode == 0, done.stderr
        status = run_json(gantry, "status")[1]
        assert done.stdout == f"upgraded from 0.1.0 to 0.1.0: pid {status['pid']} serves\n"
        assert status["pid"] != server and status["supervisor_pid"] == supervisor
        assert status["generation"] == 1, "what is served has not changed"
        assert inode(supervisor) == inode(status["pid"]) == installed.stat().st_ino != before
        assert fetch(gantry).text == "kept"
        assert fetch(str(gantry.dir / "web.sock")).text == "kept"
        wait_until(lambda: children(gantry) == [status["pid"]], "the end of the old server process")
        assert gantry.dir.joinpath("web.sock").exists()


def test_sigusr2_does_the_same(installed):
    with Gantry(CONFIG) as gantry:
        install(installed)
        mark = gantry.mark()
        gantry.process.send_signal(signal.SIGUSR2)
        gantry.wait_log("upgraded from=0.1.0 to=0.1.0", mark)
        gantry.wait_log("the server process from before the upgrade has ended", mark)
        assert inode(gantry.process.pid) == installed.stat().st_ino
        assert fetch(gantry).text == "word"


def test_it_serves_what_was_served_not_what_the_files_say(installed):
    with Gantry(CONFIG) as gantry:
        gantry.write("gantry.toml", "half edited ][")
        install(installed)
        assert run(gantry, "upgrade").returncode == 0
        assert fetch(gantry).text == "word"
        assert run(gantry, "reload").returncode == 3
        gantry.configure(CONFIG.replace("WORD:-word", "WORD:-next"))
        assert run(gantry, "reload").returncode == 0
        assert fetch(gantry).text == "next"
        assert [one["generation"] for one in run_json(gantry, "history")[1]["generations"]] == [1, 2]
        assert run(gantry, "rollback", "1").returncode == 0
        assert fetch(gantry).text == "word"


def test_afterwards_a_crash_and_a_stop_are_what_they_were(installed):
    with Gantry(CONFIG) as gantry:
        install(installed)
        assert run(gantry, "upgrade").returncode == 0
        pid = run_json(gantry, "status")[1]["pid"]
        mark = gantry.mark()
        os.kill(pid, signal.SIGKILL)
        gantry.wait_ready(mark)
        assert fetch(gantry).text == "word"
        assert run(gantry, "stop").returncode == 0
        assert gantry.process.wait(20) == 0
        assert not gantry.dir.joinpath("web.sock").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho this is not it >&2\nexit 7\n", "exit code 7; it said:\nthis is not it"),
        ("#!/bin/sh\nkill -SEGV $$\n", "signal 11"),
        ("nothing that could be executed", "cannot be executed: Exec format error"),
    ],
)
def test_a_program_that_does_not_do_is_found_out_before_anything_happens(installed, script, said):
    with Gantry(CONFIG) as gantry:
        server = gantry.server_pid()
        install(installed, script)
        done = order(gantry, installed, "upgrade")
        assert done.returncode == 1 and said in done.stderr
        assert "what served before goes on" in done.stderr
        assert children(gantry) == [server] and fetch(gantry).text == "word"
        install(installed)
        assert order(gantry, installed, "upgrade").returncode == 0, "and the next one may do"


# The rehearsal goes well, and then it serves something else, which is not there.
MISLED = '#!/bin/sh\nif [ -n "$GANTRY_REHEARSAL" ]; then exec {good} "$@"; fi\nexec {good} run -c /nonexistent/gantry.toml\n'


def test_a_program_whose_server_process_does_not_come_up_is_undone(installed):
    """The supervisor is the new program already, and becomes the old one again, which is at no path any more."""
    with Gantry(CONFIG) as gantry:
        supervisor, server = gantry.process.pid, gantry.server_pid()
        before = inode(supervisor)
        install(installed, MISLED.format(good=installed.with_name("good")))
        done = order(gantry, installed, "upgrade")
        assert done.returncode == 1 and "ended before it was ready" in done.stderr
        gantry.wait_log("back to gantry 0.1.0: the new server process ended before it was ready")
        assert inode(supervisor) == before and children(gantry) == [server]
        assert fetch(gantry).text == "word"
        gantry.reload(CONFIG.replace("WORD:-word", "WORD:-later"))
        assert fetch(gantry).text == "later"


def test_no_upgrade_while_a_configuration_is_on_trial(installed):
    with Gantry(CONFIG) as gantry:
        assert run(gantry, "reload", "--confirm", "10m").returncode == 0
        done = run(gantry, "upgrade")
        assert done.returncode == 1 and "on trial" in done.stderr
        assert run(gantry, "confirm").returncode == 0
        assert run(gantry, "upgrade").returncode == 0


def test_twenty_upgrades_under_load_lose_nothing(installed):
    """Requests on new and on kept connections; one that waits for its answer meanwhile; a tunnel that drains."""
    failures, answered, retried = [], [0, 0], 0
    over = threading.Event()

    def once(client):
        response = client.get("/")
        assert response.status == 200 and response.text == "word"
        return response.get("connection") != "close"

    def on_new_connections():
        while not over.is_set():
            with RawClient(gantry) as client:
                once(client)
            answered[0] += 1

    def on_a_kept_connection():
        nonlocal retried
        client, is_fresh = RawClient(gantry), True
        while not over.is_set():
            try:
                is_kept, is_fresh = once(client), False
            except (ProtocolError, OSError) as error:
                # An idle connection may be closed while a request is on its way (RFC 9112 9.3.1): clients repeat it.
                assert not is_fresh and not client.buffer, error
                retried += 1
                is_kept = False
            else:
                answered[1] += 1
            if not is_kept:
                client.close()
                client, is_fresh = RawClient(gantry), True
        client.close()

    def guarded(load):
        try:
            load()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what must not happen
            failures.append(repr(error))

    with Gantry(CONFIG) as gantry:
        threads = [threading.Thread(target=guarded, args=(load,)) for load in (on_new_connections, on_a_kept_connection)]
        for thread in threads:
            thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [thread.join() for thread in threads])
            stack.callback(over.set)
            for _ in range(20):
                install(installed)
                done = run(gantry, "upgrade")
                assert done.returncode == 0, done.stderr
        assert not failures
        assert min(answered) > 100 and retried <= 20


def two_words(connection, origin):
    connection.read_head()
    connection.send("HTTP/1.1 101 S\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
    for word in (b"before", b"after"):
        assert connection.read_exactly(len(word)) == word
        connection.send(word)
    connection.wait_closed()


def test_a_tunnel_outlives_the_upgrade_and_is_cut_at_the_deadline(installed):
    config = CONFIG.replace('drain_timeout = "20s"', 'drain_timeout = "2s"') + """
[host."test".location."/socket"]
proxy = "http://127.0.0.1:@origin@"
"""
    with Origin(two_words) as origin, Gantry(config, origin=origin.port) as gantry:
        with RawClient(gantry) as client:
            client.request("GET", "/socket", {"Connection": "Upgrade", "Upgrade": "echo"})
            assert client.response().status == 101
            client.send(b"before")
            assert client.read_exactly(6) == b"before"
            assert run(gantry, "upgrade").returncode == 0
            client.send(b"after")
            assert client.read_exactly(5) == b"after", "it goes on with the old server process"
            assert fetch(gantry).text == "word"
            assert client.read_to_end() == b""
        gantry.wait_log("stopped with connections open: count=1 after the drain timeout")


def test_an_upgrade_takes_a_module_that_was_changed(tmp_path):
    """Replaced while it is loaded, and then asked for by a reload and by an upgrade."""
    source = (SDK / "examples/hello/hello.c").read_text()
    config = f'modules = ["{tmp_path}/gantry-hello.so"]\n[server]\ncontrol = "@dir@/control.sock"\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nhello = "hello"\n'

    def put(version):
        (tmp_path / "hello.c").write_text(source.replace('"1.0.0"', f'"{version}"').replace("text/plain", f"text/{version}"))
        fresh = tmp_path / "fresh"
        fresh.mkdir(exist_ok=True)
        build(tmp_path / "hello.c", fresh, "hello").rename(tmp_path / "gantry-hello.so")

    def served(gantry):
        return run_json(gantry, "modules")[1]["modules"][0]["version"], fetch(gantry, "/")["content-type"]

    put("1.5.0")
    with Gantry(config) as gantry:
        assert served(gantry) == ("1.5.0", "text/1.5.0")
        put("2.0.0")
        gantry.reload(config + "# changed\n")
        assert served(gantry) == ("1.5.0", "text/1.5.0")
        done = run(gantry, "upgrade")
        assert done.returncode == 0, done.stderr
        wait_until(lambda: served(gantry) == ("2.0.0", "text/2.0.0"), "the new module")
