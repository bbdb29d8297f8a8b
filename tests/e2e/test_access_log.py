"""The access log: formats, masking, completeness, and a disk that is full."""

import json
import os
import re
import threading

import pytest

from support.client import RawClient, exchange, fetch
from support.gantry import Gantry
from support.origin import Origin, echo, raw
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[upstream.dead]
peers = ["127.0.0.1:1"]

[host."combined"]
access_log = "@dir@/combined.log"
[host."combined".location."/"]
respond = { status = 200, body = "12345" }
[host."combined".location."/quiet"]
access_log = false
respond = { status = 200, body = "quiet" }

[host."json"]
access_log = { target = "@dir@/json.log", format = "json" }
[host."json".location."/"]
respond = { status = 200, body = "12345" }
[host."json".location."/echo"]
proxy = "echo"
[host."json".location."/dead"]
proxy = "dead"
[host."json".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }

[host."own"]
access_log = { target = "@dir@/own.log", format = "${method} ${path} ${status} ${body_bytes} ${header.x-test} ${host} ${request_id}" }
[host."own".location."/"]
respond = { status = 200, body = "12345" }

[host."stdout"]
access_log = { target = "stdout", format = "out ${path}" }
[host."stdout".location."/"]
respond = { status = 200, body = "12345" }

[host."full"]
access_log = "/dev/full"
[host."full".location."/"]
respond = { status = 200, body = "12345" }

