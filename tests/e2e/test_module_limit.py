"""The module limit: how many pass, what the others are told, and what is left when clients vanish or the configuration changes."""

import concurrent.futures
import math
import re
import select
import threading
import time

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry
from support.modules import check_with, expect_refused
from support.operator import command, command_json, run
from support.origin import Origin, routes
from support.wait import wait_until

HEAD = """
modules = ["limit"]
[server]
workers = 2
control = "@dir@/control.sock"
limit_files_interval = "100ms"
[listener.web]
address = "127.0.0.1:0"
"""

RATES = HEAD.replace('["limit"]', '["limit", "metrics"]') + """
[host."watch".location."= /metrics"]
metrics = "prometheus"
[host."test"]
[host."test".location."/hourly/"]
respond = "in"
limit.hourly = { rate = "1/h", burst = 9, key = "${path}" }
[host."test".location."/delayed/"]
respond = "in"
limit.slow = { rate = "5/s", burst = 10, delay = true, key = "${path}" }
[host."test".location."/queue/"]
respond = "in"
limit.queue = { rate = "1/h", burst = 50, delay = true, queue = 3, key = "${path}" }
[host."test".location."/cost/"]
respond = "in"
limit.cost = { rate = "1/h", burst = 9, cost = 4, key = "${path}" }
[host."test".location."/dry/"]
respond = "in"
limit.dry = { rate = "1/h", dry_run = true, key = "${path}" }
[host."test".location."/503/"]
respond = "in"
limit.other = { rate = "1/m", status = 503, fields = false, key = "${path}" }
[host."test".location."/header/"]
respond = "in"
limit.who = { rate = "1/h", key = ["${header.X-User}", "${header.X-Net}"] }
[host."test".location."/prefix/"]
respond = "in"
limit.who = { rate = "1/h", key = "${header.X-Net}", ipv4_prefix = 24 }
[host."test".location."/client/"]
respond = "in"
limit.client = "1/h"
[host."test".location."/except/"]
respond = "in"
limit.client = { rate = "1/h", except = ["127.0.0.2", "127.0.1.0/24"] }
[host."test".location."/two/"]
respond = "in"
limit.narrow = { rate = "1/h", burst = 2, key = "${path}" }
limit.wide = { rate = "1/h", burst = 5, key = "two" }
[host."test".location."/banned/"]
respond = "in"
limit.ban = { rate = "1/s", key = "${path}", ban = { after = 3, within = "1m", lasts = "1s" } }
[host."test".location."/banned-429/"]
respond = "in"
limit.ban = { rate = "1/h", key = "${path}", ban = { after = 1, lasts = "1h", status = 429 } }
[host."all.test".limit.host]
rate = "1/h"
burst = 3
key = "everybody"
[host."all.test".location."/"]
respond = "in"
[host."all.test".location."/dear/"]
respond = "in"
limit.host.cost = 2
[host."all.test".location."/free/"]
respond = "in"
limit.host.enabled = false
[host."all.test".location."/own/"]
respond = "in"
limit.host.rate = "2/h"
[host."all.test".location."/more/"]
respond = "in"
limit.more = { rate = "1/h", key = "everybody" }
"""


@pytest.fixture(scope="module")
def gantry():
    with Gantry(RATES) as server:
        yield server


def at_once(gantry, count, target, threads=40, **more):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda _: fetch(gantry, target, **more), range(count)))


def statuses(answers):
    return {status: sum(1 for answer in answers if answer.status == status) for status in {answer.status for answer in answers}}


def counted(gantry, rule, place):
    """What the metrics say of a rule: {outcome: times}."""
    text = fetch(gantry, "/metrics", host="watch").text
    found = re.findall(rf'^gantry_limit_requests_total\{{rule="{rule}",place="{place}",outcome="(\w+)"\}} (\d+)$', text, re.M)
    return {outcome: int(times) for outcome, times in found if times != "0"}


def is_answered(client, within=0.0):
    return bool(select.select([client.socket], [], [], within)[0])


def answered(clients, count):
    """Those that have an answer, once there are `count` of them."""
    wait_until(lambda: sum(map(is_answered, clients)) >= count, f"{count} are answered")
    return [client for client in clients if is_answered(client)]


