"""What was served is kept: a crash, a rollback and a trial go back to it, whatever the files say by then."""

import os
import signal
import time

import pytest

from support.client import fetch
from support.gantry import Gantry
from support.operator import run, run_json
from support.wait import wait_until


def config(answer="one"):
    return f"""
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "{answer}"
"""


def serve(gantry, answer, *words):
    gantry.configure(config(answer))
    done = run(gantry, "reload", *words)
    assert done.returncode == 0, done.stderr
    return done


def kill_server(gantry):
    mark = gantry.mark()
    os.kill(gantry.server_pid(), signal.SIGKILL)
    gantry.wait_ready(mark)


# ---- a server process that dies


@pytest.mark.parametrize("edit", ["nonsense ][", config("edited"), None], ids=["broken", "edited", "gone"])
def test_a_successor_serves_what_was_served_and_not_what_the_files_say(edit):
    with Gantry(config("one")) as gantry:
        serve(gantry, "two")
        if edit is None:
            gantry.config_path.unlink()
        else:
            gantry.write("gantry.toml", edit)
        kill_server(gantry)
        assert fetch(gantry).text == "two"
        assert run_json(gantry, "status")[1]["generation"] == 2, "it is the same one"


def test_what_the_environment_and_other_files_brought_is_kept_too():
    text = config("${GREETING} ${file:@dir@/value}")
    with Gantry(text, files={"value": "before\n"}, env={"GREETING": "hello"}) as gantry:
        assert fetch(gantry).text == "hello before"
        gantry.write("value", "after")
        kill_server(gantry)
        assert fetch(gantry).text == "hello before"
        assert run(gantry, "reload").returncode == 0
        assert fetch(gantry).text == "hello after"


def test_included_files_are_kept():
    text = 'include = ["sites/*.toml"]\n[listener.web]\naddress = "127.0.0.1:0"\n'
    site = '[host."{0}".location."/"]\nrespond = "{0}"\n'
    with Gantry(text, files={"sites/a.toml": site.format("a.test")}) as gantry:
        (gantry.dir / "sites/a.toml").unlink()
        gantry.write("sites/b.toml", site.format("b.test"))
        kill_server(gantry)
        assert fetch(gantry, host="a.test").text == "a.test"


# ---- history and rollback


def test_history_lists_what_was_served_and_why():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two")
        gantry.write("gantry.toml", "broken")
        assert run(gantry, "reload").returncode == 3
        serve(gantry, "three")
        generations = run_json(gantry, "history")[1]["generations"]
        assert [one["generation"] for one in generations] == [1, 2, 3], "what was refused did not serve"
        assert [one["serves"] for one in generations] == [False, False, True]
        assert generations[0]["cause"] == "start"
        assert generations[1]["cause"] == "reload: location / of host test changed"
        assert abs(generations[2]["loaded"] - time.time()) < 60
        lines = run(gantry, "history").stdout.splitlines()
        assert len(lines) == 3 and lines[2].endswith("reload: location / of host test changed  serves")


def test_history_shows_the_files_of_a_generation_without_secrets():
    text = 'include = ["more.toml"]\n' + config("${SECRET} ${file:@dir@/secret}")
    with Gantry(text, files={"more.toml": "# more\n", "secret": "hidden"}, env={"SECRET": "hidden too"}) as gantry:
        first = gantry.config_path.read_text()
        serve(gantry, "two")
        done = run(gantry, "history", "1")
        assert first in done.stdout and "# more\n" in done.stdout and "hidden" not in done.stdout
        files = {one["name"]: one["text"] for one in run_json(gantry, "history", "1")[1]["files"]}
        assert files == {str(gantry.config_path): first, str(gantry.dir / "more.toml"): "# more\n"}
        done = run(gantry, "history", "9")
        assert done.returncode == 1 and "there is no such generation" in done.stderr


def test_rollback_serves_an_earlier_generation_as_a_new_one():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two")
        serve(gantry, "three")
        done = run(gantry, "rollback", "1")
        assert done.returncode == 0
        assert '"three" -> "one"' in done.stdout and "rolled back: generation 4 serves" in done.stdout
        assert "the next reload loads them" in done.stdout
        assert fetch(gantry).text == "one"
        kill_server(gantry)
        assert fetch(gantry).text == "one", "a rollback outlives the server process"
        assert run(gantry, "reload").returncode == 0
        assert fetch(gantry).text == "three", "the files were not touched"


def test_rollback_without_a_number_goes_to_the_one_before():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two")
        assert run(gantry, "rollback").returncode == 0
        assert fetch(gantry).text == "one"
        assert run_json(gantry, "history")[1]["generations"][-1]["cause"].startswith("rollback to 1: ")


