"""Peers that modules find while gantry serves, and those that they choose: with the real binary and real origins."""

import contextlib
import os
import re
import threading

import pytest

from support.client import RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import SDK, build
from support.operator import run
from support.origin import Origin
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-settler.so", "@modules@/gantry-roster.so"]
[server]
workers = 2
control = "@dir@/control.sock"
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
@app@
[host."test".location."/"]
proxy = "app"
[host."test".location."/peers/"]
peer_setter = true
[host."test".location."/old/"]
peer_setter = true
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/settler.cpp", folder, "settler")
    build(SDK / "examples/roster/roster.cpp", folder, "roster")
    return folder


def named(name):
    """An origin that says who it is."""

    def serve(connection, origin):
        while True:
            request = connection.read_request()
            if request.path == "/slow":
                origin.slow.set()
                origin.go_on.wait(30)
            connection.respond(200, name)

    origin = Origin(serve)
    origin.slow, origin.go_on = threading.Event(), threading.Event()
    return origin


@pytest.fixture
def origins():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(named(name)) for name in ("a", "b", "c")]


def make(modules, app='settler = ""', **values):
    return Gantry(CONFIG, modules=modules, app=app, **values)


def address(origin):
    return f"127.0.0.1:{origin.port}"


def set_peers(gantry, *peers, path="peers"):
    return fetch(gantry, f"/{path}/" + ",".join(peers)).text


def answers(gantry, count=12):
    """Who answered, over connections of several workers."""
    return {fetch(gantry, "/").text for _ in range(count)}


def test_peers_come_and_go_while_it_serves(modules, origins):
    a, b, c = origins
    with make(modules) as gantry:
        assert fetch(gantry, "/").status == 503
        assert set_peers(gantry, address(a)) == "0"
        assert answers(gantry) == {"a"}
        set_peers(gantry, address(a), address(b), address(c))
        assert answers(gantry, 30) == {"a", "b", "c"}
        set_peers(gantry, address(c))
        assert answers(gantry) == {"c"}
        set_peers(gantry)
        assert fetch(gantry, "/").status == 503


def test_a_peer_with_weight_0_gets_nothing_new(modules, origins):
    a, b, _ = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a) + "=3", address(b))
        counted = [fetch(gantry, "/").text for _ in range(40)]
        assert 24 <= counted.count("a") <= 34
        set_peers(gantry, address(a) + "=0", address(b))
        assert answers(gantry) == {"b"}


def test_what_is_under_way_comes_to_its_end(modules, origins):
    a, b, _ = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a))
        client = RawClient(gantry)
        client.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
        assert a.slow.wait(30)
        set_peers(gantry, address(b))
        assert answers(gantry) == {"b"}
        a.go_on.set()
        assert client.response().text == "a"
        client.close()


def test_those_of_the_file_stay(modules, origins):
    a, b, _ = origins
    with make(modules, app=f'peers = ["{address(a)}"]\nsettler = "{address(b)}"') as gantry:
        assert answers(gantry) == {"a", "b"}
        set_peers(gantry, address(a) + "=5")  # it is there already, and the file says how
        assert answers(gantry) == {"a"}


