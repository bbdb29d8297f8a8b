"""Modules with one fault each: the real binary says what its first comment says, and nothing else."""

import json
import re
import subprocess

from support.client import fetch
from support.faulty import each, first_comment, library, sources
from support.gantry import Gantry, binary
from support.modules import SDK, check_with

SOURCES = sources("fixtures")
CONFIG = """
modules = ["@module@"]
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "x"
"""


def number(name):
    return re.search(rf"#define GANTRY_ABI_{name} (\d+)", (SDK / "gantry" / "version.h").read_text())[1]


def told(source, tag):
    """What stands behind a tag; None: nothing is said, or there is no such tag."""
    found = re.search(rf" {tag}: (.*?)(?: (?:loader|prepare): |$)", first_comment(source))
    if found is None or found[1] == "-":
        return None
    if found[1] == "the same":
        return told(source, "manifest")
    version = subprocess.run([binary(), "version", "--format", "json"], capture_output=True, text=True, check=True, timeout=60).stdout
    text = found[1].replace("PATH", str(library(source))).replace("VERSION", json.loads(version)["version"])
    return text.replace("has ABI", f"has {number('MAJOR')}.{number('MINOR')}")


def module_check(source):
    return subprocess.run([binary(), "module", "check", library(source)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def only(wanted):
    return each(source for source in SOURCES if wanted(source))


def test_each_fixture_but_the_good_one_has_a_sentence():
    assert len(SOURCES) >= 20
    assert [source.stem for source in SOURCES if not told(source, "loader") and not told(source, "prepare")] == ["good"]


@only(lambda source: told(source, "loader"))
def test_what_cannot_be_loaded_is_refused_with_its_sentence(source, tmp_path):
    sentence = told(source, "loader")
    done = check_with(tmp_path, CONFIG.replace("@module@", str(library(source))))
    assert done.returncode == 3
    assert f"gantry.toml:2:12: error: {sentence}\n" in done.stderr, done.stderr
    alone = module_check(source)
    assert alone.returncode == 1
    assert alone.stderr.splitlines()[-1].startswith(f"gantry: {sentence}; "), alone.stderr


@only(lambda source: told(source, "prepare"))
def test_what_cannot_be_prepared_fails_the_load_with_its_sentence(source, tmp_path):
    sentence = told(source, "prepare")
    done = check_with(tmp_path, CONFIG.replace("@module@", str(library(source))))
    assert done.returncode == 3
    assert f"gantry.toml: error: {sentence}\n" in done.stderr, done.stderr
    assert f"  note  it needs to be configured: {sentence}\n" in module_check(source).stdout


@only(lambda source: told(source, "prepare"))
def test_what_served_goes_on_where_a_module_cannot_be_prepared(source):
    [good] = [one for one in SOURCES if one.stem == "good"]
    with Gantry(CONFIG, module=library(good)) as gantry:
        gantry.values["module"] = str(library(source))
        gantry.reload(CONFIG, expect=re.escape(told(source, "prepare")))
        assert fetch(gantry, "/").text == "x"


@only(lambda source: source.stem == "good")
def test_the_good_one_passes(source, tmp_path):
    assert check_with(tmp_path, CONFIG.replace("@module@", str(library(source)))).returncode == 0
    assert module_check(source).returncode == 0
