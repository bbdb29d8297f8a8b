"""The proxy: what reaches the origin, what comes back, and what happens when either side misbehaves."""

import contextlib
import hashlib
import json
import os
import socket
import threading
import time

import pytest

from support.certs import trusting
from support.client import ProtocolError, RawClient, exchange, fetch
from support.curl import curl
from support.gantry import Gantry
from support.origin import Origin, echo, mirror, raw, routes, websocket
from support.wait import wait_until

HEAD = """
[listener.web]
address = "127.0.0.1:0"
"""

CONFIG = (
    HEAD
    + """
[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[upstream.mirror]
peers = ["127.0.0.1:@mirror@"]
[upstream.nginx]
peers = ["127.0.0.1:@nginx@"]

[host."test"]
[host."test".location."/"]
proxy = "echo"
[host."test".location."/mirror"]
proxy = "mirror"
[host."test".location."/nginx/"]
proxy = { upstream = "nginx", uri = "/" }
[host."test".location."/renamed/"]
proxy = { upstream = "echo", uri = "/inner/" }
[host."test".location."/named"]
proxy = { upstream = "echo", host = "origin.internal" }
[host."test".location."/quiet"]
proxy = { upstream = "echo", forwarded = false }
[host."test".location."/trusting"]
proxy = { upstream = "echo", trusted = ["127.0.0.0/8"] }
[host."test".location."/buffered"]
proxy = { upstream = "echo", buffer_requests = true }
[host."test".location."/plain"]
proxy = { upstream = "echo", upgrade = false }
"""
)


def single(extra="", proxy='"o"', upstream=""):
    """A configuration that sends everything to the origin @port@."""
    return (
        HEAD
        + f'[upstream.o]\npeers = ["127.0.0.1:@port@"]\n{upstream}\n[host."test"]\n{extra}\n[host."test".location."/"]\nproxy = {proxy}\n'
    )


def both(config):
    """The same with a TLS listener beside the plain one."""
    config += '\n[listener.tls]\naddress = "127.0.0.1:0"\ntls = true\n'
    return config.replace('[host."test"]', '[host."test"]\ncertificate = "self-signed"', 1)


@pytest.fixture(params=["plain", "tls"])
def connect(request):
    """Connects to a server of both(...), in the one way and in the other."""

    def one(server, **more):
        if request.param == "plain":
            return RawClient(server, **more)
        return RawClient(server, "tls", tls=trusting(), **more)

    return one


@pytest.fixture(scope="module")
def echo_origin():
    with Origin(echo) as origin:
        yield origin


@pytest.fixture(scope="module")
def mirror_origin():
    with Origin(mirror) as origin:
        yield origin


@pytest.fixture(scope="module")
def gantry(echo_origin, mirror_origin, nginx_origin):
    with Gantry(CONFIG, echo=echo_origin.port, mirror=mirror_origin.port, nginx=nginx_origin.port) as server:
        yield server


def seen(response):
    """The request as the origin saw it; fields as name → list of values."""
    data = json.loads(response.text)
    fields = {}
    for name, value in data["fields"]:
        fields.setdefault(name, []).append(value)
    data["fields"] = fields
    return data


# ---- what the origin sees


def test_method_target_and_body_pass(gantry):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-odd"):
        response = exchange(gantry, method, "/a/b%20c?x=1&y=%2F", body=b"body")
        got = seen(response)
        assert (got["method"], got["target"], got["size"]) == (method, "/a/b%20c?x=1&y=%2F", 4)


def test_the_target_passes_in_a_form_that_means_the_same(gantry):
    for target in ("/a;b=c", "/a%2Fb", "/%C3%BC", "/a?%zz", "/a?", "/a+b", "/a%25b", "/a'b(c)*", "/a?b?c"):
        assert seen(fetch(gantry, target))["target"] in (target, target.replace("'", "%27")), target


def test_the_origin_never_sees_a_path_that_was_not_routed(gantry):
    """What is normalised for routing must not arrive as something else behind."""
    assert seen(fetch(gantry, "/a/../b"))["target"] in ("/b", "/a/../b")
    assert "/renamed" not in seen(fetch(gantry, "/x/../renamed/y"))["target"]


def test_prefix_is_replaced(gantry):
    assert seen(fetch(gantry, "/renamed/x/y?z"))["target"] == "/inner/x/y?z"
    assert seen(fetch(gantry, "/renamed/a%2Fb"))["target"] == "/inner/a%2Fb"
    assert seen(fetch(gantry, "/renamed/"))["target"] == "/inner/"
    assert fetch(gantry, "/nginx/small.txt").body == b"small\n"


def test_host_field(gantry):
    assert seen(fetch(gantry, "/", host="test:8080"))["fields"]["host"] == ["test:8080"]
    assert seen(fetch(gantry, "/named"))["fields"]["host"] == ["origin.internal"]


def test_absolute_form_becomes_origin_form(gantry):
    with RawClient(gantry) as client:
        got = seen(client.get("http://test/x?y"))
        assert got["target"] == "/x?y" and got["fields"]["host"] == ["test"]


