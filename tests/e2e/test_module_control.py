"""Routes that modules bring to the control API, and their commands."""

import json
import os
import socket
import subprocess
import threading

import pytest

from support.gantry import ROOT, Gantry, binary
from support.modules import build
from support.operator import command, run_json
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-desk.so"]
[server]
workers = 2
control = "@dir@/control.sock"
desk = @number@
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "here"
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests" / "e2e" / "modules" / "desk.cpp", folder, "desk")
    return folder


@pytest.fixture(scope="module")
def desk(modules):
    with Gantry(CONFIG, modules=modules, number=1) as gantry:
        yield gantry


def ask(gantry, path, method="GET", body=None, prefix="/v1/modules/desk/", timeout=30):
    """A call of the control API: the status, and the object that was answered."""
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        client.connect(str(gantry.dir / "control.sock"))
        client.sendall(f"{method} {prefix}{path} HTTP/1.1\r\nHost: gantry\r\nConnection: close\r\nContent-Length: {len(text.encode())}\r\n\r\n{text}".encode())
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(rest)


# ---- routes


def test_a_route_is_called(desk):
    assert ask(desk, "show") == (201, {"number": 1, "method": "GET", "path": "show"})
    assert ask(desk, "things/all", "DELETE") == (201, {"number": 1, "method": "DELETE", "path": "things/all"})
    desk.wait_log(rf"DELETE things/all.* asked for by pid=\d+ uid={os.geteuid()}")


def test_query_and_body_are_arguments(desk):
    assert ask(desk, "echo?a=b%20c&d=+e&&f", "POST", {"g": [1, {"h": None}]}) == (200, {"g": [1, {"h": None}], "a": "b c", "d": " e", "f": ""})
    assert ask(desk, "echo", "POST") == (200, {})
    status, answer = ask(desk, "echo?g=1", "POST", {"g": 1})
    assert status == 400 and answer["error"] == "g is given twice"
    assert ask(desk, "echo", "POST", "nonsense")[0] == 400
    assert ask(desk, "echo?%ff=%fe", "POST")[0] in (200, 500), "what is no UTF-8 harms nobody"


@pytest.mark.parametrize("path, method, status, said", [
    ("show", "POST", 405, "does not take this method"),
    ("show", "BREW", 405, "does not take this method"),
    ("nothing", "GET", 404, "has no route GET nothing"),
    ("", "GET", 404, "has no route"),
    ("show/", "GET", 404, "has no route"),
    ("../desk/show", "GET", 404, ""),
])
def test_what_there_is_not(desk, path, method, status, said):
    got, answer = ask(desk, path, method)
    assert got == status and said in answer["error"] and answer["remedy"]


def test_a_module_that_is_not_there(desk):
    status, answer = ask(desk, "bans", prefix="/v1/modules/limit/")
    assert (status, answer["error"]) == (404, "the module limit is not loaded")
    assert 'modules = ["limit"]' in answer["remedy"] and "gantry reload" in answer["remedy"]


@pytest.mark.parametrize("what", ["text", "list", "deep", "bytes", "status", "bare", "large", "success"])
def test_an_answer_that_is_none(desk, what):
    mark = desk.mark()
    status, answer = ask(desk, f"garbage?what={what}")
    assert status == 500 and answer["error"].startswith("the module desk failed: its") and answer["remedy"]
    desk.wait_log("answer of the control API refused module=desk route=.*: its", mark)
    desk.wait_log("desk garbage=1", mark)


def test_the_first_answer_holds_and_late_ones_are_refused(desk):
    status, answer = ask(desk, "never")
    assert status == 504 and "did not answer GET never within 300 ms" in answer["error"]
    assert ask(desk, "twice") == (200, {"answer": 1})
    desk.wait_log("desk second=1 late=1")


def test_a_route_that_throws(desk):
    status, answer = ask(desk, "thrown")
    assert status == 500 and answer["error"] == "the module failed"
    desk.wait_log("an exception left a route of the control API: thrown")


def test_an_answer_of_another_thread(desk):
    for _ in range(20):
        assert ask(desk, "thread") == (200, {"from": "a thread"})


def test_modules_are_listed_with_their_routes(desk):
    _, answer = run_json(desk, "modules")
    module = answer["modules"][0]
    assert "GET show" in module["routes"] and "DELETE things/all" in module["routes"]
    assert {"name": "show", "help": "Show what there is", "route": "GET show"} in module["commands"]


# ---- time


def waiting(gantry, count=1):
    """Calls that the module keeps, and what came of them."""
    seen = gantry.log().count("desk waits")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(gantry, "wait"))) for _ in range(count)]
    for thread in threads:
        thread.start()
    wait_until(lambda: gantry.log().count("desk waits") == seen + count, "the module keeps them")
    return threads, answers


def test_a_reload_while_an_answer_is_pending(modules):
    with Gantry(CONFIG, modules=modules, number=1) as gantry:
        threads, answers = waiting(gantry)
        gantry.values["number"] = 3
        gantry.configure(CONFIG)
        assert run_json(gantry, "reload")[0] == 0
        assert ask(gantry, "third")[1]["number"] == 3, "routes of the new configuration"
        assert gantry.log().count("desk retired number=1") == 0, "the old one waits for its call"
        assert ask(gantry, "release", "POST") == (200, {"answered": 1})
        for thread in threads:
            thread.join(30)
        assert answers == [(200, {"by": 3})]
        gantry.wait_log("desk retired number=1")