# ---- rates


def test_a_rate_is_exact_over_workers(gantry):
    answers = at_once(gantry, 200, "/hourly/exact")
    assert statuses(answers) == {200: 10, 429: 190}
    left = sorted(int(re.fullmatch(r'"hourly";r=(\d+);t=\d+', answer["RateLimit"])[1]) for answer in answers if answer.status == 200)
    assert left == list(range(10))


def test_what_refills_passes(gantry):
    text = RATES.replace('rate = "1/h", burst = 9, key = "${path}"', 'rate = "20/s", burst = 9, key = "${path}"', 1)
    with Gantry(text) as server:
        begin = time.monotonic()
        answers = at_once(server, 300, "/hourly/refill")
        passed = statuses(answers)[200]
        most = 10 + math.ceil((time.monotonic() - begin) * 20)
        assert 10 <= passed <= most


def test_refusals_say_when_to_come_back(gantry):
    assert statuses(at_once(gantry, 10, "/hourly/again")) == {200: 10}
    answer = fetch(gantry, "/hourly/again")
    assert answer.status == 429
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert answer["RateLimit"] == f'"hourly";r=0;t={answer["Retry-After"]}'
    assert answer["RateLimit-Policy"] == '"hourly";q=10;w=36000'


def test_answers_say_what_is_left(gantry):
    answer = fetch(gantry, "/hourly/left")
    assert answer["RateLimit"] == '"hourly";r=9;t=3600' and "Retry-After" not in answer
    assert fetch(gantry, "/hourly/left")["RateLimit"] == '"hourly";r=8;t=7200'


def test_another_status_and_no_fields(gantry):
    first, second = fetch(gantry, "/503/x"), fetch(gantry, "/503/x")
    assert (first.status, second.status) == (200, 503)
    assert second["Retry-After"] == "60"
    for answer in (first, second):
        assert "RateLimit" not in answer and "RateLimit-Policy" not in answer


def test_a_request_may_cost_more(gantry):
    assert [fetch(gantry, "/cost/x").status for _ in range(4)] == [200, 200, 429, 429]


def test_keys_are_told_apart(gantry):
    def ask(target, *fields):
        return fetch(gantry, target, fields).status

    assert ask("/header/", ("X-User", "a")) == 200
    assert ask("/header/", ("X-User", "b")) == 200
    assert ask("/header/", ("X-User", "a")) == 429
    assert ask("/header/", ("X-Net", "a")) == 200  # parts are not glued together
    assert [ask("/header/") for _ in range(3)] == [200] * 3  # without a key nothing is counted
    # One network of IPv6 is one client; its addresses have many ways to be written.
    assert ask("/prefix/", ("X-Net", "2001:db8:1:2::1")) == 200
    assert ask("/prefix/", ("X-Net", "2001:db8:1:2:ffff::9")) == 429
    assert ask("/prefix/", ("X-Net", "2001:0db8:1:2:0::1")) == 429
    assert ask("/prefix/", ("X-Net", "2001:db8:1:3::1")) == 200
    assert ask("/prefix/", ("X-Net", "192.0.2.1")) == 200
    assert ask("/prefix/", ("X-Net", "::ffff:192.0.2.77")) == 429
    assert ask("/prefix/", ("X-Net", "192.0.3.1")) == 200


def test_the_client_is_the_key_where_nothing_is_said(gantry):
    def ask(source, target="/client/"):
        with RawClient(gantry, source=source) as client:
            return client.get(target).status

    assert [ask("127.0.0.1"), ask("127.0.0.1"), ask("127.0.0.2"), ask("127.0.0.2")] == [200, 429, 200, 429]
    assert [ask("127.0.0.2", "/except/") for _ in range(3)] == [200] * 3
    assert [ask("127.0.1.9", "/except/") for _ in range(3)] == [200] * 3
    assert [ask("127.0.0.3", "/except/") for _ in range(2)] == [200, 429]


def test_what_one_rule_refuses_costs_nothing_at_the_others(gantry):
    assert statuses(at_once(gantry, 20, "/two/a")) == {200: 3, 429: 17}
    answer = fetch(gantry, "/two/b")
    assert sorted(answer.all("RateLimit-Policy")) == ['"narrow";q=3;w=10800', '"wide";q=6;w=21600']
    assert any(re.match('"wide";r=2;', item) for item in answer.all("RateLimit"))  # three of a, one of b
    assert statuses(at_once(gantry, 20, "/two/c")) == {200: 2, 429: 18}