def test_forwarded_fields(gantry):
    fields = seen(fetch(gantry, "/", host="test:99"))["fields"]
    assert fields["x-forwarded-for"] == ["127.0.0.1"]
    assert fields["x-forwarded-proto"] == ["http"]
    assert fields["x-forwarded-host"] == ["test:99"]
    assert len(fields["forwarded"]) == 1
    elements = dict(part.strip().split("=", 1) for part in fields["forwarded"][0].split(";"))
    assert elements["for"].strip('"') == "127.0.0.1" and elements["proto"] == "http" and elements["host"] == '"test:99"'


FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.test",
    "Forwarded": "for=6.6.6.6;proto=https",
}


def test_forged_forwarded_fields_are_dropped(gantry):
    fields = seen(fetch(gantry, "/", FORGED))["fields"]
    assert "6.6.6.6" not in json.dumps(fields) and "evil" not in json.dumps(fields)
    assert fields["x-forwarded-for"] == ["127.0.0.1"] and fields["x-forwarded-proto"] == ["http"]


def test_trusted_forwarded_fields_are_kept_and_extended(gantry):
    fields = seen(fetch(gantry, "/trusting", FORGED))["fields"]
    assert ", ".join(fields["x-forwarded-for"]).replace(" ", "") == "6.6.6.6,127.0.0.1"
    assert fields["x-forwarded-proto"] == ["https"]
    assert fields["x-forwarded-host"] == ["evil.test"]
    assert ", ".join(fields["forwarded"]).startswith("for=6.6.6.6;proto=https,")


def test_no_forwarded_fields_where_off(gantry):
    fields = seen(fetch(gantry, "/quiet"))["fields"]
    assert not [name for name in fields if "forwarded" in name]


def test_hop_by_hop_fields_stop_here(gantry):
    headers = {
        "Connection": "keep-alive, X-Private, x-other",
        "Keep-Alive": "timeout=5",
        "X-Private": "secret",
        "X-Other": "secret",
        "Proxy-Connection": "keep-alive",
        "Proxy-Authorization": "Basic eDp5",
        "TE": "trailers, deflate",
        "Upgrade": "h2c",
        "X-Kept": "yes",
    }
    fields = seen(fetch(gantry, "/", headers))["fields"]
    for name in ("keep-alive", "x-private", "x-other", "proxy-connection", "proxy-authorization", "upgrade"):
        assert name not in fields, name
    assert fields["x-kept"] == ["yes"]
    assert "x-private" not in " ".join(fields.get("connection", [])).lower()
    assert fields.get("te", ["trailers"]) == ["trailers"]


def test_connection_cannot_remove_what_the_proxy_needs(gantry):
    """`Connection: host, x-forwarded-for` must not strip what we add (the "hop-by-hop abuse")."""
    fields = seen(fetch(gantry, "/", {"Connection": "close, host, x-forwarded-for, content-length, cookie"}))["fields"]
    assert fields["host"] == ["test"] and fields["x-forwarded-for"] == ["127.0.0.1"]


