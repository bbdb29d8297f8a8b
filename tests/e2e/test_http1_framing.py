"""HTTP/1 on the wire (RFC 9112): what is one message, what is refused, and when a connection lives on."""

import re
import socket
import struct
import threading

import pytest

from support.client import RawClient, exchange, fetch
from support.gantry import Gantry
from support.origin import Origin, echo, routes

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[listener.small]
address = "127.0.0.1:0"
max_head = "1KiB"
max_request_line = 256
max_fields = 10
max_requests = 3

[upstream.echo]
peers = ["127.0.0.1:@echo@"]

[upstream.held]
peers = ["127.0.0.1:@held@"]

[host."test"]
default = true
max_body = "64KiB"

[host."test".location."/"]
respond = { status = 200, body = "root\\n" }

[host."test".location."/echo"]
proxy = "echo"

[host."test".location."/held"]
proxy = "held"

[host."test".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }

[host."other.test"]
[host."other.test".location."/"]
respond = { status = 200, body = "other\\n" }
"""


@pytest.fixture(scope="module")
def origin():
    with Origin(echo) as server:
        yield server


@pytest.fixture(scope="module")
def held():
    """Answers with its path, after everything of the request has come."""

    def answer(connection, request, _):
        body = b"".join(connection.body_pieces(request))
        connection.respond(200, f"{request.target} {len(body)}\n")

    with Origin(routes({"*": answer})) as server:
        yield server


@pytest.fixture(scope="module")
def gantry(origin, held):
    files = {"www/a.txt": "a file\n", "www/big.bin": b"x" * 300_000, "www/huge.bin": b"y" * 4_000_000}
    with Gantry(CONFIG, files, echo=origin.port, held=held.port) as server:
        yield server


HOST = "Host: test\r\n"

# (name, bytes, acceptable statuses). Each is refused, and nothing after it on the connection is read as a request.
BAD = [
    ("bare-lf-request-line", "GET / HTTP/1.1\n" + HOST + "\r\n", {400}),
    ("bare-lf-field", "GET / HTTP/1.1\r\nHost: test\n\r\n", {400}),
    ("bare-lf-end-of-head", "GET / HTTP/1.1\r\n" + HOST + "\n", {400}),
    ("bare-cr-in-field", "GET / HTTP/1.1\r\n" + HOST + "X: a\rb\r\n\r\n", {400}),
    ("bare-cr-in-request-line", "GET /a\rb HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("cr-cr-lf", "GET / HTTP/1.1\r\n" + HOST + "X: a\r\r\n\r\n", {400}),
    ("obs-fold-space", "GET / HTTP/1.1\r\n" + HOST + "X: a\r\n b\r\n\r\n", {400}),
    ("obs-fold-tab", "GET / HTTP/1.1\r\n" + HOST + "X: a\r\n\tb\r\n\r\n", {400}),
    ("fold-on-first-field", "GET / HTTP/1.1\r\n Host: test\r\n\r\n", {400}),
    ("space-before-colon", "GET / HTTP/1.1\r\nHost : test\r\n\r\n", {400}),
    ("tab-before-colon", "GET / HTTP/1.1\r\n" + HOST + "X\t: a\r\n\r\n", {400}),
    ("no-colon", "GET / HTTP/1.1\r\n" + HOST + "nocolon\r\n\r\n", {400}),
    ("empty-field-name", "GET / HTTP/1.1\r\n" + HOST + ": a\r\n\r\n", {400}),
    ("field-name-delimiter", "GET / HTTP/1.1\r\n" + HOST + "X(y): a\r\n\r\n", {400}),
    ("field-name-quote", "GET / HTTP/1.1\r\n" + HOST + '"x": a\r\n\r\n', {400}),
    ("field-name-high-byte", "GET / HTTP/1.1\r\n" + HOST + "X\xe9: a\r\n\r\n", {400}),
    ("nul-in-value", "GET / HTTP/1.1\r\n" + HOST + "X: a\0b\r\n\r\n", {400}),
    ("control-in-value", "GET / HTTP/1.1\r\n" + HOST + "X: a\x01b\r\n\r\n", {400}),
    ("del-in-value", "GET / HTTP/1.1\r\n" + HOST + "X: a\x7fb\r\n\r\n", {400}),
    ("nul-in-name", "GET / HTTP/1.1\r\n" + HOST + "X\0: a\r\n\r\n", {400}),
    ("length-twice-same", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", {400}),
    ("length-twice-different", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", {400}),
    ("length-list", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 3, 3\r\n\r\nabc", {400}),
    ("length-plus", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: +3\r\n\r\nabc", {400}),
    ("length-minus", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: -3\r\n\r\nabc", {400}),
    ("length-hex", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 0x3\r\n\r\nabc", {400}),
    ("length-space-inside", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 3 3\r\n\r\nabc", {400}),
    ("length-empty", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: \r\n\r\nabc", {400}),
    ("length-decimal", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 3.0\r\n\r\nabc", {400}),
    ("length-overflow", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 18446744073709551619\r\n\r\nabc", {400, 413}),
    ("length-underscore", "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 1_0\r\n\r\nabc", {400}),
    (
        "length-and-chunked",
        "POST / HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        {400},
    ),
    (
        "chunked-and-length",
        "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        {400},
    ),
    ("coding-gzip", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
    ("coding-identity", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: identity\r\n\r\n", {400, 501}),
    ("coding-gzip-chunked", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    ("coding-chunked-gzip", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", {400, 501}),
    ("coding-chunked-twice", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    (
        "coding-two-fields",
        "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        {400, 501},
    ),
    ("coding-xchunked", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400, 501}),
    ("coding-quoted", "POST / HTTP/1.1\r\n" + HOST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', {400, 501}),
    ("coding-vertical-tab", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", {400, 501}),
    ("coding-parameter", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", {400, 501}),
    ("coding-empty", "POST / HTTP/1.1\r\n" + HOST + "Transfer-Encoding: \r\n\r\n", {400, 501}),
    ("coding-in-1.0", "POST / HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    ("host-missing", "GET / HTTP/1.1\r\n\r\n", {400}),
    ("host-twice", "GET / HTTP/1.1\r\n" + HOST + HOST + "\r\n", {400}),
    ("host-two-different", "GET / HTTP/1.1\r\n" + HOST + "Host: other.test\r\n\r\n", {400}),
    ("host-missing-absolute", "GET http://test/ HTTP/1.1\r\n\r\n", {400}),
    ("host-space", "GET / HTTP/1.1\r\nHost: te st\r\n\r\n", {400}),
    ("host-slash", "GET / HTTP/1.1\r\nHost: test/a\r\n\r\n", {400}),
    ("host-userinfo", "GET / HTTP/1.1\r\nHost: me@test\r\n\r\n", {400}),
    ("host-list", "GET / HTTP/1.1\r\nHost: test, other.test\r\n\r\n", {400}),
    ("host-port-letters", "GET / HTTP/1.1\r\nHost: test:http\r\n\r\n", {400}),
    ("host-port-large", "GET / HTTP/1.1\r\nHost: test:65536\r\n\r\n", {400}),
    ("host-bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", {400}),
    ("host-bracket-rubbish", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", {400}),
    ("host-bare-ipv6", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", {400}),
    ("host-fragment", "GET / HTTP/1.1\r\nHost: test#a\r\n\r\n", {400}),
    ("absolute-userinfo", "GET http://me@test/ HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("absolute-empty-host", "GET http:///a HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("method-bad", "G@T / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("method-empty", " / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("method-brace", "GET{} / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("two-spaces", "GET  / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("two-spaces-version", "GET /  HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("tab-as-space", "GET\t/\tHTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("space-in-target", "GET /a b HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("trailing-space", "GET / HTTP/1.1 \r\n" + HOST + "\r\n", {400, 505}),
    ("nul-in-target", "GET /a\0b HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("control-in-target", "GET /a\x01b HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("fragment-in-target", "GET /a#b HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("target-without-slash", "GET a HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("target-asterisk-get", "GET * HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("version-0.9", "GET /\r\n\r\n", {400, 505}),
    ("version-2.0", "GET / HTTP/2.0\r\n" + HOST + "\r\n", {505}),
    ("version-3", "GET / HTTP/3\r\n" + HOST + "\r\n", {400, 505}),
    ("version-1.10", "GET / HTTP/1.10\r\n" + HOST + "\r\n", {400, 505}),
    ("version-lower-case", "GET / http/1.1\r\n" + HOST + "\r\n", {400, 505}),
    ("version-wrong-name", "GET / HTCPCP/1.1\r\n" + HOST + "\r\n", {400, 505}),
    ("h2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    ("connect", "CONNECT test:443 HTTP/1.1\r\n" + HOST + "\r\n", {400, 405, 501}),
    ("rubbish", "\x80\x90\xff\xfe\r\n\r\n", {400}),
    ("client-hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 60, {400}),
    ("many-empty-lines", "\r\n" * 20 + "GET / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
    ("lf-before-request", "\nGET / HTTP/1.1\r\n" + HOST + "\r\n", {400}),
]


@pytest.mark.parametrize("minor", [2, 9])
def test_higher_minor_versions_are_answered_as_1_1(gantry, minor):
    """RFC 9110 2.5; the connection persists as one of HTTP/1.1 does."""
    with RawClient(gantry) as client:
        for _ in range(2):
            client.send(f"GET / HTTP/1.{minor}\r\n{HOST}\r\n")
            response = client.response()
            assert response.status == 200 and response.version == "HTTP/1.1", response
            assert response.keeps_alive, response


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("data,statuses", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_heads_are_refused_and_the_connection_closed(gantry, data, statuses):
    with RawClient(gantry) as client:
        client.send_until_refused(data + SMUGGLED)
        response = client.response()
        assert response.status in statuses, response
        assert not response.keeps_alive, response
        assert response.body, "a refusal has a small page"
        client.expect_close()


CHUNKED = "POST /echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n"

BAD_CHUNKS = [
    ("letter", "g\r\nabc\r\n0\r\n\r\n"),
    ("empty-size", "\r\nabc\r\n0\r\n\r\n"),
    ("minus", "-1\r\nabc\r\n0\r\n\r\n"),
    ("plus", "+3\r\nabc\r\n0\r\n\r\n"),
    ("hex-prefix", "0x3\r\nabc\r\n0\r\n\r\n"),
    ("leading-space", " 3\r\nabc\r\n0\r\n\r\n"),
    ("seventeen-digits", "00000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("overflow", "ffffffffffffffff1\r\nabc\r\n0\r\n\r\n"),
    ("bare-lf-after-size", "3\nabc\r\n0\r\n\r\n"),
    ("bare-cr-after-size", "3\rabc\r\n0\r\n\r\n"),
    ("no-crlf-after-data", "3\r\nabcd\r\n0\r\n\r\n"),
    ("lf-after-data", "3\r\nabc\n0\r\n\r\n"),
    ("data-too-long", "3\r\nabcdef\r\n0\r\n\r\n"),
    ("huge-extension", "3;" + "x" * 20000 + "\r\nabc\r\n0\r\n\r\n"),
    ("lf-in-extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("trailer-no-colon", "3\r\nabc\r\n0\r\nrubbish\r\n\r\n"),
    ("trailer-framing", "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n"),
    ("trailer-coding", "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("trailer-host", "3\r\nabc\r\n0\r\nHost: evil.test\r\n\r\n"),
    ("trailer-fold", "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n"),
    ("trailer-bare-lf", "3\r\nabc\r\n0\r\nA: b\n\r\n"),
]


@pytest.mark.parametrize("target", ["/echo", "/"])
@pytest.mark.parametrize("body", [case[1] for case in BAD_CHUNKS], ids=[case[0] for case in BAD_CHUNKS])
def test_bad_chunks_end_the_connection(gantry, body, target):
    with RawClient(gantry) as client:
        client.send_until_refused(CHUNKED.replace("/echo", target) + body + SMUGGLED)
        response = client.response()
        # A handler that needs no body may have answered before the fault was read; it still must not go on.
        assert response.status in ({400, 431} if target == "/echo" else {200, 400, 431}), response
        rest = client.read_to_end()
        assert b"HTTP/1.1" not in rest, rest


def test_a_bad_chunk_never_reaches_the_origin_as_a_whole_request(gantry, origin):
    before = len(origin.requests)
    with RawClient(gantry) as client:
        client.send_until_refused(CHUNKED + "3\r\nabc\r\nzz\r\n")
        assert client.response().status == 400
        client.expect_close()
    assert len(origin.requests) == before


# ---- limits


def test_a_long_request_line_is_414(gantry):
    with RawClient(gantry, "small") as client:
        client.send_until_refused("GET /" + "a" * 400 + " HTTP/1.1\r\n" + HOST + "\r\n")
        assert client.response().status == 414
        client.expect_close()


def test_an_endless_request_line_is_414_before_its_end(gantry):
    with RawClient(gantry, "small") as client:
        client.send("GET /" + "a" * 400)
        assert client.response().status == 414
        client.expect_close()


def test_a_request_line_at_the_limit_passes(gantry):
    line = "GET /" + "a" * (256 - len("GET / HTTP/1.1\r\n")) + " HTTP/1.1\r\n"
    assert len(line) == 256
    with RawClient(gantry, "small") as client:
        assert client.send(line + HOST + "\r\n").response().status == 200


def test_a_large_head_is_431(gantry):
    with RawClient(gantry, "small") as client:
        client.send_until_refused("GET / HTTP/1.1\r\n" + HOST + "X: " + "a" * 1500 + "\r\n\r\n")
        assert client.response().status == 431
        client.expect_close()


def test_an_endless_head_is_431_before_its_end(gantry):
    with RawClient(gantry, "small") as client:
        client.send("GET / HTTP/1.1\r\n" + HOST + "X: " + "a" * 1500)
        assert client.response().status == 431
        client.expect_close()


def test_too_many_fields_are_431(gantry):
    fields = "".join(f"X{i}: y\r\n" for i in range(10))
    with RawClient(gantry, "small") as client:
        client.send_until_refused("GET / HTTP/1.1\r\n" + HOST + fields + "\r\n")
        assert client.response().status == 431
        client.expect_close()
    with RawClient(gantry, "small") as client:
        nine = "".join(f"X{i}: y\r\n" for i in range(9))
        assert client.send("GET / HTTP/1.1\r\n" + HOST + nine + "\r\n").response().status == 200


def test_default_limits_hold(gantry):
    with RawClient(gantry) as client:
        client.send_until_refused("GET /" + "a" * 9000 + " HTTP/1.1\r\n" + HOST + "\r\n")
        assert client.response().status == 414
    with RawClient(gantry) as client:
        client.send_until_refused("GET / HTTP/1.1\r\n" + HOST + ("X: " + "a" * 1000 + "\r\n") * 17 + "\r\n")
        assert client.response().status == 431
    with RawClient(gantry) as client:
        assert client.get("/" + "a" * 7000, {"X": "b" * 6000}).status == 200


def test_a_body_over_the_limit_is_413(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Content-Length: 65537\r\n\r\n")
        response = client.response()
        assert response.status == 413
        assert not response.keeps_alive
        client.expect_close()


def test_a_body_that_nobody_reads_costs_nothing_whatever_its_size(gantry):
    with RawClient(gantry) as client:
        client.send("POST / HTTP/1.1\r\n" + HOST + "Content-Length: 99999999999\r\n\r\n")
        response = client.response()
        assert response.status in (200, 413) and not response.keeps_alive
        client.expect_close()


def test_a_chunked_body_over_the_limit_is_413(gantry):
    with RawClient(gantry) as client:
        client.send_until_refused(CHUNKED + ("4000\r\n" + "x" * 0x4000 + "\r\n") * 5 + "0\r\n\r\n")
        assert client.response().status == 413
        client.expect_close()


def test_a_body_at_the_limit_passes(gantry):
    assert exchange(gantry, "POST", "/echo", body=b"x" * 65536).status == 200


def test_the_413_arrives_although_the_client_goes_on_sending(gantry):
    """No reset before the answer was read: the server lingers on what is under way."""
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Content-Length: 10000000\r\n\r\n")
        client.send_until_refused(b"x" * 200_000)
        assert client.response().status == 413


# ---- good messages


def test_a_head_byte_by_byte(gantry):
    with RawClient(gantry) as client:
        for byte in b"GET / HTTP/1.1\r\nHost: test\r\nX-Long: " + b"y" * 100 + b"\r\n\r\n":
            client.send(bytes([byte]))
        assert client.response().body == b"root\n"


def test_a_chunked_body_byte_by_byte(gantry):
    with RawClient(gantry) as client:
        client.send(CHUNKED)
        for byte in b"5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 7\r\n\r\n":
            client.send(bytes([byte]))
        answer = client.response()
        assert '"size": 6' in answer.text
        assert client.get("/").body == b"root\n"


def test_two_empty_lines_before_a_request_are_skipped(gantry):
    with RawClient(gantry) as client:
        assert client.send("\r\n\r\nGET / HTTP/1.1\r\n" + HOST + "\r\n").response().body == b"root\n"


@pytest.mark.parametrize("value", ["  spaced\t ", "", '"quoted"', "caf\xe9", "a" * 5000, "tab\tinside"])
def test_odd_but_valid_values_pass(gantry, value):
    answer = fetch(gantry, "/echo", {"X-Odd": value})
    assert answer.status == 200
    sent = dict(__import__("json").loads(answer.text)["fields"])
    assert sent["x-odd"] == value.strip(" \t")


def test_chunk_extensions_and_upper_case_sizes(gantry):
    with RawClient(gantry) as client:
        client.send(CHUNKED + 'A;a;b=c;d="e"\r\n0123456789\r\n00\r\n\r\n')
        assert '"size": 10' in client.response().text


def test_transfer_coding_name_is_case_insensitive(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert '"size": 3' in client.response().text


def test_content_length_zero(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Content-Length: 0\r\n\r\n" + "GET / HTTP/1.1\r\n" + HOST + "\r\n")
        assert '"size": 0' in client.response().text
        assert client.response().body == b"root\n"


def test_absolute_form_names_the_host(gantry):
    with RawClient(gantry) as client:
        client.send("GET http://other.test/a HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.response().body == b"other\n"
        client.send("GET HTTP://OTHER.test HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.response().body == b"other\n"


def test_host_with_port_and_case(gantry):
    assert fetch(gantry, "/", host="OTHER.Test:8080").body == b"other\n"
    assert fetch(gantry, "/", host="other.test:").body == b"other\n"


def test_http_1_0_without_host(gantry):
    with RawClient(gantry) as client:
        response = client.send("GET / HTTP/1.0\r\n\r\n").response()
        assert response.body == b"root\n"
        assert not response.keeps_alive
        client.expect_close()


def test_head_has_the_fields_and_no_body(gantry):
    with RawClient(gantry) as client:
        get, head = client.get("/files/a.txt"), client.exchange("HEAD", "/files/a.txt")
        assert head.status == 200 and head.body == b""
        assert head["content-length"] == get["content-length"] == "7"
        for target in ("/", "/echo", "/files/none"):
            assert client.exchange("HEAD", target).body == b""
        client.expect_open()


def test_options_asterisk(gantry):
    with RawClient(gantry) as client:
        response = client.exchange("OPTIONS", "*")
        assert response.status in (200, 204)
        assert client.get("/").body == b"root\n"


def test_every_answer_has_a_date_and_a_server(gantry):
    response = fetch(gantry, "/")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", response["date"])
    assert response["server"].startswith("gantry")


# ---- Expect: 100-continue


def test_100_continue_before_the_body(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.head().status == 100
        response = client.send("abc").response()
        assert response.status == 200 and '"size": 3' in response.text
        assert client.get("/").body == b"root\n"


def test_no_100_when_the_body_is_there_already(gantry):
    """RFC 9110 10.1.1 lets the server omit it; either way the answer is one and right."""
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        response = client.response()
        assert response.status == 200 and '"size": 3' in response.text


def test_no_100_before_a_refusal(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        response = client.response()
        assert response.status == 413 and not response.informational


def test_no_100_for_http_1_0(gantry):
    with RawClient(gantry) as client:
        client.send("POST /echo HTTP/1.0\r\n" + HOST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        response = client.response()
        assert response.status == 200 and not response.informational


def test_a_final_answer_without_reading_an_expected_body(gantry):
    """A handler that needs no body: the client may or may not send it; the next request must not be confused."""
    with RawClient(gantry) as client:
        client.send("POST / HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        response = client.response()
        assert response.status == 200
        if not response.keeps_alive:
            client.expect_close()
        else:
            client.send("abc")
            assert client.get("/").body == b"root\n"


# ---- keep-alive and pipelining


def test_many_requests_on_one_connection(gantry):
    with RawClient(gantry) as client:
        for _ in range(200):
            assert client.get("/").body == b"root\n"
        client.expect_open()


def test_connection_close_is_honoured_and_said(gantry):
    with RawClient(gantry) as client:
        response = client.get("/", {"Connection": "close"})
        assert response["connection"].lower() == "close"
        client.expect_close()


def test_connection_tokens_are_read_as_a_list(gantry):
    with RawClient(gantry) as client:
        client.get("/", {"Connection": "foo, CLOSE , bar"})
        client.expect_close()


def test_http_1_0_keep_alive(gantry):
    with RawClient(gantry) as client:
        for target in ("/", "/files/a.txt", "/echo"):
            response = client.get(target, {"Connection": "keep-alive"}, version="HTTP/1.0")
            assert response.keeps_alive or "keep-alive" in response.get("connection", "").lower()
        client.expect_open()


def test_http_1_0_never_gets_chunks():
    def answer(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")

    config = '[listener.web]\naddress = "127.0.0.1:0"\n[upstream.a]\npeers = ["127.0.0.1:@port@"]\n'
    config += '[host."test".location."/"]\nproxy = "a"\n'
    with Origin(routes({"*": answer})) as origin, Gantry(config, port=origin.port) as gantry:
        with RawClient(gantry) as client:
            response = client.get("/", {"Connection": "keep-alive"}, version="HTTP/1.0")
            assert "transfer-encoding" not in response
            assert response.body == b"hello"


def test_max_requests_ends_the_connection_in_words(gantry):
    with RawClient(gantry, "small") as client:
        assert client.get("/").keeps_alive
        assert client.get("/").keeps_alive
        assert not client.get("/").keeps_alive
        client.expect_close()


def test_pipelined_answers_come_in_order(gantry):
    targets = ["/files/a.txt", "/", "/held/1", "/none", "/echo", "/files/none", "/held/2", "/"] * 5
    with RawClient(gantry) as client:
        client.send("".join(f"GET {target} HTTP/1.1\r\n{HOST}\r\n" for target in targets))
        for target in targets:
            response = client.response()
            if target.startswith("/held"):
                assert response.body == f"{target} 0\n".encode()
            elif target == "/files/a.txt":
                assert response.body == b"a file\n"
            elif target == "/echo":
                assert '"/echo"' in response.text
            elif target == "/files/none":
                assert response.status == 404
            else:
                assert response.body == b"root\n"
        client.expect_open()


def test_pipelined_bodies_and_gets(gantry):
    with RawClient(gantry) as client:
        one = f"POST /held/a HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"
        two = f"POST /held/b HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        three = f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"
        four = f"GET / HTTP/1.1\r\n{HOST}\r\n"
        client.send((one + two + three + four) * 10)
        for _ in range(10):
            assert client.response().body == b"/held/a 5\n"
            assert client.response().body == b"/held/b 3\n"
            assert client.response().body == b"root\n"
            assert client.response().body == b"root\n"


def test_pipelined_replies_are_batched(gantry):
    """64 small answers in a few segments: the client's kernel counts those that carried data."""
    with RawClient(gantry) as client:
        client.get("/")
        before = data_segments_in(client.socket)
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n" * 64)
        for _ in range(64):
            assert client.response().body == b"root\n"
        assert data_segments_in(client.socket) - before <= 8


