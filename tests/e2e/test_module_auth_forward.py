"""The module auth: another server says who may. A service of our own, nginx, and gantry itself."""

import concurrent.futures
import json
import ssl
import threading

import pytest

from support.certs import Authority
from support.client import RawClient, exchange, fetch
from support.credentials import basic, htpasswd
from support.gantry import Gantry
from support.modules import expect_refused
from support.nginx import Nginx
from support.origin import Origin, echo
from support.wait import wait_until

HEAD = """
modules = ["auth"]
[server]
workers = 2
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
peers = ["127.0.0.1:@origin@"]
"""

PLACES = HEAD + """
[upstream.judge]
peers = ["127.0.0.1:@judge@"]
[host."test"]
auth = { forward = { url = "http://127.0.0.1:@judge@/check?from=gantry", copy = ["Remote-User", "Remote-Email"], user = "Remote-User", groups = "Remote-Groups" } }
[host."test".location."/"]
proxy = "app"
[host."test".location."/open/"]
auth = "none"
proxy = "app"
[host."test".location."/admin/"]
auth = { require = "admins" }
proxy = "app"
[host."cached.test"]
auth = { forward = { url = "upstream:judge/check", user = "Remote-User", fields = "Cookie", cache = { key = ["${cookie.session}", "${host}"], ttl = "1h", deny_ttl = "1h" } } }
[host."cached.test".location."/"]
proxy = "app"
[host."short.test"]
auth = { forward = { url = "upstream:judge/check", user = "Remote-User", timeout = "200ms", cache = { key = "${cookie.session}", ttl = "100ms" } } }
[host."short.test".location."/"]
proxy = "app"
[host."token.test"]
auth = { forward = { url = "upstream:judge/check", copy = "Authorization" } }
[host."token.test".location."/"]
proxy = "app"
[host."either.test"]
auth = { basic = "users", forward = { url = "upstream:judge/check", user = "Remote-User" } }
[host."either.test".location."/"]
proxy = "app"
"""


class Judge:
    """Decides by the cookie "session", as single sign-on does."""

    def __init__(self):
        self.asked = []
        self.hold = threading.Event()
        self.hold.set()
        self.origin = Origin(self.serve)

    def serve(self, connection, origin):
        while True:
            request = connection.read_request()
            self.asked.append(request)
            self.hold.wait(15)
            session = (request.get("cookie") or "").partition("session=")[2].partition(";")[0]
            if session.startswith("alice"):
                connection.respond(200, "ignored", [("Remote-User", "alice"), ("Remote-Groups", "staff"), ("remote-groups", "admins"), ("Remote-Email", "a@test")])
            elif session == "token":
                connection.respond(200, "", {"Authorization": "Bearer from-the-judge"})
            elif session == "bob":
                connection.respond(204, b"", {"Remote-User": "bob"}, length=False)
            elif session.isdigit():
                connection.respond(int(session), "status " + session, {"Location": "http://elsewhere/"})
            elif session == "cut":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                return
            elif session == "none":
                return
            elif session == "evil":
                connection.respond(200, "", {"Remote-User": "x\x01y"})
            elif session == "login":
                connection.respond(302, "to the login", [("Location", "https://id.test/?rd=" + request.get("x-forwarded-uri")), ("Set-Cookie", "state=1; HttpOnly"), ("Set-Cookie", "b=2")])
            else:
                connection.respond(401, "who are you?", {"WWW-Authenticate": 'Custom realm="judge"', "Content-Type": "text/plain", "X-Why": "no session"})


@pytest.fixture(scope="module")
def judge():
    judge = Judge()
    with judge.origin:
        yield judge


@pytest.fixture(scope="module")
def gantry(judge):
    with Origin(echo) as origin, Gantry(PLACES, files={"users": htpasswd("carol", "one")}, origin=origin.port, judge=judge.origin.port) as server:
        yield server


def session(name):
    return {"Cookie": f"session={name}"}


def seen(answer):
    assert answer.status == 200, answer
    return dict(json.loads(answer.body)["fields"])


# ---- yes and no


def test_whom_the_other_server_knows_comes_in(gantry, judge):
    with RawClient(gantry) as client:
        answer = client.request("POST", "/a%20b?c=d", {**session("alice"), "X-Forwarded-Method": "GET", "X-Forwarded-For": "10.0.0.1", "X-Other": "1", "Accept": "text/x"}, body="body").response()
    fields = seen(answer)
    assert (fields["remote-user"], fields["remote-email"], fields["x-auth-user"], fields["x-auth-groups"]) == ("alice", "a@test", "alice", "staff,admins")
    assert "remote-groups" not in fields
    asked = judge.asked[-1]
    assert (asked.method, asked.target, asked.body) == ("GET", "/check?from=gantry", b"")
    for name, value in [("Method", "POST"), ("Proto", "http"), ("Host", "test"), ("Uri", "/a%20b?c=d"), ("For", "127.0.0.1")]:
        assert asked.all(f"X-Forwarded-{name}") == [value]
    assert asked.get("accept") == "text/x" and asked.get("x-other") is None and asked.get("cookie") == "session=alice"


