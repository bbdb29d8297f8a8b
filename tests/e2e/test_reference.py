"""What the program says about itself: help, schema, manual pages, completions. All from the same source as what it does."""

import json
import os
import re
import shutil
import subprocess
import tomllib

import jsonschema
import pytest

from support.gantry import ROOT, binary

SETTINGS = sorted((ROOT / "tests/conf/settings").glob("*.toml"))
SHIPPED = [ROOT / "conf/gantry.toml", *sorted((ROOT / "conf/sites").glob("*.toml"))]


def gantry(*arguments, status=0, env=None):
    done = subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          env={**os.environ, **(env or {})})
    assert done.returncode == status, (arguments, done)
    return (done.stdout if status == 0 else done.stderr).decode()


@pytest.fixture(scope="module")
def schema():
    document = json.loads(gantry("config", "schema"))
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


@pytest.fixture(scope="module")
def settings():
    return json.loads(gantry("help", "--all", "--format", "json"))


# ---- the schema for editors


def test_the_schema_accepts_every_configuration_that_loads(schema):
    assert len(SETTINGS) > 100
    for path in [*SETTINGS, *SHIPPED]:
        errors = [(list(error.absolute_path), error.message) for error in schema.iter_errors(tomllib.loads(path.read_text()))]
        assert errors == [], path


GOOD = """
[server]
workers = 2
[listener.web]
address = "127.0.0.1:8080"
idle_timeout = "30s"
max_head = "16KiB"
[upstream.app]
peers = [{ address = "127.0.0.1:3000" }]
[host."a.test"]
error_pages = { 404 = "404.html" }
[host."a.test".location."/"]
proxy = "app"
"""


@pytest.mark.parametrize("right, wrong", [
    ("[server]", "[sever]"),
    ("workers = 2", "worker = 2"),
    ("workers = 2", 'workers = "two"'),
    ("workers = 2", "workers = 0"),
    ("workers = 2", "workers = 1.5"),
    ('"127.0.0.1:8080"', "8080"),
    ('address = "127.0.0.1:8080"', ""),
    ('"30s"', "30"),
    ('"30s"', '"30 seconds"'),
    ('"30s"', '"30"'),
    ('"16KiB"', '"16K"'),
    ('"16KiB"', "16.5"),
    ('idle_timeout = "30s"', 'tls = "yes"'),
    ('idle_timeout = "30s"', 'tls = { min_version = "1.1" }'),
    ('idle_timeout = "30s"', "tls = { client_certificate = { depth = 0 } }"),
    ("[listener.web]", '[listener."a b"]'),
    ('address = "127.0.0.1:3000" }', 'address = "127.0.0.1:3000", weigth = 2 }'),
    ('peers = [{ address = "127.0.0.1:3000" }]', "peers = [3000]"),
    ('peers = [{ address = "127.0.0.1:3000" }]', "peers = [{ weight = 2 }]"),
    ("404 =", "200 ="),
    ("404 = ", "404 = { }, 500 = "),
    ('proxy = "app"', ""),
    ('proxy = "app"', 'proxy = "app"\nrespond = 200'),
    ('proxy = "app"', "redirect = { status = 308 }"),
    ('proxy = "app"', 'redirect = { to = "/", status = 304 }'),
    ('proxy = "app"', "respond = 42"),
    ('proxy = "app"', 'proxy = "app"\npriority = 1001'),
    ('proxy = "app"', 'proxy = "app"\nwhen = { header = { X = 1 } }'),
    ('proxy = "app"', 'static = { root = "/", precompressed = ["lzma"] }'),
])
def test_the_schema_refuses_what_is_wrong(schema, tmp_path, right, wrong):
    assert schema.is_valid(tomllib.loads(GOOD))
    assert right in GOOD
    text = GOOD.replace(right, wrong, 1)
    assert not schema.is_valid(tomllib.loads(text))
    # It is not stricter than the program.
    (tmp_path / "404.html").write_text("x")
    (tmp_path / "g.toml").write_text(text)
    gantry("check", "-c", tmp_path / "g.toml", status=3)


def test_strings_from_the_environment_are_accepted(schema):
    text = GOOD.replace('"30s"', '"${IDLE:-30s}"').replace('"16KiB"', '"${HEAD}"') + '[log]\nlevel = "${LEVEL:-info}"\n'
    assert schema.is_valid(tomllib.loads(text))


def test_the_shipped_configuration_names_its_schema():
    first = (ROOT / "conf/gantry.toml").read_text().splitlines()[0]
    assert first == "#:schema ./gantry.schema.json" and (ROOT / "conf/gantry.schema.json").exists()


# ---- help


def test_help_without_a_topic_names_commands_and_sections():
    text = gantry("help")
    for name in ["run", "check", "help", "completion", "server", "listener", "upstream", "host", "variables"]:
        assert re.search(rf"^  {name}\b", text, re.M), name


def test_help_on_a_setting_says_what_is_known():
    text = gantry("help", "listener.backlog")
    for part in ["4096", "from 1 to 65535", "[listener.NAME]", '    [listener.web]\n    address = "127.0.0.1:8080"\n    backlog = 1024\n']:
        assert part in text, part
    assert text == gantry("help", "backlog") == gantry("help", "listener.web.backlog")
    assert "host.location.static.root" in gantry("help", "location.static.root")
    found = json.loads(gantry("help", "backlog", "--format", "json"))
    assert [(one["name"], one["default"], one["places"]) for one in found] == [("backlog", "4096", ["listener.backlog"])]


