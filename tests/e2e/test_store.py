"""What modules keep: with the real binary, a real file, and a module that does what a path says."""

import concurrent.futures
import os
import re
import signal
import sqlite3
import stat

import pytest

from support.client import RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import build
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-keeper.so"]
[server]
workers = 2
control = "@dir@/control.sock"
[store]
file = "@dir@/@store@"
durability = "@durability@"
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
keeper = true
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/keeper.cpp", folder, "keeper")
    return folder


def make(modules, **values):
    return Gantry(CONFIG, modules=modules, **{"store": "state/store.db", "durability": "normal", **values})


@pytest.fixture(scope="module")
def gantry(modules):
    with make(modules) as server:
        yield server


def ask(gantry, path):
    return fetch(gantry, path).text


def version(text):
    return int(re.search(r"version=(\d+)", text)[1])


def test_values_are_kept_compared_and_set(gantry):
    assert ask(gantry, "/get/a") == "absent"
    first = version(ask(gantry, "/put/a/one"))
    assert ask(gantry, "/get/a") == f"stored version={first}\na=one version={first}"
    assert ask(gantry, "/put/a/two/0/0") == f"conflict version={first}"
    second = version(ask(gantry, f"/put/a/two/0/{first}"))
    assert second > first
    assert ask(gantry, "/put/ab/x").startswith("stored")
    assert [line.split("=")[0] for line in ask(gantry, "/list/a").split("\n")[1:]] == ["a", "ab"]
    assert ask(gantry, f"/erase/a/{first}") == f"conflict version={second}"
    assert ask(gantry, "/erase/a") == "stored count=1"


def test_a_value_ends_when_its_time_is_over(gantry):
    assert ask(gantry, "/put/short/x/300").startswith("stored")
    assert ask(gantry, "/get/short").startswith("stored")
    wait_until(lambda: ask(gantry, "/get/short") == "absent", "the value ends")


def test_counters_and_streams(gantry):
    assert ask(gantry, "/add/total/3") == "stored count=3"
    assert ask(gantry, "/add/total/4") == "stored count=7"
    ids = [int(re.search(r"id=(\d+)", ask(gantry, f"/append/s/{name}"))[1]) for name in ("one", "two")]
    assert ids[1] > ids[0]
    assert ask(gantry, "/claim/s/g/1/60000") == f"stored\n=one id={ids[0]} attempts=1"
    assert ask(gantry, "/claim/s/g/9/300/2") == f"stored\n=two id={ids[1]} attempts=1"
    assert ask(gantry, f"/done/s/g/{ids[0]}") == "stored count=1"
    # Nobody acknowledged the second one: it comes once more, and then no more.
    wait_until(lambda: ask(gantry, "/claim/s/g/9/300/2") == f"stored\n=two id={ids[1]} attempts=2", "it is delivered again")
    wait_until(lambda: ask(gantry, "/claim/s/g/9/300/2") == "stored" and ask(gantry, "/dead/s/g") == f"stored\n=two id={ids[1]} attempts=2", "it is dead")


def test_names_and_values_have_bounds(gantry):
    assert ask(gantry, "/put/" + "k" * 512 + "/x").startswith("stored")
    assert fetch(gantry, "/put/" + "k" * 513 + "/x").status == 503
    assert ask(gantry, f"/size/large/{1024 * 1024}").startswith("stored")
    assert ask(gantry, "/get/large").split("\n")[1].startswith("large=1048576")
    assert fetch(gantry, f"/size/large/{1024 * 1024 + 1}").status == 503


def test_many_at_once_lose_nothing(gantry):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        seen = sorted(int(re.search(r"count=(\d+)", text)[1]) for text in pool.map(lambda _: ask(gantry, "/add/many/1"), range(400)))
    assert seen == list(range(1, 401))


def test_clients_that_leave_do_no_harm(gantry):
    for turn in range(200):
        client = RawClient(gantry)
        client.send(f"GET /add/left/1 HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        if turn % 2:
            client.reset()
        else:
            client.close()
    assert ask(gantry, "/add/left/0").startswith("stored")


def test_the_main_thread_is_answered_too(gantry):
    before = int(ask(gantry, "/loads"))
    wait_until(lambda: int(ask(gantry, "/loads")) >= 1, "the first load is counted")
    gantry.reload()
    wait_until(lambda: int(ask(gantry, "/loads")) > before, "the reload is counted")


def test_the_file_is_of_its_owner_alone_and_names_the_module(gantry):
    ask(gantry, "/put/named/x")
    file = gantry.dir / "state/store.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        assert set(database.execute("SELECT DISTINCT space FROM value")) == {(b"keeper",)}


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_what_was_answered_survives_a_kill(modules, durability):
    with make(modules, durability=durability) as gantry:
        for turn in range(3):
            kept = [ask(gantry, f"/put/{turn}-{i}/x").startswith("stored") for i in range(20)]
            assert all(kept)
            pid = gantry.server_pid()
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: gantry.server_pid() != pid, "another process serves")
            assert all(fetch(gantry, f"/get/{turn}-{i}").text.startswith("stored") for i in range(20))


def test_a_store_that_cannot_be_opened_is_named_and_found_again(modules):
    with make(modules, files={"state": "in the way"}) as gantry:
        assert fetch(gantry, "/put/a/one").status == 503
        gantry.wait_log(r"the store fails file=.*/state/store.db: .*; make its folder, writable for the user that runs gantry, or set store.file")
        (gantry.dir / "state").unlink()
        wait_until(lambda: ask(gantry, "/put/a/one").startswith("stored"), "the store works again")
        gantry.wait_log("the store works again")


def test_a_reload_moves_to_another_file(modules):
    with make(modules) as gantry:
        ask(gantry, "/put/a/one")
        gantry.values["store"] = "other.db"
        gantry.configure(CONFIG)
        gantry.reload()
        assert ask(gantry, "/get/a") == "absent"
        assert (gantry.dir / "other.db").exists()


def test_nothing_is_made_where_no_module_asks(modules):
    text = CONFIG.replace("keeper = true", 'respond = "hello"').replace('modules = ["@modules@/gantry-keeper.so"]', "")
    with Gantry(text, store="state/store.db", durability="full") as gantry:
        assert fetch(gantry, "/").text == "hello"
        gantry.reload()
        assert not (gantry.dir / "state").exists()
