"""`gantry module check`, `gantry modules`, and the limit on how long a hook may hold its worker."""

import json
import pathlib
import re
import subprocess

import pytest

from support.client import fetch
from support.gantry import ROOT, Gantry, binary, modules
from support.modules import PROBE, SDK, build, probe_folder
from support.operator import run, run_json


def check(*arguments, status=0):
    done = subprocess.run([binary(), "module", "check", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def broken(folder, how):
    return build(ROOT / "tests/e2e/modules/broken.c", folder, "broken", f"-DBROKEN={how}")


def test_a_sound_module_passes(tmp_path):
    path = build(SDK / "examples/visits/visits.cpp", tmp_path, "visits")
    lines = check(path).stdout.splitlines()
    assert lines[0] == "visits 1.0.0"
    assert lines[1] == "  key visits (boolean): Answers with the number of the visitor."
    assert [line[:8] for line in lines[2:]] == ["  ok    "] * 5
    assert check("-q", path).stdout == ""
    said = json.loads(check("--format", "json", path).stdout)
    assert (said["name"], said["version"], said["fault"], len(said["passed"])) == ("visits", "1.0.0", None, 5)
    assert said["keys"] == [{"name": "visits", "type": "boolean", "doc": "Answers with the number of the visitor."}]
    check(broken(tmp_path, 0))


def folders(where):
    return [path.name for path in sorted(where.iterdir()) if path.is_dir()]


@pytest.mark.parametrize("name", folders(SDK / "examples"))
def test_the_examples_pass(name):
    path = pathlib.Path(binary()).resolve().parent / "plugins-sdk" / "examples" / name / f"gantry-{name}.so"
    if not path.exists() and "pkg_check_modules" in (SDK / "examples" / name / "CMakeLists.txt").read_text():
        pytest.skip("the library that it needs was not there when it was to be built")
    check(path)


@pytest.mark.parametrize("name", folders(ROOT / "modules"))
def test_those_that_come_with_gantry_pass(name):
    check(modules() / f"gantry-{name}.so")


@pytest.mark.parametrize(
    "how, why",
    [
        (1, "it crashed in prepare(): Aborted"),
        (2, "it did not return from prepare() within 10 seconds"),
        (3, "it ended the process in prepare()"),
        (4, "prepare() fails when it is reloaded: one is enough"),
        (5, "a timer of every() is left when the last instance is retired; cancel() it in retire()"),
        (6, "get_extension() offers whatever it is asked for; for an id that it does not know it returns NULL"),
    ],
)
def test_a_fault_is_named(tmp_path, how, why):
    path = broken(tmp_path, how)
    assert check(path, status=1).stderr.splitlines()[-1] == f"gantry: {why}"
    if how != 2:
        assert json.loads(check("--format", "json", path, status=1).stdout)["fault"] == why


def test_what_only_lacks_a_configuration_is_no_fault(tmp_path):
    assert "  note  it needs to be configured: there is no key\n" in check(broken(tmp_path, 7)).stdout


def test_what_cannot_be_loaded_is_named(tmp_path):
    (tmp_path / "gantry-x.so").write_text("text")
    assert "is not an ELF file" in check(tmp_path / "gantry-x.so", status=1).stderr


CONFIG = """
modules = ["@probe@/gantry-probe.so"]
[server]
control = "@dir@/control.sock"
hook_limit = "@limit@"
probe = { greeting = "hello" }
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/deny"]
respond = "x"
probe = "deny"
[host."test".location."/slow"]
respond = "x"
probe = "slow"
"""
METRICS = """
[host."test".location."/metrics"]
metrics = "prometheus"
"""


def test_modules_are_listed_with_what_they_cost():
    with Gantry(CONFIG, probe=probe_folder(), limit="100ms") as gantry:
        before = run_json(gantry, "modules")[1]["modules"]
        assert [(one["name"], one["path"]) for one in before] == [("probe", f"{probe_folder()}/gantry-probe.so")]
        assert before[0]["calls"] == 0 and "probe" in before[0]["keys"]
        for _ in range(200):
            fetch(gantry, "/deny")
        after = run_json(gantry, "modules")[1]["modules"][0]
        assert after["calls"] >= 200
        assert 0 < after["seconds"] < 10
        assert after["slow_calls"] == 0
        said = run(gantry, "modules").stdout.splitlines()
        assert re.fullmatch(r"probe \S+  abi 1\.\d+  .*/gantry-probe\.so", said[0])
        assert re.fullmatch(r"  \d+ calls, \d+\.\d\d µs each, \d+\.\d{3} s together; 0 held their worker up, 0 failed", said[1])


def test_a_hook_that_holds_its_worker_is_named():
    with Gantry(CONFIG, probe=probe_folder(), limit="20ms") as gantry:
        assert fetch(gantry, "/slow").text == "x"
        gantry.wait_log(r"a module held its worker up module=probe in=hook probe for=\d+ms: what has to wait belongs into run_blocking\(\)")
        assert run_json(gantry, "modules")[1]["modules"][0]["slow_calls"] >= 1
        # As long as it likes.
        gantry.values["limit"] = "0s"
        gantry.values["metrics"] = str(modules())
        gantry.reload(CONFIG.replace('.so"]', '.so", "@metrics@/gantry-metrics.so"]') + METRICS)
        count = run_json(gantry, "modules")[1]["modules"][0]["slow_calls"]
        assert fetch(gantry, "/slow").text == "x"
        assert run_json(gantry, "modules")[1]["modules"][0]["slow_calls"] == count
