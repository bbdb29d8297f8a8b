"""The module compress, decoded by what clients use: bodies byte by byte, heads as caches need them, events as they come."""

import gzip
import random
import subprocess
import threading
import time
import zlib

import brotli
import pytest
import zstandard

from support.certs import trusting
from support.client import RawClient, exchange, fetch
from support.gantry import Gantry
from support.modules import expect_refused
from support.origin import Origin, routes
from support.wait import wait_until

WORDS = random.Random(7)
SPACES = [" ", " ", ".\n"]
TEXT = "".join(f"word-{WORDS.randrange(3000)}{WORDS.choice(SPACES)}" for _ in range(35_000))  # 350 KiB
CODINGS = ["zstd", "br", "gzip"]

CONFIG = """
modules = ["compress"]
[server]
workers = 1
compress = true
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.app]
peers = ["127.0.0.1:@app@"]
[host."test"]
certificate = { certificate = "@dir@/test.pem", key = "@dir@/test.key" }
[host."test".location."/"]
static = "@dir@/www"
[host."test".location."/app/"]
proxy = "app"
[host."test".location."/off/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = false
[host."test".location."/gzip-only/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { codings = ["gzip"] }
[host."test".location."/gzip-first/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { codings = ["gzip", "br", "zstd"] }
[host."test".location."/types/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { types = ["image/*"] }
[host."test".location."/short/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { min_size = "10B" }
[host."test".location."/unguarded/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { breach_guard = false }
[host."test".location."/hard/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { zstd_level = 12, br_level = 9, gzip_level = 9, load_from = 100 }
[host."test".location."/easy/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { zstd_level = 1, br_level = 1, gzip_level = 1 }
[host."test".location."/busy/"]
static = { root = "@dir@/www", strip_prefix = true }
compress = { gzip_level = 9, load_from = 5, load_full = 25 }
[host."test".location."/teapot"]
respond = { status = 418, body = "@long@" }
"""
FILES = {
    "www/text.txt": TEXT,
    "www/page.html": TEXT[:5000],
    "www/short.txt": "short text " * 9,
    "www/data.json": '{"a": [' + "1, " * 3000 + "1]}",
    "www/image.png": bytes(random.Random(1).randbytes(5000)),
    "www/drawing.svg": "<svg>" + "<g/>" * 2000 + "</svg>",
    "www/empty.txt": "",
}


