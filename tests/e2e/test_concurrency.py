"""Several workers and many clients: every body arrives at the one who asked for it, whole."""

import hashlib
import os
import random
import threading

import pytest

from support.client import RawClient, fetch
from support.curl import curl
from support.gantry import Gantry
from support.origin import Origin, echo, mirror

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.mirror]
peers = ["127.0.0.1:@mirror@"]
[upstream.nginx]
peers = ["127.0.0.1:@nginx@"]
[host."test"]
certificate = "self-signed"
[host."test".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }
[host."test".location."/mirror"]
proxy = "mirror"
[host."test".location."/nginx/"]
proxy = { upstream = "nginx", uri = "/" }
"""

BODIES = {f"{size}.bin": random.Random(size).randbytes(size) for size in (1, 1000, 16384, 65536, 262_144, 262_145, 1_500_000)}


@pytest.fixture(scope="module")
def gantry(nginx_origin):
    with Origin(mirror) as origin:
        files = {f"www/{name}": body for name, body in BODIES.items()}
        with Gantry(CONFIG, files, workers=4, mirror=origin.port, nginx=nginx_origin.port) as server:
            yield server


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_in_parallel(gantry, tmp_path, scheme):
    host, port = gantry.address("web" if scheme == "http" else "tls")
    arguments, expected = [], {}
    for turn in range(8):
        for name, body in BODIES.items():
            out = tmp_path / f"{turn}-{name}"
            expected[out] = body
            arguments += ["-o", str(out), f"{scheme}://test/files/{name}"]
    done = curl(
        f"{scheme}://test/files/1.bin", "--parallel", "--parallel-max", "30", "-k", *arguments, "-o", tmp_path / "last",
        connect=(host, port), timeout=60,
    )
    assert done.code == 0, done.errors[-2000:]
    for path, body in expected.items():
        assert path.read_bytes() == body, path


def test_everything_at_once(gantry):
    """24 clients, each with its own mixture of files, uploads and proxied downloads on kept connections."""
    failures = []
    large = bytes(range(256)) * 8192

    def run(number):
        chance = random.Random(number)
        try:
            for _ in range(3):
                with RawClient(gantry, timeout=60) as client:
                    for _ in range(12):
                        choice = chance.random()
                        if choice < 0.5:
                            name = chance.choice(list(BODIES))
                            assert client.get(f"/files/{name}").body == BODIES[name], name
                        elif choice < 0.8:
                            body = chance.randbytes(chance.randint(0, 200_000))
                            response = client.exchange("POST", "/mirror", {"Content-Length": str(len(body))}, body=body)
                            assert hashlib.sha256(response.body).digest() == hashlib.sha256(body).digest()
                        elif choice < 0.9:
                            assert client.get("/nginx/small.txt").body == b"small\n"
                        else:
                            assert client.get("/nginx/large.bin").body == large
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures[:3]


def test_two_thousand_connections_one_after_another(gantry):
    for turn in range(2000):
        with RawClient(gantry) as client:
            assert client.get("/files/1.bin", {"Connection": "close"} if turn % 2 else {}).body == BODIES["1.bin"]


def test_a_thousand_connections_at_once(gantry):
    clients = [RawClient(gantry) for _ in range(1000)]
    try:
        for client in clients:
            client.request("GET", "/files/1000.bin")
        for client in clients:
            assert client.response().body == BODIES["1000.bin"]
        for client in clients[::2]:
            client.close()
        for client in clients[1::2]:
            assert client.get("/files/1.bin").body == BODIES["1.bin"]
    finally:
        for client in clients:
            client.close()
