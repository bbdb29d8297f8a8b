"""Events: published and heard by a module, with the real binary and a real store."""

import concurrent.futures
import os
import signal
import sqlite3

import pytest

from support.client import fetch
from support.gantry import ROOT, Gantry
from support.modules import build
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-hearer.so"]
[server]
workers = 2
control = "@dir@/control.sock"
[store]
file = "@dir@/store.db"
durability = "normal"
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
hearer = true
@more@
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/hearer.cpp", folder, "hearer")
    return folder


def make(modules, **values):
    return Gantry(CONFIG, modules=modules, **{"more": "", **values})


@pytest.fixture
def gantry(modules):
    with make(modules) as server:
        yield server


def publish(gantry, path):
    answer = fetch(gantry, "/publish/" + path)
    assert answer.status == 200, answer.text
    return int(answer.text.removeprefix("id="))


def heard(gantry, by="ear"):
    """Without what gantry itself says of its start."""
    return [line for line in fetch(gantry, "/heard").text.splitlines() if line.startswith(by + " ") and " server." not in line]


def hears(gantry, *lines, by="ear"):
    try:
        wait_until(lambda: heard(gantry, by) == list(lines), "it is heard")
    finally:
        assert heard(gantry, by) == list(lines)


def test_those_who_want_it_are_told(gantry):
    assert publish(gantry, "test.one/web-1/x") > 0
    hears(gantry, "ear test.one web-1 hearer x attempt=1")
    hears(gantry, "late test.one web-1 hearer x attempt=1", by="late")
    publish(gantry, "other.one/web-1/x")
    publish(gantry, "test.two/web-1/y")
    hears(gantry, "ear test.one web-1 hearer x attempt=1", "ear test.two web-1 hearer y attempt=1")
    assert len(heard(gantry, "late")) == 1
    assert fetch(gantry, "/publish/test/x/y").status == 503


def test_they_come_in_their_order(gantry):
    fetch(gantry, "/many/test.two/300")
    wait_until(lambda: len(heard(gantry)) == 300, "all are heard")
    assert [int(line.split()[2]) for line in heard(gantry)] == list(range(300))


def test_many_publishers_lose_nothing(gantry):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: publish(gantry, f"test.one/s{i}/x"), range(200)))
    for by in ("ear", "late"):
        wait_until(lambda by=by: len(heard(gantry, by)) == 200, "all are heard")
        assert {line.split()[2] for line in heard(gantry, by)} == {f"s{i}" for i in range(200)}


def test_what_fails_comes_again_and_holds_nothing_up(gantry):
    publish(gantry, "test.two/first/second")
    publish(gantry, "test.two/next/x")
    hears(
        gantry,
        "ear test.two first hearer second attempt=1",
        "ear test.two next hearer x attempt=1",
        "ear test.two first hearer second attempt=2",
    )
    gantry.wait_log('an event was not handled: .* type=test.two subject="first" .* attempt=1/10 again_in=1000ms')


def test_what_always_fails_is_put_among_the_dead(gantry):
    number = publish(gantry, "old.news/s/throw")
    hears(gantry, "late old.news s hearer throw attempt=1", "late old.news s hearer throw attempt=2", by="late")
    gantry.wait_log("an event is given up, and kept among the dead: .* type=old.news .* attempt=2/2")
    with sqlite3.connect(gantry.dir / "store.db") as database:
        wait_until(lambda: database.execute("SELECT id FROM dead").fetchall() == [(number,)], "it is dead")
    assert len(heard(gantry, "late")) == 2


def test_what_waits_is_settled(gantry):
    publish(gantry, "test.two/a/wait")
    publish(gantry, "test.two/b/x")
    hears(gantry, "ear test.two a hearer wait attempt=1")
    fetch(gantry, "/settle/done")
    hears(gantry, "ear test.two a hearer wait attempt=1", "ear test.two b hearer x attempt=1")
    publish(gantry, "test.two/c/wait")
    wait_until(lambda: len(heard(gantry)) == 3, "it is heard")
    fetch(gantry, "/settle/failed")
    wait_until(lambda: len(heard(gantry)) == 4, "it is heard again")
    assert heard(gantry)[3] == "ear test.two c hearer wait attempt=2"


