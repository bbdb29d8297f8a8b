"""Modules that break a contract of the SDK: the real binary names the module, the function and the contract, and ends."""

import re
import subprocess

from support.client import RawClient
from support.faulty import each, first_comment, library, sources
from support.gantry import Gantry, binary
from support.origin import Origin

FIXTURES = sources("contracts")
CHECKED = {"GANTRY_CONTRACTS": "on"}
CONFIG = """
modules = ["@module@"]
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
peers = ["127.0.0.1:@app@"]
[host."test".location."/"]
respond = "here"
broken = true
[host."test".location."/answer"]
broken_answer = true
[host."test".location."/proxy"]
proxy = "app"
broken = true
"""


def told(source, name):
    return re.search(rf"{name}: (.*?)(?: contract: |$)", first_comment(source))[1]


def sentence(source):
    """What is said of it, as far as it is the same everywhere."""
    return f"module {source.stem.replace('_', '-')}: {told(source, 'contract')}"


def only(*whens):
    return each(source for source in FIXTURES if told(source, "when") in whens)


def make(source, app=9, **more):
    return Gantry(CONFIG, module=library(source), app=app, **more)


def test_every_fixture_says_when():
    assert len(FIXTURES) > 20
    assert {told(source, "when") for source in FIXTURES} == {"load", "configure", "request", "answer", "proxy"}


@only("load")
def test_module_check_finds_it(source):
    done = subprocess.run([binary(), "module", "check", library(source)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout
    assert done.stderr.splitlines()[-1].startswith("gantry: it breaks a contract in "), done.stderr
    assert sentence(source) in done.stderr


@only("configure")
def test_a_load_ends_with_a_sentence(source):
    with make(source, env=CHECKED, ready=False) as gantry:
        gantry.may_fail()
        gantry.wait_log(r"^gantry: contract broken: " + re.escape(sentence(source)))


@only("request", "answer", "proxy")
def test_a_request_ends_with_a_sentence(source):
    def silent(connection, origin):
        connection.read_request()
        connection.wait_closed()

    with Origin(silent) as origin, make(source, app=origin.port, env=CHECKED) as gantry:
        gantry.may_fail()
        with RawClient(gantry) as client:
            client.send(f"GET /{told(source, 'when')} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            text = re.escape(sentence(source)) + r"(, from gantry-[a-z-]+\.so\+0x[0-9a-f]+)?(, in the [a-z_ ]+)?"
            # In the log, and bare on stderr.
            gantry.wait_log(r"critical: contract broken: " + text)
            gantry.wait_log(r"^gantry: contract broken: " + text + "$")
            client.read_to_end()
        gantry.wait_log(r"died: signal=6|server process .*signal|died: SIGABRT")


def test_what_keeps_its_contracts_is_left_alone_and_checks_can_be_turned_off():
    [source] = [one for one in FIXTURES if one.stem == "respond_twice"]
    with make(source, env={"GANTRY_CONTRACTS": "off"}) as gantry:
        with RawClient(gantry) as client:
            assert client.get("/answer").text == "done"
