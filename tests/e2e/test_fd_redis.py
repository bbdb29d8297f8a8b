"""A real Redis, asked by the example turnstile over hiredis, whose sockets gantry's loops watch."""

import concurrent.futures
import random
import re
import socket
import threading

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry
from support.modules import SDK, build
from support.redis import Redis
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-turnstile.so"]
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
turnstile = { redis = "@redis@", timeout = "@timeout@" }
[host."test".location."/alive"]
respond = "alive"
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    link = f"-Wl,-z,defs,--version-script={SDK}/cmake/gantry-module.map"
    build(SDK / "examples/turnstile/turnstile.cpp", folder, "turnstile", link, "-Wl,--push-state,--no-as-needed,-lhiredis,--pop-state")
    return folder


@pytest.fixture
def redis():
    with Redis() as server:
        yield server


def make(modules, redis, timeout="20s"):
    return Gantry(CONFIG, modules=modules, redis=redis.socket, timeout=timeout)


def number(answer):
    assert answer.status == 200, answer
    return int(re.fullmatch(r"visitor (\d+)\n", answer.text).group(1))


def clients(redis):
    """Connections to Redis, without the one that asks."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(redis.socket))
        connection.sendall(b"CLIENT LIST\r\n")
        lines = connection.makefile("rb")
        size = int(lines.readline()[1:])
        return lines.read(size).count(b"\n") - 1


def test_each_of_many_is_counted_once(modules, redis):
    with make(modules, redis) as gantry, concurrent.futures.ThreadPoolExecutor(30) as pool:
        told = list(pool.map(lambda _: number(fetch(gantry, "/")), range(600)))
        assert sorted(told) == list(range(1, 601))
        assert redis.ask("INCR", "visitors") == ":601"
        assert clients(redis) <= 2  # one for each worker


def test_one_connection_serves_a_pipeline(modules, redis):
    with make(modules, redis) as gantry, RawClient(gantry) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n" * 50)
        assert [number(client.response()) for _ in range(50)] == list(range(1, 51))


def test_redis_is_killed_and_comes_back(modules, redis):
    with make(modules, redis) as gantry:
        assert number(fetch(gantry, "/")) == 1
        for _ in range(3):
            redis.kill()
            assert {fetch(gantry, "/").status for _ in range(10)} == {503}
            redis.start()
            assert [number(fetch(gantry, "/")) for _ in range(10)] == list(range(1, 11))


def test_redis_is_killed_while_requests_wait(modules, redis):
    with make(modules, redis) as gantry, concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert number(fetch(gantry, "/")) == 1
        redis.freeze()
        waiting = [pool.submit(fetch, gantry, "/") for _ in range(20)]
        assert fetch(gantry, "/alive").text == "alive"
        redis.kill()
        assert {one.result().status for one in waiting} == {503}


def test_redis_that_hangs_is_given_up(modules, redis):
    with make(modules, redis, timeout="300ms") as gantry:
        assert number(fetch(gantry, "/")) == 1
        redis.freeze()
        assert fetch(gantry, "/").status == 503
        assert fetch(gantry, "/alive").text == "alive"
        redis.thaw()
        wait_until(lambda: fetch(gantry, "/").status == 200, "an answer again")


def test_clients_vanish(modules, redis):
    def leave_early(seed):
        chance = random.Random(seed)
        for _ in range(20):
            with RawClient(gantry) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n" * chance.randint(1, 5))
                if chance.random() < 0.3:
                    client.response()

    with make(modules, redis) as gantry:
        threads = [threading.Thread(target=leave_early, args=(seed,)) for seed in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        redis.freeze()
        for _ in range(20):
            with RawClient(gantry) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        redis.thaw()
        before = number(fetch(gantry, "/"))
        assert number(fetch(gantry, "/")) > before


def test_reloads_while_it_is_connected(modules, redis):
    with make(modules, redis) as gantry, concurrent.futures.ThreadPoolExecutor(8) as pool:
        counted = 0
        for generation in range(2, 8):
            asked = [pool.submit(fetch, gantry, "/") for _ in range(40)]
            gantry.reload(expect=f"generation={generation}")
            told = sorted(number(one.result()) for one in asked)
            assert told == list(range(counted + 1, counted + 41))
            counted += 40
        wait_until(lambda: clients(redis) <= 2, "the connections of the old instances are closed")


def test_it_stops_while_redis_hangs(modules, redis):
    with make(modules, redis, timeout="500ms") as gantry:
        assert number(fetch(gantry, "/")) == 1
        redis.freeze()
        client = RawClient(gantry)
        client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert fetch(gantry, "/alive").text == "alive"
        gantry.stop()  # what waits is told 503 within its time, and then it ends
        assert client.response().status == 503
        client.close()