def data_segments_in(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("=I", info, 152)[0]


def test_a_pipeline_that_ends_with_close(gantry):
    with RawClient(gantry) as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\nGET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\nGET / HTTP/1.1\r\n{HOST}\r\n")
        assert client.response().keeps_alive
        assert not client.response().keeps_alive
        client.expect_close()


def test_a_pipeline_with_a_fault_answers_what_came_before(gantry):
    with RawClient(gantry) as client:
        client.send_until_refused(f"GET / HTTP/1.1\r\n{HOST}\r\nGET /held/x HTTP/1.1\r\n{HOST}\r\nGET / HTTP/9.9\r\n\r\n")
        assert client.response().body == b"root\n"
        assert client.response().body == b"/held/x 0\n"
        assert client.response().status in (400, 505)
        client.expect_close()


def test_large_pipelined_answers(gantry):
    with RawClient(gantry) as client:
        client.send(f"GET /files/big.bin HTTP/1.1\r\n{HOST}\r\n" * 20)
        for _ in range(20):
            assert client.response().body == b"x" * 300_000


def test_large_answers_to_more_requests_than_are_read_ahead(gantry):
    """The client is not read from meanwhile, and still every answer leaves whole."""
    request = b"GET /files/huge.bin HTTP/1.1\r\nHost: test\r\n" + b"X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 20 + b"\r\n"
    with RawClient(gantry) as client:
        sender = threading.Thread(target=client.send, args=(request * 60,))
        sender.start()
        for _ in range(60):
            assert client.response().body == b"y" * 4_000_000
        sender.join()


def test_a_half_closed_client_still_gets_its_answer(gantry):
    # Not so for proxied exchanges: a FIN is how a client that went away looks, and the origin is spared the work.
    for target, body in (("/", b"root\n"), ("/files/a.txt", b"a file\n"), ("/files/big.bin", b"x" * 300_000)):
        with RawClient(gantry) as client:
            client.send(f"GET {target} HTTP/1.1\r\n{HOST}\r\n")
            client.half_close()
            assert client.response().body == body
            client.expect_close()


def test_a_body_that_nobody_reads_does_not_become_a_request(gantry):
    with RawClient(gantry) as client:
        client.send(f"POST /files/a.txt HTTP/1.1\r\n{HOST}Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}")
        assert client.response().status in (200, 405)
        client.send_until_refused(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        rest = client.read_to_end() if client.ended else None
        if rest is None:
            assert client.response().body == b"root\n"


def test_get_with_a_body(gantry):
    with RawClient(gantry) as client:
        for target in ("/", "/files/a.txt", "/echo"):
            assert client.get(target, body=b"unexpected").status == 200
        assert client.get("/").body == b"root\n"
