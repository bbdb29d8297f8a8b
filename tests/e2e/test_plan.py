"""`gantry plan`: what a change of the configuration would change."""

import json
import subprocess

from support.gantry import binary

OLD = """[listener.web]
address = "127.0.0.1:8080"
[host."a.test".location."/"]
respond = "a"
"""
NEW = """[listener.web]
address = "127.0.0.1:8081"
[host."a.test".location."/"]
respond = "b"
[host."a.test".location."/b/"]
respond = "b"
"""


def plan(tmp_path, old, new, *arguments):
    (tmp_path / "old.toml").write_text(old)
    (tmp_path / "new.toml").write_text(new)
    done = subprocess.run([binary(), "plan", "-c", tmp_path / "new.toml", "--against", tmp_path / "old.toml", *arguments],
                          capture_output=True, timeout=60)
    assert b"Sanitizer" not in done.stderr
    return done.returncode, done.stdout.decode().replace(str(tmp_path), "@"), done.stderr.decode()


def test_text(tmp_path):
    assert plan(tmp_path, OLD, NEW) == (0, """~ listener web (@/new.toml:1)
    address: [127.0.0.1:8080] -> [127.0.0.1:8081]
    = opens 127.0.0.1:8081
    = closes 127.0.0.1:8080
~ location / of host a.test (@/new.toml:3)
    respond.body: "a" -> "b"
+ location /b/ of host a.test (@/new.toml:5)
""", "")
    assert plan(tmp_path, OLD, OLD) == (0, "nothing changes\n", "")
    assert plan(tmp_path, OLD, NEW, "-q") == (0, "", "")


def test_json(tmp_path):
    code, out, _ = plan(tmp_path, OLD, NEW, "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert [(one["what"], one["kind"], one["name"], one["host"]) for one in found] == [
        ("changed", "listener", "web", None), ("changed", "location", "/", "a.test"), ("added", "location", "/b/", "a.test")]
    assert found[0]["effects"] == ["opens 127.0.0.1:8081", "closes 127.0.0.1:8080"]
    assert json.loads(plan(tmp_path, OLD, OLD, "--format", "json")[1]) == []


def test_invalid(tmp_path):
    code, out, err = plan(tmp_path, OLD, "nonsense = 1\n")
    assert (code, out) == (3, "")
    assert "nonsense" in err