def test_wrong_ones_change_nothing(modules, origins):
    a, _, _ = origins
    with make(modules, app=f'settler = "{address(a)}"') as gantry:
        for wrong in ("127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "a b:80", "unix:", "unix:relative", "300.1.1.1:80", address(a) + "=1001"):
            assert set_peers(gantry, address(a), wrong.replace(" ", "%20")) == "-1", wrong
        gantry.wait_log('peers not taken over: "127.0.0.1" with weight 1 is no peer upstream=app module=settler')
        assert answers(gantry) == {"a"}


def test_they_live_over_reloads(modules, origins):
    a, b, _ = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a))
        client = RawClient(gantry)  # so that the old instance lives on
        client.send(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
        assert a.slow.wait(30)
        gantry.reload()
        assert answers(gantry) == {"a"}
        assert set_peers(gantry, address(b), path="old") == "0"  # nobody has spoken since
        assert set_peers(gantry, address(a)) == "0"
        assert set_peers(gantry, address(b), path="old") == "-4"
        assert answers(gantry) == {"a"}
        a.go_on.set()
        assert client.response().text == "a"
        client.close()
        gantry.values["app"] = 'settler = ""\nresponse_timeout = "10s"'  # another upstream, of the same name
        gantry.reload(CONFIG)
        assert answers(gantry) == {"a"}


def test_who_no_longer_looks_is_forgotten(modules, origins):
    a, b, _ = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a))
        gantry.values["app"] = f'peers = ["{address(b)}"]'
        gantry.reload(CONFIG)
        assert answers(gantry) == {"b"}
        gantry.values["app"] = 'settler = ""'
        gantry.reload(CONFIG)
        assert fetch(gantry, "/").status == 503


def test_a_module_chooses(modules, origins):
    a, b, c = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a), address(b), address(c))
        for origin, name in zip(origins, "abc"):
            for _ in range(5):
                assert fetch(gantry, "/", headers=[("X-Peer", address(origin))]).text == name
        for odd in ("wild", "throw", "nobody"):
            assert fetch(gantry, "/", headers=[("X-Peer", odd)]).status == 200
        gantry.wait_log("an exception of unknown type left settler")


def test_one_that_cannot_be_reached_is_not_chosen_again(modules, origins):
    a, _, _ = origins
    with named("gone") as gone:
        there = address(gone)
    with make(modules) as gantry:
        set_peers(gantry, there, address(a))
        for _ in range(6):
            assert fetch(gantry, "/", headers=[("X-Peer", there)]).text == "a"


def test_two_that_choose_are_an_error(modules, tmp_path):
    (tmp_path / "peers").write_text("127.0.0.1:1\n")
    with pytest.raises(Exception) as failed, make(modules, app=f'settler = ""\nroster = "{tmp_path}/peers"'):
        pass
    assert "both settler and roster choose the peers of this upstream" in str(failed.value)


def test_an_upstream_needs_peers_or_somebody_who_finds_them(modules):
    with pytest.raises(Exception) as failed, make(modules, app='balance = "round_robin"'):
        pass
    assert re.search(r'\[upstream\.app\] has no "peers"', str(failed.value))


def test_the_roster_follows_its_file(modules, origins, tmp_path):
    a, b, _ = origins
    roster = tmp_path / "peers"
    roster.write_text(f"{address(a)}\n")
    os.chmod(tmp_path, 0o755)
    with make(modules, app=f'roster = "{roster}"') as gantry:
        assert answers(gantry) == {"a"}
        roster.write_text(f"{address(a)}\n{address(b)} 2\n")
        wait_until(lambda: answers(gantry) == {"a", "b"}, "the other one is found")
        for session in range(8):
            assert len({fetch(gantry, "/", headers=[("X-Session", str(session))]).text for _ in range(6)}) == 1


def test_many_changes_under_load_lose_no_request(modules, origins):
    a, b, c = origins
    with make(modules) as gantry:
        set_peers(gantry, address(a))
        over, wrong = threading.Event(), []

        def load():
            while not over.is_set():
                answer = fetch(gantry, "/")
                if answer.status != 200:
                    wrong.append(answer.status)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(100):
            chosen = [address(origin) for index, origin in enumerate(origins) if (turn >> index) & 1] or [address(c)]
            assert set_peers(gantry, *chosen) == "0"
        over.set()
        for thread in threads:
            thread.join()
        assert not wrong


def test_it_is_explained(modules):
    with make(modules) as gantry:
        shown = run(gantry, "config").stdout
        assert 'settler = ""' in shown and "peers =" not in shown
        assert re.search(r'peer +also those that "settler" finds', run(gantry, "explain", "GET", "http://test/").stdout)