def test_rules_of_a_host_hold_in_its_locations(gantry):
    def ask(target):
        return fetch(gantry, target, host="all.test").status

    assert [ask("/"), ask("/dear/"), ask("/dear/"), ask("/")] == [200, 200, 429, 200]
    assert [ask("/"), ask("/free/"), ask("/free/")] == [429, 200, 200]
    assert [ask("/own/") for _ in range(5)] == [200, 200, 200, 200, 429]
    assert ask("/more/") == 429  # by the rule of the host


def test_a_host_named_server_is_not_the_server():
    config = HEAD + """
[server.limit]
same = "1/h"
[host."server".limit]
same = "1/h"
[host."server".location."/"]
respond = "in"
[host."test".location."/"]
respond = "in"
"""
    with Gantry(config) as gantry:
        for host in ("server", "test"):
            assert [fetch(gantry, "/", host=host).status for _ in range(2)] == [200, 429], host


def test_dry_runs_refuse_nothing(gantry):
    mark = gantry.mark()
    answers = at_once(gantry, 50, "/dry/x")
    assert statuses(answers) == {200: 50}
    assert not any("RateLimit" in answer or "Retry-After" in answer for answer in answers)
    gantry.wait_log(r"request would be refused rule=dry place=test/dry/ client=127\.0\.0\.1 key=\"/dry/x\"", mark)


# ---- waiting


def test_delayed_requests_pass_one_after_the_other(gantry):
    def ask(_):
        answer = fetch(gantry, "/delayed/x")
        return answer.status, time.monotonic() - begin

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, range(30)))
    passed = sorted(at for status, at in answers if status == 200)
    late = sorted(at for status, at in answers if status == 429)
    assert len(passed) >= 11 and len(passed) + len(late) == 30
    # Never early: the n-th passes after n-1 intervals.
    for turn, at in enumerate(passed):
        assert at >= turn * 0.2 - 0.01, passed
    assert late[0] < passed[-1]  # whoever does not fit is told at once


def test_so_many_wait_and_no_more(gantry):
    clients = [RawClient(gantry) for _ in range(12)]
    for client in clients:
        client.request("GET", "/queue/x")
    assert sorted(client.response().status for client in answered(clients, 9)) == [200] + [429] * 8
    # Those that wait leave, and make room.
    for client in clients:
        client.reset()
    fetch(gantry, "/queue/y")

    def waits():
        with RawClient(gantry) as client:
            client.request("GET", "/queue/y")
            return not is_answered(client, within=0.2)

    wait_until(waits, "there is room again")


# ---- bans


def test_a_key_is_banned_for_a_while(gantry):
    mark = gantry.mark()
    got = [fetch(gantry, "/banned/x").status for _ in range(6)]
    assert got[0] == 200 and got[1:3] == [429, 429] and got[-1] == 403
    gantry.wait_log(r"key banned rule=ban place=test/banned/ client=127\.0\.0\.1 key=\"/banned/x\" wait=1s", mark)
    assert fetch(gantry, "/banned/y").status == 200
    wait_until(lambda: fetch(gantry, "/banned/x").status == 200, "the ban is over")


def test_a_ban_may_say_how_long(gantry):
    assert fetch(gantry, "/banned-429/x").status == 200
    for _ in range(2):
        answer = fetch(gantry, "/banned-429/x")
        assert answer.status == 429 and 3590 <= int(answer["Retry-After"]) <= 3600
        assert "RateLimit" not in answer


BANS = HEAD + """
[host."test"]
[host."test".location."/path/"]
respond = "in"
limit.path = { rate = "1/h", key = "${path}", ban = { after = 2, lasts = "1h" } }
[host."test".location."/client/"]
respond = "in"
limit.client = { rate = "1/h", ban = { after = 1, lasts = "10m" } }
[host."test".location."/odd/"]
respond = "in"
limit.odd = { rate = "1/h", key = ["${header.X-Odd}", "${remote_addr}"], ban = { after = 1, lasts = "1h" } }
"""