def test_order_and_repetition_of_fields_survive(gantry):
    response = fetch(gantry, "/", [("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("Cookie", "a=b"), ("Cookie", "c=d")])
    fields = seen(response)["fields"]
    assert fields["x-a"] == ["1", "3"]
    assert "; ".join(fields["cookie"]) == "a=b; c=d"


# ---- bodies


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 3_000_000])
def test_request_bodies_arrive_whole(gantry, size):
    body = os.urandom(size)
    for target in ("/", "/buffered"):
        got = seen(exchange(gantry, "POST", target, {"Content-Length": str(size)}, body=body))
        assert (got["size"], got["sha256"]) == (size, hashlib.sha256(body).hexdigest())


def test_chunked_request_bodies(gantry):
    body = os.urandom(300_000)
    chunks = b"".join(b"%x\r\n" % len(body[i : i + 777]) + body[i : i + 777] + b"\r\n" for i in range(0, len(body), 777))
    for target in ("/", "/buffered"):
        with RawClient(gantry) as client:
            client.request("POST", target, {"Transfer-Encoding": "chunked"}, chunks + b"0\r\nX-Sum: 12\r\n\r\n")
            got = seen(client.response())
            assert (got["size"], got["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
            if "transfer-encoding" in got["fields"]:
                assert got["trailers"] in ([], [["x-sum", "12"]])
            assert seen(client.get("/"))["target"] == "/"


def test_trailers_do_not_undo_what_was_done_to_fields():
    edits = 'request_headers = { set = { X-Site = "one" }, add = { X-More = "1" }, remove = ["X-Debug"] }'
    with Origin(echo) as origin, Gantry(single(edits), port=origin.port) as gantry, RawClient(gantry) as client:
        body = "2\r\nhi\r\n0\r\nX-Sum: 1\r\nx-debug: 1\r\nX_Site: two\r\nProxy: evil\r\nX-More: 2\r\n\r\n"
        client.request("POST", "/", {"Transfer-Encoding": "chunked", "X-Debug": "1"}, body)
        got = seen(client.response())
        assert got["fields"]["x-site"] == ["one"] and "x-debug" not in got["fields"]
        assert got["trailers"] == [["x-sum", "1"], ["x-more", "2"]]


def test_echo_through_mirror(gantry):
    body = os.urandom(2_000_000)
    response = exchange(gantry, "POST", "/mirror", body=body)
    assert response.body == body


def test_request_and_response_stream_at_once(gantry):
    """A piece comes back before the next one is sent: nothing waits for the end of a body."""
    with RawClient(gantry) as client:
        client.request("POST", "/mirror", {"Transfer-Encoding": "chunked"})
        client.send(b"5\r\nfirst\r\n")
        response = client.response(body=False)
        assert response["transfer-encoding"] == "chunked"
        assert client.read_exactly(10) == b"5\r\nfirst\r\n"
        for _ in range(20):
            client.send(b"4\r\nnext\r\n")
            assert client.read_exactly(9) == b"4\r\nnext\r\n"
        client.send(b"0\r\n\r\n")
        assert client.read_exactly(5) == b"0\r\n\r\n"
        assert client.get("/").status == 200


def test_curl_uploads_and_downloads(gantry, nginx_origin, tmp_path):
    source = tmp_path / "up.bin"
    source.write_bytes(os.urandom(1_500_000))
    done = curl("http://test/mirror", "-T", source, connect=gantry.address())
    assert (done.code, done.status) == (0, 200) and done.body == source.read_bytes()
    done = curl("http://test/nginx/large.bin", connect=gantry.address())
    assert done.body == bytes(range(256)) * 8192
    done = curl("http://test/nginx/large.bin", "-r", "100-199", connect=gantry.address())
    assert (done.status, done.body) == (206, (bytes(range(256)) * 8192)[100:200])
    done = curl("http://test/nginx/none", connect=gantry.address())
    assert done.status == 404 and b"nginx" in done.body


def test_head_through_the_proxy(gantry):
    with RawClient(gantry) as client:
        head = client.exchange("HEAD", "/nginx/large.bin")
        assert head["content-length"] == str(2 * 1024 * 1024)
        assert client.get("/nginx/small.txt").body == b"small\n"


# ---- responses of every shape


ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 200, b"hello"),
    "until-close": (b"HTTP/1.1 200 OK\r\n\r\nhello", 200, b"hello"),
    "until-close-1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
    "length-1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "connection-close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "no-reason": (b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "odd-status": (b"HTTP/1.1 299 Odd\r\nContent-Length: 5\r\n\r\nhello", 299, b"hello"),
    "error": (b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nhello", 500, b"hello"),
    "204": (b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
    "304": (b"HTTP/1.1 304 Not\r\nETag: \"x\"\r\n\r\n", 304, b""),
    "304-length": (b"HTTP/1.1 304 Not\r\nContent-Length: 500\r\n\r\n", 304, b""),
    "empty-length": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
    "empty-chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
    "100-first": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "same-length-twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", None, b"hello"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("close", [False, True])
def test_answers(name, close):
    answer, status, body = ANSWERS[name]
    if name.startswith("until-close"):
        close = True
    with Origin(raw(answer, close)) as origin, Gantry(single(), port=origin.port, workers=1) as gantry:
        with RawClient(gantry) as client:
            for _ in range(3):
                response = client.get("/")
                assert response.status in ((status,) if status else (200, 502))
                if response.status < 400 or status == 500:
                    assert response.body == body
        with RawClient(gantry) as client:
            response = client.get("/", {"Connection": "keep-alive"}, version="HTTP/1.0")
            assert response.status == (status or response.status)


BROKEN = {
    "rubbish": b"I am not HTTP\r\n\r\n",
    "empty": b"",
    "half-status": b"HTTP/1.1 20",
    "half-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "bad-version": b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bad-status": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "status-000": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "bad-length": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "nul-in-field": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare-cr-in-field": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "space-in-name": b"HTTP/1.1 200 OK\r\nX y: a\r\nContent-Length: 0\r\n\r\n",
    "huge-head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "101-unasked": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "endless-1xx": b"HTTP/1.1 103 Early\r\n\r\n" * 10_000,
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers_are_502(name):
    with Origin(raw(BROKEN[name])) as origin, Gantry(single(), port=origin.port, workers=1) as gantry:
        with RawClient(gantry) as client:
            response = client.get("/")
            assert response.status == 502, response
            assert b"Set-Cookie" not in response.body
            assert client.get("/").status == 502
        assert origin.connections <= 4


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello",
    "between-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "no-last-line": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
}


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_is_cut_is_never_taken_for_a_whole_one(name):
    with Origin(raw(CUT[name])) as origin, Gantry(single(), port=origin.port, workers=1) as gantry:
        with RawClient(gantry) as client:
            try:
                assert client.get("/").status == 502
            except ProtocolError:
                assert client.ended
        with RawClient(gantry) as client:
            try:
                response = client.get("/", version="HTTP/1.0")
                assert response.status == 502 or name == "until-close" or response.until_close
            except ProtocolError:
                pass
        done = curl("http://test/", connect=gantry.address())
        assert done.code != 0 or done.status == 502


def test_hop_by_hop_fields_of_the_answer_stop_here():
    answer = (
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=99\r\nX-Private: a\r\n"
        b"Proxy-Authenticate: Basic\r\nUpgrade: h2\r\nX-Kept: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    with Origin(raw(answer, False)) as origin, Gantry(single(), port=origin.port) as gantry:
        response = fetch(gantry, "/")
        for name in ("keep-alive", "x-private", "proxy-authenticate", "upgrade"):
            assert name not in response, response
        assert response["x-kept"] == "1" and response.all("set-cookie") == ["a=b", "c=d"]
        assert response.body == b"ok"


def test_date_and_server_of_the_origin_are_not_doubled():
    answer = b"HTTP/1.1 200 OK\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nServer: mine\r\nContent-Length: 0\r\n\r\n"
    with Origin(raw(answer)) as origin, Gantry(single(), port=origin.port) as gantry:
        response = fetch(gantry, "/")
        assert response["date"] == "Tue, 15 Nov 1994 08:12:31 GMT"
        assert len(response.all("server")) == 1


def test_trailers_of_the_answer():
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n"
    )
    with Origin(raw(answer, False)) as origin, Gantry(single(), port=origin.port) as gantry:
        with RawClient(gantry) as client:
            response = client.get("/", {"TE": "trailers"})
            assert response.body == b"hello" and response.trailers == [("x-sum", "42")]
            assert client.get("/", {"TE": "trailers"}).body == b"hello"


def test_forbidden_trailers_of_the_answer_are_refused_or_dropped():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 42\r\n\r\n"
    with Origin(raw(answer)) as origin, Gantry(single(), port=origin.port) as gantry, RawClient(gantry) as client:
        try:
            assert client.get("/").trailers == []
        except ProtocolError:
            client.expect_close()


def test_early_hints_pass():
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    with Origin(raw(answer, False)) as origin, Gantry(single(), port=origin.port) as gantry:
        with RawClient(gantry) as client:
            response = client.get("/")
            assert [(one.status, one["link"]) for one in response.informational] == [(103, "</a.css>; rel=preload")]
            assert response.body == b"ok"
            assert client.get("/", version="HTTP/1.0").informational == []


def test_a_large_answer_in_small_pieces():
    def trickle(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5000):
            connection.chunk(b"%d," % number)
        connection.send("0\r\n\r\n")

    with Origin(routes({"*": trickle})) as origin, Gantry(single(), port=origin.port) as gantry:
        assert fetch(gantry, "/").body == b"".join(b"%d," % number for number in range(5000))


# ---- 100-continue and early answers


def test_100_continue_end_to_end(gantry):
    with RawClient(gantry) as client:
        client.request("POST", "/", {"Expect": "100-continue", "Content-Length": "5"})
        assert client.head().status == 100
        client.send(b"hello")
        assert seen(client.response())["size"] == 5


def test_an_answer_before_the_upload_ends():
    """The origin refuses at once and does not read: the client learns it while it is still sending."""
    release = threading.Event()

    def refuse(connection, origin):
        origin.note(connection.read_head())
        connection.respond(403, "no", {"Connection": "close"})
        release.wait(20)

    with Origin(refuse) as origin, Gantry(single(), port=origin.port) as gantry:
        with RawClient(gantry) as client:
            client.request("POST", "/", {"Content-Length": "50000000"})
            client.send(b"x" * 1000)
            response = client.response()
            assert (response.status, response.body) == (403, b"no")
            client.send_until_refused(b"x" * 3_000_000)
            client.expect_close()  # rather than reading 47 MB that nobody wants
        release.set()
        assert fetch(gantry, "/").status == 403


def test_an_origin_that_closes_during_the_upload():
    def refuse(connection, origin):
        origin.note(connection.read_head())
        connection.read_exactly(1000)
        connection.respond(413, "too much", {"Connection": "close"})

    with Origin(refuse) as origin, Gantry(single(), port=origin.port) as gantry:
        for _ in range(5):
            with RawClient(gantry) as client:
                client.request("POST", "/", {"Content-Length": "5000000"})
                client.send_until_refused(b"x" * 5_000_000)
                # The answer may have been destroyed by the origin's reset; then it is a 502.
                assert client.response().status in (413, 502)


# ---- connections to the origin


def test_connections_are_reused(gantry):
    with Origin(echo) as origin, Gantry(single(), port=origin.port, workers=1) as server:
        for _ in range(10):
            with RawClient(server) as client:
                for _ in range(10):
                    assert client.get("/").status == 200
        assert origin.connections == 1


def test_reuse_across_body_kinds():
    with Origin(echo) as origin, Gantry(single(), port=origin.port, workers=1) as server, RawClient(server) as client:
        for _ in range(5):
            client.get("/")
            client.exchange("POST", "/", body=b"x" * 100_000)
            client.exchange("POST", "/", {"Transfer-Encoding": "chunked"}, body=b"3\r\nabc\r\n0\r\n\r\n")
            client.exchange("HEAD", "/")
        assert origin.connections == 1


def test_no_reuse_where_it_is_off():
    with Origin(echo) as origin, Gantry(single(upstream="keep_alive = 0"), port=origin.port) as server:
        for _ in range(3):
            fetch(server, "/")
        assert origin.connections == 3
        origin.wait_closed()


def test_idle_connections_are_closed_in_time():
    with Origin(echo) as origin, Gantry(single(upstream='keep_alive_timeout = "300ms"'), port=origin.port) as server:
        fetch(server, "/")
        origin.wait_closed()


def test_no_more_idle_connections_than_configured():
    barrier = threading.Barrier(8)

    def together(connection, request, _):
        barrier.wait(20)
        connection.respond(200, "ok")

    with Origin(routes({"*": together})) as origin:
        with Gantry(single(upstream="keep_alive = 2"), port=origin.port, workers=1) as server:
            clients = [RawClient(server).request("GET", "/") for _ in range(8)]
            for client in clients:
                assert client.response().status == 200
                client.close()
            wait_until(lambda: origin.open <= 2, "the surplus connections to be closed")


def test_a_reused_connection_that_died_is_retried_once():
    """The origin closes after each answer without saying so: the next request must still succeed."""

    def rude(connection, origin):
        origin.note(connection.read_request())
        connection.respond(200, "ok")

    with Origin(rude) as origin, Gantry(single(), port=origin.port, workers=1) as server, RawClient(server) as client:
        for _ in range(20):
            assert client.get("/").body == b"ok"


def test_a_reused_connection_that_dies_on_the_request():
    """Closed only when the second request has arrived: GET is repeated on a new connection, POST is not."""

    def one_only(connection, origin):
        origin.note(connection.read_request())
        connection.respond(200, "ok")
        origin.note(connection.read_request())
        connection.reset()

    with Origin(one_only) as origin, Gantry(single(), port=origin.port, workers=1) as server:
        with RawClient(server) as client:
            assert client.get("/1").body == b"ok"
            assert client.get("/2").body == b"ok"
            assert [request.target for request in origin.requests] == ["/1", "/2", "/2"]
            assert client.exchange("POST", "/3", body=b"x").status == 502
            assert [request.target for request in origin.requests][3:] == ["/3"]


def test_a_fresh_connection_that_dies_is_502_and_not_repeated():
    def dead(connection, origin):
        origin.note(connection.read_request())

    with Origin(dead) as origin, Gantry(single(), port=origin.port) as server:
        assert fetch(server, "/").status == 502
        assert len(origin.requests) == 1


def test_an_answer_that_nobody_asked_for_does_not_reach_the_next_client():
    """Extra bytes after a response poison the connection: it must not be reused."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    def handler(connection, origin):
        while True:
            origin.note(connection.read_request())
            connection.send(answer)

    with Origin(handler) as origin, Gantry(single(), port=origin.port, workers=1) as server:
        for _ in range(10):
            assert fetch(server, "/").body == b"ok"


def test_a_dead_origin_is_502():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Gantry(single(), port=unused.getsockname()[1]) as server:
            with RawClient(server) as client:
                assert client.get("/").status == 502
                assert client.exchange("POST", "/", body=b"x" * 1000).status == 502
                assert client.get("/").status == 502


def test_several_peers_in_turn():
    with Origin(echo) as one, Origin(echo) as two, Origin(echo) as three:
        config = HEAD + '[upstream.o]\npeers = ["127.0.0.1:@a@", "127.0.0.1:@b@", { address = "127.0.0.1:@c@", weight = 2 }]\n'
        config += '[host."test".location."/"]\nproxy = "o"\n'
        with Gantry(config, a=one.port, b=two.port, c=three.port, workers=1) as server, RawClient(server) as client:
            for _ in range(40):
                client.get("/")
        assert (len(one.requests), len(two.requests), len(three.requests)) == (10, 10, 20)


def test_a_dead_peer_among_living_ones():
    with socket.socket() as unused, Origin(echo) as alive:
        unused.bind(("127.0.0.1", 0))
        config = HEAD + '[upstream.o]\npeers = ["127.0.0.1:@dead@", "127.0.0.1:@alive@"]\n[host."test".location."/"]\nproxy = "o"\n'
        with Gantry(config, dead=unused.getsockname()[1], alive=alive.port, workers=1) as server, RawClient(server) as client:
            for _ in range(10):
                assert client.get("/").status == 200


def test_a_unix_socket_peer(tmp_path):
    with Origin(echo, unix=tmp_path / "o.sock") as origin:
        config = HEAD + '[upstream.o]\npeers = ["unix:@path@"]\n[host."test".location."/"]\nproxy = "o"\n'
        with Gantry(config, path=origin.unix, workers=1) as server, RawClient(server) as client:
            for _ in range(5):
                assert seen(client.exchange("POST", "/", body=b"x" * 200_000))["size"] == 200_000
        assert origin.connections == 1


def test_a_peer_by_name():
    with Origin(echo) as origin:
        config = HEAD + '[upstream.o]\npeers = ["localhost:@port@"]\n[host."test".location."/"]\nproxy = "o"\n'
        with Gantry(config, port=origin.port) as server:
            assert fetch(server, "/").status == 200


def test_tls_to_the_origin(authority):
    import ssl

    leaf = authority.leaf("origin.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    with Origin(echo, certificate=context) as origin:
        good = f'tls = {{ ca = "{authority.path}", server_name = "origin.test" }}'
        with Gantry(single(upstream=good), port=origin.port, workers=1) as server, RawClient(server) as client:
            for _ in range(3):
                assert seen(client.exchange("POST", "/", body=b"x" * 100_000))["size"] == 100_000
        assert origin.connections == 1
        for bad in (f'tls = {{ ca = "{authority.path}", server_name = "other.test" }}', 'tls = { server_name = "origin.test" }'):
            with Gantry(single(upstream=bad), port=origin.port) as server:
                assert fetch(server, "/").status == 502
        with Gantry(single(upstream="tls = { verify = false }"), port=origin.port) as server:
            assert fetch(server, "/").status == 200


def test_pieces_reach_a_tls_origin_one_by_one(authority):
    """Each before the next is sent: what waits for the end of a turn must not wait for ever behind TLS."""
    import ssl

    leaf = authority.leaf("origin.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    config = single(upstream="tls = { verify = false }")
    with Origin(mirror, certificate=context) as origin, Gantry(config, port=origin.port) as server, RawClient(server) as client:
        for _ in range(2):  # on a fresh connection and on a kept one
            client.request("POST", "/mirror", {"Transfer-Encoding": "chunked"})
            client.send(b"5\r\nfirst\r\n")
            response = client.response(body=False)
            assert response["transfer-encoding"] == "chunked"
            assert client.read_exactly(10) == b"5\r\nfirst\r\n"
            for _ in range(20):
                client.send(b"4\r\nnext\r\n")
                assert client.read_exactly(9) == b"4\r\nnext\r\n"
            client.send(b"0\r\n\r\n")
            assert client.read_exactly(5) == b"0\r\n\r\n"


# ---- time


def test_a_silent_origin_is_504():
    release = threading.Event()

    def silent(connection, origin):
        origin.note(connection.read_request())
        release.wait(20)

    with Origin(silent) as origin, Gantry(single(upstream='response_timeout = "400ms"'), port=origin.port) as server:
        started = time.monotonic()
        assert fetch(server, "/").status == 504
        assert 0.3 < time.monotonic() - started < 8
        release.set()
        origin.wait_closed()


def test_an_origin_that_stops_in_the_middle_of_a_body():
    release = threading.Event()

    def stalls(connection, origin):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
        release.wait(20)

    with Origin(stalls) as origin, Gantry(single(upstream='response_timeout = "400ms"'), port=origin.port) as server:
        with RawClient(server) as client:
            with pytest.raises(ProtocolError, match="ended"):
                client.get("/")
        release.set()


def test_the_timeout_of_the_whole_exchange():
    release = threading.Event()

    def drips(connection, origin):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not release.wait(0.05):
            connection.chunk(b"x")

    config = single(proxy='{ upstream = "o", timeout = "500ms" }')
    with Origin(drips) as origin, Gantry(config, port=origin.port) as server, RawClient(server) as client:
        with pytest.raises(ProtocolError):
            client.get("/")
        release.set()


@contextlib.contextmanager
def never_accepting():
    """The port of a listener whose backlog is full: connecting takes for ever."""
    with contextlib.ExitStack() as held:
        full = held.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def test_a_connection_that_is_never_accepted_is_504():
    with never_accepting() as port, Gantry(single(upstream='connect_timeout = "400ms"'), port=port) as server:
        assert fetch(server, "/").status == 504


# ---- back-pressure and vanishing


def test_a_slow_reader_bounds_memory(connect):
    """200 MiB at the origin, a client that takes nothing: the origin has to wait, our memory must not grow."""
    total = 200 * 1024 * 1024
    sent = [0]
    piece = b"x" * 65536

    def pour(connection, origin):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent[0] < total:
            connection.send(piece)
            sent[0] += len(piece)

    with Origin(pour) as origin, Gantry(both(single()), port=origin.port, workers=1) as server:
        fetch_before = server.resident()
        with connect(server, receive_buffer=16384) as client:
            client.request("GET", "/")
            client.response(body=False)
            settle(lambda: sent[0])
            assert sent[0] < 24 * 1024 * 1024  # socket buffers of three sockets and what we hold
            assert server.resident() - fetch_before < 24 * 1024 * 1024
            assert len(client.read_exactly(30 * 1024 * 1024)) == 30 * 1024 * 1024
            settle(lambda: sent[0])
            assert sent[0] < 60 * 1024 * 1024
        origin.wait_closed()


def test_a_slow_origin_bounds_memory(connect):
    """The same for an upload that the origin does not read."""
    release = threading.Event()

    def lazy(connection, origin):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)
        request = connection.read_head()
        release.wait(30)
        size = sum(len(piece) for piece in connection.body_pieces(request))
        connection.respond(200, str(size))

    with Origin(lazy) as origin, Gantry(both(single()), port=origin.port, workers=1) as server:
        before = server.resident()
        with connect(server) as client:
            total = 48 * 1024 * 1024
            client.request("POST", "/", {"Content-Length": str(total)})
            client.socket.settimeout(0.5)
            sent = 0
            try:
                while sent < total:
                    sent += client.socket.send(b"x" * min(65536, total - sent))
            except socket.timeout:
                pass
            assert sent < 24 * 1024 * 1024
            assert server.resident() - before < 24 * 1024 * 1024
            release.set()
            client.socket.settimeout(30)
            while sent < total:
                sent += client.socket.send(b"x" * min(65536, total - sent))
            assert client.response().text == str(total)


def settle(value, quiet=0.3):
    """Waits until the value has not moved for `quiet` seconds."""
    last, since = value(), time.monotonic()
    end = since + 20
    while time.monotonic() - since < quiet:
        assert time.monotonic() < end, "it never stopped"
        time.sleep(0.02)
        if value() != last:
            last, since = value(), time.monotonic()


def test_a_vanishing_client_cancels_the_upstream(connect):
    gone = threading.Event()

    def waits(connection, origin):
        origin.note(connection.read_request())
        connection.wait_closed()
        gone.set()

    with Origin(waits) as origin, Gantry(both(single()), port=origin.port) as server:
        for leave in (RawClient.close, RawClient.reset):
            gone.clear()
            client = connect(server).request("GET", "/")
            origin.wait_requests(1)
            leave(client)
            assert gone.wait(10), "the origin was left alone"
            origin.requests.clear()


def test_a_client_that_vanishes_during_its_upload(connect):
    got = threading.Event()

    def waits(connection, origin):
        request = connection.read_head()
        try:
            for _ in connection.body_pieces(request):
                pass
        finally:
            got.set()

    with Origin(waits) as origin, Gantry(both(single()), port=origin.port) as server:
        client = connect(server).request("POST", "/", {"Content-Length": "1000"}).send(b"half")
        wait_until(lambda: origin.connections == 1, "the origin's connection")
        client.reset()
        assert got.wait(10), "the origin still waits for the rest"
        origin.wait_closed()


def test_a_client_that_vanishes_while_its_upload_has_to_wait(connect):
    """The origin does not read, so we do not read from the client either: that it is gone is noticed all the same."""
    release = threading.Event()

    def lazy(connection, origin):
        connection.read_head()
        release.wait(60)

    config = both(single('max_body = "1GiB"'))
    with Origin(lazy) as origin, Gantry(config, port=origin.port) as server:
        before = server.open_files()
        client = connect(server)
        client.request("POST", "/", {"Content-Length": str(500_000_000)})
        client.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while True:
                client.socket.send(b"x" * 65536)
        assert server.open_files() > before
        client.reset()
        wait_until(lambda: server.open_files() <= before, "both connections to be closed")
        release.set()


def test_a_client_that_ends_while_its_upload_has_to_wait(connect):
    """A FIN with less than the announced body before it: nothing can come of the request, whenever the origin is ready."""
    with never_accepting() as port:
        config = both(single(upstream='connect_timeout = "60s"'))
        with Gantry(config, port=port) as server:
            before = server.open_files()
            with connect(server) as client:
                # More than we read ahead, less than fits into the buffer of the kernel.
                client.request("POST", "/", {"Content-Length": "200000"}).send(b"x" * 60_000)
                wait_until(lambda: server.open_files() >= before + 2, "the connection to the origin")
                client.half_close()
                wait_until(lambda: server.open_files() <= before, "both connections to be closed")


def test_the_end_behind_a_whole_body_is_not_noticed_before_the_body_is_read():
    with never_accepting() as port:
        with Gantry(single(upstream='connect_timeout = "400ms"'), port=port) as server, RawClient(server) as client:
            client.request("POST", "/", {"Content-Length": "60000"}).send(b"x" * 60_000)
            client.half_close()
            assert client.response().status == 504


def test_a_client_that_vanishes_during_the_answer(gantry):
    with Origin(mirror) as origin, Gantry(single(), port=origin.port) as server:
        for _ in range(10):
            client = RawClient(server, receive_buffer=8192)
            client.request("POST", "/", {"Content-Length": "3000000"})
            client.response(body=False)
            client.send_until_refused(b"x" * 500_000)
            client.reset()
        origin.wait_closed()


# ---- upgrades and server-sent events


WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_websocket_echo(connect):
    with Origin(websocket) as origin, Gantry(both(single()), port=origin.port) as server:
        with connect(server) as client:
            response = client.request("GET", "/chat", WEBSOCKET).response()
            assert response.status == 101
            assert response["upgrade"].lower() == "websocket" and response["connection"].lower() == "upgrade"
            assert response["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            for size in (1, 100, 70_000, 1_000_000):
                data = os.urandom(size)
                # Sending beside reading would be two threads in one TLS object, which it does not stand.
                for at in range(0, size, 16384):
                    client.send(data[at : at + 16384])
                    assert client.read_exactly(len(data[at : at + 16384])) == data[at : at + 16384]
        origin.wait_closed()


def test_bytes_sent_right_behind_the_upgrade_are_not_lost(connect):
    with Origin(websocket) as origin, Gantry(both(single()), port=origin.port) as server, connect(server) as client:
        lines = "".join(f"{name}: {value}\r\n" for name, value in WEBSOCKET.items())
        client.send(f"GET / HTTP/1.1\r\nHost: test\r\n{lines}\r\nEARLY")
        assert client.response().status == 101
        assert client.read_exactly(5) == b"EARLY"


def test_an_upgrade_ends_with_the_origin(connect):
    def once(connection, origin):
        connection.read_head()
        connection.send("HTTP/1.1 101 S\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello")
        assert connection.read_exactly(3) == b"bye"

    with Origin(once) as origin, Gantry(both(single()), port=origin.port) as server, connect(server) as client:
        client.request("GET", "/", {"Connection": "upgrade", "Upgrade": "chat"})
        assert client.response().status == 101
        assert client.read_exactly(5) == b"hello"
        client.send("bye")
        client.expect_close()


def test_a_half_closed_tunnel_still_delivers():
    def answers_at_eof(connection, origin):
        connection.read_head()
        connection.send("HTTP/1.1 101 S\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
        got = connection.wait_closed()
        connection.send(b"got " + got)

    with Origin(answers_at_eof) as origin, Gantry(single(), port=origin.port) as server, RawClient(server) as client:
        client.request("GET", "/", {"Connection": "upgrade", "Upgrade": "chat"})
        assert client.response().status == 101
        client.send("abc")
        client.half_close()
        assert client.read_to_end() == b"got abc"


def test_a_tunnel_that_the_origin_half_closes_still_carries_what_the_client_sends(connect):
    got = []

    def listens(connection, origin):
        connection.read_head()
        connection.send("HTTP/1.1 101 S\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello")
        connection.socket.shutdown(socket.SHUT_WR)
        got.append(connection.wait_closed())

    with Origin(listens) as origin, Gantry(both(single()), port=origin.port) as server:
        with connect(server) as client:
            client.request("GET", "/", {"Connection": "upgrade", "Upgrade": "chat"})
            assert client.response().status == 101
            assert client.read_to_end() == b"hello"
            client.send(b"x" * 500_000)
            client.send(b"end")
            client.close()
            wait_until(lambda: got, "what the client sent")
    assert got == [b"x" * 500_000 + b"end"]


@pytest.mark.parametrize("who", ["peer", "client"])
def test_a_half_closed_tunnel_in_which_nothing_moves_is_ended(connect, who):
    """Long before tunnel_timeout, which is an hour, and nothing that was sent is lost."""
    ended = threading.Event()
    release = threading.Event()

    def half(connection, origin):
        connection.read_head()
        connection.send("HTTP/1.1 101 S\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello")
        if who == "peer":
            connection.socket.shutdown(socket.SHUT_WR)
        assert connection.wait_closed() == b""
        ended.set()
        release.wait(60)

    upstream = 'send_timeout = "200ms"\nresponse_timeout = "200ms"\n'
    with Origin(half) as origin, Gantry(both(single(upstream=upstream)), port=origin.port) as server:
        before = server.open_files()
        with connect(server) as client:
            client.request("GET", "/", {"Connection": "upgrade", "Upgrade": "chat"})
            assert client.response().status == 101
            assert client.read_exactly(5) == b"hello"
            if who == "peer":
                assert client.read_to_end() == b""
                assert ended.wait(10), "the origin still waits for the client"
            else:
                if hasattr(client.socket, "unwrap"):
                    client.socket.unwrap()  # and waits for the server's end
                else:
                    client.half_close()
                assert client.read_to_end() == b""
                wait_until(lambda: server.open_files() <= before, "both connections to be closed")
        release.set()


def test_a_refused_upgrade_is_an_ordinary_answer():
    with Origin(echo) as origin, Gantry(single(), port=origin.port) as server, RawClient(server) as client:
        response = client.get("/", WEBSOCKET)
        assert response.status == 200
        assert client.get("/").status == 200


def test_no_upgrade_where_it_is_off(gantry):
    fields = seen(fetch(gantry, "/plain", WEBSOCKET))["fields"]
    assert "upgrade" not in fields and "upgrade" not in " ".join(fields.get("connection", [])).lower()


def test_server_sent_events_are_not_buffered(connect):
    """Each event arrives before the next is sent."""
    turn = threading.Semaphore(0)

    def events(connection, origin):
        connection.read_request()
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(10):
            assert turn.acquire(timeout=20)
            connection.send(f"data: {number}\n\n")

    with Origin(events) as origin, Gantry(both(single()), port=origin.port) as server, connect(server) as client:
        client.request("GET", "/")
        response = client.response(body=False)
        assert response["content-type"] == "text/event-stream"
        for number in range(10):
            turn.release()
            assert f"data: {number}\n\n".encode() in client.read_until(b"\n\n")


def test_a_buffered_request_reaches_the_origin_only_when_complete():
    config = single(proxy='{ upstream = "o", buffer_requests = true }')
    with Origin(echo) as origin, Gantry(config, port=origin.port) as server, RawClient(server) as client:
        client.request("POST", "/", {"Content-Length": "10"}).send(b"12345")
        assert fetch(server, "/other").status == 200
        assert [request.target for request in origin.requests] == ["/other"]
        client.send(b"67890")
        got = seen(client.response())
        assert got["size"] == 10 and got["fields"]["content-length"] == ["10"]


def test_many_clients_of_a_few_connections(gantry, echo_origin):
    """Answers never go to the wrong client."""
    failures = []

    def run(number):
        try:
            with RawClient(gantry) as client:
                for turn in range(30):
                    body = f"{number}-{turn}".encode() * 100
                    got = seen(client.exchange("POST", f"/{number}/{turn}", body=body))
                    assert got["target"] == f"/{number}/{turn}"
                    assert got["sha256"] == hashlib.sha256(body).hexdigest()
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[:3]
