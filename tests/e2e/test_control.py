"""The control socket and the commands that speak to it: reload, status, reopen, stop."""

import json
import os
import re
import socket
import stat
import subprocess
import threading

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry, binary
from support.operator import run, run_json
from support.origin import Origin, routes
from support.wait import wait_until


def config(answer="one", server=""):
    return f"""
[server]
workers = 2
{server}
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "{answer}"
"""


def control_path(gantry):
    return run_json(gantry, "status")[1]["control"]


def raw(path, text):
    """Sends bytes and returns everything up to the end of the connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(text.encode())
        out = b""
        while chunk := client.recv(65536):
            out += chunk
        return out.decode()


def test_reload_says_what_serves_now():
    with Gantry(config()) as gantry:
        gantry.write("gantry.toml", gantry.config_path.read_text().replace('"one"', '"two"'))
        done = run(gantry, "reload")
        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(r'respond.*"one" -> "two"', done.stdout)
        assert done.stdout.endswith("reloaded: generation 2 serves\n")
        assert fetch(gantry).text == "two", "the verdict comes when every worker has the generation"


def test_reload_says_every_mistake_and_changes_nothing():
    with Gantry(config()) as gantry:
        broken = gantry.config_path.read_text().replace("respond", "repond").replace("workers", "wokers")
        gantry.write("gantry.toml", broken)
        done = run(gantry, "reload")
        assert done.returncode == 3
        assert re.search(r"gantry\.toml:3:1: error: .*wokers", done.stderr)
        assert re.search(r"gantry\.toml:\d+:1: error: .*repond", done.stderr)
        assert "did you mean" in done.stderr
        code, verdict = run_json(gantry, "reload")
        assert code == 3 and verdict["applied"] is False and verdict["generation"] == 1
        assert [entry["severity"] for entry in verdict["diagnostics"]] == ["error", "error"]
        assert fetch(gantry).text == "one"
        _, status = run_json(gantry, "status")
        assert (status["generation"], status["failed_reloads"]) == (1, 2)
        assert status["last_reload_error"] == "the configuration has errors"


def test_a_listener_that_cannot_be_opened_undoes_the_reload():
    with socket.socket() as taken, Gantry(config()) as gantry:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = gantry.config_path.read_text().replace('"one"', '"two"')
        gantry.write("gantry.toml", f'{text}\n[listener.b]\naddress = "127.0.0.1:0"\n[listener.c]\naddress = "127.0.0.1:{port}"\n')
        done = run(gantry, "reload")
        assert done.returncode == 3
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
        assert fetch(gantry).text == "one"
        assert {entry["name"] for entry in run_json(gantry, "status")[1]["listeners"]} == {"web"}


def test_warnings_are_told_and_do_not_forbid():
    with Gantry(config()) as gantry:
        gantry.write("gantry.toml", gantry.config_path.read_text() + '[upstream.idle]\npeers = ["127.0.0.1:1"]\n')
        done = run(gantry, "reload")
        assert done.returncode == 0 and "warning" in done.stderr and "idle" in done.stderr


def test_quiet_says_nothing_when_all_is_well():
    with Gantry(config()) as gantry:
        for words in (["reload"], ["status"], ["reopen"], ["stop"]):
            done = run(gantry, *words, "-q")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words


def test_status_counts():
    with Gantry(config()) as gantry, RawClient(gantry) as client:
        for _ in range(5):
            client.get("/")
        _, status = run_json(gantry, "status")
        assert status["state"] == "serving"
        assert status["pid"] == gantry.server_pid() and status["supervisor_pid"] == gantry.process.pid
        assert status["connections"] == 1
        assert status["requests"] == sum(worker["requests"] for worker in status["workers"]) == 5
        assert status["listeners"][0]["addresses"] == ["127.0.0.1:%d" % gantry.port()]
        text = run(gantry, "status").stdout
        assert "1 connections, 5 requests" in text and f"127.0.0.1:{gantry.port()}" in text


def test_status_counts_by_host_and_class():
    more = '\n[host."other".location."/"]\nrespond = { status = 503, body = "no" }\n'
    with Gantry(config() + more) as gantry:
        for _ in range(3):
            fetch(gantry, host="test")
        fetch(gantry, host="other")
        with RawClient(gantry) as client:
            client.send(b"nonsense\r\n\r\n")
            assert client.response().status == 400
        _, status = run_json(gantry, "status")
        hosts = {entry["host"]: entry for entry in status["by_host"]}
        assert hosts["test"]["answers"]["2xx"] == 3 and hosts["test"]["answers"]["5xx"] == 0
        assert hosts["other"]["answers"]["5xx"] == 1 and hosts["other"]["bytes_sent"] > 2
        assert status["answers"]["2xx"] == 3 and status["answers"]["4xx"] == 1 and status["answers"]["5xx"] == 1
        # A host that is gone is not forgotten, and one that stays counts on.
        gantry.write("gantry.toml", gantry.config_path.read_text().replace('host."other"', 'host."next"'))
        assert run(gantry, "reload").returncode == 0
        fetch(gantry, host="test")
        _, status = run_json(gantry, "status")
        hosts = {entry["host"]: entry["answers"] for entry in status["by_host"]}
        assert hosts["test"]["2xx"] == 4 and hosts["other"]["5xx"] == 1
        text = run(gantry, "status").stdout
        assert "host other: 1 requests (1 5xx)" in text


def test_reopen_follows_a_rotation():
    log = '[log]\ntarget = "@dir@/error.log"\n'
    with Gantry(config(server='access_log = "@dir@/access.log"') + log, ready=False) as gantry:
        wait_until(lambda: run(gantry, "status").returncode == 0, "the server")
        (port,) = re.findall(r"listening listener=web address=127\.0\.0\.1:(\d+)", (gantry.dir / "error.log").read_text())
        address = ("127.0.0.1", int(port))
        fetch(address, "/before")
        wait_until(lambda: "/before" in (gantry.dir / "access.log").read_text(), "the line before")
        for name in ("access.log", "error.log"):
            (gantry.dir / name).rename(gantry.dir / f"{name}.1")
        assert run(gantry, "reopen").returncode == 0
        wait_until(lambda: (gantry.dir / "access.log").exists(), "a new access log")
        fetch(address, "/after")
        wait_until(lambda: "/after" in (gantry.dir / "access.log").read_text(), "the line after")
        assert "log files opened anew" in (gantry.dir / "error.log").read_text()


def test_stop_waits_for_what_is_under_way():
    asked, release = threading.Event(), threading.Event()

    def slow(connection, request, _):
        asked.set()
        release.wait(30)
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend")

    proxy = config().replace('respond = "one"', f'proxy = "http://127.0.0.1:@port@"')
    with Origin(routes({"*": slow})) as origin, Gantry(proxy, port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/")
        assert asked.wait(20)
        stopping = subprocess.Popen([binary(), "stop", "-c", str(gantry.config_path)], stdout=subprocess.PIPE, text=True)
        gantry.wait_log("draining")
        assert run_json(gantry, "status")[1]["state"] == "stopping", "it can still be asked"
        assert run(gantry, "reload").returncode == 1, "nothing is loaded any more"
        assert stopping.poll() is None
        release.set()
        assert client.response().text == "end"
        assert stopping.communicate(timeout=30)[0] == "stopped\n"
        assert gantry.process.wait(10) == 0, "and it is not started again"


def test_stop_cuts_at_its_deadline():
    asked, release = threading.Event(), threading.Event()

    def silent(connection, request, _):
        asked.set()
        release.wait(30)

    proxy = config().replace('respond = "one"', 'proxy = "http://127.0.0.1:@port@"')
    with Origin(routes({"*": silent})) as origin, Gantry(proxy, port=origin.port) as gantry, RawClient(gantry) as client:
        client.request("GET", "/")
        assert asked.wait(20)
        done = run(gantry, "stop", "--timeout", "100ms")
        release.set()
        assert done.returncode == 0 and "1 connections were cut" in done.stderr
        assert gantry.process.wait(10) == 0


def test_a_wrong_timeout_is_the_callers_mistake():
    with Gantry(config()) as gantry:
        done = run(gantry, "stop", "--timeout", "10")
        assert done.returncode == 2 and '"10s"' in done.stderr
        assert fetch(gantry).text == "one"


def test_nobody_there(tmp_path):
    (tmp_path / "gantry.toml").write_text(config())
    for command in ("reload", "status", "reopen", "stop"):
        done = subprocess.run([binary(), command, "-c", str(tmp_path / "gantry.toml")], capture_output=True, text=True, check=False)
        assert done.returncode == 4 and "no gantry answers on" in done.stderr and "--socket" in done.stderr


def test_the_socket_is_for_owner_and_group():
    with Gantry(config()) as gantry:
        path = control_path(gantry)
        found = os.stat(path)
        assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o660
    assert not os.path.exists(path), "it goes with its server"


def test_the_socket_can_be_put_elsewhere_or_left_out():
    with Gantry(config(server='control = "@dir@/ctl.sock"')) as gantry:
        assert control_path(gantry) == str(gantry.dir / "ctl.sock")
        assert run(gantry, "status", "--socket", str(gantry.dir / "ctl.sock")).returncode == 0
        gantry.reload(config(server='control = "@dir@/other.sock"'))
        assert run(gantry, "status").returncode == 0
        wait_until(lambda: not (gantry.dir / "ctl.sock").exists(), "the old socket to go")
        gantry.reload(config(server="control = false"))
        assert run(gantry, "status", "--socket", str(gantry.dir / "other.sock")).returncode == 4
        assert fetch(gantry).text == "one"


def test_a_killed_server_process_is_still_reached():
    with Gantry(config()) as gantry:
        before = gantry.server_pid()
        os.kill(before, 9)
        done = run(gantry, "status", "--format", "json")
        assert done.returncode == 0, "the question waits in the socket, which the supervisor keeps"
        assert json.loads(done.stdout)["pid"] != before


@pytest.mark.parametrize(
    "request_text, status",
    [
        ("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
        ("GET /v1/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        ("GET /v1/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        ("POST /v1/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]", 400),
        ('POST /v1/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"timeout_ms":-1}', 400),
        ("POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n" + "a" * 1_100_000, 413),
        ("nonsense\r\n\r\n", 400),
    ],
    ids=["status", "unknown", "method", "list", "negative", "large", "nonsense"],
)
def test_answers_to_what_is_sent(request_text, status):
    with Gantry(config()) as gantry:
        try:
            answer = raw(control_path(gantry), request_text)
        except (BrokenPipeError, ConnectionResetError):
            assert status == 413, "only who sends too much may be cut off"
        else:
            head, _, body = answer.partition("\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert isinstance(json.loads(body), dict)
        assert fetch(gantry).text == "one"


def test_two_reloads_at_once_both_get_their_verdict():
    with Gantry(config()) as gantry:
        calls = [subprocess.Popen([binary(), "reload", "-c", str(gantry.config_path)], stdout=subprocess.PIPE, text=True) for _ in range(6)]
        said = sorted(call.communicate(timeout=60)[0] for call in calls)
        assert said == [f"nothing changed\nreloaded: generation {number} serves\n" for number in range(2, 8)]
