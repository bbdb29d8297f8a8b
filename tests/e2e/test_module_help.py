"""Keys of modules in gantry help, the manual and the schema for editors, and secrets among them in config and plan."""

import json
import os
import subprocess
import tomllib

import jsonschema
import pytest

from support.client import fetch
from support.gantry import ROOT, Gantry, binary
from support.modules import build
from support.operator import run, run_json

CONFIG = """
modules = ["@modules@/gantry-ledger.so"]
[server]
workers = 1
control = "@dir@/control.sock"
ledger_codes = { first = "s3same-one" }
[listener.web]
address = "127.0.0.1:0"
[host."test"]
ledger = { file = "a.txt", code = "s3same-two", every = "5s" }
[host."test".location."/"]
ledger_page = "here"
ledger_rules = { first = 2 }
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests" / "e2e" / "modules" / "ledger.cpp", folder, "ledger")
    return folder


@pytest.fixture(scope="module")
def config(modules, tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    path = folder / "gantry.toml"
    path.write_text(CONFIG.replace("@modules@", str(modules)).replace("@dir@", str(folder)))
    return path


def tool(modules, *words):
    return subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, GANTRY_MODULE_PATH=str(modules)))


def test_a_key_is_explained(modules):
    done = tool(modules, "help", "ledger.every")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("host.location.ledger.every\n\nHow often it is written. Less is slower.\n")
    for line in ("Module:     ledger", 'Value:      a time such as "500ms", "30s" or "1h30m", from "1s" to "1h"', 'Default:    "10s"',
                 "That is:    host.location.ledger.every, host.ledger.every, server.ledger.every"):
        assert line in done.stdout, done.stdout
    assert '    [host."www.example.com".location."/"]\n    ledger.every = "1m"\n' in done.stdout


@pytest.mark.parametrize("topic, said", [
    ("host.location.ledger.every", "host.location.ledger.every\n"),
    ('host."a.test".location."/x".ledger.every', "host.location.ledger.every\n"),
    ("location.ledger.mode", 'Value:      "fast" or "safe"'),
    ("ledger_rules", "Value:      a table with a table or an integer for each name"),
    ("ledger_rules.any.count", "ledger_rules.first.count = 3"),
    ("ledger.tags", "Value:      a string or a list of these"),
    ("ledger.file", "Default:    none, it must be set"),
    ("ledger_old", "Deprecated: write ledger"),
    ("upstream.any.ledger_peers", "[upstream.app]\n    ledger_peers = true"),
    ("ledger.code", "Secret:     it is never shown"),
])
def test_names_of_keys(modules, topic, said):
    done = tool(modules, "help", topic)
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr


def test_what_there_is_not(modules):
    assert tool(modules, "help", "ledger.nothing").returncode == 2
    assert tool("/nowhere", "help", "ledger.every").returncode == 2


def test_a_module_is_explained_with_its_command_and_its_key(modules):
    text = tool(modules, "help", "ledger").stdout
    assert "Show what is written" in text and "Writes things down: what, and when." in text


def test_modules_of_a_configuration(config):
    done = tool("/nowhere", "help", "ledger.every", "-c", config)
    assert done.returncode == 0 and "How often it is written." in done.stdout, done.stderr


def test_a_key_as_json(modules):
    [key] = json.loads(tool(modules, "help", "ledger.most", "--format", "json").stdout)
    assert key["range"] == 'from "1KiB" to "1MiB"' and key["default"] == '"64KiB"' and key["module"] == "ledger"
    assert not key["secret"] and key["deprecated"] is None


def test_a_page_of_the_manual(modules):
    man = tool(modules, "help", "ledger", "--format", "man").stdout
    assert '.TH gantry-module-ledger 5' in man and "\n.B \"ledger.every\"\n" in man and '.B "gantry ledger show"' in man
    markdown = tool(modules, "help", "ledger", "--format", "markdown").stdout
    assert markdown.startswith("# ledger\n\nWrites things down.\n") and "## `ledger_rules.count`" in markdown
    rendered = subprocess.run(["man", "--warnings", "-l", "-"], input=man, capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, MANWIDTH="80")) if os.path.exists("/usr/bin/man") else None
    assert rendered is None or (rendered.returncode == 0 and rendered.stderr == ""), rendered.stderr


def test_the_schema_has_the_keys_of_a_configuration(modules, config):
    schema = json.loads(tool("/nowhere", "config", "schema", "-c", config).stdout)
    location = schema["definitions"]["host.location"]
    every = location["properties"]["ledger"]["allOf"][0]["anyOf"][0]["properties"]["every"]
    assert 'Default: "10s"' in every["description"]
    assert {"required": ["ledger_page"]} in location["oneOf"]
    assert schema["definitions"]["server"]["properties"]["ledger_old"]["deprecated"] is True
    assert "ledger" not in schema["definitions"]["listener"]["properties"]
    assert "ledger_peers" in schema["definitions"]["upstream"]["properties"]
    assert "ledger" not in tool(modules, "config", "schema").stdout, "without a configuration it is always the same"


def test_the_schema_accepts_and_refuses(config):
    validator = jsonschema.Draft7Validator(json.loads(tool("/nowhere", "config", "schema", "-c", config).stdout))
    right = config.read_text()
    assert [error.message for error in validator.iter_errors(tomllib.loads(right))] == []
    for before, after in (('every = "5s"', "every = 5"), ('every = "5s"', "nothing = 1"), ("first = 2", "first = 10"),
                          ('file = "a.txt", ', ""), ('ledger_page = "here"', "ledger_page = 1")):
        assert before in right
        assert list(validator.iter_errors(tomllib.loads(right.replace(before, after)))), after


def test_secrets_are_not_shown(modules, config):
    for words in (("config",), ("config", "--format", "json"), ("config", "--only", "ledger")):
        done = tool(modules, words[0], "-c", config, *words[1:])
        assert done.returncode == 0 and "s3same" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert 'code = "***"' in tool(modules, "config", "-c", config).stdout


def test_secrets_of_a_host_with_mistakes_are_not_shown(modules, config, tmp_path):
    broken = tmp_path / "gantry.toml"
    broken.write_text(config.read_text().replace('every = "5s"', 'every = "5s", nothing = 1'))
    assert "s3same" not in tool(modules, "config", "-c", broken).stdout


def test_another_secret_is_a_change_that_is_not_shown(modules):
    with Gantry(CONFIG, modules=modules) as gantry:
        gantry.write("gantry.toml", gantry.config_path.read_text().replace("s3same-two", "s3same-new"))
        done = run(gantry, "plan")
        assert done.returncode == 0 and "ledger: another secret" in done.stdout, done.stdout + done.stderr
        assert "s3same" not in done.stdout + done.stderr
        code, answer = run_json(gantry, "reload")
        assert code == 0 and answer["changes"] and "s3same" not in json.dumps(answer)
        gantry.write("gantry.toml", gantry.config_path.read_text().replace("s3same-one", "s3same-other"))
        assert "ledger_codes: another secret" in run(gantry, "plan").stdout
        assert "s3same" not in gantry.log()
        assert fetch(gantry).text == "ledger"
