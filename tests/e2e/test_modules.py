"""Modules: shared libraries in the request path, built with the SDK and loaded by the real binary."""

import json
import pathlib
import re
import subprocess

import pytest

from support.client import RawClient, exchange, fetch
from support.gantry import Gantry, binary
from support.modules import PROBE, SDK, build, check_with, probe_folder
from support.operator import run
from support.origin import Origin, echo
from support.wait import wait_until

CONFIG = """
modules = ["@probe@/gantry-probe.so"]
[server]
probe = { greeting = "from ${host}" }
[listener.web]
address = "127.0.0.1:0"
[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[host."test".location."/counts"]
probe_answer = "counts"
[host."test".location."/echo"]
probe_answer = "echo"
max_body = "50KiB"
[host."test".location."/stream"]
probe_answer = "stream"
[host."test".location."/path"]
probe_answer = "path"
[host."test".location."/shout"]
respond = "loud"
probe = { shout = true }
[host."test".location."/shout/files"]
static = "@dir@/www"
probe = { shout = true }
[host."test".location."/shout/proxied"]
proxy = "echo"
probe = { shout = true }
[host."test".location."/teapot"]
respond = { status = 418, body = "tea" }
"""
MODES = ["deny", "later", "blocking", "again", "never", "none", "twice", "fail", "fail_later", "posted", "timed", "stale"]
for mode in MODES:
    CONFIG += f'[host."test".location."/{mode}"]\nrespond = "{mode}"\nprobe = "{mode}"\n'


@pytest.fixture(scope="module")
def gantry():
    with Origin(echo) as origin, Gantry(CONFIG, files={"www/shout/files/a.txt": "quiet" * 50_000}, echo=origin.port, probe=probe_folder()) as server:
        yield server


def counts(gantry):
    text = fetch(gantry, "/counts").text
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}


# ---- what modules see and do


def test_a_request_as_a_module_sees_it(gantry):
    answer = fetch(gantry, "/path/%61//b?x=1&y", headers=[("User-Agent", "me")])
    assert answer.text == "GET|/path/a/b|x=1&y|test|http|HTTP/1.1|127.0.0.1|me|1|sound"
    assert answer["X-Greeting"] == "from test"


def test_an_access_hook_denies(gantry):
    assert fetch(gantry, "/deny").status == 403
    assert fetch(gantry, "/counts").status == 200


@pytest.mark.parametrize("mode", ["later", "blocking", "again"])
def test_a_hook_waits(gantry, mode):
    before = counts(gantry)
    answers = [fetch(gantry, f"/{mode}") for _ in range(20)]
    assert [answer.text for answer in answers] == [mode] * 20
    assert counts(gantry)["dropped"] == before["dropped"] + 20


def test_a_ticket_that_is_used_up_is_refused(gantry):
    """Its own after it has woken, and that of the exchange before, which had the same place."""
    before = counts(gantry)
    with RawClient(gantry) as client:  # one connection, one worker
        for _ in range(20):
            assert client.get("/stale").text == "stale"
    after = counts(gantry)
    assert after["accepted"] == before["accepted"]
    assert after["refused"] - before["refused"] in (4 * 39, 4 * 40)  # where this worker had none before, one less
    assert after["dropped"] == before["dropped"] + 20


def test_a_ticket_that_is_used_twice_wakes_once(gantry):
    before = counts(gantry)
    mark = gantry.mark()
    assert [fetch(gantry, "/twice").text for _ in range(20)] == ["twice"] * 20
    assert counts(gantry)["dropped"] == before["dropped"] + 20
    assert not any("failed" in line for line in gantry.lines[mark:])  # which the second use would have made of it


@pytest.mark.parametrize("mode", ["posted", "timed"])
def test_what_answers_for_a_sleeping_exchange_goes_on_undisturbed(gantry, mode):
    before = counts(gantry)
    assert [fetch(gantry, f"/{mode}").text for _ in range(20)] == ["answered"] * 20
    with RawClient(gantry) as client:
        client.send(f"GET /{mode} HTTP/1.1\r\nHost: test\r\n\r\n".encode() * 10)
        assert [client.response().body for _ in range(10)] == [b"answered"] * 10
    after = counts(gantry)
    assert (after["dropped"], after["early"]) == (before["dropped"] + 30, 0)