def test_help_on_a_section_names_its_settings():
    text = gantry("help", "host")
    for name in ["names", "certificate", "max_body", "location"]:
        assert re.search(rf"^  {name}\b", text, re.M), name


def test_help_on_an_ambiguous_name_lists_the_settings():
    text = gantry("help", "max_body")
    assert "host.max_body" in text and "host.location.max_body" in text
    assert {one["places"][0] for one in json.loads(gantry("help", "tls", "--format", "json"))} == {"listener.tls", "upstream.tls"}


def test_help_on_a_command_is_its_help():
    assert gantry("help", "check") == gantry("check", "--help")
    assert gantry("help", "config", "schema") == gantry("config", "schema", "--help")


def test_help_on_a_command_and_a_setting_of_one_name_is_both():
    said = gantry("help", "modules")
    assert said.startswith(gantry("modules", "--help")) and "Shared libraries that add to what gantry can do." in said


def test_help_on_variables():
    text = gantry("help", "variables")
    for name in ["host", "query.NAME", "remote_addr", "upstream.addr"]:
        assert re.search(rf"^  {re.escape(name)} ", text, re.M), name
    assert {"name": "scheme", "doc": '"http" or "https"'} in json.loads(gantry("help", "variables", "--format", "json"))


@pytest.mark.parametrize("topic, near", [
    ("backlgo", "backlog"), ("listener.backlgo", "listener.backlog"), ("chekc", "check"), ("variable", "variables"),
    ("zzzzzzzz", "gantry help says what there is"),
])
def test_help_on_nothing_says_what_is_near(topic, near):
    said = gantry("help", topic, status=2)
    assert topic in said and near in said


def test_every_topic_has_help(settings):
    topics = json.loads(gantry("help", "--format", "json"))["settings"]
    assert len(topics) > 100 and len(settings) > 80
    assert {place for one in settings for place in one["places"]} | {"variables"} == set(topics)
    for topic in topics[::10]:  # one process each
        assert topic in gantry("help", topic)


def test_help_of_everything(settings):
    for form in ["text", "markdown", "man"]:
        text = gantry("help", "--all", "--format", form).replace("\\", "")
        for one in settings:
            assert one["name"] in text
    gantry("help", "check", "--format", "man", status=2)


# ---- manual pages


@pytest.mark.parametrize("page, arguments", [("gantry.8", ["--commands"]), ("gantry.toml.5", ["--all"])])
def test_manual_pages_are_well_formed(tmp_path, settings, page, arguments):
    path = tmp_path / page
    text = gantry("help", *arguments, "--format", "man", env={"SOURCE_DATE_EPOCH": "86400"})
    path.write_text(text)
    assert '"1970-01-02"' in text.splitlines()[1], "the date of the package, not of the build"
    lint = subprocess.run(["mandoc", "-Tlint", path], capture_output=True, text=True, timeout=60)
    assert lint.stdout == "", lint.stdout
    plain = subprocess.run(["mandoc", "-Tutf8", "-Owidth=200", path], capture_output=True, text=True, timeout=60, check=True).stdout
    plain = re.sub(".\b", "", plain)
    if page == "gantry.8":
        for command in json.loads(gantry("help", "--format", "json"))["commands"]:
            assert f"gantry {command}" in plain, command
            for option in re.findall(r"--[a-z-]+", gantry(command, "--help")):
                assert option in plain, (command, option)
        return
    for one in settings:
        assert re.search(rf"^ +{one['name']}\b", plain, re.M), one["name"]
        last = one["example"].splitlines()[-1]
        assert " ".join(last.split()) in " ".join(plain.split()), last


# ---- completions


def complete(words):
    """What bash offers for the last of `words`."""
    script = f"""
set -u
source <("$GANTRY" completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_gantry
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "GANTRY": str(binary())})
    assert done.returncode == 0 and done.stderr == "", done
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_settings(tmp_path, monkeypatch):
    assert {"run", "check", "config", "help", "--version"} <= complete(["gantry", ""])
    assert complete(["gantry", "che"]) == {"check"}
    assert complete(["gantry", "check", "--str"]) == {"--strict"}
    assert complete(["gantry", "check", "--format", ""]) == {"text", "json"}
    assert complete(["gantry", "check", "--format", "=", "j"]) == {"json"}
    assert complete(["gantry", "check", "--format", "="]) == {"text", "json"}
    assert complete(["gantry", "config", "sch"]) == {"schema"}
    assert complete(["gantry", "help", "listener.back"]) == {"listener.backlog"}
    assert complete(["gantry", "completion", "b"]) == {"bash"}
    (tmp_path / "one.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert complete(["gantry", "check", "-c", "on"]) == {"one.toml"}
    assert complete(["gantry", "run", "--config", "on"]) == {"one.toml"}
    assert complete(["gantry", "module", "n"]) == {"new"}
    assert complete(["gantry", "module", "new", "tea", "--lang", ""]) == {"c", "c++"}
    assert complete(["gantry", "module", "info", "on"]) == {"one.toml"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completions_of_other_shells_are_well_formed(tmp_path, shell):
    if shutil.which(shell) is None:
        pytest.fail(f"install {shell}: contrib/install-deps --test")
    path = tmp_path / "script"
    path.write_text(gantry("completion", shell))
    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done
    if shell == "fish":
        done = subprocess.run(["fish", "-N", "-c", f"source {path}; complete -C 'gantry che'; complete -C 'gantry help listener.back'"],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)})
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["check", "listener.backlog"], done