def ban(gantry, path, tries, **more):
    assert [fetch(gantry, path, **more).status for _ in range(tries)][-1] == 403


def bans(gantry, *words):
    code, answer = command_json(gantry, "limit", "bans", *words)
    assert code == 0, answer
    return answer["bans"]


def test_bans_are_listed_and_lifted():
    with Gantry(BANS) as gantry:
        assert bans(gantry) == []
        assert command(gantry, "limit", "bans").stdout == "bans: none\n"
        ban(gantry, "/path/a", 4)
        ban(gantry, "/path/b", 4)
        ban(gantry, "/client/", 3)
        listed = bans(gantry)
        assert [(one["rule"], one["place"], one["key"], one["client"]) for one in listed] == [
            ("client", "test/client/", "127.0.0.1", "127.0.0.1"), ("path", "test/path/", "/path/a", "127.0.0.1"),
            ("path", "test/path/", "/path/b", "127.0.0.1")]
        assert 590 <= listed[0]["seconds_left"] <= 600 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[0]["until"])
        assert [one["key"] for one in bans(gantry, "--rule", "path", "--key", "/path/b")] == ["/path/b"]
        assert re.search(r"^rule +place +key +client +until +seconds_left\nclient +test/client/ +127", command(gantry, "limit", "bans").stdout)

        done = command(gantry, "limit", "unban", "/path/a")
        assert (done.returncode, done.stdout) == (0, "lifted: 1\n"), done.stderr
        gantry.wait_log(r'control module=limit route="POST unban" asked for by pid=')
        assert fetch(gantry, "/path/a").status == 200, "it begins anew"
        assert fetch(gantry, "/path/b").status == 403
        assert command_json(gantry, "limit", "unban", "127.0.0.1", "--rule", "client") == (0, {"lifted": 1})
        assert fetch(gantry, "/client/").status == 200
        assert command_json(gantry, "limit", "unban", "--all") == (0, {"lifted": 1})
        assert bans(gantry) == []


def test_a_ban_that_there_is_not_cannot_be_lifted():
    with Gantry(BANS) as gantry:
        done = command(gantry, "limit", "unban", "192.0.2.9")
        assert done.returncode == 1 and "no ban of this key holds" in done.stderr and "gantry limit bans" in done.stderr
        done = command(gantry, "limit", "unban")
        assert done.returncode == 1 and "--all" in done.stderr


def test_keys_of_bans_may_be_anything():
    with Gantry(BANS) as gantry:
        ban(gantry, "/odd/", 3, headers=[("X-Odd", "\"\\a\tb")])
        key = '"\\a\tb, 127.0.0.1'
        assert [one["key"] for one in bans(gantry)] == [key]
        assert command_json(gantry, "limit", "unban", key) == (0, {"lifted": 1})


def test_bans_outlive_a_reload():
    with Gantry(BANS) as gantry:
        ban(gantry, "/client/", 3)
        assert run(gantry, "reload").returncode == 0
        assert [one["rule"] for one in bans(gantry)] == ["client"]
        assert command_json(gantry, "limit", "unban", "--all") == (0, {"lifted": 1})


def test_commands_of_a_module_that_is_not_loaded():
    with Gantry(BANS.replace('["limit"]', "[]").split('[host."test".location')[0].replace('limit_files_interval = "100ms"', "")) as gantry:
        done = command(gantry, "limit", "bans")
        assert done.returncode == 1
        assert "the module limit is not loaded" in done.stderr and 'modules = ["limit"]' in done.stderr


def test_refusals_do_not_flood_the_log(gantry):
    mark = gantry.mark()
    begin = time.monotonic()
    assert statuses(at_once(gantry, 400, "/hourly/flood"))[429] == 390
    seconds = time.monotonic() - begin
    lines = [line for line in gantry.lines[mark:] if line and "/hourly/flood" in line]
    assert 1 <= len(lines) <= seconds + 2
    time_of_the_next = gantry.mark()
    wait_until(lambda: fetch(gantry, "/hourly/flood").status and any("left_out=" in line and "left_out=0" not in line for line in gantry.lines[time_of_the_next:] if line),
               "a line tells how many were left out")


