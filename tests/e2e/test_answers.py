"""What the core answers by itself: redirects, canned replies, templates, header fields and error pages."""

import json
import re

import pytest

from support.client import RawClient, exchange, fetch
from support.curl import curl
from support.gantry import Gantry
from support.origin import Origin, echo, raw, routes

CONFIG = r"""
[listener.web]
address = "127.0.0.1:0"

[upstream.echo]
peers = ["127.0.0.1:@echo@"]
[upstream.failing]
peers = ["127.0.0.1:@failing@"]

[server]
workers = 2
response_headers = { set = { X-Server-Wide = "yes", X-Nearest = "server" } }

[host."test"]
response_headers = { add = { X-Host = "h1" }, set = { X-Nearest = "host" } }
error_pages = { 404 = "@dir@/404.html", 5xx = "@dir@/5xx.json" }

[host."test".location."/"]
static = { root = "@dir@/www" }

[host."test".location."/respond"]
respond = { status = 201, body = "made", content_type = "text/x-made" }
[host."test".location."/empty"]
respond = { status = 204 }
[host."test".location."/teapot"]
respond = { status = 418, body = "short and stout" }
[host."test".location."/json"]
respond = { status = 200, body = '{"a": "$$1"}', content_type = "application/json" }

[host."test".location."/r301"]
redirect = { status = 301, to = "https://${host}/moved" }
[host."test".location."/r302"]
redirect = { to = "/elsewhere?${query}" }
[host."test".location."/r308"]
redirect = { status = 308, to = "/to${path}" }
[host."test".location.'~^/old/(?<rest>.*)$']
redirect = { status = 307, to = "/new/${rest}" }

[host."test".location."/vars"]
respond = { status = 200, body = "host=${host} path=${path} uri=${uri} query=${query} q=${query.name} h=${header.x-test} c=${cookie.sid} m=${method} s=${scheme} a=${remote_addr} p=${protocol} ua=${user_agent}" }
[host."test".location."/id"]
respond = { status = 200, body = "${request_id}" }
[host."test".location."/conn"]
respond = { status = 200, body = "${connection} ${connection_requests} ${listener} ${server_port} ${remote_port}" }

[host."test".location."/edited"]
proxy = "echo"
[host."test".location."/edited".request_headers]
remove = ["X-Remove", "Cookie"]
set = { X-Set = "path ${path}", X-Gone = "${header.none}", Accept = "text/plain" }
add = { X-Add = "added" }
[host."test".location."/edited".response_headers]
remove = ["Content-Type", "X-Server-Wide"]
set = { X-Nearest = "location", X-Q = "${query.q}" }
add = { X-Multi = "1", X-Host = "h2" }

[host."test".location."/failing"]
proxy = "failing"

[host."test".location."/deeper/"]
static = { root = "@dir@/none", strip_prefix = true }
error_pages = { 404 = "@dir@/deeper404.html", 403 = "https://login.test/?from=${path}" }
[host."test".location."/classes/"]
static = { root = "@dir@/none", strip_prefix = true }
error_pages = { 4xx = "https://login.test/class", 404 = "@dir@/deeper404.html" }
[host."test".location."/deeper/forbidden"]
respond = { status = 403 }
error_pages = { 403 = "https://login.test/?from=${path}" }

[host."plain"]
[host."plain".location."/only"]
respond = { status = 200, body = "x" }
"""

FILES = {
    "www/index.html": "index",
    "404.html": "<h1>custom 404</h1>",
    "5xx.json": '{"custom": "5xx"}',
    "none/.keep": "",
    "deeper404.html": "<h1>deeper 404</h1>",
}


@pytest.fixture(scope="module")
def gantry():
    with Origin(echo) as origin, Origin(routes({"*": lambda connection, *_: "close"})) as failing:
        with Gantry(CONFIG, FILES, echo=origin.port, failing=failing.port) as server:
            yield server


# ---- respond


