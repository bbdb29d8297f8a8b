"""`gantry config`: what is in effect, and where each value comes from."""

import json
import os
import re
import subprocess
import tomllib

import pytest

from support.gantry import ROOT, binary

MAIN = """
include = ["sites/*.toml"]
[server]
workers = 2
[listener.web]
address = "${ADDRESS:-127.0.0.1:0}"
tls = { min_version = "1.3" }
[upstream.app]
peers = ["127.0.0.1:3000", { address = "127.0.0.1:3001", weight = 2 }]
"""
SITE = """
[host."a.test"]
certificate = "self-signed"
names = ["b.test", '~^c\\d+\\.test$']
[host."a.test".location."/"]
static = "../www"
[host."a.test".location."/api/"]
proxy = "app"
request_headers = { set = { Authorization = "Bearer ${file:@dir@/token}", X-From = "${NAME}" } }
[host."a.test".location."/q"]
respond = 'a "b" \\ $${x} ${host}'
[[test]]
request = "GET https://a.test/"
expect = { handler = "static" }
"""
EXPECTED = """[server]
workers = 2  # @main@:4

[listener.web]
address = "127.0.0.1:0"  # @main@:6, environment ADDRESS
tls = { min_version = "1.3" }  # @main@:7

[upstream.app]
peers = ["127.0.0.1:3000", { address = "127.0.0.1:3001", weight = 2 }]  # @main@:9

[host."a.test"]
certificate = "self-signed"  # @site@:3
names = ["b.test", "~^c\\\\d+\\\\.test$"]  # @site@:4

[host."a.test".location."/"]
static = "@dir@/www"  # @site@:6

[host."a.test".location."/api/"]
proxy = "app"  # @site@:8
request_headers = { set = { Authorization = "***", X-From = "me" } }  # @site@:9, file @dir@/token, environment NAME

[host."a.test".location."/q"]
respond = "a \\"b\\" \\\\ $${x} ${host}"  # @site@:11

[[test]]
request = "GET https://a.test/"  # @site@:13
expect = { handler = "static" }  # @site@:14
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sites").mkdir()
    (tmp_path / "www").mkdir()
    (tmp_path / "token").write_text("hunter2\n")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "gantry.toml").write_text(MAIN)
    (tmp_path / "sites" / "a.toml").write_text(SITE.replace("@dir@", str(tmp_path)))
    return tmp_path


def config(folder, *arguments, status=0):
    done = subprocess.run([binary(), "config", "-c", str(folder / "gantry.toml"), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, env={**os.environ, "NAME": "me"})
    assert done.returncode == status, done
    assert "Sanitizer" not in done.stderr
    return done


def expected(folder):
    out = EXPECTED.replace("@main@", f"{folder}/gantry.toml").replace("@site@", f"{folder}/sites/a.toml")
    return out.replace("@dir@", str(folder))


def test_every_value_with_its_origin(folder):
    assert config(folder).stdout == expected(folder)


def test_secrets_are_not_shown(folder):
    for arguments in ([], ["--format", "json"], ["--defaults"]):
        assert "hunter2" not in config(folder, *arguments).stdout


def test_it_is_toml_that_loads(folder):
    for arguments in ([], ["--defaults"]):
        text = config(folder, *arguments).stdout
        again = folder / "again.toml"
        again.write_text(text.replace("Authorization = \"***\"", "Authorization = \"x\""))
        done = subprocess.run([binary(), "check", "-c", str(again)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert tomllib.loads(text)["host"]["a.test"]["location"]["/"]["static"] == f"{folder}/www"


def test_defaults_on_demand(folder):
    assert "# default" not in config(folder).stdout
    text = config(folder, "--defaults").stdout
    assert "drain_timeout = \"30s\"  # default" in text and "backlog = 4096  # default" in text
    assert "workers = \"auto\"" not in text, "what is set has no default beside it"
    assert "[log]\n" in text, "a section that no file mentions"


def test_json(folder):
    values = json.loads(config(folder, "--format", "json").stdout)
    by_key = {tuple(value["table"] + [value["key"]]): value for value in values}
    assert by_key["server", "workers"]["value"] == 2
    address = by_key["listener", "web", "address"]
    assert address["origins"] == [f"{folder}/gantry.toml:6", "environment ADDRESS"] and address["line"] == 6
    assert by_key["upstream", "app", "peers"]["value"][1] == {"address": "127.0.0.1:3001", "weight": 2}
    headers = by_key["host", "a.test", "location", "/api/", "request_headers"]
    assert headers["masked"] is True and headers["value"]["set"]["Authorization"] == "***"
    defaults = json.loads(config(folder, "--format", "json", "--defaults").stdout)
    backlog = next(value for value in defaults if value["key"] == "backlog")
    assert backlog == {"table": ["listener", "web"], "key": "backlog", "value": 4096, "origins": ["default"],
                       "file": None, "line": 0, "column": 0, "masked": False}


@pytest.mark.parametrize("only, lines", [
    ("a.test", 6), ('host."a.test"', 2 + 1 + 2 + 1), ("listener.web", 2), ("workers", 1), ("server", 1), ('location."/api/"', 2), ("static", 1)])
def test_only(folder, only, lines):
    text = config(folder, "--only", only).stdout
    assert len(re.findall(r"  # ", text)) == lines, text


def test_only_what_is_not_there(folder):
    done = config(folder, "--only", "backlog", status=2)
    assert "nothing in" in done.stderr and "--defaults" in done.stderr
    assert "backlog = 4096  # default" in config(folder, "--only", "backlog", "--defaults").stdout


def test_quiet_and_broken(folder):
    done = config(folder, "-q")
    assert (done.stdout, done.stderr) == ("", "")
    (folder / "gantry.toml").write_text(MAIN + "[hots]\n")
    done = config(folder, "-q", status=3)
    assert done.stdout == "" and "hots" in done.stderr


def test_the_schema_is_still_there():
    done = subprocess.run([binary(), "config", "schema"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["$schema"]


@pytest.mark.parametrize("path", sorted((ROOT / "tests/conf/settings").glob("*.toml")), ids=lambda path: path.stem)
def test_every_setting_comes_out_as_it_went_in(path, tmp_path):
    """As a document of its own it means what the files meant, but for paths, which are whole, and what is replaced."""
    text = path.read_text()
    done = subprocess.run([binary(), "config", "-c", str(path)], capture_output=True, text=True, timeout=60, env={**os.environ, "NAME": "value", "EMPTY": "", "DOLLAR": "x"})
    if done.returncode != 0:
        pytest.skip("needs an environment of its own")
    out = tomllib.loads(done.stdout)
    for key, value in tomllib.loads(text).items():
        if key not in ("include", "modules"):
            assert key in out and (not isinstance(value, dict) or set(value) <= set(out[key])), key