def test_everything_is_counted(gantry):
    def rose(before, after):
        return {outcome: times - before.get(outcome, 0) for outcome, times in after.items() if times != before.get(outcome, 0)}

    before = counted(gantry, "hourly", "test/hourly/")
    at_once(gantry, 15, "/hourly/counted")
    assert rose(before, counted(gantry, "hourly", "test/hourly/")) == {"passed": 10, "refused": 5}
    before = counted(gantry, "dry", "test/dry/")
    at_once(gantry, 5, "/dry/counted")
    assert rose(before, counted(gantry, "dry", "test/dry/")) == {"passed": 1, "dry_run": 4}
    before = counted(gantry, "slow", "test/delayed/")
    at_once(gantry, 3, "/delayed/counted")
    assert rose(before, counted(gantry, "slow", "test/delayed/")) == {"passed": 1, "delayed": 2}
    before = counted(gantry, "ban", "test/banned-429/")
    for _ in range(4):
        fetch(gantry, "/banned-429/counted")
    assert rose(before, counted(gantry, "ban", "test/banned-429/")) == {"passed": 1, "banned": 3}
    assert 'gantry_limit_requests_total{rule="host",place="all.test",' in fetch(gantry, "/metrics", host="watch").text


# ---- at the same time

BUSY = HEAD + """
[upstream.app]
peers = ["127.0.0.1:@app@"]
[host."test".location."/busy/"]
proxy = "app"
limit.busy = { concurrency = 3, key = "${path}" }
[host."test".location."/both/"]
proxy = "app"
limit.busy = { concurrency = 2, rate = "1/h", burst = 4, key = "${path}" }
"""


class Held:
    """An application that answers when it is told to."""

    def __init__(self):
        self.go = threading.Event()
        self.arrived = 0

    def __call__(self, connection, request, _):
        self.arrived += 1
        self.go.wait(30)
        connection.respond(200, "in", {})


@pytest.fixture
def busy():
    held = Held()
    with Origin(routes({"*": held})) as origin, Gantry(BUSY, app=origin.port) as server:
        server.held = held
        yield server
        held.go.set()


def begin(gantry, count, target):
    clients = [RawClient(gantry) for _ in range(count)]
    for client in clients:
        client.request("GET", target)
    return clients


def test_so_many_at_the_same_time(busy):
    clients = begin(busy, 20, "/busy/x")
    out = answered(clients, 17)
    assert len(out) == 17
    for client in out:
        answer = client.response()
        assert answer.status == 429 and answer["Retry-After"] == "1"
        assert answer["RateLimit-Policy"] == '"busy";q=3;qu="concurrent-requests"' and answer["RateLimit"] == '"busy";r=0;t=1'
    busy.held.go.set()
    assert [client.response().status for client in clients if client not in out] == [200] * 3
    # Everything that was held is given back, over and over.
    for _ in range(3):
        assert statuses(at_once(busy, 30, "/busy/x", threads=3)) == {200: 30}


@pytest.mark.parametrize("how", ["reset", "close"])
def test_clients_that_vanish_give_back_what_they_held(busy, how):
    for turn in range(1, 6):
        clients = []
        while busy.held.arrived < 3 * turn:
            clients += begin(busy, 1, "/busy/x")
            wait_until(lambda: is_answered(clients[-1]) or busy.held.arrived == 3 * (turn - 1) + len(clients), "it is refused, or under way")
            if is_answered(clients[-1]):  # the last ones are still about to be given back
                clients.pop().close()
        assert fetch(busy, "/busy/x").status == 429
        for client in clients:
            getattr(client, how)()
    busy.held.go.set()
    wait_until(lambda: statuses(at_once(busy, 9, "/busy/x", threads=3)) == {200: 9}, "all three are free")


def test_what_is_refused_for_being_too_many_costs_no_rate(busy):
    clients = begin(busy, 10, "/both/x")
    assert len(answered(clients, 8)) == 8
    busy.held.go.set()
    for client in clients:
        client.response()
    assert [fetch(busy, "/both/x").status for _ in range(4)] == [200, 200, 200, 429]


# ---- reloads