def test_respond(gantry):
    response = fetch(gantry, "/respond")
    assert (response.status, response.body, response["content-type"]) == (201, b"made", "text/x-made")
    response = fetch(gantry, "/empty")
    assert response.status == 204 and "content-length" not in response
    response = fetch(gantry, "/teapot")
    assert (response.status, response.body) == (418, b"short and stout")
    assert json.loads(fetch(gantry, "/json").text) == {"a": "$1"}


def test_respond_takes_any_method_and_body(gantry):
    with RawClient(gantry) as client:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "FOO"):
            assert client.exchange(method, "/respond", body=b"x" * 10_000).status == 201
        assert client.exchange("HEAD", "/respond")["content-length"] == "4"


# ---- redirect


@pytest.mark.parametrize(
    "target,status,location",
    [
        ("/r301", 301, "https://test/moved"),
        ("/r302?a=b&c=%20d", 302, "/elsewhere?a=b&c=%20d"),
        ("/r308/a%20b", 308, "/to/r308/a%20b"),
        ("/old/x/y", 307, "/new/x/y"),
        ("/old/a%20b%3Fc", 307, "/new/a%20b%3Fc"),
        ("/old/%C3%BC", 307, "/new/%C3%BC"),
    ],
)
def test_redirects(gantry, target, status, location):
    response = fetch(gantry, target)
    assert (response.status, response["location"]) == (status, location)


@pytest.mark.parametrize("authority,host", [("test:8080", "test"), ("[::1]:8080", "[::1]"), ("[2001:db8::1]", "[2001:db8::1]"), ("127.0.0.1:80", "127.0.0.1")])
def test_a_redirect_to_the_same_host(gantry, authority, host):
    """An IPv6 address keeps its brackets: without them its colons would begin a port."""
    assert fetch(gantry, "/r301", host=authority)["location"] == f"https://{host}/moved"


@pytest.mark.parametrize("target", ["/old/x%0d%0aSet-Cookie:%20a=b", "/r302?x%0d%0aa:b", "/r308/%0aX:y"])
def test_no_response_splitting(gantry, target):
    response = fetch(gantry, target)
    assert "set-cookie" not in response and "x" not in response
    assert "\r" not in response.get("location", "") and response.status in (302, 307, 308, 400)


def test_curl_follows(gantry):
    done = curl("http://test/r308", "-L", connect=gantry.address())
    assert done.status == 404 and done.facts["num_redirects"] == 1


# ---- templates


def test_variables(gantry):
    text = fetch(
        gantry, "/vars/a%20b?name=v%20w&x=y", {"X-Test": "tested", "Cookie": "a=1; sid=s3", "User-Agent": "agent/1"}, host="TEST:80"
    ).text
    got = dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", text.replace("query=name=v%20w&x=y ", "")))
    assert "query=name=v%20w&x=y" in text
    assert got["host"].lower() in ("test", "test:80")
    assert got["path"] == "/vars/a b"
    assert text.count("uri=/vars/a%20b?name=v%20w&x=y") == 1
    assert (got["q"], got["h"], got["c"], got["m"], got["s"], got["a"]) == ("v%20w", "tested", "s3", "GET", "http", "127.0.0.1")
    assert got["ua"] == "agent/1" and "p=HTTP/1.1" in text


def test_missing_variables_are_empty(gantry):
    text = fetch(gantry, "/vars").text
    assert " q= h= c= m=GET" in text


def test_request_ids_differ(gantry):
    with RawClient(gantry) as client:
        ids = {client.get("/id").text for _ in range(50)}
    assert len(ids) == 50 and all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_connection_variables(gantry):
    with RawClient(gantry) as client:
        first, second = client.get("/conn").text.split(), client.get("/conn").text.split()
        assert first[0] == second[0] and (first[1], second[1]) == ("1", "2")
        assert first[2] == "web" and first[3] == str(gantry.port())
        assert first[4] == str(client.socket.getsockname()[1])


def test_a_value_cannot_break_out_of_a_field(gantry):
    response = fetch(gantry, "/edited?q=a%0d%0aEvil:%20b")
    assert "evil" not in response


# ---- header fields