@pytest.mark.parametrize("words", [["rollback", "7"], ["rollback"]])
def test_rollback_to_what_is_not_there_is_refused(words):
    with Gantry(config("one")) as gantry:
        done = run(gantry, *words)
        assert done.returncode == 1
        assert "there is no generation" in done.stderr and "gantry history" in done.stderr
        assert fetch(gantry).text == "one"


def test_the_oldest_are_forgotten():
    with Gantry(config("0")) as gantry:
        for number in range(1, 25):
            serve(gantry, str(number))
        generations = run_json(gantry, "history")[1]["generations"]
        assert [one["generation"] for one in generations] == list(range(6, 26))
        assert gantry.open_files() < 150


# ---- on trial


def test_a_trial_that_nobody_confirms_ends_where_it_began():
    with Gantry(config("one")) as gantry:
        mark = gantry.mark()
        done = serve(gantry, "two", "--confirm", "1s")
        assert "on trial for 1s" in done.stdout and "gantry confirm" in done.stdout
        assert fetch(gantry).text == "two"
        gantry.wait_log("generation 2 was not confirmed in time: back to generation 1", mark)
        wait_until(lambda: fetch(gantry).text == "one", "what served before")
        causes = [one["cause"] for one in run_json(gantry, "history")[1]["generations"]]
        assert causes[1].startswith("reload on trial: ") and causes[2].startswith("rollback to 1, as 2 was not")


def test_a_trial_that_is_confirmed_stays():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two", "--confirm", "30s")
        assert 0 < run_json(gantry, "status")[1]["trial_left_ms"] <= 30_000
        done = run(gantry, "confirm")
        assert (done.returncode, done.stdout) == (0, "confirmed: generation 2 stays\n")
        assert run_json(gantry, "status")[1]["trial_left_ms"] == 0
        kill_server(gantry)
        assert fetch(gantry).text == "two"
        done = run(gantry, "confirm")
        assert done.returncode == 1 and "no generation is on trial" in done.stderr


def test_a_trial_that_kills_the_server_process_is_over():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two", "--confirm", "10m")
        mark = gantry.mark()
        kill_server(gantry)
        gantry.wait_log("generation 2 was on trial when the server process died: back to generation 1", mark)
        assert fetch(gantry).text == "one"
        assert run_json(gantry, "status")[1]["generation"] == 3


def test_nothing_else_is_loaded_during_a_trial_but_another_trial():
    with Gantry(config("one")) as gantry:
        serve(gantry, "two", "--confirm", "10m")
        gantry.configure(config("three"))
        done = run(gantry, "reload")
        assert done.returncode == 1
        assert "generation 2 is on trial" in done.stderr and "gantry confirm" in done.stderr
        gantry.reload(expect="generation 2 is on trial")
        assert fetch(gantry).text == "two"
        serve(gantry, "three", "--confirm", "10m")
        assert fetch(gantry).text == "three"
        assert run(gantry, "rollback", "1").returncode == 0
        assert fetch(gantry).text == "one"
        serve(gantry, "four")
        assert fetch(gantry).text == "four", "the rollback has ended the trial"


def test_a_trial_wants_a_time():
    with Gantry(config("one")) as gantry:
        done = run(gantry, "reload", "--confirm", "soon")
        assert done.returncode == 2 and "--confirm" in done.stderr
        assert run_json(gantry, "status")[1]["generation"] == 1


# ---- plan


def test_plan_says_what_a_reload_would_change_and_changes_nothing():
    with Gantry(config("one")) as gantry:
        assert run(gantry, "plan").stdout == "nothing changes\n"
        gantry.configure(config("two"))
        done = run(gantry, "plan")
        assert done.returncode == 0 and '"one" -> "two"' in done.stdout
        assert fetch(gantry).text == "one"
        gantry.write("gantry.toml", "wrong = 1")
        done = run(gantry, "plan")
        assert done.returncode == 3 and "wrong" in done.stderr
        assert run_json(gantry, "history")[1]["generations"][-1]["generation"] == 1


def test_plan_says_whose_connections_a_reload_closes():
    text = config() + '[listener.other]\naddress = "127.0.0.1:0"\n'
    with Gantry(text) as gantry:
        gantry.configure(config())
        planned = run_json(gantry, "plan")[1]["changes"]
        assert planned[0]["subject"] == "listener other" and planned[0]["what"] == "removed"
        assert planned[0]["effects"][-1] == "0 connections are open on it now"