def test_a_client_that_leaves(modules):
    with Gantry(CONFIG, modules=modules, number=1) as gantry:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(gantry.dir / "control.sock"))
            client.sendall(b"GET /v1/modules/desk/wait HTTP/1.1\r\nHost: gantry\r\n\r\n")
            wait_until(lambda: gantry.log().count("desk waits") == 1, "the module keeps it")
        assert ask(gantry, "release", "POST") == (200, {"answered": 1}), "nobody hears it, and it is no mistake"
        assert ask(gantry, "show")[0] == 201


def test_gantry_ends_while_answers_are_pending(modules):
    with Gantry(CONFIG, modules=modules, number=1) as gantry:
        threads, answers = waiting(gantry, 3)
        gantry.stop()
        for thread in threads:
            thread.join(30)
        assert [status for status, _ in answers] == [503] * 3
        assert answers[0][1]["error"] == "gantry ends"


def test_a_route_that_is_there_twice_is_a_load_that_fails(modules, tmp_path):
    config = tmp_path / "gantry.toml"
    config.write_text(CONFIG.replace("@modules@", str(modules)).replace("@dir@", str(tmp_path)).replace("@number@", "9"))
    done = subprocess.run([binary(), "check", "-c", config], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3 and "the route GET show of the control API cannot be mounted" in done.stderr, done.stderr


# ---- commands


def test_a_command_asks_its_route(desk):
    done = command(desk, "desk", "show")
    assert (done.returncode, done.stdout, done.stderr) == (0, "number: 1\nmethod: GET\npath: show\n", "")
    done = command(desk, "desk", "echo", "a thing", "--older-than", "5m", "--all", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"first": "a thing", "colour": "red", "older_than": "5m", "all": True}
    assert command(desk, "desk", "echo", "x", "-q").stdout == ""


def test_words_of_an_answer_do_nothing_to_a_terminal(desk):
    assert command(desk, "desk", "text").stdout == "in words\n\\x1b[2J\n"
    done = command(desk, "desk", "refuse")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gantry: not now\\x1b[2J\n      = ask \ufffd later\n"


def test_a_refusal_as_json(desk):
    done = command(desk, "desk", "refuse", "--format", "json")
    assert done.returncode == 1 and json.loads(done.stdout)["error"].startswith("not now")
    assert command(desk, "desk", "never").returncode == 1


@pytest.mark.parametrize("words, said", [
    (("desk",), "A subcommand is required"),
    (("desk", "nothing"), "A subcommand is required"),
    (("desk", "echo"), "first"),
    (("desk", "echo", "a", "--colour", "blue"), "--colour"),
    (("desk", "echo", "a", "--unknown"), "--unknown"),
    (("dezk", "show"), 'neither a command nor a module "dezk"'),
    (("staus",), 'did you mean "status"'),
])
def test_mistakes_are_the_callers(desk, words, said):
    done = command(desk, *words)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_a_command_of_this_file_that_the_server_does_not_have(desk):
    done = command(desk, "desk", "third")
    assert done.returncode == 1
    assert "the module desk has no route GET third" in done.stderr and "gantry upgrade" in done.stderr


def test_nobody_answers(desk, tmp_path):
    done = command(desk, "desk", "show", "--socket", str(tmp_path / "none.sock"))
    assert done.returncode == 4 and "no gantry answers" in done.stderr


def tool(modules, *words):
    return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, GANTRY_MODULE_PATH=str(modules)))


def test_help_and_completion_need_no_server(modules):
    text = tool(modules, "desk", "echo", "--help").stdout
    assert "Say what was given" in text and "--colour red|green" in text and "--older-than TIME" in text
    assert "Say what was given" in tool(modules, "help", "desk").stdout
    assert "--colour red|green" in tool(modules, "help", "desk", "echo").stdout
    assert "desk" in tool(modules, "help").stdout
    assert "desk" in tool(modules, "--help").stdout
    assert "desk echo" in tool(modules, "completion", "bash").stdout
    assert "_gantry_desk_echo" in tool(modules, "completion", "zsh").stdout
    assert "Say what was given" in tool(modules, "completion", "fish").stdout
    assert "desk" not in tool(modules, "help", "--commands", "--format", "markdown").stdout, "the same on every machine"


def test_info_shows_commands(modules):
    done = tool(modules, "module", "info", str(modules / "gantry-desk.so"))
    assert done.returncode == 0 and "command      echo: Say what was given" in done.stdout, done.stdout
    info = json.loads(tool(modules, "module", "info", str(modules / "gantry-desk.so"), "--format", "json").stdout)
    assert info["commands"][1]["options"][2] == {"name": "--colour", "value": "red|green", "help": "How it looks", "required": False, "default": "red"}


def test_check_looks_at_routes_of_commands(modules):
    done = tool(modules, "module", "check", str(modules / "gantry-desk.so"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "third" in done.stdout and "there is no route GET third" in done.stdout