def test_whom_it_does_not_know_gets_its_answer(gantry):
    answer = fetch(gantry, "/")
    assert (answer.status, answer.text, answer["X-Why"], answer["Content-Type"]) == (401, "who are you?", "no session", "text/plain")
    assert answer.all("WWW-Authenticate") == ['Custom realm="judge"']
    answer = fetch(gantry, "/page?x=1", session("login"))
    assert (answer.status, answer["Location"], answer.text) == (302, "https://id.test/?rd=/page?x=1", "to the login")
    assert answer.all("Set-Cookie") == ["state=1; HttpOnly", "b=2"]
    answer = exchange(gantry, "HEAD", "/", session("403"))
    assert answer.status == 403 and answer["Content-Length"] == "10"
    gantry.wait_log(r"authentication failed scheme=forward reason=denied place=test/ client=127\.0\.0\.1")


@pytest.mark.parametrize("code", [301, 303, 307, 308, 401, 403])
def test_answers_that_are_for_the_client(gantry, code):
    assert fetch(gantry, "/", session(code)).text == f"status {code}"


@pytest.mark.parametrize("name", ["300", "304", "400", "404", "407", "429", "500", "502", "cut", "none"])
def test_what_is_no_answer_lets_nobody_in(gantry, name):
    answer = fetch(gantry, "/", session(name))
    assert answer.status == 503 and "Location" not in answer


def test_a_name_that_no_field_can_hold_lets_nobody_in(gantry):
    assert fetch(gantry, "/", session("evil")).status in (403, 503)


def test_what_clients_say_of_themselves_is_taken_out(gantry):
    for target in ["/", "/open/"]:
        fields = seen(fetch(gantry, target, {**session("bob"), "Remote-User": "root", "remote_email": "root", "X-Auth-Groups": "root"}))
        assert "root" not in fields.values() and fields.get("remote-user") == ("bob" if target == "/" else None)


def test_the_upstream_gets_the_token_of_the_answer(gantry, judge):
    fields = seen(fetch(gantry, "/", {**session("token"), **basic("any", "thing")}, host="token.test"))
    assert fields["authorization"] == "Bearer from-the-judge"
    assert judge.asked[-1].get("authorization") == basic("any", "thing")["Authorization"]
    assert "authorization" not in seen(fetch(gantry, "/", {**session("bob"), **basic("any", "thing")}, host="token.test"))


def test_what_is_required_holds_on_top(gantry):
    assert fetch(gantry, "/admin/", session("alice")).status == 200
    assert fetch(gantry, "/admin/", session("bob")).status == 403


def test_another_scheme_is_enough_as_well(gantry, judge):
    before = len(judge.asked)
    assert seen(fetch(gantry, "/", basic("carol", "one"), host="either.test"))["x-auth-user"] == "carol"
    assert len(judge.asked) == before
    assert seen(fetch(gantry, "/", session("bob"), host="either.test"))["x-auth-user"] == "bob"
    assert fetch(gantry, "/", basic("carol", "no"), host="either.test").text == "who are you?"


# ---- what is remembered


def test_an_answer_is_remembered_by_its_key(gantry, judge):
    before = len(judge.asked)
    for _ in range(5):
        assert seen(fetch(gantry, "/", session("alice-remembered"), host="cached.test"))["x-auth-user"] == "alice"
        assert fetch(gantry, "/", session("nobody"), host="cached.test").text == "who are you?"
    assert len(judge.asked) == before + 2


def test_what_sends_somewhere_or_fails_is_not_remembered(gantry, judge):
    for name in ["login", "500", "cut"]:
        before = len(judge.asked)
        assert [fetch(gantry, "/", session(name), host="cached.test").status for _ in range(3)] == [302 if name == "login" else 503] * 3
        assert len(judge.asked) >= before + 3


def test_without_a_key_each_request_is_asked_about(gantry, judge):
    before = len(judge.asked)
    for _ in range(3):
        assert fetch(gantry, "/", host="short.test").status == 401
    assert len(judge.asked) == before + 3


def test_what_was_remembered_ends(gantry, judge):
    before = len(judge.asked)
    wait_until(lambda: fetch(gantry, "/", session("alice-short"), host="short.test").status == 200 and len(judge.asked) >= before + 2, "another question")