def test_waiting_hooks_in_a_pipeline(gantry):
    with RawClient(gantry) as client:
        client.send(b"GET /blocking HTTP/1.1\r\nHost: test\r\n\r\n" * 10)
        assert [client.response().body for _ in range(10)] == [b"blocking"] * 10


def test_more_exchanges_at_once_than_a_worker_keeps(gantry):
    clients = [RawClient(gantry) for _ in range(900)]
    try:
        for client in clients:
            client.send(b"GET /later HTTP/1.1\r\nHost: test\r\n\r\n")
        assert all(client.response().body == b"later" for client in clients)
        for client in clients:
            client.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab")
        for client in clients:
            client.send(b"cd")
        assert all(client.response().body == b"abcd" for client in clients)
    finally:
        for client in clients:
            client.close()


def test_a_client_leaves_while_a_hook_waits(gantry):
    before = counts(gantry)
    for leave in ("close", "reset"):
        with RawClient(gantry) as client:
            client.send(b"GET /never HTTP/1.1\r\nHost: test\r\n\r\n")
            client.reset() if leave == "reset" else client.close()
    wait_until(lambda: counts(gantry)["dropped"] == before["dropped"] + 2, "the drops")


FAULTS = {"none": "it says that it has answered, and has not", "fail": "it failed", "fail_later": "it failed while it waited"}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_hook_that_does_not_keep_its_word(gantry, mode):
    answer = fetch(gantry, f"/{mode}")
    assert answer.status == 500
    gantry.wait_log(f"hook of a module failed module=probe hook=probe: {FAULTS[mode]}$")


def test_a_module_that_may_fail():
    config = CONFIG.replace("[server]", '[server]\ncontrol = "@dir@/control.sock"\nfail_open = ["probe"]')
    with Gantry(config, files={"www/shout/files/a.txt": ""}, echo=1, probe=probe_folder()) as gantry:
        for mode, fault in FAULTS.items():
            answer = fetch(gantry, f"/{mode}")
            assert (answer.status, answer.text) == (200, mode)
            gantry.wait_log(f"hook of a module failed module=probe hook=probe: {fault}; it is passed over$")
        assert fetch(gantry, "/deny").status == 403  # which is no fault
        assert fetch(gantry, "/later").text == "later"
        assert json.loads(run(gantry, "modules", "--format", "json").stdout)["modules"][0]["failures"] == 3
        gantry.reload(config.replace("fail_open", "# fail_open"))
        assert fetch(gantry, "/fail").status == 500


def test_only_modules_may_fail(tmp_path):
    done = check_with(tmp_path, 'modules = ["metrics"]\n[server]\nfail_open = ["metric"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n')
    assert done.returncode == 3 and 'gantry.toml:3:14: error: "metric" is none of the modules' in done.stderr and 'did you mean "metrics"?' in done.stderr, done.stderr


def test_a_body_is_read(gantry):
    body = bytes(range(256)) * 100
    assert exchange(gantry, "POST", "/echo", body=body).body == body
    assert exchange(gantry, "POST", "/echo", {"Transfer-Encoding": "chunked"}, body=b"5\r\nhello\r\n0\r\n\r\n").body == b"hello"
    assert exchange(gantry, "POST", "/echo", body=b"x" * 60_000).status == 413
    assert fetch(gantry, "/echo").body == b""


def test_a_response_in_pieces(gantry):
    before = counts(gantry)["ended"]
    answer = fetch(gantry, "/stream")
    assert answer.status == 201 and answer.body == b"x" * 2_000_000
    with RawClient(gantry, receive_buffer=4096) as client:
        client.send(b"GET /stream HTTP/1.1\r\nHost: test\r\n\r\n")
        client.socket.recv(100)
        client.reset()
    wait_until(lambda: counts(gantry)["ended"] == before + 2, "the ends")