def test_a_reload_keeps_what_was_counted(gantry):
    with Gantry(RATES) as server:
        assert statuses(at_once(server, 8, "/hourly/x")) == {200: 8}
        server.reload()
        assert statuses(at_once(server, 8, "/hourly/x")) == {200: 2, 429: 6}
        # Another burst is another tolerance, not another rule; another rate is.
        server.reload(RATES.replace("burst = 9", "burst = 11", 1))
        assert statuses(at_once(server, 8, "/hourly/x")) == {200: 2, 429: 6}
        server.reload(RATES.replace('"1/h", burst = 9', '"2/h", burst = 9', 1))
        assert statuses(at_once(server, 12, "/hourly/x")) == {200: 10, 429: 2}


def test_what_is_held_over_a_reload_is_given_back(busy):
    clients = begin(busy, 3, "/busy/x")
    wait_until(lambda: busy.held.arrived == 3, "three are under way")
    busy.reload()
    assert fetch(busy, "/busy/x").status == 429
    busy.held.go.set()
    assert [client.response().status for client in clients] == [200] * 3
    assert statuses(at_once(busy, 9, "/busy/x", threads=3)) == {200: 9}


def test_a_table_that_is_full():
    text = HEAD.replace('["limit"]', '["limit", "metrics"]').replace("[listener.web]", "limit_table = 1000\n[listener.web]") + """
[host."watch".location."= /metrics"]
metrics = "prometheus"
[host."test".location."/"]
respond = "in"
limit.many = { rate = "1/h", key = "${path}" }
"""

    def keys(server):
        return int(re.search(r"^gantry_limit_keys (\d+)$", fetch(server, "/metrics", host="watch").text, re.M)[1])

    with Gantry(text) as server:
        # More keys than there is room for: the idlest ones are forgotten, and nobody is refused for it.
        with RawClient(server) as client:
            for turn in range(2500):
                assert client.get(f"/{turn}").status == 200
            assert client.get("/2499").status == 429
            assert client.get("/0").status == 200
        assert counted(server, "many", "test/") == {"passed": 2501, "refused": 1, "evicted": 1501}
        wait_until(lambda: keys(server) == 1000, "the keys are counted")
        # Another size is another table.
        server.reload(text.replace("limit_table = 1000\n", ""))
        with RawClient(server) as client:
            for turn in range(2500):
                assert client.get(f"/{turn}").status == 200
        wait_until(lambda: keys(server) == 2500, "there is room for all of them")
        assert counted(server, "many", "test/")["evicted"] == 1501


# ---- shared by machines

SHARED = HEAD + """
[store]
file = "@store@"
[host."test".location."/day/"]
respond = "in"
limit.day = { rate = "10/d", burst = 5, shared = true, key = "${path}" }
[host."test".location."/cost/"]
respond = "in"
limit.cost = { rate = "10/d", cost = 4, shared = true, key = "${path}" }
[host."test".location."/dry/"]
respond = "in"
limit.dry = { rate = "2/d", shared = true, dry_run = true, key = "${path}" }
[host."test".location."/banned/"]
respond = "in"
limit.ban = { rate = "1/d", shared = true, key = "${path}", ban = 3 }
[host."test".location."/second/"]
respond = "in"
limit.second = { rate = "3/s", shared = true, key = "${path}" }
[host."test".location."/closed/"]
respond = "in"
limit.closed = { rate = "100/d", shared = true, store_failure = "refuse", status = 503 }
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two gantries, and what both count in."""
    store = tmp_path_factory.mktemp("store") / "store.db"
    with Gantry(SHARED, store=store) as one, Gantry(SHARED, store=store) as other:
        yield one, other


def test_machines_share_a_rate(machines):
    def ask(turn):
        return fetch(machines[turn % 2], "/day/x")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(60)))
    assert statuses(answers) == {200: 15, 429: 45}
    left = sorted(int(re.match(r'"day";r=(\d+);', answer["RateLimit"])[1]) for answer in answers if answer.status == 200)
    assert left == list(range(15))
    for machine in machines:
        answer = fetch(machine, "/day/x")
        assert answer.status == 429 and 1 <= int(answer["Retry-After"]) <= 2 * 86400
        assert answer["RateLimit-Policy"] == '"day";q=15;w=86400'
        assert fetch(machine, f"/day/{machine.port()}").status == 200


