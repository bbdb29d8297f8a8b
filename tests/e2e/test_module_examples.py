"""The examples of the SDK, loaded by the real binary: what their own tests promise with the fake host holds with gantry."""

import os
import random
import re
import signal
import socket
import ssl
import threading
import time

import pytest

from support.certs import trusting
from support.client import RawClient, fetch
from support.gantry import Gantry
from support.modules import SDK, build
from support.operator import run
from support.origin import Origin
from support.wait import wait_until

CONFIG = """
modules = [@modules@]
[server]
tally = true
tally_every = 1
vault = { folder = "@dir@/vault", every = "10ms" }
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[host."vault.test"]
listeners = ["tls"]
certificate = "vault"
[host."vault.test".location."/"]
respond = "from the vault"
[host."test"]
listeners = ["web"]
[host."test".location."/"]
static = { root = "@dir@/www" }
[host."test".location."/hello"]
hello = "Hello, ${remote_addr}\\n"
[host."test".location."/tea"]
teapot = "short and stout"
[host."test".location."/loud/"]
static = { root = "@dir@/www" }
shout = true
[host."test".location."/private/"]
static = { root = "@dir@/www" }
gate = { file = "@dir@/guests", delay = "200ms" }
[host."test".location."/shut/"]
static = { root = "@dir@/www" }
gate = { file = "@dir@/guests", delay = "10s" }
[host."test".location."/visitors"]
visits = true
[host."test".location."/doorman/"]
respond = "${header.x-user}"
doorman = { url = "http://127.0.0.1:@service@/check", identity = "X-User" }
[store]
file = "@dir@/store.db"
"""
FILES = {"www/index.html": "front", "www/loud/long.txt": "whisper " * 20_000, "www/private/a.txt": "inside", "guests": "sesame\nother\n"}
SOURCES = {"hello": "c", "tally": "c", "teapot": "cpp", "shout": "cpp", "gate": "cpp", "visits": "cpp", "doorman": "cpp", "vault": "cpp"}


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    link = f"-Wl,-z,defs,--version-script={SDK}/cmake/gantry-module.map"
    made = [build(SDK / "examples" / name / f"{name}.{kind}", folder, name, link) for name, kind in SOURCES.items()]
    return ", ".join(f'"{path}"' for path in made)


@pytest.fixture
def gantry(modules):
    with Origin(service) as origin, Gantry(CONFIG, files=FILES, modules=modules, service=origin.port) as server:
        yield server


def service(connection, _):
    """Who the doorman asks."""
    while True:
        request = connection.read_request()
        who = (request.get("Cookie") or "").removeprefix("who=")
        if who == "broken":
            return
        connection.respond(204 if who else 401, headers={"X-User": who} if who else {"WWW-Authenticate": "Cookie"}, length=not who)


def test_the_doorman_asks_who_it_is(gantry):
    answer = fetch(gantry, "/doorman/", headers=[("Cookie", "who=ada"), ("X-User", "root")])
    assert (answer.status, answer.text) == (200, "ada")
    answer = fetch(gantry, "/doorman/", headers=[("X-User", "root")])
    assert (answer.status, answer["WWW-Authenticate"]) == (401, "Cookie")
    assert fetch(gantry, "/doorman/", headers=[("Cookie", "who=broken")]).status == 502


def test_the_vault_shows_what_is_in_it(gantry, authority):
    def shown(context):
        with RawClient(gantry, "tls", tls=context, server_name="vault.test") as client:
            return client.socket.getpeercert(binary_form=True)

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shown(authority.context())
    for _ in range(2):
        leaf = authority.leaf("vault.test", fresh=True)
        gantry.write("vault/vault.test.pem", leaf.certificate + leaf.key)
        wait_until(lambda: shown(trusting()) == leaf.der, "the certificate of the file")
    assert shown(authority.context()) == leaf.der
    (gantry.dir / "vault" / "vault.test.pem").unlink()
    wait_until(lambda: shown(trusting()) != leaf.der, "the placeholder")


def tally(gantry):
    lines = [line for line in gantry.lines if "tally answers=" in line]
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", lines[-1])} if lines else {}


def test_the_smallest_ones_answer(gantry):
    assert fetch(gantry, "/hello").text == "Hello, 127.0.0.1\n"
    answer = fetch(gantry, "/tea/pot")
    assert (answer.status, answer.text, answer["Content-Type"]) == (418, "short and stout\n", "text/plain")


def test_long_texts_are_shouted_whole(gantry):
    answer = fetch(gantry, "/loud/long.txt")
    assert answer.text == "WHISPER " * 20_000
    assert "ETag" not in answer and "Content-Length" not in answer


def test_guests_get_in_and_others_wait_for_their_refusal(gantry):
    assert fetch(gantry, "/private/a.txt", headers=[("X-Secret", "sesame")]).text == "inside"
    begin = time.monotonic()
    assert fetch(gantry, "/private/a.txt", headers=[("X-Secret", "guess")]).status == 403
    assert time.monotonic() - begin >= 0.2
    assert fetch(gantry, "/private/a.txt").status == 403


def test_clients_vanish_while_coroutines_wait(gantry):
    """Each is counted once, and AddressSanitizer has nothing to say when the server ends."""

    def leave_early(seed):
        chance = random.Random(seed)
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", gantry.port())) as client:
                secret = chance.choice(["", "X-Secret: guess\r\n", "X-Secret: sesame\r\n"])
                client.sendall(f"GET /shut/a.txt HTTP/1.1\r\nHost: test\r\n{secret}\r\n".encode())
                client.settimeout(chance.random() * 0.05)
                try:
                    client.recv(4096)
                except TimeoutError:
                    pass

    threads = [threading.Thread(target=leave_early, args=(seed,)) for seed in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: tally(gantry).get("answers") == 200, "all 200 exchanges are over")
    assert tally(gantry)["none"] > 0


def test_counters_outlive_a_reload(gantry):
    fetch(gantry, "/hello")
    wait_until(lambda: tally(gantry).get("answers") == 1, "the first is counted")
    gantry.reload()
    fetch(gantry, "/missing")
    wait_until(lambda: tally(gantry).get("answers") == 2, "the second is counted")
    assert (tally(gantry)["2xx"], tally(gantry)["4xx"]) == (1, 1)


def test_a_module_says_where_its_key_is_wrong(gantry):
    gantry.configure(CONFIG.replace('teapot = "short and stout"', 'teapot = ""'))
    answer = run(gantry, "check")
    assert answer.returncode == 3
    assert "teapot has no text" in answer.stdout + answer.stderr
    assert 'teapot = ""' in answer.stdout + answer.stderr


def test_visitors_are_counted_and_written_down_over_a_crash(gantry):
    assert [fetch(gantry, "/visitors").text for _ in range(2)] == ["visitor 1\n", "visitor 2\n"]
    gantry.wait_log("visit path=/visitors")
    old = gantry.server_pid()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: gantry.server_pid() != old, "another process serves")
    assert fetch(gantry, "/visitors").text == "visitor 3\n"
    wait_until(lambda: sum("visit path=/visitors" in line for line in gantry.lines if line) == 3, "all three are written down", timeout=60)