[host."off"]
[host."off".location."/"]
respond = { status = 200, body = "12345" }
"""


@pytest.fixture(scope="module")
def gantry():
    with Origin(echo) as origin, Gantry(CONFIG, {"www/big.bin": b"x" * 5_000_000}, echo=origin.port) as server:
        yield server


def lines(gantry, name):
    path = gantry.dir / name
    return path.read_text().splitlines() if path.exists() else []


def wait_line(gantry, name, needle):
    return wait_until(
        lambda: next((line for line in lines(gantry, name) if needle in line), None), f"{needle!r} in {name}", timeout=15
    )


COMBINED = re.compile(r'127\.0\.0\.1 - (\S+) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"')


def test_combined(gantry):
    fetch(gantry, "/one?x=1", {"Referer": "http://from/", "User-Agent": "agent/1"}, host="combined")
    match = COMBINED.fullmatch(wait_line(gantry, "combined.log", "/one"))
    assert match, lines(gantry, "combined.log")
    assert match.group(3, 4, 5, 6, 7) == ("GET /one?x=1 HTTP/1.1", "200", "5", "http://from/", "agent/1")


def test_combined_cannot_be_forged(gantry):
    fetch(gantry, "/forged", {"User-Agent": 'a" 200 "b\x80\\', "Referer": "\tx"}, host="combined")
    line = wait_line(gantry, "combined.log", "/forged")
    assert COMBINED.fullmatch(line), line
    assert "\\x22" in line and "\\x80" in line and "\t" not in line


def test_a_location_can_be_silent(gantry):
    fetch(gantry, "/quiet/1", host="combined")
    fetch(gantry, "/after-quiet", host="combined")
    wait_line(gantry, "combined.log", "/after-quiet")
    assert not [line for line in lines(gantry, "combined.log") if "/quiet/1" in line]


def test_json(gantry):
    exchange(gantry, "POST", "/echo/j1?a=b", {"User-Agent": 'q"uote\\'}, body=b"x" * 10, host="json")
    entry = json.loads(wait_line(gantry, "json.log", "/echo/j1"))
    assert entry["method"] == "POST" and entry["status"] == 200
    assert entry["user_agent"] == 'q"uote\\'
    text = json.dumps(entry)
    assert "127.0.0.1" in text and "upstream" in text


def test_where_the_time_goes(gantry):
    with RawClient(gantry) as client:
        client.send(b"POST /echo/t1 HTTP/1.1\r\nHost: js")
        client.expect_silence(0.03)
        client.send(b"on\r\nContent-Length: 4\r\n\r\nbody")
        assert client.response().status == 200
        client.get("/echo/t2", host="json")
    first = json.loads(wait_line(gantry, "json.log", "/echo/t1"))
    assert 0.02 <= first["head_time"] < 20
    assert first["queue_time"] >= 0 and "tls_handshake_time" not in first
    assert 0 <= first["upstream_connect_time"] and 0 < first["upstream_first_byte_time"] <= first["handler_time"] + 1
    assert first["upstream_first_byte_time"] <= first["upstream_response_time"] <= first["duration"] + 0.001
    head = b"POST /echo/t1 HTTP/1.1\r\nHost: json\r\nContent-Length: 4\r\n\r\n"
    assert first["bytes_received"] == len(head) + 4
    assert "queue_time" not in json.loads(wait_line(gantry, "json.log", "/echo/t2")), "only the first waited"
    fetch(gantry, "/dead", host="json")
    failed = json.loads(wait_line(gantry, "json.log", "/dead"))
    assert failed["status"] == 502 and failed["error"] and "upstream_first_byte_time" not in failed


def test_every_json_line_is_json(gantry):
    for value in ('"', "\\", "\xff\xfe", "\u00e9", "{", "\x80\x81"):
        fetch(gantry, "/odd", {"User-Agent": value, "Referer": value}, host="json")
    fetch(gantry, "/odd-end", host="json")
    wait_line(gantry, "json.log", "/odd-end")
    for line in lines(gantry, "json.log"):
        json.loads(line)


def test_own_format(gantry):
    response = fetch(gantry, "/own/a%20b", {"X-Test": "t"}, host="own")
    assert response.status == 200
    assert re.fullmatch(r"GET /own/a b 200 5 t own [0-9a-f]{32}", wait_line(gantry, "own.log", "/own/a b"))


def test_stdout(gantry):
    fetch(gantry, "/std", host="stdout")
    wait_until(lambda: "out /std\n" in gantry.stdout(), "the line on stdout")


def test_secrets_are_masked(gantry):
    fetch(
        gantry,
        "/secret?access_token=sesame1&x=1&password=sesame2&api_key=sesame3",
        {"Authorization": "Bearer sesame4", "Cookie": "sid=sesame5", "Referer": "http://a/?token=sesame6"},
        host="combined",
    )
    line = wait_line(gantry, "combined.log", "/secret")
    assert "sesame" not in line and "x=1" in line and "***" in line
    fetch(gantry, "/secret2?token=sesame1", {"Referer": "http://a/?secret=sesame6"}, host="json")
    assert "sesame" not in wait_line(gantry, "json.log", "/secret2")


def test_every_exchange_is_logged(gantry):
    """Also those that went wrong: refused heads, aborted answers, dead upstreams, unknown paths."""
    before = len(lines(gantry, "json.log"))
    fetch(gantry, "/files/none", host="json")
    fetch(gantry, "/dead", host="json")
    with RawClient(gantry) as client:
        for number in range(50):
            client.get(f"/n{number}", host="json")
    client = RawClient(gantry, receive_buffer=8192)
    client.request("GET", "/files/big.bin", host="json")
    client.head()
    client.reset()
    wait_until(lambda: len(lines(gantry, "json.log")) >= before + 53, "53 lines")
    entries = [json.loads(line) for line in lines(gantry, "json.log")[before:]]
    assert len(entries) == 53
    statuses = [entry["status"] for entry in entries]
    assert statuses.count(404) == 1 and statuses.count(502) == 1 and statuses.count(200) == 51


def test_a_full_disk_changes_nothing_for_clients(gantry):
    with RawClient(gantry) as client:
        for _ in range(3000):
            assert client.get("/" + "x" * 200, host="full").body == b"12345"
    assert fetch(gantry, "/", host="combined").status == 200


def test_nothing_is_lost_at_the_end():
    """What was answered before SIGTERM stands in the file after it."""
    server = Gantry(CONFIG, echo=1)
    kept = None
    with server:
        def run(number):
            with RawClient(server) as client:
                for turn in range(100):
                    client.get(f"/{number}/{turn}", host="own")

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.stop()
        kept = lines(server, "own.log")
    assert len(kept) == 400
    assert {line.split()[1] for line in kept} == {f"/{number}/{turn}" for number in range(4) for turn in range(100)}


def test_lines_are_whole(gantry):
    """Two workers write to one file: no line is torn."""

    def run():
        with RawClient(gantry) as client:
            for _ in range(300):
                client.get("/whole/" + "y" * 300, host="own")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: sum("/whole/" in line for line in lines(gantry, "own.log")) == 1200, "1200 lines")
    for line in lines(gantry, "own.log"):
        assert re.fullmatch(r"\w+ /\S*( b)? \d{3} \d+ \S+ own [0-9a-f]{32}", line), line


def test_a_directory_that_is_missing_is_said_at_the_start(tmp_path):
    config = CONFIG.replace("@dir@/combined.log", "@dir@/no/such/dir/combined.log")
    server = Gantry(config, echo=1, ready=False)
    server.may_fail()
    with server:
        server.wait_log("no/such/dir")
