"""The module auth: API keys, by themselves and beside passwords."""

import hashlib
import json

import pytest

from support.client import fetch
from support.credentials import basic, bearer, htpasswd
from support.gantry import Gantry
from support.modules import check_with, expect_refused
from support.origin import Origin, echo
from support.wait import wait_until

HEAD = """
modules = ["auth"]
[server]
auth_files_interval = "100ms"
auth_failures = { delay = "1ms", most_delay = "10s" }
[listener.web]
address = "127.0.0.1:0"
"""

PLACES = HEAD + """
[upstream.app]
peers = ["127.0.0.1:@origin@"]
[host."test"]
auth = { keys = "api.keys", basic = "users" }
[host."test".location."/"]
proxy = "app"
[host."test".location."/write/"]
auth = { require = { scopes = ["orders:read", "orders:write"] } }
proxy = "app"
[host."bearer.test"]
auth = { keys = { keys = { ci = "@ci@", old = { sha256 = "@old@", expires = "2020-01-01" }, soon = { sha256 = "@soon@", groups = "build", expires = "2999-01-01T00:00:00Z" } }, header = "", bearer = true, realm = "the API" } }
[host."bearer.test".location."/"]
proxy = "app"
[host."bearer.test".location."/passed-on/"]
auth = { keys = { keys = { ci = "@ci@" }, header = "X-Token", query = "api key", bearer = true, pass_on = true } }
proxy = "app"
[host."both.test"]
auth = { satisfy = "all", keys = "api.keys", basic = "users" }
[host."both.test".location."/"]
proxy = "app"
"""


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


def lines():
    return f"# keys\nreader:{digest('read-me')} scopes=orders:read\nwriter:{digest('write-me').upper()} groups=build,ops scopes=orders:read,orders:write expires=2999-12-31\nold:{digest('too-old')} expires=2020-01-01\n"


@pytest.fixture(scope="module")
def gantry():
    files = {"api.keys": lines(), "users": htpasswd("alice", "one")}
    with Origin(echo) as origin, Gantry(PLACES, files=files, origin=origin.port, ci=digest("ci-key"), old=digest("old-key"), soon=digest("soon-key")) as server:
        yield server


def seen(answer):
    assert answer.status == 200, answer
    return dict(json.loads(answer.body)["fields"])


def test_who_has_a_key_comes_in(gantry):
    fields = seen(fetch(gantry, "/", {"X-API-Key": "write-me"}))
    assert fields["x-auth-user"] == "writer" and fields["x-auth-groups"] == "build,ops" and fields["x-auth-scopes"] == "orders:read orders:write"
    assert "x-api-key" not in fields


@pytest.mark.parametrize("key", ["write-me ", "Write-me", "writer", "", "x" * 600, digest("write-me"), "too-old"])
def test_who_has_none_does_not(gantry, key):
    answer = fetch(gantry, "/", {"X-API-Key": key})
    assert answer.status == (200 if key.strip() == "write-me" else 401)
    if answer.status == 401:
        assert answer.all("WWW-Authenticate") == ['ApiKey realm="restricted", header="X-API-Key"', 'Basic realm="restricted", charset="UTF-8"']


def test_one_of_two_schemes_is_enough(gantry):
    assert seen(fetch(gantry, "/", basic("alice", "one")))["x-auth-user"] == "alice"
    fields = seen(fetch(gantry, "/", {"X-API-Key": "wrong", **basic("alice", "one")}))
    assert fields["x-auth-user"] == "alice" and "x-api-key" not in fields and "authorization" not in fields


def test_or_all_of_them_where_that_is_said(gantry):
    assert fetch(gantry, "/", basic("alice", "one"), host="both.test").status == 401
    assert fetch(gantry, "/", {"X-API-Key": "read-me"}, host="both.test").status == 401
    assert fetch(gantry, "/", {"X-API-Key": "read-me", **basic("alice", "no")}, host="both.test").status == 401
    fields = seen(fetch(gantry, "/", {"X-API-Key": "read-me", **basic("alice", "one")}, host="both.test"))
    assert fields["x-auth-user"] == "alice" and fields["x-auth-scopes"] == "orders:read"


def test_scopes_are_required_all_of_them(gantry):
    assert fetch(gantry, "/write/", {"X-API-Key": "write-me"}).status == 200
    assert fetch(gantry, "/write/", {"X-API-Key": "read-me"}).status == 403
    assert fetch(gantry, "/write/", basic("alice", "one")).status == 403


