"""[[test]] in a configuration: run by check, and before a configuration is served."""

import re
import subprocess

import pytest

from support.client import fetch
from support.gantry import Gantry, StartFailed, binary

CONFIG = """
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
peers = ["127.0.0.1:1"]
[host."a.test".location."/"]
static = { root = "/srv/a", spa = "index.html" }
[host."a.test".location."/api/"]
proxy = { upstream = "app" }
[host."a.test".location."/old"]
redirect = { to = "https://a.test/new", status = 301 }
[host."a.test".location."/inside/"]
when = { clients = ["10.0.0.0/8"] }
respond = "inside"
"""
GOOD = """
[[test]]
request = "GET http://a.test/x.txt"
expect = { host = "a.test", location = "/", handler = "static", file = "/srv/a/x.txt", path = "/x.txt" }
[[test]]
request = "GET http://a.test/api/../api/x"
expect = { location = "/api/", upstream = "app", path = "/api/x" }
[[test]]  # a comment
request = "GET http://a.test/old"
[test.expect]
status = 301
header = { Location = "https://a.test/new", X-None = false }
[[test]]
request = "GET http://a.test/inside/"
client = "10.1.2.3"
headers = { Cookie = "a=b" }
listener = "web"
expect = { status = 200, location = "/inside/" }
[[test]]
request = "POST http://a.test/x"
expect = { status = 405, header = { Allow = "GET, HEAD" } }
[[test]]
request = "GET http://a.test/%2e%2e/x"
expect = { status = 400, location = "" }
"""


def check(tmp_path, text):
    (tmp_path / "index.html").write_text("x")
    path = tmp_path / "gantry.toml"
    path.write_text(text)
    done = subprocess.run([binary(), "check", "-c", path], capture_output=True, timeout=60)
    assert b"Sanitizer" not in done.stderr
    return done.returncode, done.stderr.decode().replace(str(path), "F")


def test_good(tmp_path):
    assert check(tmp_path, CONFIG.replace("/srv/a", str(tmp_path)) + GOOD.replace("/srv/a", str(tmp_path))) == (0, "")


@pytest.mark.parametrize("request_text, expect, said", [
    ("GET http://a.test/x", 'location = "/api/"', 'the location of GET http://a.test/x would be "/", not "/api/"'),
    ("GET http://a.test/api/", "status = 200", "the status of GET http://a.test/api/ depends on a file or a peer and is not known before"),
    ("GET http://a.test/old", "status = 302", "the status of GET http://a.test/old would be 301, not 302"),
    ("GET http://a.test/old", 'header = { Location = "/" }',
     'the field Location of GET http://a.test/old would be "https://a.test/new", not "/"'),
    ("GET http://a.test/old", "header = { Location = false }", 'would be "https://a.test/new", not none'),
    ("GET http://a.test/old", 'upstream = "app"', 'the upstream of GET http://a.test/old would be none, not "app"'),
    ("GET http://a.test/x", 'file = "/y"', "would be \"@root@/x\", \"@root@/index.html\", not \"/y\""),
])
def test_failing(tmp_path, request_text, expect, said):
    text = CONFIG.replace("/srv/a", str(tmp_path))
    code, err = check(tmp_path, f'{text}\n[[test]]\nrequest = "{request_text}"\nexpect = {{ {expect} }}\n')
    assert code == 3
    assert said.replace("@root@", str(tmp_path)) in err
    line = len(text.splitlines()) + 4
    assert re.search(rf"^F:{line}:\d+: error: this test fails: ", err, re.M), err
    assert re.search(r"= answered by the location \S+ of host a\.test, as F:\d+ has it", err), err


def test_not_to_be_run(tmp_path):
    text = CONFIG.replace("/srv/a", str(tmp_path))
    code, err = check(tmp_path, text + '[[test]]\nrequest = "GET https://a.test/"\nexpect = { status = 200 }\n')
    assert code == 3
    assert "this test cannot be run: no listener speaks TLS" in err


def test_before_start_and_reload(tmp_path):
    text = CONFIG.replace("/srv/a", str(tmp_path))
    failing = text + '[[test]]\nrequest = "GET http://a.test/old"\nexpect = { status = 200 }\n'
    with Gantry(text) as server:
        server.reload(failing, expect=r"this test fails|not loaded")
        assert "the old one goes on" in server.log()
        assert fetch(server, "/old", host="a.test").status == 301
        server.reload(text + GOOD.replace("/srv/a", str(tmp_path)), expect="reloaded")
    server = Gantry(failing)
    with pytest.raises(StartFailed):
        with server:
            pass
    assert "this test fails" in server.log()