def test_what_is_shared_may_cost_more_and_be_tried_out(machines):
    assert [fetch(machines[turn % 2], "/cost/x").status for turn in range(4)] == [200, 200, 429, 429]
    assert [fetch(machines[turn % 2], "/dry/x").status for turn in range(6)] == [200] * 6
    # Bans are of each machine.
    assert [fetch(machines[0], "/banned/x").status for _ in range(6)] == [200, 429, 429, 403, 403, 403]
    assert fetch(machines[1], "/banned/x").status == 429


def test_what_is_shared_refills(machines):
    statuses_at_once = statuses(at_once(machines[0], 20, "/second/x"))
    assert statuses_at_once[200] >= 3 and statuses_at_once[429] >= 1
    wait_until(lambda: fetch(machines[1], "/second/x").status == 200, "the window is over")


def test_clients_that_leave_while_the_store_is_asked(machines):
    for turn in range(100):
        client = RawClient(machines[0])
        client.request("GET", f"/day/left-{turn}")
        client.reset() if turn % 2 else client.close()
    assert fetch(machines[0], "/day/stayed").status == 200


def test_a_store_that_does_not_answer(machines):
    with Gantry(SHARED, files={"state": "in the way"}, store="state/store.db") as server:
        assert [fetch(server, "/day/x").status for _ in range(20)] == [200] * 20
        server.wait_log(r"store of a shared limit does not answer rule=day")
        answer = fetch(server, "/closed/x")
        assert answer.status == 503 and answer["Retry-After"] == "1"


# ---- addresses

LISTS = HEAD + """
[host."test"]
addresses = { deny_files = "@dir@/deny.txt", deny = "127.0.0.9" }
[host."test".location."/"]
respond = "in"
[host."test".location."/office/"]
respond = "in"
addresses = { allow = ["127.0.0.4", "127.0.0.5"], allow_files = ["@dir@/office.txt"], status = 404 }
[host."test".location."/limited/"]
respond = "in"
limit.client = { rate = "1/h", except_files = "@dir@/office.txt" }
"""
DENIED = "# those\n127.0.0.2\n\n127.0.1.0/24  # all of them\n2001:db8::/32\n"


@pytest.fixture(scope="module")
def lists():
    with Gantry(LISTS, files={"deny.txt": DENIED, "office.txt": "127.0.0.6\n"}) as server:
        yield server


@pytest.fixture
def listed(lists):
    lists.write("deny.txt", DENIED)
    wait_until(lambda: [come(lists, f"127.0.0.{last}") for last in (2, 3)] == [403, 200], "the lists are as they were")
    return lists


def come(gantry, source, target="/"):
    with RawClient(gantry, source=source) as client:
        return client.get(target).status


def test_lists_of_addresses(listed):
    assert [come(listed, f"127.0.0.{last}") for last in (1, 2, 9)] == [200, 403, 403]
    assert [come(listed, f"127.0.1.{last}") for last in (1, 255)] == [403, 403]
    assert [come(listed, f"127.0.0.{last}", "/office/") for last in (1, 4, 5, 6, 9)] == [404, 200, 200, 200, 404]
    assert [come(listed, "127.0.0.6", "/limited/") for _ in range(3)] == [200] * 3
    assert [come(listed, "127.0.0.7", "/limited/") for _ in range(2)] == [200, 429]


def test_a_list_that_is_replaced_is_read(listed):
    assert come(listed, "127.0.0.3") == 200
    mark = listed.mark()
    listed.write("deny.txt", "127.0.0.3\n127.0.0.8\n")
    listed.wait_log(r"list of addresses read file=.*deny\.txt entries=2", mark)
    assert [come(listed, f"127.0.0.{last}") for last in (2, 3, 9)] == [200, 403, 403]


