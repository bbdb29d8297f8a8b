"""What an operator sees of a running gantry: tail, top and the level of the error log."""

import json
import subprocess

import pytest

from support.certs import trusting
from support.client import RawClient, exchange, fetch
from support.gantry import Gantry, binary
from support.operator import run
from support.origin import Origin, echo
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[upstream.dead]
peers = ["127.0.0.1:1"]
[host."test"]
certificate = "self-signed"
access_log = { target = "@dir@/access.log", format = "json" }
[host."test".location."/"]
respond = { status = 200, body = "12345" }
[host."test".location."/echo"]
proxy = "echo"
[host."test".location."/dead"]
proxy = "dead"
[host."other".location."/"]
respond = { status = 503, body = "no" }
"""


@pytest.fixture(scope="module")
def gantry():
    with Origin(echo) as origin, Gantry(CONFIG, echo=origin.port) as server:
        yield server


def tail(gantry, *words):
    done = run(gantry, "tail", "--once", "--format", "json", "-n", "1000", *words)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_tail_knows_what_a_request_was(gantry):
    exchange(gantry, "POST", "/echo/one?token=sesame", {"Authorization": "Bearer sesame"}, body=b"x" * 10)
    (entry,) = tail(gantry, "--where", 'path == "/echo/one"')
    assert entry["method"] == "POST" and entry["host"] == "test" and entry["status"] == 200
    assert entry["client"] == "127.0.0.1" and entry["scheme"] == "http" and entry["protocol"] == "HTTP/1.1"
    assert entry["upstream"].startswith("127.0.0.1:") and entry["upstream_status"] == 200
    assert 0 <= entry["upstream_first_byte_time"] <= entry["handler_time"] <= entry["duration"] < 30
    assert entry["bytes_received"] == 10 and entry["bytes_sent"] > 10
    assert "sesame" not in json.dumps(entry), "what stands in queries is nobody's business"


def test_tail_chooses(gantry):
    fetch(gantry, "/dead/end")
    fetch(gantry, "/choose", host="other")
    fetch(gantry, "/choose", host="test")
    assert {entry["host"] for entry in tail(gantry, "--where", 'path ~ "^/cho"')} == {"test", "other"}
    (entry,) = tail(gantry, "--where", 'status >= 500 && host == "other" && path == "/choose"')
    assert entry["status"] == 503
    (entry,) = tail(gantry, "--where", 'error ~ "connect" && status == 502 && path == "/dead/end"')
    assert "Connection refused" in entry["error"]


def test_tail_says_what_is_wrong_with_a_condition(gantry):
    done = run(gantry, "tail", "--once", "--where", "statsu >= 500")
    assert done.returncode == 1
    assert 'no field "statsu"' in done.stderr and "upstream_status" in done.stderr


def test_tail_follows(gantry):
    fetch(gantry, "/followed/before")
    command = [binary(), "tail", "-c", str(gantry.config_path), "--where", 'path ~ "^/followed/"', "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "/followed/before" in process.stdout.readline()
        for number in range(3):
            fetch(gantry, f"/followed/{number}")
            line = process.stdout.readline()
            assert f" 200 test GET /followed/{number} " in line
        process.terminate()


def logged(gantry, path):
    def find():
        return next((line for line in (gantry.dir / "access.log").read_text().splitlines() if path in line), None)

    return json.loads(wait_until(find, f"the line of {path}"))


def test_tail_tells_tls(gantry):
    with RawClient(gantry, "tls", tls=trusting(), server_name="test") as client:
        client.get("/over-tls")
    assert tail(gantry, "--where", 'scheme == "https"')[-1]["path"] == "/over-tls"
    entry = logged(gantry, "/over-tls")
    assert 0 < entry["tls_handshake_time"] < 30 and entry["queue_time"] >= 0 and entry["tls_version"].startswith("TLSv1")


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_left_is_told_alike_everywhere(gantry, leave):
    path = f"/echo/left/{leave}"
    with RawClient(gantry) as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n123".encode())
        client.reset() if leave == "reset" else client.close()
    assert logged(gantry, path)["status"] == 499
    (entry,) = tail(gantry, "--where", f'path == "{path}"')
    assert entry["status"] == 499


def test_what_came_too_fast_is_counted():
    config = '[server]\nworkers = 1\nrecent_requests = 4\n[listener.web]\naddress = "127.0.0.1:0"\n'
    with Gantry(config + '[host."test".location."/"]\nrespond = "ok"\n') as gantry, RawClient(gantry) as client:
        for number in range(50):
            client.get(f"/{number}")
        assert [entry["path"] for entry in tail(gantry)] == ["/46", "/47", "/48", "/49"]


def test_without_memory_of_requests():
    config = '[server]\nrecent_requests = 0\n[listener.web]\naddress = "127.0.0.1:0"\n'
    with Gantry(config + '[host."test".location."/"]\nrespond = "ok"\n') as gantry:
        assert fetch(gantry).text == "ok"
        done = run(gantry, "tail", "--once")
        assert done.returncode == 1 and "recent_requests" in done.stderr


def test_top(gantry):
    with RawClient(gantry) as client:
        command = [binary(), "top", "-c", str(gantry.config_path), "--format", "json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()  # it looks
            for _ in range(30):
                client.get("/busy")
            client.get("/", host="other")
            seen = []
            while sum(entry["sampled"] for entry in seen) < 31:
                seen.append(json.loads(process.stdout.readline()))
            process.terminate()
    busy = max(seen, key=lambda entry: entry["sampled"])
    assert busy["hosts"][0]["host"] == "test" and busy["paths"][0]["path"] == "test/busy"
    assert busy["clients"][0]["client"] == "127.0.0.1"
    assert 0 < busy["p50"] <= busy["p99"] < 30
    assert sum(entry["answers_per_second"]["2xx"] for entry in seen) > 5
    assert sum(entry["answers_per_second"]["5xx"] for entry in seen) > 0
    assert busy["connections"] >= 1
    done = run(gantry, "top", "--once")
    assert done.returncode == 0 and "connections" in done.stdout and "p99" in done.stdout


def test_the_level_of_the_log_changes_while_it_runs(gantry):
    assert run(gantry, "log-level").stdout == "info\n"
    fetch(gantry, "/", {"Host": "test", "Content-Length": "x"})
    done = run(gantry, "log-level", "debug")
    assert (done.returncode, done.stdout) == (0, "debug until the next reload; the configuration says info\n")
    gantry.wait_log(r"info: log level info -> debug asked for by pid=\d+")
    mark = gantry.mark()
    fetch(gantry, "/\x01")
    gantry.wait_log("debug: ", after=mark)
    assert run(gantry, "reload").returncode == 0
    assert run(gantry, "log-level").stdout == "info\n"


def test_the_level_goes_back_by_itself(gantry):
    mark = gantry.mark()
    done = run(gantry, "log-level", "warn", "--for", "100ms", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["configured"] == "info" and json.loads(done.stdout)["left_ms"] <= 100
    gantry.wait_log("info: log level is info again", after=mark)
    assert run(gantry, "log-level").stdout == "info\n"


def test_a_level_that_is_none(gantry):
    assert run(gantry, "log-level", "loud").returncode == 2
    assert run(gantry, "log-level", "--for", "1m").returncode == 2
    assert run(gantry, "log-level", "debug", "--for", "soon").returncode == 2
    assert run(gantry, "log-level").stdout == "info\n"