@pytest.mark.parametrize("path, expected", [("/shout", b"LOUD!"), ("/shout/files/a.txt", b"QUIET" * 50_000 + b"!")], ids=["text", "file"])
def test_a_body_filter(gantry, path, expected):
    answer = fetch(gantry, path)
    assert answer.body == expected and "Content-Length" not in answer


def test_a_body_filter_over_a_proxy(gantry):
    body = exchange(gantry, "POST", "/shout/proxied", body=b"please").body
    assert body == body.upper() and body.endswith(b"!")


def test_the_log_phase_sees_every_exchange(gantry):
    before = counts(gantry)["logged"]
    for _ in range(5):
        assert fetch(gantry, "/teapot").status == 418
    assert counts(gantry)["logged"] == before + 6  # and the first look itself
    wait_until(lambda: any("a teapot was seen module=probe" in line for line in gantry.lines), "the line")


def test_work_beside_the_traffic(gantry):
    before = counts(gantry)["ticks"]
    wait_until(lambda: counts(gantry)["ticks"] > before + 3, "ticks")


# ---- their life


def test_reloads_hand_over_and_retire(gantry):
    before = counts(gantry)
    for number in range(1, 4):
        assert run(gantry, "reload").returncode == 0
        assert counts(gantry)["generation"] == before["generation"] + number
    after = counts(gantry)
    assert after["prepared"] == before["prepared"] + 3 and after["committed"] == before["committed"] + 3
    wait_until(lambda: counts(gantry)["retired"] == before["retired"] + 3, "the retired ones")


def test_an_exchange_keeps_its_instance(gantry):
    with RawClient(gantry) as client:
        client.send(b"GET /never HTTP/1.1\r\nHost: test\r\n\r\n")
        before = counts(gantry)
        assert run(gantry, "reload").returncode == 0
        assert fetch(gantry, "/later").text == "later"
        client.close()
    wait_until(lambda: counts(gantry)["retired"] >= before["retired"] + 1, "the end of the old one")


def test_a_module_that_refuses_leaves_the_old_configuration(gantry):
    text = gantry.config_path.read_text()
    before = counts(gantry)
    try:
        gantry.config_path.write_text(text.replace("[server]\n", '[server]\nprobe_refuse = "not today"\n'))
        done = run(gantry, "reload")
        assert done.returncode == 3 and "not today" in done.stderr and "gantry.toml:4:16" in done.stderr
    finally:
        gantry.config_path.write_text(text)
    assert fetch(gantry, "/later").text == "later"
    assert counts(gantry)["generation"] == before["generation"]


def test_a_place_that_is_refused_disables_its_host_alone():
    config = CONFIG + '[host."other".location."/"]\nrespond = "x"\nprobe_refuse = "no"\n'
    with Origin(echo) as origin, Gantry(config, echo=origin.port, probe=probe_folder()) as server:
        assert fetch(server, "/", host="other").status == 503
        assert fetch(server, "/later").text == "later"


def test_plan_and_config_know_their_keys(gantry):
    text = gantry.config_path.read_text()
    try:
        gantry.config_path.write_text(text.replace('"later"\nprobe = "later"', '"later"\nprobe = { mode = "later", wait = "2s" }'))
        assert 'wait = "2s"' in run(gantry, "plan").stdout
        shown = run(gantry, "config").stdout
        assert shown.startswith("modules = [") and 'probe = { mode = "later", wait = "2s" }' in shown
    finally:
        gantry.config_path.write_text(text)


def test_explain_names_hooks_and_runs_none(gantry):
    before = counts(gantry)["dropped"]
    done = run(gantry, "explain", "GET", "http://test/never")
    assert done.returncode == 0 and "access: probe" in done.stdout
    done = run(gantry, "explain", "GET", "http://test/counts")
    assert done.returncode == 0 and "probe.answer" in done.stdout
    assert counts(gantry)["dropped"] == before


# ---- what is wrong