def test_a_list_that_is_broken_is_not(listed):
    mark = listed.mark()
    listed.write("deny.txt", "127.0.0.3\n127.0.0.300\n10.0.0.1/8\n")
    listed.wait_log(r'list of addresses not read, the one before goes on: .*/deny\.txt:2: "127\.0\.0\.300": it is no address', mark)
    listed.wait_log(r'deny\.txt:3: "10\.0\.0\.1/8": it has bits behind its prefix: write 10\.0\.0\.0/8', mark)
    assert [come(listed, f"127.0.0.{last}") for last in (2, 3)] == [403, 200]
    # It is told of once.
    told = sum(1 for line in listed.lines if line and "deny.txt:2" in line)
    (listed.dir / "deny.txt").unlink()
    listed.wait_log(r"deny\.txt: No such file or directory; make it readable", mark)
    assert sum(1 for line in listed.lines if line and "deny.txt:2" in line) == told
    assert come(listed, "127.0.0.2") == 403
    listed.write("deny.txt", "127.0.0.3\n")
    wait_until(lambda: come(listed, "127.0.0.2") == 200, "the list is sound again")


def test_a_reload_with_a_broken_list_changes_nothing(listed):
    mark = listed.mark()
    listed.write("deny.txt", "nonsense\n")
    listed.reload()
    listed.wait_log(r'the one before goes on: .*deny\.txt:1: "nonsense"', mark)
    assert [come(listed, f"127.0.0.{last}") for last in (2, 3)] == [403, 200]


def test_a_list_that_was_never_sound_closes_its_host():
    with Gantry(LISTS, files={"deny.txt": "nonsense\n", "office.txt": ""}) as server:
        server.wait_log(r'deny\.txt:1: "nonsense"')
        assert come(server, "127.0.0.3") == 503


def test_a_large_list_is_read(listed):
    lines = [f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(0, 200_000, 2)] + ["127.0.0.3"]
    mark = listed.mark()
    listed.write("deny.txt", "\n".join(lines))
    listed.wait_log(r"entries=100001", mark)
    assert [come(listed, f"127.0.0.{last}") for last in (2, 3)] == [200, 403]


def test_explain_names_the_hooks(listed):
    said = run(listed, "explain", "GET", "http://test/limited/").stdout
    assert re.search(r"preaccess: limit\.addresses.*preaccess: limit\b", said, re.S), said


# ---- what is wrong

BASE = 'modules = ["limit"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n'
MISTAKES = {
    "rate": ('limit.a = "10 per second"', "a rate is a number and a time: 10/s"),
    "never": ('limit.a = "0/s"', "nobody would ever be let through"),
    "no limit": ('limit.a = "2000000/s"', "more than a million in a second"),
    "long": ('limit.a = { rate = "1/366d", burst = 1000 }', "takes more than ten years"),
    "cost": ('limit.a = { rate = "1/s", burst = 2, cost = 5 }', "write burst = 4, or more"),
    "nothing": ("limit.a = { burst = 5 }", "neither a rate nor a concurrency"),
    "early": ("limit.a = { concurrency = 5, delay = true }", "without a rate nothing comes early"),
    "delay": ('limit.a = { rate = "1/s", delay = true }', "without a burst nothing may come early and wait"),
    "name": ('limit."a b" = "1/s"', '"a b" is no name of a limit'),
    "ban": ('limit.a = { rate = "1/s", ban = { lasts = "1h" } }', 'lacks "after"'),
    "variable": ('limit.a = { rate = "1/s", key = "${remote_adr}" }', "remote_addr"),
    "status": ('limit.a = { rate = "1/s", status = 200 }', '"status" must be between 400 and 599'),
    "member": ('limit.a = { rate = "1/s", bust = 3 }', 'did you mean "burst"?'),
    "except": ('limit.a = { rate = "1/s", except = "10.0.0.1/8" }', "write 10.0.0.0/8"),
    "shared delay": ('limit.a = { rate = "1/s", burst = 2, shared = true, delay = true }', "of a shared rule there is no delay"),
    "shared concurrency": ("limit.a = { concurrency = 2, shared = true }", "what is shared is a rate"),
    "address": ('addresses = { deny = "10.0.0.0/33" }', "32 at most"),
    "file": ('addresses = { deny_files = "none.txt" }', "none.txt: No such file or directory"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_have_places_and_remedies(tmp_path, mistake):
    line, text = MISTAKES[mistake]
    expect_refused(tmp_path, BASE + line + "\n", text, 6)


def test_a_sound_configuration_passes(tmp_path):
    done = check_with(tmp_path, BASE + 'limit.a = "10/s"\naddresses = { deny = ["10.0.0.0/8", "::1"] }\n')
    assert done.returncode == 0, done.stderr