def test_who_never_says_is_asked_again(gantry):
    for name in ("a", "b", "c"):
        publish(gantry, f"old.news/{name}/never")
    wait_until(lambda: len(heard(gantry, "late")) == 6, "all three came twice")
    gantry.wait_log("the module did not say in time what became of it type=old.news")


def test_a_reload_goes_on_where_it_was_left(gantry):
    publish(gantry, "test.two/a/wait")
    wait_until(lambda: len(heard(gantry)) == 1, "it is heard")
    gantry.reload()
    # The old instance is gone with its last exchange, and what waited for it is given to the new one.
    wait_until(lambda: len(heard(gantry)) == 2, "it is heard again")
    assert heard(gantry)[1] == "ear test.two a hearer wait attempt=2"
    fetch(gantry, "/settle/done")
    publish(gantry, "test.two/b/x")
    wait_until(lambda: len(heard(gantry)) == 3, "the next one is heard")


def test_reloads_cost_no_attempts(gantry):
    """What is on its way to the old instance goes to the new one."""
    for turn in range(15):
        publish(gantry, f"test.two/s{turn}/x")
        gantry.reload()
    mine = lambda: [line for line in heard(gantry) if " test.two " in line]
    wait_until(lambda: len(mine()) == 15, "all are heard")
    assert sorted(mine()) == sorted(f"ear test.two s{turn} hearer x attempt=1" for turn in range(15))


def change(gantry, more):
    gantry.values["more"] = more
    gantry.reload(CONFIG)


def test_what_gantry_itself_says(gantry):
    wait_until(lambda: "ear server.ready  gantry {\"generation\":1} attempt=1" in fetch(gantry, "/heard").text, "it is ready")
    change(gantry, '[host."new.test".location."/"]\nrespond = { status = 204 }')
    hears(gantry, 'ear host.added new.test gantry {"generation":2} attempt=1')
    change(gantry, '[host."new.test".location."/"]\nrespond = { status = 200 }')
    change(gantry, "")
    hears(
        gantry,
        'ear host.added new.test gantry {"generation":2} attempt=1',
        'ear host.changed new.test gantry {"generation":3} attempt=1',
        'ear host.removed new.test gantry {"generation":4} attempt=1',
    )
    assert fetch(gantry, "/heard").text.count("server.reloaded") == 3


def test_nothing_is_lost_when_it_is_killed(gantry):
    """What was published and not handled comes after the death of the process."""
    publish(gantry, "test.two/a/wait")
    wait_until(lambda: len(heard(gantry)) == 1, "it is heard")
    numbers = [publish(gantry, f"test.two/s{i}/x") for i in range(5)]
    assert sorted(numbers) == numbers
    pid = gantry.server_pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gantry.server_pid() != pid, "another process serves")
    wait_until(lambda: [line.split()[2] for line in heard(gantry)] == [f"s{i}" for i in range(5)], "the others are heard", timeout=20)


def test_who_comes_late_hears_what_it_asked_for(modules, tmp_path):
    """One subscription wants what was there before it, the other does not."""
    store = tmp_path / "store.db"
    config = CONFIG.replace("@dir@/store.db", str(store))
    with Gantry(config, modules=modules, more="") as gantry:
        publish(gantry, "test.one/before/x")
        wait_until(lambda: len(heard(gantry)) == 1 and len(heard(gantry, "late")) == 1, "it is heard")
    with sqlite3.connect(store) as database:
        for table in ("reader", "pending"):
            database.execute(f"DELETE FROM {table}")  # as if nobody had subscribed
    database.close()
    with Gantry(config, modules=modules, more="") as gantry:
        hears(gantry, "late test.one before hearer x attempt=1", by="late")
        publish(gantry, "test.two/after/x")
        hears(gantry, "ear test.two after hearer x attempt=1")