def test_keys_as_bearer_tokens(gantry):
    fields = seen(fetch(gantry, "/", bearer("soon-key"), host="bearer.test"))
    assert fields["x-auth-user"] == "soon" and fields["x-auth-groups"] == "build" and "authorization" not in fields
    for headers in [bearer("old-key"), bearer("none"), {"X-API-Key": "ci-key"}, {}]:
        answer = fetch(gantry, "/", headers, host="bearer.test")
        assert answer.status == 401 and answer["WWW-Authenticate"] == 'Bearer realm="the API"'


def test_keys_in_other_places_and_passed_on(gantry):
    assert fetch(gantry, "/passed-on/?api+key=ci-key", host="bearer.test").status == 401  # the host wants its own
    fields = seen(fetch(gantry, "/passed-on/?x=1&api%20key=ci%2Dkey", bearer("ci-key"), host="bearer.test"))
    assert fields["authorization"] == "Bearer ci-key"
    assert fetch(gantry, "/passed-on/", {"X-Token": "ci-key", **bearer("ci-key")}, host="bearer.test").status == 200
    assert fetch(gantry, "/passed-on/", {"X-Token": "no", **bearer("ci-key")}, host="bearer.test").status == 401


def test_a_file_of_keys_is_read_anew():
    text = HEAD + '[host."test"]\nauth = { keys = "api.keys" }\n[host."test".location."/"]\nrespond = "${header.X-Auth-User}"\n'
    with Gantry(text, files={"api.keys": lines()}) as server:
        assert fetch(server, "/", {"X-API-Key": "read-me"}).text == "reader"
        server.write("api.keys", f"other:{digest('other')}")
        wait_until(lambda: fetch(server, "/", {"X-API-Key": "other"}).status == 200, "the new key")
        assert fetch(server, "/", {"X-API-Key": "read-me"}).status == 401
        server.write("api.keys", "other:secret-in-clear")
        server.wait_log(r"file of keys not read, the one before goes on: .*api\.keys:1: the key other cannot be used")
        assert "secret-i" not in server.log()
        assert fetch(server, "/", {"X-API-Key": "other"}).status == 200


CHECKED = 'modules = ["auth"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test"]\n%s\n[host."test".location."/"]\nrespond = "in"\n'


@pytest.mark.parametrize(
    "line, text",
    [
        ("auth = { keys = {} }", "there are no keys"),
        ('auth = { keys = { keys = { ci = "short" } } }', "the key ci cannot be used"),
        ('auth = { keys = { keys = { ci = { sha256 = "@d@", expires = "2027-02-30" } } } }', "is no day as 2027-01-31"),
        ('auth = { keys = { keys = { ci = "@d@", cd = "@d@" } } }', "the same key is here a second time"),
        ('auth = { keys = { keys = { ci = "@d@" }, header = "" } }', "keys come from nowhere"),
        ('auth = { satisfy = "all", keys = { keys = { ci = "@d@" }, header = "", bearer = true }, basic = { users = { a = "@b@" } } }', "no request has two credentials"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(tmp_path, line, text):
    hashed = htpasswd("x", "y").partition(":")[2]
    expect_refused(tmp_path, CHECKED % line.replace("@d@", digest("x")).replace("@b@", hashed), text, 5)


def test_places_that_want_different_things_of_one_field(tmp_path):
    hashed = htpasswd("x", "y").partition(":")[2]
    line = f'auth = {{ keys = {{ keys = {{ ci = "{digest("x")}" }}, header = "", bearer = true }} }}'
    text = CHECKED % line + f'auth = {{ basic = {{ users = {{ a = "{hashed}" }} }} }}\n'
    expect_refused(tmp_path, text, "both test and test/ demand a credential in the field Authorization, and of different kinds", 8)


def test_a_file_names_all_its_mistakes(tmp_path):
    (tmp_path / "api.keys").write_text("a\nb:zz\nc:" + digest("x") + " scope=y\nd:" + digest("x") + " expires=soon\n")
    done = check_with(tmp_path, CHECKED % 'auth = { keys = "api.keys" }')
    assert done.returncode == 3
    for text in ["api.keys:1: there is no colon", "api.keys:2: the key b cannot be used", 'api.keys:3: "scope=y" is none of', "api.keys:4: the key d cannot be used"]:
        assert text in done.stderr, done.stderr
