"""What fingers that are used to nginx type: -t, -T, -s, -c, -p, -g, -v, -V; and what every command understands."""

import json
import re
import signal
import subprocess

import pytest

from support.client import fetch
from support.gantry import Gantry, binary
from support.wait import wait_until

CONFIG = """
[server]
workers = 1
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "one"
"""


def gantry(*arguments, **more):
    return subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gantry.toml").write_text(CONFIG)
    return tmp_path


def test_t_checks(folder):
    done = gantry("-t", "-c", folder / "gantry.toml")
    assert done.returncode == 0 and done.stdout.endswith(": good: 1 listener, 1 host, 0 upstreams\n")
    done = gantry("-q", "-t", "-c", folder / "gantry.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (folder / "gantry.toml").write_text(CONFIG.replace("respond", "repond"))
    done = gantry("-t", "-q", "-c", folder / "gantry.toml")
    assert done.returncode == 3 and "repond" in done.stderr


def test_T_prints_it_too(folder):
    done = gantry("-T", "-c", folder / "gantry.toml")
    assert done.returncode == 0
    assert ": good: " in done.stdout and 'respond = "one"  # ' in done.stdout


def test_p_is_where_it_is_looked_for(folder):
    assert gantry("-t", "-p", folder).returncode == 0
    (folder / "other.toml").write_text(CONFIG)
    assert "other.toml: good" in gantry("-t", "-p", f"{folder}/", "-c", "other.toml").stdout
    assert gantry("-t", "-p", folder, "-c", "missing.toml").returncode == 3


def test_g_comes_before_the_files(folder):
    done = gantry("-T", "-p", folder, "-g", "server.workers = 3", "-g", 'listener.web.backlog = 17')
    assert "workers = 3  # the command line:1" in done.stdout
    assert "backlog = 17  # the command line:2" in done.stdout
    done = gantry("-T", "-p", folder, "-g", 'host."test".location."/".respond = "two"')
    assert 'respond = "two"  # the command line:1' in done.stdout and "one" not in done.stdout


@pytest.mark.parametrize("line, said", [("daemon off;", "there is no = behind"), ("server.wokers = 1", "wokers"), ("log.level = 7", "level")])
def test_g_that_is_wrong(folder, line, said):
    done = gantry("-t", "-p", folder, "-g", line)
    assert done.returncode == 3 and said in done.stderr and "the command line:1" in done.stderr, done.stderr


def test_v():
    short = gantry("-v")
    assert short.returncode == 0 and re.fullmatch(r"gantry \d+\.\d+\.\d+\n", short.stdout)
    assert gantry("--version").stdout == short.stdout == gantry("version").stdout
    whole = gantry("-V")
    assert whole.returncode == 0 and whole.stdout.startswith(short.stdout) and "OpenSSL" in whole.stdout


def test_c_serves_in_the_foreground_and_s_speaks_to_it(folder):
    with Gantry(CONFIG) as server:
        path = server.config_path
        server.write("gantry.toml", path.read_text().replace("one", "two"))
        done = gantry("-s", "reload", "-c", path)
        assert done.returncode == 0 and "reloaded: generation 2" in done.stdout
        assert fetch(server).text == "two"
        assert gantry("-s", "reopen", "-q", "-c", path).stdout == ""
        done = gantry("-s", "quit", "-p", server.dir)
        assert (done.returncode, done.stdout) == (0, "stopped\n")
        server.process.wait(30)
    assert gantry("-s", "stop", "-c", path).returncode == 4


def test_c_alone_serves(folder):
    user = [] if not Gantry(CONFIG, ready=False)._user else ["-g", 'server.user = "root"']
    process = subprocess.Popen([binary(), "-c", "gantry.toml", "-p", str(folder), *user], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if re.search(r"\bready\b", line):
                break
        assert gantry("status", "-q", "-c", folder / "gantry.toml").returncode == 0
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("words", [["-s", "restart"], ["-s", "reload", "-t"], ["-c", "x.toml", "check"], ["-q"], []])
def test_what_makes_no_sense(words):
    done = gantry(*words)
    assert done.returncode == 2 and done.stderr


# ---- what every command understands


def commands():
    """All of them, as help lists them."""
    found = re.findall(r"^## `(gantry [a-z ]+?)(?= [A-Z\[]|`)", gantry("help", "--commands", "--format", "markdown").stdout, re.M)
    assert len(found) > 10
    return found


def test_every_command_knows_quiet_and_json():
    text = gantry("help", "--commands", "--format", "markdown").stdout
    for section in text.split("\n## ")[1:]:
        assert "`-q, --quiet`" in section, section.splitlines()[0]
        assert re.search(r"`--format text\|json[a-z|]*`", section), section.splitlines()[0]


@pytest.mark.parametrize("words", [["version"], ["completion", "bash"], ["config", "schema"], ["help", "workers"], ["help"]])
def test_quiet_and_json(words):
    assert (gantry(*words, "-q").returncode, gantry(*words, "-q").stdout) == (0, "")
    json.loads(gantry(*words, "--format", "json").stdout)
    assert gantry(*words).stdout


def test_run_says_why_it_does_not_start(folder):
    (folder / "gantry.toml").write_text(CONFIG.replace("respond", "repond"))
    user = Gantry(CONFIG, ready=False)._user
    done = gantry("run", "-q", "--format", "json", "-c", folder / "gantry.toml", *user)
    assert done.returncode == 3 and json.loads(done.stdout)[0]["severity"] == "error"


def test_run_quiet_logs_warnings_only(folder):
    user = Gantry(CONFIG, ready=False)._user
    process = subprocess.Popen([binary(), "run", "-q", "-c", str(folder / "gantry.toml"), *user], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: gantry("status", "-q", "-c", folder / "gantry.toml").returncode == 0, "the server")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == "" and process.returncode == 0


def test_the_manual_has_signals_and_exit_codes():
    page = gantry("help", "--commands", "--format", "man").stdout
    for part in (".SH SIGNALS", "SIGHUP", "SIGQUIT", ".SH EXIT STATUS", ".B 4", "\\-s"):
        assert part in page, part
