"""`gantry check` and the command line: what is printed where, exit codes, and the checks that need other rooms."""

import json
import subprocess

import pytest

from support.gantry import ROOT, binary

GOOD = """
[listener.web]
address = "127.0.0.1:0"

[host."a.test".location."/"]
respond = "hello ${host}"
"""
TLS = """
[listener.web]
address = "127.0.0.1:0"
tls = true

[host."a.test"]
certificate = { certificate = "a.pem", key = "a.key" }

[host."a.test".location."/"]
respond = "hello"
"""


def gantry(*arguments):
    done = subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    assert "Sanitizer" not in done.err
    return done


def check(folder, text, *arguments):
    path = folder / "gantry.toml"
    path.write_text(text)
    return gantry("check", "-c", path, *arguments)


def put(folder, name, content, mode=0o600):
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)


def test_good(tmp_path):
    done = check(tmp_path, GOOD)
    assert (done.returncode, done.err) == (0, "")
    assert done.out == f"{tmp_path}/gantry.toml: good: 1 listener, 1 host, 0 upstreams\n"
    done = check(tmp_path, GOOD, "-q")
    assert (done.returncode, done.out, done.err) == (0, "", "")
    done = check(tmp_path, GOOD, "--format", "json")
    assert (done.returncode, done.err) == (0, "")
    assert json.loads(done.out) == []


def test_errors(tmp_path):
    text = GOOD.replace("address", "adress") + "max_bodi = 5\n"
    done = check(tmp_path, text)
    assert (done.returncode, done.out) == (3, "")
    assert f'{tmp_path}/gantry.toml:3:1: error: unknown key "adress"' in done.err
    assert 'did you mean "address"?' in done.err and 'did you mean "max_body"?' in done.err
    assert done.err.endswith("gantry.toml: 2 errors, 0 warnings\n")
    done = check(tmp_path, text, "--format", "json")
    assert (done.returncode, done.err) == (3, "")
    found = json.loads(done.out)
    assert [(item["line"], item["column"], item["severity"]) for item in found] == [(3, 1, "error"), (7, 1, "error")]
    assert found[0]["hint"] == 'did you mean "address"?'


def test_strict(tmp_path):
    text = GOOD + '[upstream.unused]\npeers = ["127.0.0.1:1"]\n'
    done = check(tmp_path, text)
    assert done.returncode == 0 and "warning: no location uses" in done.err and "1 warning" in done.out
    done = check(tmp_path, text, "--strict")
    assert done.returncode == 3 and "(strict)" in done.err


@pytest.mark.parametrize(
    "wrong, column, said",
    [
        ('respond = "hello ${hots}"', 18, "hots"),
        ('redirect = "https://${host}/${nonsense.x}"', 29, "nonsense"),
        ("request_headers = { set = { X-A = \"${hos}\" } }\nrespond = 200", 35, "hos"),
        ('access_log = { format = "${staus}" }\nrespond = 200', 25, "staus"),
        ("patterns = ['~^/(']\nrespond = 200", 13, "written \\("),
        ("patterns = ['~^/*+?']\nrespond = 200", 13, "written \\*"),
        ('respond = "ääääääääää ${hots}"', 16, "hots"),
        ("when = { header = { X = '~(' } }\nrespond = 200", 21, ""),
    ],
)
def test_templates_and_expressions(tmp_path, wrong, column, said):
    done = check(tmp_path, GOOD.replace('respond = "hello ${host}"', wrong), "--format", "json")
    assert done.returncode == 3
    (found,) = json.loads(done.out)
    assert found["line"] == 6 and column <= found["column"] <= column + 8, found
    assert said in found["message"] + found["hint"]


def test_expression_of_a_host(tmp_path):
    done = check(tmp_path, GOOD + "[host.'~^(a\\.test$'.location.'/']\nrespond = 200\n", "--format", "json")
    assert done.returncode == 3
    assert {item["line"] for item in json.loads(done.out)} == {7}


def test_certificates(tmp_path, authority):
    leaf, other = authority.leaf("a.test"), authority.leaf("b.test")
    put(tmp_path, "a.pem", leaf.certificate, 0o644)
    put(tmp_path, "a.key", leaf.key)
    done = check(tmp_path, TLS, "--strict")
    assert done.returncode == 0, done.err

    put(tmp_path, "a.key", other.key)
    done = check(tmp_path, TLS)
    at = 1 + 'certificate = { certificate = "a.pem", key = "a.key" }'.index('"a.key"')
    assert done.returncode == 3 and f"gantry.toml:7:{at}: error: " in done.err, done.err

    put(tmp_path, "a.key", b"-----BEGIN nothing")
    assert check(tmp_path, TLS).returncode == 3

    put(tmp_path, "a.pem", other.certificate)
    put(tmp_path, "a.key", other.key)
    done = check(tmp_path, TLS)
    assert done.returncode == 0 and "warning" in done.err, "a certificate for another name is a warning"

    put(tmp_path, "a.key", leaf.key, 0o644)
    done = check(tmp_path, TLS)
    assert done.returncode == 3 and "every user of this machine can read" in done.err

    (tmp_path / "a.pem").unlink()
    done = check(tmp_path, TLS)
    assert done.returncode == 3 and "No such file" in done.err


def test_tls_settings(tmp_path):
    text = TLS.replace("tls = true", 'tls = { ciphers = "NONSENSE" }').replace(
        'certificate = { certificate = "a.pem", key = "a.key" }', 'certificate = "self-signed"'
    )
    done = check(tmp_path, text)
    assert done.returncode == 3 and "NONSENSE" in done.err, done.err
    done = check(tmp_path, text.replace("ciphers", "groups"))
    assert done.returncode == 3 and "NONSENSE" in done.err, done.err
    put(tmp_path, "ca.pem", b"not a certificate")
    done = check(tmp_path, text.replace('ciphers = "NONSENSE"', 'client_certificate = { mode = "required", ca = "ca.pem" }'))
    assert done.returncode == 3 and "ca.pem" in done.err, done.err


def test_the_shipped_configuration():
    done = gantry("check", "--strict", "-c", ROOT / "conf" / "gantry.toml")
    assert done.returncode == 0, done.err


def test_usage():
    for arguments in [["check", "--nonsense"], ["nonsense"], ["check", "--format", "xml"], ["check", "-c"], []]:
        done = gantry(*arguments)
        assert done.returncode == 2 and done.err, arguments
    for arguments in [["--help"], ["check", "--help"], ["run", "--help"]]:
        done = gantry(*arguments)
        assert done.returncode == 0 and "Exit codes" in done.out, arguments
    version = gantry("version")
    assert version.returncode == 0 and version.out.startswith("gantry ")
    assert gantry("--version").out == version.out


def test_a_file_that_is_not_there():
    done = gantry("check", "-c", "/nonexistent/gantry.toml")
    assert done.returncode == 3 and "No such file or directory" in done.err
    done = gantry("run", "-c", "/nonexistent/gantry.toml")
    assert done.returncode == 3 and "No such file or directory" in done.err