def test_request_fields_are_edited(gantry):
    response = fetch(gantry, "/edited/x", [("X-Remove", "1"), ("X-Set", "mine"), ("X-Add", "mine"), ("Cookie", "a=b"), ("X-Gone", "z")])
    fields = {}
    for name, value in json.loads(response.text)["fields"]:
        fields.setdefault(name, []).append(value)
    assert "x-remove" not in fields and "cookie" not in fields and "x-gone" not in fields
    assert fields["x-set"] == ["path /edited/x"] and fields["x-add"] == ["mine", "added"] and fields["accept"] == ["text/plain"]


def test_response_fields_are_edited(gantry):
    response = fetch(gantry, "/edited?q=v")
    assert "content-type" not in response and "x-server-wide" not in response
    assert response["x-nearest"] == "location" and response["x-q"] == "v"
    assert response.all("x-multi") == ["1"] and sorted(response.all("x-host")) == ["h1", "h2"]


def test_scopes_add_up(gantry):
    response = fetch(gantry, "/respond")
    assert response["x-server-wide"] == "yes" and response["x-nearest"] == "host" and response["x-host"] == "h1"
    response = fetch(gantry, "/only", host="plain")
    assert response["x-server-wide"] == "yes" and response["x-nearest"] == "server" and "x-host" not in response


def test_fields_stand_on_errors_and_304_too(gantry):
    assert fetch(gantry, "/none")["x-host"] == "h1"
    etag = fetch(gantry, "/")["etag"]
    response = fetch(gantry, "/", {"If-None-Match": etag})
    assert response.status == 304 and response["x-host"] == "h1"


# ---- error pages


def test_custom_pages(gantry):
    response = fetch(gantry, "/none")
    assert (response.status, response.text) == (404, "<h1>custom 404</h1>")
    assert response["content-type"].startswith("text/html")
    response = fetch(gantry, "/failing")
    assert (response.status, response.text) == (502, '{"custom": "5xx"}')
    assert response["content-type"] == "application/json"
    assert exchange(gantry, "HEAD", "/none").status == 404


def test_the_nearest_scope_wins(gantry):
    assert fetch(gantry, "/deeper/none").text == "<h1>deeper 404</h1>"


def test_a_status_wins_over_its_class(gantry):
    """Though the class is written before it."""
    assert fetch(gantry, "/classes/none").text == "<h1>deeper 404</h1>"
    assert exchange(gantry, "POST", "/classes/none")["location"] == "https://login.test/class"


def test_an_error_page_may_redirect(gantry):
    gantry.write("none/.closed", "x")
    response = fetch(gantry, "/deeper/.closed")
    if response.status == 302:  # a dotfile may be 403 or 404
        assert response["location"] == "https://login.test/?from=/deeper/.closed"
    else:
        assert response.text == "<h1>deeper 404</h1>"


def test_built_in_pages_follow_accept(gantry):
    for accept, kind in (("text/html", "text/html"), ("application/json", "application/json"), ("text/plain", "text/plain"), (None, "text/html")):
        response = fetch(gantry, "/none", {} if accept is None else {"Accept": accept}, host="plain")
        assert response.status == 404 and response["content-type"].startswith(kind)
        assert "404" in response.text
    assert json.loads(fetch(gantry, "/none", {"Accept": "application/json"}, host="plain").text)


def test_an_error_of_the_origin_is_its_own_page():
    config = '[listener.web]\naddress = "127.0.0.1:0"\n[upstream.o]\npeers = ["127.0.0.1:@port@"]\n[host."test"]\n'
    config += 'error_pages = { 404 = "@dir@/404.html" }\n[host."test".location."/"]\nproxy = "o"\n'
    answer = b"HTTP/1.1 404 Nope\r\nContent-Length: 4\r\n\r\nmine"
    with Origin(raw(answer, False)) as origin, Gantry(config, FILES, port=origin.port) as server:
        assert fetch(server, "/").body == b"mine"


def test_no_reflection_of_the_request_in_pages(gantry):
    for target in ("/<script>alert(1)</script>", "/%3Cscript%3Ealert(1)%3C/script%3E"):
        assert "<script>" not in fetch(gantry, target, host="plain").text