def check(folder, config, **values):
    path = pathlib.Path(folder) / "gantry.toml"
    for name, value in values.items():
        config = config.replace(f"@{name}@", str(value))
    path.write_text(config)
    return subprocess.run([binary(), "check", "-c", path], capture_output=True, text=True, timeout=60, check=False)


BASE = 'modules = ["@probe@/gantry-probe.so"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n'
MISTAKES = {
    "unknown": ("prob = true", 'unknown key "prob"', 'did you mean "probe"?'),
    "choice": ('probe = "dney"', '"mode" cannot be "dney"', 'did you mean "deny"?'),
    "type": ("probe = { shout = 1 }", '"shout" must be true or false, not an integer', "for example: shout = true"),
    "range": ('probe = { wait = "2m" }', '"wait" must be between 1ms and 1m', 'for example: wait = "1s"'),
    "member": ("probe = { shuot = true }", 'unknown key "shuot"', 'did you mean "shout"?'),
    "variable": ('probe = { greeting = "${hots}" }', 'unknown variable "hots"', 'did you mean "host"?'),
    "handlers": ('probe_answer = "counts"', 'this location has two handlers: "respond" and "probe_answer"', "take one of them out"),
    "order": ('probe = { after = "probe" }', "hooks of modules in access wait for each other: probe", "take one of their modules out"),
    "refused": ('probe_refuse = "never"', "never", "take it out"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_have_places_and_remedies(tmp_path, mistake):
    line, message, hint = MISTAKES[mistake]
    done = check(tmp_path, BASE + line + "\n", probe=probe_folder())
    assert done.returncode == 3, done.stderr
    assert message in done.stderr and hint in done.stderr
    assert re.search(r"gantry\.toml:[46]:", done.stderr)


def test_scopes_of_keys(tmp_path):
    done = check(tmp_path, BASE.replace('[listener.web]', '[server]\nprobe_answer = "counts"\n[listener.web]'), probe=probe_folder())
    assert done.returncode == 3 and 'unknown key "probe_answer" in [server]' in done.stderr


def test_libraries_that_are_none(tmp_path):
    assert "there is no module" in check(tmp_path, BASE.replace("@probe@/gantry-probe.so", "absent")).stderr
    assert "No such file" in check(tmp_path, BASE, probe=tmp_path).stderr
    (tmp_path / "gantry-probe.so").write_text("not ELF")
    assert "ELF" in check(tmp_path, BASE, probe=tmp_path).stderr
    source = tmp_path / "empty.c"
    source.write_text("int nothing;\n")
    build(source, tmp_path, "probe")
    assert "is it a module of gantry" in check(tmp_path, BASE, probe=tmp_path).stderr


def test_a_library_that_calls_itself_otherwise(tmp_path):
    build(PROBE, tmp_path, "other")
    done = check(tmp_path, BASE.replace("gantry-probe", "gantry-other"), probe=tmp_path)
    assert done.returncode == 3 and "gantry-probe.so" in done.stderr


def test_a_module_of_a_later_abi(tmp_path):
    text = PROBE.read_text().replace('#include "gantry/gantry.h"', '#include "gantry/version.h"\n#undef GANTRY_ABI_MINOR\n#define GANTRY_ABI_MINOR 77\n#include "gantry/gantry.h"')
    source = tmp_path / "late.c"
    source.write_text(text)
    build(source, tmp_path, "probe")
    done = check(tmp_path, BASE, probe=tmp_path)
    assert done.returncode == 3 and "1.77" in done.stderr and "1.0" in done.stderr


def test_the_examples_serve(tmp_path):
    build(SDK / "examples" / "hello" / "hello.c", tmp_path, "hello")
    build(SDK / "examples" / "teapot" / "teapot.cpp", tmp_path, "teapot")
    config = (
        'modules = ["hello", "teapot"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nhello = "hello ${path}"\n'
        '[host."test".location."/tea"]\nteapot = "short"\n'
    )
    with Gantry(config, env={"GANTRY_MODULE_PATH": str(tmp_path)}) as server:
        assert fetch(server, "/you").text == "hello /you"
        tea = fetch(server, "/tea")
        assert tea.status == 418 and tea.text == "short\n"