def answers():
    pieces = [TEXT[at : at + 7000] for at in range(0, len(TEXT), 7000)]

    def chunked(connection, request, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.chunk(piece.encode())
        connection.send("0\r\n\r\n")

    def fields(status=200, body=TEXT[:5000], **more):
        base = {"Content-Type": "text/html"}

        def answer(connection, request, _):
            connection.respond(status, body, base | {name.replace("_", "-"): value for name, value in more.items()}, head=request.method == "HEAD")

        return answer

    def cut(connection, request, _):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n{TEXT[:50000]}")
        return "close"

    def encoded(connection, request, _):
        connection.respond(200, gzip.compress(TEXT.encode()), {"Content-Type": "text/plain", "Content-Encoding": "gzip", "ETag": '"z"'})

    def revalidated(connection, request, _):
        connection.send('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n')

    return routes(
        {
            "/app/chunked": chunked,
            "/app/cut": cut,
            "/app/encoded": encoded,
            "/app/revalidated": revalidated,
            "/app/plain": fields(ETag='"x"', Accept_Ranges="bytes", Content_Digest="sha-256=:x:", Vary="Cookie"),
            "/app/weak": fields(ETag='W/"x"', Vary="accept-encoding"),
            "/app/no-transform": fields(Cache_Control="private, no-transform", ETag='"x"'),
            "/app/public": fields(Cache_Control="public, max-age=60"),
            "/app/part": fields(status=206, Content_Range="bytes 0-4999/9999"),
            "/app/error": fields(status=500),
        }
    )


@pytest.fixture(scope="module")
def gantry(authority):
    leaf = authority.leaf("test")
    files = FILES | {"test.pem": leaf.certificate, "test.key": leaf.key}
    with Origin(answers()) as origin, Gantry(CONFIG, files=files, app=origin.port, long="tea " * 500) as server:
        server.origin = origin
        yield server


def decode(coding, data):
    if coding == "zstd":
        decoder = zstandard.ZstdDecompressor().decompressobj()
        return decoder.decompress(data)
    return brotli.decompress(data) if coding == "br" else gzip.decompress(data)


def get(gantry, target, accept="zstd, br, gzip", more=(), **arguments):
    return fetch(gantry, target, [("Accept-Encoding", accept), *more] if accept is not None else list(more), **arguments)


def text_of(answer):
    return decode(answer["Content-Encoding"], answer.body).decode()


# ---- bodies


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("target", ["/text.txt", "/app/chunked", "/drawing.svg", "/data.json"])
def test_bodies_are_whole(gantry, target, coding):
    plain = get(gantry, target, None)
    answer = get(gantry, target, coding)
    assert "Content-Encoding" not in plain and plain["Vary"] == answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Encoding"] == coding and "Content-Length" not in answer
    assert text_of(answer) == plain.text
    assert len(answer.body) < len(plain.body) / 2


@pytest.mark.parametrize("coding", CODINGS)
def test_curl_understands(gantry, coding):
    version = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    if {"zstd": "zstd", "br": "brotli", "gzip": "libz"}[coding] not in version:
        pytest.skip(f"this curl does not know {coding}")
    host, port = gantry.address()
    done = subprocess.run(
        ["curl", "-s", "--noproxy", "*", "--compressed", "-H", f"Accept-Encoding: {coding}", "-H", "Host: test", f"http://{host}:{port}/text.txt"],
        capture_output=True, timeout=60, check=True,
    )
    assert done.stdout == TEXT.encode()


def test_many_on_one_connection(gantry):
    with RawClient(gantry) as client:
        for turn in range(30):
            coding = CODINGS[turn % 3]
            answer = client.get("/page.html", [("Accept-Encoding", coding)])
            assert text_of(answer) == TEXT[:5000]


def test_an_old_client(gantry):
    answer = get(gantry, "/text.txt", "gzip", version="HTTP/1.0")
    assert answer.until_close and text_of(answer) == TEXT


def test_over_tls(gantry):
    with RawClient(gantry, "tls", tls=trusting(), server_name="test") as client:
        assert text_of(client.get("/text.txt", [("Accept-Encoding", "br")])) == TEXT


def test_answers_with_other_statuses(gantry):
    answer = get(gantry, "/teapot")
    assert answer.status == 418 and text_of(answer) == "tea " * 500
    assert text_of(get(gantry, "/app/error")) == TEXT[:5000]


def test_a_body_that_is_cut_stays_cut(gantry):
    with RawClient(gantry) as client:
        client.request("GET", "/app/cut", [("Accept-Encoding", "gzip")])
        answer = client.response(body=False)
        assert answer["Content-Encoding"] == "gzip"
        rest = client.read_to_end()
    assert not rest.endswith(b"0\r\n\r\n")


# ---- the choice


@pytest.mark.parametrize(
    "accept, expected",
    [
        ("gzip, br, zstd", "zstd"), ("gzip, br", "br"), ("gzip", "gzip"), ("*", "zstd"), ("gzip;q=1, *;q=0.5", "gzip"), ("zstd;q=0, *", "br"),
        ("deflate", None), ("", None), (None, None), ("gzip;q=0", None), ("identity", None), ("identity, gzip;q=0.5", None), ("br;q=0.2, gzip;q=0.3", "gzip"),
    ],
)
def test_the_client_chooses(gantry, accept, expected):
    answer = get(gantry, "/text.txt", accept)
    assert answer.get("Content-Encoding") == expected and answer["Vary"] == "Accept-Encoding"


def test_several_fields_of_the_client_add_up(gantry):
    assert get(gantry, "/text.txt", "gzip", [("Accept-Encoding", "br;q=0.1")])["Content-Encoding"] == "gzip"
    assert get(gantry, "/text.txt", "gzip;q=0.5", [("Accept-Encoding", "br")])["Content-Encoding"] == "br"


def test_codings_of_the_configuration(gantry):
    assert get(gantry, "/gzip-only/text.txt")["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in get(gantry, "/gzip-only/text.txt", "br")
    assert get(gantry, "/gzip-first/text.txt")["Content-Encoding"] == "gzip"
    assert get(gantry, "/gzip-first/text.txt", "zstd, br")["Content-Encoding"] == "br"


def test_off_in_a_location(gantry):
    answer = get(gantry, "/off/text.txt")
    assert "Content-Encoding" not in answer and "Vary" not in answer and answer.text == TEXT


def test_types(gantry):
    assert "Content-Encoding" not in get(gantry, "/image.png") and "Vary" not in get(gantry, "/image.png")
    assert "Content-Encoding" not in get(gantry, "/types/text.txt")
    answer = get(gantry, "/types/drawing.svg", "gzip")
    assert text_of(answer) == FILES["www/drawing.svg"]


def test_short_bodies(gantry):
    answer = get(gantry, "/short.txt")
    assert "Content-Encoding" not in answer and answer.text == FILES["www/short.txt"]
    assert text_of(get(gantry, "/short/short.txt")) == FILES["www/short.txt"]
    assert text_of(get(gantry, "/short.txt", "gzip, identity;q=0")) == FILES["www/short.txt"]
    empty = get(gantry, "/empty.txt")
    assert "Content-Encoding" not in empty and empty["Content-Length"] == "0"


@pytest.mark.parametrize("coding", CODINGS)
def test_levels(gantry, coding):
    hard, easy = get(gantry, "/hard/text.txt", coding), get(gantry, "/easy/text.txt", coding)
    assert text_of(hard) == text_of(easy) == TEXT
    assert len(hard.body) < len(easy.body) * 0.95


def test_levels_fall_under_load(gantry):
    hard, easy = (len(get(gantry, f"/{name}/text.txt", "gzip").body) for name in ("hard", "easy"))

    def has_fallen():
        with RawClient(gantry) as client:
            for _ in range(20):
                size = len(client.get("/busy/text.txt", [("Accept-Encoding", "gzip")]).body)
        return size == easy

    def has_risen():
        time.sleep(0.6)  # a window without work
        return len(get(gantry, "/busy/text.txt", "gzip").body) < easy

    assert hard < easy
    wait_until(has_fallen, "a lower level under load")
    wait_until(has_risen, "a higher level without")


# ---- heads


def test_never_twice(gantry):
    answer = get(gantry, "/app/encoded")
    assert answer["Content-Encoding"] == "gzip" and gzip.decompress(answer.body) == TEXT.encode() and answer["ETag"] == '"z"'


def test_not_against_the_wish_of_the_application(gantry):
    answer = get(gantry, "/app/no-transform")
    assert "Content-Encoding" not in answer and answer["ETag"] == '"x"' and answer.text == TEXT[:5000]


def test_parts_stay_as_they_are(gantry):
    answer = get(gantry, "/text.txt", more=[("Range", "bytes=100-2099")])
    assert answer.status == 206 and "Content-Encoding" not in answer and answer.text == TEXT[100:2100]
    assert "Content-Encoding" not in get(gantry, "/app/part")


def test_the_head_of_a_compressed_body(gantry):
    plain, answer = get(gantry, "/app/plain", None), get(gantry, "/app/plain", "gzip")
    assert plain["ETag"] == '"x"' and plain["Accept-Ranges"] == "bytes" and plain["Vary"] == "Cookie, Accept-Encoding"
    assert answer["ETag"] == 'W/"x"' and answer["Vary"] == "Cookie, Accept-Encoding"
    assert "Accept-Ranges" not in answer and "Content-Digest" not in answer and "Content-Length" not in answer
    answer = get(gantry, "/app/weak", "gzip")
    assert answer["ETag"] == 'W/"x"' and answer["Vary"] == "accept-encoding"


def test_head_is_that_of_get(gantry):
    for target in ("/text.txt", "/app/plain"):
        head = exchange(gantry, "HEAD", target, [("Accept-Encoding", "br")])
        body = get(gantry, target, "br")
        for name in ("Content-Encoding", "ETag", "Vary", "Content-Type"):
            assert head[name] == body[name]
        assert "Content-Length" not in head and head.body == b""
        assert exchange(gantry, "HEAD", target)["Content-Length"] == str(len(get(gantry, target, None).body))


def test_a_weak_tag_is_good_for_asking_again(gantry):
    tag = get(gantry, "/text.txt", "gzip")["ETag"]
    assert tag.startswith('W/"')
    again = get(gantry, "/text.txt", "gzip", [("If-None-Match", tag)])
    assert again.status == 304 and again["ETag"] == tag and again["Vary"] == "Accept-Encoding"
    strong = tag.removeprefix("W/")
    assert get(gantry, "/text.txt", None, [("If-None-Match", strong)])["ETag"] == strong
    assert get(gantry, "/app/revalidated", "gzip", [("If-None-Match", 'W/"x"')])["ETag"] == 'W/"x"'
    # Ranges of one representation never meet another.
    assert get(gantry, "/text.txt", "gzip", [("Range", "bytes=0-9"), ("If-Range", tag)]).status == 200


# ---- BREACH

COOKIE = ("Cookie", "session=1")


@pytest.mark.parametrize(
    "fields, is_compressed",
    [
        ([], True),
        ([("Sec-Fetch-Site", "cross-site")], True),
        ([COOKIE, ("Sec-Fetch-Site", "cross-site")], False),
        ([COOKIE, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-User", "?1")], True),
        ([COOKIE, ("Sec-Fetch-Site", "same-origin")], True),
        ([COOKIE, ("Sec-Fetch-Site", "none")], True),
        ([COOKIE], False),
        ([COOKIE, ("Referer", "https://test/page")], True),
        ([COOKIE, ("Referer", "https://evil.example/test")], False),
        ([COOKIE, ("Origin", "https://evil.example"), ("Referer", "https://test/")], False),
        ([("Authorization", "Basic dTpw"), ("Sec-Fetch-Site", "cross-site")], False),
        ([("Authorization", "Bearer x"), ("Sec-Fetch-Site", "cross-site")], True),
    ],
)
def test_what_other_sites_may_learn_from(gantry, fields, is_compressed):
    answer = get(gantry, "/text.txt", "gzip", fields)
    assert ("Content-Encoding" in answer) == is_compressed and answer["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" in get(gantry, "/unguarded/text.txt", "gzip", fields)
    assert "Content-Encoding" in get(gantry, "/app/public", "gzip", fields)


# ---- streams


class Feed:
    """An origin that sends what the test puts in, chunk by chunk."""

    def __init__(self, content_type):
        self.content_type = content_type
        self.connection = None
        self.ready = threading.Event()
        self.over = threading.Event()

    def __call__(self, connection, origin):
        connection.read_request()
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.connection = connection
        self.ready.set()
        self.over.wait(30)
        connection.send("0\r\n\r\n")


def decoder(coding):
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress
    return brotli.Decompressor().process if coding == "br" else zlib.decompressobj(31).decompress


STREAM = """
modules = ["compress"]
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
peers = ["127.0.0.1:@app@"]
[host."test".location."/"]
proxy = "app"
compress = true
"""


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/html"])
@pytest.mark.parametrize("coding", CODINGS)
def test_each_event_comes_before_the_next_is_made(coding, content_type):
    feed = Feed(content_type)
    with Origin(feed) as origin, Gantry(STREAM, app=origin.port) as server, RawClient(server) as client:
        client.request("GET", "/", [("Accept-Encoding", coding)])
        assert feed.ready.wait(10)
        answer = client.response(body=False)
        assert answer["Content-Encoding"] == coding
        decompress = decoder(coding)
        for number in range(20):
            event = f"data: {number} {'x' * number}\n\n".encode()
            feed.connection.chunk(event)
            text = b""
            while len(text) < len(event):
                size = int(client.read_until(b"\r\n"), 16)
                text += decompress(client.read_exactly(size))
                client.read_exactly(2)
            assert text == event
        feed.over.set()
        rest = b""
        while size := int(client.read_until(b"\r\n"), 16):
            rest += decompress(client.read_exactly(size))
            client.read_exactly(2)
        assert rest == b""


# ---- clients that are slow or leave

LARGE = """
modules = ["compress"]
[server]
workers = 1
compress = { enabled = true, codings = ["gzip"], types = ["application/octet-stream", "text/plain"] }
compress_memory = "1MiB"
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
static = "@dir@/www"
[host."test".location."/short.txt"]
static = "@dir@/www"
"""


@pytest.fixture(scope="module")
def large():
    noise = random.Random(3).randbytes(24 * 1024 * 1024)
    with Gantry(LARGE, files={"www/noise.bin": noise, "www/short.txt": "short " * 1000}) as server:
        yield server, noise


def begin(server):
    client = RawClient(server, receive_buffer=4096)
    client.request("GET", "/noise.bin", [("Accept-Encoding", "gzip")])
    return client, client.response(body=False)


def test_slow_clients_are_waited_for_and_memory_is_bounded(large):
    server, noise = large
    before = server.resident()
    clients = [begin(server) for _ in range(8)]
    try:
        codings = [answer.get("Content-Encoding") for _, answer in clients]
        # 1 MiB is for three encoders of gzip; who comes then gets the body as it is.
        assert codings[:3] == ["gzip"] * 3 and codings[4:] == [None] * 4
        assert all("Accept-Encoding" in answer["Vary"] for _, answer in clients)
        assert server.resident() - before < 48 * 1024 * 1024
        client, answer = clients[0]
        client.read_body(answer)
        assert gzip.decompress(answer.body) == noise
    finally:
        for client, _ in clients:
            client.close()


def test_clients_that_leave_give_their_encoders_back(large):
    server, _ = large
    for turn in range(12):
        client, _ = begin(server)
        client.reset() if turn % 2 else client.close()
    wait_until(lambda: fetch(server, "/short.txt", [("Accept-Encoding", "gzip")]).get("Content-Encoding") == "gzip", "an encoder")
    answers = [fetch(server, "/short.txt", [("Accept-Encoding", "gzip")]) for _ in range(10)]
    assert all(gzip.decompress(answer.body) == b"short " * 1000 for answer in answers)


def test_a_reload_changes_the_limit(large):
    server, _ = large
    text = server.config_path.read_text()
    server.config_path.write_text(text.replace('"1MiB"', '"64MiB"'))
    server.reload(expect="generation")

    def all_compressed():
        clients = [begin(server) for _ in range(8)]
        codings = [answer.get("Content-Encoding") for _, answer in clients]
        for client, _ in clients:
            client.close()
        return codings == ["gzip"] * 8

    wait_until(all_compressed, "room for eight encoders")


# ---- what is wrong

BASE = 'modules = ["compress"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n'
MISTAKES = {
    "coding": ('compress = { codings = ["deflate"] }', '"codings" cannot be "deflate"'),
    "type": ('compress = { types = ["text"] }', '"text" is no media type'),
    "level": ("compress = { gzip_level = 10 }", '"gzip_level" must be between 1 and 9'),
    "load": ("compress = { load_from = 90, load_full = 80 }", "load_from has to be less than load_full"),
    "member": ("compress = { minsize = 1 }", 'did you mean "min_size"?'),
    "place": ('compress_memory = "1MiB"', 'unknown key "compress_memory"'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_have_places_and_remedies(tmp_path, mistake):
    line, text = MISTAKES[mistake]
    expect_refused(tmp_path, BASE + line + "\n", text, 6)
