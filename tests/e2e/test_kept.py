"""The promise of docs/abi.md: a module that was built against the headers of an older ABI works in this gantry."""

import hashlib
import json
import pathlib
import re
import ssl
import subprocess

import pytest

from support.certs import trusting
from support.client import RawClient, exchange, fetch
from support.gantry import ROOT, Gantry, binary
from support.operator import command, run
from support.origin import Origin
from support.wait import wait_until

KEPT = ROOT / "tests" / "abi" / "kept"
VERSIONS = sorted(path.parent.name for path in KEPT.glob("*/SHA256SUMS"))

CONFIG = """
modules = ["@module@"]
[server]
workers = 2
control = "@dir@/control.sock"
kept_target = "@scheme@://127.0.0.1:@app@/else"
kept_pem = "@pem@"
kept = { mode = "allow", greeting = "hello ${host}" }
[store]
file = "@dir@/store.db"
durability = "normal"
[listener.web]
address = "127.0.0.1:0"
[listener.knock]
address = "127.0.0.1:0"
kept_knock = "knock"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.app]
kept_peer = "127.0.0.1:@app@"
[host."test"]
certificate = "kept-1-0"
[host."test".location."/deny"]
respond = "x"
kept = "deny"
[host."test".location."/later"]
respond = "later"
kept = { mode = "later", wait = "2ms" }
[host."test".location."/timed"]
respond = "timed"
kept = "timed"
[host."test".location."/posted"]
respond = "x"
kept = "posted"
[host."test".location."/blocking"]
respond = "blocking"
kept = "blocking"
[host."test".location."/shout"]
respond = "loud"
kept = { shout = true, sizes = ["1KiB", 2], names = { a = "b", c = "@name@" } }
[host."test".location."/proxied"]
proxy = "app"
"""
ANSWERS = ("counters", "facts", "echo", "stream", "store", "event", "fetch", "metrics")
for answer in ANSWERS:
    CONFIG += f'[host."test".location."/{answer}"]\nkept_answer = "{answer}"\n'
CONFIG += '[host."test".location."/old/facts"]\nkept_answer = "facts"\n'


def library(version):
    return pathlib.Path(binary()).resolve().parent / "tests" / "abi" / "kept" / f"gantry-kept-{version.replace('.', '-')}.so"


def answering(connection, origin):
    """An HTTP server for fetches and, behind the preface, for proxied requests."""
    while len(connection.buffer) < 5:
        connection.fill()
    if connection.buffer.startswith(b"kept\n"):
        connection.read_until(b"\n")
    while True:
        request = connection.read_request()
        connection.respond(200, f"{request.method} {request.path} {request.get('X-Kept')} ".encode() + request.body)


@pytest.fixture(scope="module")
def pem(authority, tmp_path_factory):
    leaf = authority.leaf("test")
    path = tmp_path_factory.mktemp("pem") / "test.pem"
    path.write_bytes(leaf.certificate + leaf.key)
    path.chmod(0o644)
    return path


def make(pem, app, **values):
    return Gantry(CONFIG, module=library("1.0"), pem=pem, app=app, **{"name": "d", "scheme": "http", **values})


@pytest.fixture(scope="module")
def gantry(pem):
    with Origin(answering) as origin, make(pem, origin.port) as server:
        yield server


def counters(gantry):
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", fetch(gantry, "/counters").text)}


# ---- what is kept


@pytest.mark.parametrize("version", VERSIONS)
def test_the_headers_are_as_they_were(version):
    folder = KEPT / version
    kept = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    found = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "gantry").rglob("*.h")}
    assert found == kept, "they are what modules were built against: docs/abi.md says what may be done with them"


