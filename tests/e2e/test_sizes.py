"""The promise of docs/abi.md for what modules fill in: older structs are shorter, newer ones are longer, and both are taken."""

import re

import pytest

from support.client import RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import build
from support.operator import run_json
from support.origin import Origin, echo
from support.wait import wait_until

UPSTREAM = """
[upstream.tea]
sized_place = true
"""
CONFIG = (
    """
modules = ["@module@"]
[server]
control = "@dir@/control.sock"
sized_app = { url = "http://127.0.0.1:@echo@" }
[listener.web]
address = "127.0.0.1:0"
sized_place = true
"""
    + UPSTREAM
    + """
[host."test".location."/"]
sized = true
"""
)
TAKEN = ["metric", "subscription", "route", "hello", "hook", "header_filter"]
TRUE = ["app", "metrics_seen", "why"]
LATER = ["conn_filter", "picker", "peers"]  # by functions that the first table of instances did not have


@pytest.fixture(scope="module", params=["NEWER", "OLDER", "OLDEST"])
def age(request):
    return request.param


@pytest.fixture(scope="module")
def module(age, tmp_path_factory):
    return build(ROOT / "tests/e2e/modules/sized.c", tmp_path_factory.mktemp("sized"), "sized", f"-D{age}")


@pytest.fixture(scope="module", params=["on", "off"], ids=["checked", "unchecked"])
def gantry(request, age, module):
    config = CONFIG.replace(UPSTREAM, "") if age == "OLDEST" else CONFIG
    with Origin(echo) as origin, Gantry(config, module=module, echo=origin.port, env={"GANTRY_CONTRACTS": request.param}) as server:
        yield server


def test_all_that_is_handed_over_is_taken(gantry, age):
    wait_until(lambda: "committed=0" in fetch(gantry, "/").text, "it is told that it serves")
    said = dict(re.findall(r"(\w+)=(-?\d+) ", fetch(gantry, "/").text))
    assert {name: said[name] for name in TAKEN} == dict.fromkeys(TAKEN, "0")
    assert {name: said[name] for name in TRUE} == dict.fromkeys(TRUE, "1")
    assert {name: said.get(name) for name in LATER} == dict.fromkeys(LATER, None if age == "OLDEST" else "0")
    # Refused for what they say, and not for their size.
    assert (said["make"], said["make_and_report"]) == ("-1", "-1")


def test_functions_of_structs_of_any_size_are_called(gantry):
    assert fetch(gantry, "/x").text.endswith("filtered")
    with RawClient(gantry) as client:
        assert client.exchange("POST", "/read", body=b"tea").text == "read filtered"
    assert fetch(gantry, "/fetch").text == "fetched filtered"
    assert fetch(gantry, "/watch").text == "watched filtered"
    assert run_json(gantry, "modules")[1]["modules"][0]["routes"] == ["GET sized"]