def test_one_asks_for_all(gantry, judge):
    before = len(judge.asked)
    judge.hold.clear()
    try:
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            answers = [pool.submit(fetch, gantry, "/", session("alice-together"), host="cached.test") for _ in range(30)]
            leaving = RawClient(gantry).request(headers=session("alice-together"), host="cached.test")
            wait_until(lambda: len(judge.asked) > before, "the question")
            leaving.reset()
            judge.hold.set()
            assert all(answer.result().status == 200 for answer in answers)
    finally:
        judge.hold.set()
    assert len(judge.asked) == before + 1


def test_who_leads_may_leave(gantry, judge):
    before = len(judge.asked)
    judge.hold.clear()
    try:
        leader = RawClient(gantry).request(headers=session("alice-leads"), host="cached.test")
        wait_until(lambda: len(judge.asked) > before, "the question")
        follower = RawClient(gantry).request(headers=session("alice-leads"), host="cached.test")
        leader.reset()
        follower.expect_silence(0.1)
        judge.hold.set()
        assert follower.response().status == 200 and len(judge.asked) == before + 1
        follower.close()
    finally:
        judge.hold.set()


def test_who_takes_too_long_lets_nobody_in(gantry, judge):
    judge.hold.clear()
    try:
        assert fetch(gantry, "/", host="short.test").status == 503
    finally:
        judge.hold.set()


# ---- real counterparts


def test_nginx_says_who_may():
    rules = """
        location = /check { if ($http_cookie !~ "session=good") { return 302 https://id.test/login; } if ($http_x_forwarded_uri ~ "^/secret") { return 403; } add_header Remote-User nina; return 204; }
    """
    text = HEAD + '[host."test"]\nauth = { forward = { url = "http://127.0.0.1:@judge@/check", copy = "Remote-User", user = "Remote-User" } }\n[host."test".location."/"]\nproxy = "app"\n'
    with Nginx(server=rules) as nginx, Origin(echo) as origin, Gantry(text, origin=origin.port, judge=nginx.port) as server:
        assert seen(fetch(server, "/", session("good")))["remote-user"] == "nina"
        assert fetch(server, "/secret/x", session("good")).status == 403
        answer = fetch(server, "/")
        assert answer.status == 302 and answer["Location"] == "https://id.test/login"


def test_gantry_says_who_may():
    portal = """
modules = ["auth"]
[listener.web]
address = "127.0.0.1:0"
[host."127.0.0.1"]
auth = { basic = "users" }
[host."127.0.0.1".location."/check"]
respond = "in"
response_headers = { set = { Remote-User = "${header.X-Auth-User}" } }
"""
    text = HEAD + '[host."test"]\nauth = { forward = { url = "http://127.0.0.1:@judge@/check", copy = "Remote-User" } }\n[host."test".location."/"]\nproxy = "app"\n'
    with Gantry(portal, files={"users": htpasswd("alice", "one")}) as other, Origin(echo) as origin, Gantry(text, origin=origin.port, judge=other.port()) as server:
        assert seen(fetch(server, "/", basic("alice", "one")))["remote-user"] == "alice"
        answer = fetch(server, "/", basic("alice", "two"))
        assert answer.status == 401 and answer["WWW-Authenticate"] == 'Basic realm="restricted", charset="UTF-8"'


def test_over_https_to_whom_is_trusted():
    authority = Authority()
    leaf = authority.leaf("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    judge = Judge()
    text = HEAD + "".join(
        f'[host."{name}"]\nauth = {{ forward = {{ url = "https://localhost:@judge@/check"{more} }} }}\n[host."{name}".location."/"]\nproxy = "app"\n'
        for name, more in [("trusted.test", ', ca_file = "@ca@"'), ("stranger.test", "")]
    )
    with Origin(judge.serve, certificate=context) as asked, Origin(echo) as origin, Gantry(text, origin=origin.port, judge=asked.port, ca=authority.path) as server:
        assert fetch(server, "/", session("bob"), host="trusted.test").status == 200
        assert fetch(server, "/", session("bob"), host="stranger.test").status == 503
    judge.origin.listener.close()


# ---- mistakes

CHECKED = 'modules = ["auth"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test"]\n%s\n[host."test".location."/"]\nrespond = "in"\n'


@pytest.mark.parametrize(
    "line, text",
    [
        ("auth = { forward = {} }", '"forward" lacks "url"'),
        ('auth = { forward = "nonsense" }', "nonsense"),
        ('auth = { forward = "upstream:none/check" }', "none"),
        ('auth = { forward = { url = "http://a/", fields = "X-Forwarded-For" } }', "cannot be in the question"),
        ('auth = { forward = { url = "http://a/", copy = "Connection" } }', "is no field that can say who somebody is"),
        ('auth = { forward = { url = "http://a/", cache = {} } }', '"cache" lacks "key"'),
        ('auth = { forward = { url = "http://a/", cache = "${no_such}" } }', "no_such"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(tmp_path, line, text):
    expect_refused(tmp_path, CHECKED % line, text, 5)
