"""Hooks and header filters of two modules: who comes when, by `modules` and by what they say of each other."""

import re
import tempfile

import pytest

from support.client import fetch
from support.gantry import ROOT, Gantry
from support.modules import build
from support.operator import run
from support.wait import wait_until

CONFIG = """
modules = [@modules@]
[server]
control = "@dir@/control.sock"
first = { @first@ }
second = { @second@ }
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "${header.x-trail}"
"""
PHASES = ["rewrite", "preaccess", "access", "precontent"]
CASES = {
    "by modules": (["first", "second"], "", "", ["first", "second"]),
    "by modules, the other way round": (["second", "first"], "", "", ["second", "first"]),
    "before": (["first", "second"], "", 'before = "first"', ["second", "first"]),
    "after": (["first", "second"], 'after = "second"', "", ["second", "first"]),
    "after one that is not there": (["first", "second"], 'after = "third"', "", ["first", "second"]),
    "both say the same": (["first", "second"], 'after = "second"', 'before = "first"', ["second", "first"]),
}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="gantry-modules-") as folder:
        for name in ("first", "second"):
            build(ROOT / "tests" / "e2e" / "modules" / "trail.c", folder, name, f'-DNAME="{name}"')
        yield folder


def listed(folder, modules):
    return ", ".join(f'"{folder}/gantry-{name}.so"' for name in modules)


@pytest.mark.parametrize("case", CASES)
def test_who_comes_when(folder, case):
    modules, first, second, order = CASES[case]
    with Gantry(CONFIG, modules=listed(folder, modules), first=first, second=second) as gantry:
        answer = fetch(gantry)
        assert answer.text == " ".join(f"{phase}.{name}" for phase in PHASES for name in order)
        assert answer["X-Trail"] == " ".join(f"head.{name}" for name in order)
        logged = wait_until(lambda: len(found := re.findall(r"log\.(\w+)", gantry.log())) == 2 and found, "the log phase")
        assert logged == order
        shown = run(gantry, "explain", "GET", "http://test/").stdout
        assert re.findall(r"(\w+): (first|second)", shown) == [(phase, name) for phase in PHASES for name in order], shown


def test_two_that_each_want_to_be_first(folder):
    with Gantry(CONFIG, modules=listed(folder, ["first", "second"]), first='before = "second"', second="") as gantry:
        gantry.values["second"] = 'before = "first"'
        gantry.configure(CONFIG)
        done = run(gantry, "reload")
        assert done.returncode == 3 and "wait for each other: first, second" in done.stderr, done.stderr
        assert fetch(gantry).status == 200
