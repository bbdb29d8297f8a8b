"""One normal form of a path for routing and for handlers: what it is, and what is refused."""

import pytest

from support.client import RawClient, fetch
from support.gantry import Gantry

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[host."keep"]
[host."keep".location."/"]
respond = { status = 200, body = "${path}" }
[host."keep".location."/private/"]
respond = { status = 403, body = "guarded" }
[host."keep".location."= /exact"]
respond = { status = 200, body = "exact" }
[host."keep".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }

[host."reject"]
encoded_slash = "reject"
[host."reject".location."/"]
respond = { status = 200, body = "${path}" }

[host."decode"]
encoded_slash = "decode"
[host."decode".location."/"]
respond = { status = 200, body = "${path}" }
[host."decode".location."/private/"]
respond = { status = 403, body = "guarded" }

[host."nomerge"]
merge_slashes = false
[host."nomerge".location."/"]
respond = { status = 200, body = "${path}" }
"""


@pytest.fixture(scope="module")
def gantry():
    files = {"secret.txt": "secret", "www/a b.txt": "space", "www/c%d.txt": "percent", "www/ü.txt": "umlaut", "www/sub/x.txt": "x"}
    with Gantry(CONFIG, files) as server:
        yield server


@pytest.mark.parametrize(
    "sent,normal",
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/%61", "/a"),
        ("/a%20b", "/a b"),
        ("/a+b", "/a+b"),
        ("/%7Euser", "/~user"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/a/b/../..", "/"),
        ("/a/%2e%2e/b", "/b"),
        ("/a/%2E./b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/%2e/b", "/a/b"),
        ("//a///b//", "/a/b/"),
        ("/a//../b", "/b"),
        ("/...", "/..."),
        ("/..a", "/..a"),
        ("/.a", "/.a"),
        ("/a..", "/a.."),
        ("/%25", "/%"),
        ("/%2541", "/%41"),
        ("/a;b=c", "/a;b=c"),
        ("/a?b/../c", "/a"),
        ("/?/../../x", "/"),
        ("/%3F", "/?"),
        ("/%23", "/#"),
        ("/%C3%BC", "/\u00fc"),
    ],
)
def test_normal_form(gantry, sent, normal):
    response = fetch(gantry, sent, host="keep")
    assert (response.status, response.body.decode()) == (200, normal)


@pytest.mark.parametrize(
    "sent",
    [
        "/%", "/%4", "/%zz", "/%4g", "/a%", "/%00", "/a%00.txt", "/%0a", "/%0D", "/%1f", "/%7f",
        "/..", "/../", "/../etc/passwd", "/a/../../b", "/%2e%2e/", "/./../", "/a/b/../../../c", "//../x",
    ],
)
def test_refused_paths(gantry, sent):
    response = fetch(gantry, sent, host="keep")
    assert response.status == 400, response


@pytest.mark.parametrize(
    "host,sent,status,normal",
    [
        ("keep", "/a%2Fb", 200, "/a%2Fb"),
        ("keep", "/a%2fb", 200, "/a%2Fb"),
        ("keep", "/a%5Cb", 200, "/a%5Cb"),
        ("keep", "/a%252Fb", 200, "/a%252Fb"),
        ("keep", "/a/..%2Fb", 200, "/a/..%2Fb"),
        ("reject", "/a%2Fb", 400, None),
        ("reject", "/a%5cb", 400, None),
        ("reject", "/a/b", 200, "/a/b"),
        ("decode", "/a%2Fb", 200, "/a/b"),
        ("decode", "/a%2F..%2Fb", 200, "/b"),
        ("decode", "/%2F", 200, "/"),
        ("decode", "/..%2Fb", 400, None),
        ("nomerge", "/a//b", 200, "/a//b"),
    ],
)
def test_encoded_slashes_and_merging(gantry, host, sent, status, normal):
    response = fetch(gantry, sent, host=host)
    assert response.status == status
    if normal is not None:
        assert response.body.decode() == normal


@pytest.mark.parametrize(
    "sent",
    [
        "/private/x", "/private/", "/%70rivate/x", "/a/../private/x", "//private/x", "/./private/x", "/private//x",
        "/a/%2e%2e/private/x", "/priva%74e/x",
    ],
)
def test_no_spelling_gets_past_a_guarded_location(gantry, sent):
    assert fetch(gantry, sent, host="keep").status == 403
    assert fetch(gantry, sent, host="decode").status == 403


def test_a_decoded_slash_cannot_get_past_a_guard(gantry):
    assert fetch(gantry, "/private%2Fx", host="decode").status == 403


def test_exact_locations_see_the_normal_form(gantry):
    for sent in ("/exact", "/%65xact", "/a/../exact", "/exact?q"):
        assert fetch(gantry, sent, host="keep").body == b"exact"
    assert fetch(gantry, "/exact/", host="keep").body == b"/exact/"


@pytest.mark.parametrize(
    "sent,body",
    [
        ("/files/a%20b.txt", b"space"),
        ("/files/c%25d.txt", b"percent"),
        ("/files/%C3%BC.txt", b"umlaut"),
        ("/files/sub/../a%20b.txt", b"space"),
        ("/files//sub//x.txt", b"x"),
    ],
)
def test_files_are_found_by_their_decoded_name(gantry, sent, body):
    response = fetch(gantry, sent, host="keep")
    assert (response.status, response.body) == (200, body)


@pytest.mark.parametrize(
    "sent",
    [
        "/files/../secret.txt", "/files/%2e%2e/secret.txt", "/files/..%2fsecret.txt", "/files/%2e%2e%2fsecret.txt",
        "/files/..%5csecret.txt", "/files/sub/../../secret.txt", "/files/....//secret.txt", "/files/%252e%252e/secret.txt",
        "/files/..;/secret.txt", "/files//../../secret.txt", "/files/sub%2f..%2f..%2fsecret.txt",
        "/files/%c0%ae%c0%ae/secret.txt", "/files/..%00/secret.txt",
    ],
)
def test_no_way_out_of_the_root(gantry, sent):
    response = fetch(gantry, sent, host="keep")
    assert b"secret" != response.body
    assert response.status in (200, 400, 404) and (response.status != 200 or response.body == b"/secret.txt")


def test_the_query_is_not_part_of_the_path(gantry):
    with RawClient(gantry) as client:
        assert client.get("/a?x=/../y%zz", host="keep").body == b"/a"
        assert client.get("/a?", host="keep").body == b"/a"