@pytest.mark.parametrize("version", VERSIONS)
def test_it_was_built_for_its_version(version):
    said = subprocess.run([binary(), "module", "info", "--format", "json", library(version)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(said.stdout)["abi"] == version
    subprocess.run([binary(), "module", "check", library(version)], capture_output=True, timeout=60, check=True)


def test_every_table_of_the_headers_is_asked_for():
    for version in VERSIONS:
        headers = "".join(path.read_text() for path in (KEPT / version / "gantry").rglob("*.h"))
        source = "".join(path.read_text() for path in (KEPT / version / "module").glob("*.c"))
        tables = re.findall(r'#define (GANTRY_[A-Z_]+_1) "gantry\.', headers)
        assert len(tables) > 15 and [table for table in tables if table not in source] == []


# ---- what it does: 1.0


def test_requests_are_seen_and_answered(gantry):
    answer = fetch(gantry, "/old/facts?x=1&y")
    assert answer.status == 203
    assert answer.text == "GET|/old/facts?x=1&y|/facts|x=1&y|test|http|HTTP/1.1|127.0.0.1|yes|1||2|4|1|strict"
    assert answer["X-Greeting"] == "hello test" and "Server" not in answer
    assert exchange(gantry, "POST", "/echo", body=b"a body").text == "a body"
    assert fetch(gantry, "/stream").body == b"x" * 1_000_000
    assert fetch(gantry, "/nowhere")["X-Host"] == "kept"


def test_hooks_judge_and_wait(gantry):
    before = counters(gantry)
    assert fetch(gantry, "/deny").status == 403
    for mode in ("later", "timed", "posted", "blocking"):
        assert [fetch(gantry, f"/{mode}").text for _ in range(5)] == [mode] * 5
    preflight = exchange(gantry, "OPTIONS", "/deny", headers=[("Origin", "http://a"), ("Access-Control-Request-Method", "GET")])
    assert (preflight.status, preflight["Access-Control-Allow-Methods"]) == (204, "GET")
    gantry.wait_log("seen status=403 sent=1 module=kept-1-0")
    assert counters(gantry)["dropped"] >= before["dropped"] + 20


def test_filters_change_answers(gantry):
    answer = fetch(gantry, "/shout")
    assert (answer.text, answer["X-Size"]) == ("LOUD!", "4")
    gantry.wait_log("place kind=4 name=/shout around=2 size=1024 size=2 a=b c=d module=kept-1-0")


def test_the_store_keeps(gantry):
    said = fetch(gantry, "/store").text.split()
    assert said == ["0:0,0,0", "1:0,1,0", "2:0,1,0", "3:0,0,2", "4:0,0,0", "5:0,1,0", "6:0,1,0", "7:0,0,1", "8:0,0,0", "9:0,1,0", "10:0,0,1", "11:0,0,1"]


def test_events_are_heard(gantry):
    assert fetch(gantry, "/event").text == "published 0"
    wait_until(lambda: counters(gantry)["heard"] == 1, "the event is heard")


def test_other_servers_are_asked(gantry):
    assert fetch(gantry, "/fetch").text == "given up=7 status=200 POST /kept 1.0 asked end=0"


def test_what_is_counted_is_read(gantry):
    said = fetch(gantry, "/metrics").text
    assert "gantry_kept_1_0_answers place=here value=3 " in said
    assert "gantry_kept_1_0_level value=7 " in said and "gantry_kept_1_0_times_seconds sum=5000 " in said


def test_peers_are_found_and_picked(gantry):
    before = counters(gantry)["picked"]
    wait_until(lambda: fetch(gantry, "/proxied").text == "GET /proxied None ", "the peer is there")
    assert counters(gantry)["picked"] > before


def test_connections_are_filtered(gantry):
    with RawClient(gantry, listener="knock") as client:
        client.send(b"knockGET /facts HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.response().text.split("|")[7:11] == ["127.0.0.77", "", "", "knock"]
    with RawClient(gantry, listener="knock") as client:
        client.send(b"GET /facts HTTP/1.1\r\nHost: test\r\n\r\n")
        client.expect_close()


def test_hellos_are_answered(gantry, authority):
    verifying = authority.context()
    with RawClient(gantry, "tls", tls=verifying, server_name="test") as client:
        assert client.get("/later").text == "later"
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized"):
        RawClient(gantry, "tls", tls=trusting(), server_name="refused.test")
    strange = trusting()
    strange.set_alpn_protocols(["kept/1"])
    with RawClient(gantry, "tls", tls=strange, server_name="other.test") as client:
        assert client.socket.selected_alpn_protocol() == "kept/1"
    assert counters(gantry)["hellos"] >= 3


def test_routes_and_commands_are_there(gantry):
    assert "prepared=" in command(gantry, "kept-1-0", "counters").stdout
    assert command(gantry, "kept-1-0", "echo", "word").stdout == "word\n"
    assert "there is no word" in command(gantry, "kept-1-0", "echo", "none").stderr


def test_reloads_hand_over_and_retire(pem):
    with Origin(answering) as origin, make(pem, origin.port) as gantry:
        assert counters(gantry)["prepared"] == 1
        for loads in (2, 3):
            gantry.reload(CONFIG)
            wait_until(lambda loads=loads: counters(gantry)["retired"] == loads - 1, "the instance before is retired")
            assert "loads=%d" % loads in fetch(gantry, "/counters").text
            assert counters(gantry)["ticks"] == 1
        gantry.values["scheme"] = "ftp"
        gantry.configure(CONFIG)
        refused = run(gantry, "reload")
        assert refused.returncode != 0 and "ftp://" in refused.stderr
        assert counters(gantry)["prepared"] == 3
        gantry.values.update(scheme="http", name="odd")
        gantry.configure(CONFIG)
        warned = run(gantry, "reload")
        assert warned.returncode == 0 and "an odd name" in warned.stdout + warned.stderr
        assert fetch(gantry, "/posted").text == "posted"
        gantry.values["name"] = "bad"
        gantry.configure(CONFIG)
        assert "a bad name" in run(gantry, "reload").stderr
        gantry.stop()
        gantry.wait_log("a module of 1.0 is closed prepared=5 retired=5")
