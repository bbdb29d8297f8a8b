"""Files: names, ranges, conditions, variants, listings, and a disk that changes meanwhile."""

import email.utils
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import threading
import time

import pytest

from support.certs import trusting
from support.client import RawClient, exchange, fetch
from support.curl import curl
from support.gantry import Gantry
from support.wait import wait_until

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[host."test"]
[host."test".location."/"]
static = { root = "@dir@/www", precompressed = ["br", "zstd", "gzip"], cache_check = "0s" }

[host."test".location."/listing/"]
static = { root = "@dir@/www", listing = true }
[host."test".location."/listing-json/"]
static = { root = "@dir@/list", strip_prefix = true, listing = true, listing_format = "json" }
[host."test".location."/listing-html/"]
static = { root = "@dir@/list", strip_prefix = true, listing = true, listing_format = "html", listing_theme = "@dir@/theme.css" }
[host."test".location."/listing-auto/"]
static = { root = "@dir@/list", strip_prefix = true, listing = true }

[host."test".location."/dots/"]
static = { root = "@dir@/www", strip_prefix = true, dotfiles = true }
[host."test".location."/follow/"]
static = { root = "@dir@/www", strip_prefix = true, symlinks = "follow" }
[host."test".location."/beneath/"]
static = { root = "@dir@/www", strip_prefix = true, symlinks = "beneath" }

[host."test".location."/app/"]
static = { root = "@dir@/spa", strip_prefix = true, spa = "index.html" }
[host."test".location."/try/"]
static = { root = "@dir@/try", strip_prefix = true, try_files = ["${path}", "${path}.html", "/maintenance.html"] }
[host."test".location."/try404/"]
static = { root = "@dir@/try", strip_prefix = true, try_files = ["${path}", "=404"] }
[host."test".location."/other-index/"]
static = { root = "@dir@/list", strip_prefix = true, index = ["none.html", "b.txt"] }

[host."test".location."/types/"]
static = { root = "@dir@/types", strip_prefix = true, charset = "iso-8859-1", types = { foo = "application/x-foo" }, default_type = "application/x-unknown", cache_control = "public, max-age=60", etag = false }

[host."test".location."/nocache/"]
static = { root = "@dir@/www", strip_prefix = true, cache_size = 0 }

[host."test".location."/slowcheck/"]
static = { root = "@dir@/www", strip_prefix = true, cache_check = "10m" }
"""

BIG = random.Random(7).randbytes(5 * 1024 * 1024 + 17)
OLD = 1_600_000_000  # seconds since the epoch


def files():
    return {
        "www/index.html": "<h1>index</h1>\n",
        "www/digits.txt": "0123456789",
        "www/empty.txt": "",
        "www/big.bin": BIG,
        "www/style.css": "body{}",
        "www/script.js": "1",
        "www/page.html": "<p>",
        "www/data.json": "{}",
        "www/picture.png": b"\x89PNG",
        "www/noext": "x",
        "www/sub/index.html": "sub index",
        "www/dir/file.txt": "f",
        "www/packed.js": "var plain = 1;",
        "www/packed.js.gz": gzip.compress(b"var plain = 1;", mtime=0),
        "www/packed.js.br": b"BROTLI",
        "www/packed.js.zst": b"ZSTD",
        "www/half.txt": "half",
        "www/half.txt.gz": gzip.compress(b"half", mtime=0),
        "www/.htpasswd": "dot",
        "www/.git/config": "dot",
        "www/listing/b.txt": "bb",
        "outside.txt": "outside",
        "list/b.txt": "bbb",
        "list/a file & <b>.txt": "a",
        "list/ümläut.txt": "u",
        "list/.hidden": "h",
        "list/sub/x.txt": "x",
        "theme.css": "body { color: rebeccapurple }",
        "spa/index.html": "<div id=app>",
        "spa/app.js": "app",
        "try/page.html": "try page",
        "try/plain": "try plain",
        "try/maintenance.html": "maintenance",
        "types/a.txt": "t",
        "types/a.foo": "f",
        "types/a.zzz": "b",
    }


@pytest.fixture(scope="module")
def gantry():
    server = Gantry(CONFIG, files())
    os.symlink("digits.txt", server.dir / "www/inside-link.txt")
    os.symlink("../outside.txt", server.dir / "www/outside-link.txt")
    os.symlink(server.dir / "outside.txt", server.dir / "www/absolute-link.txt")
    os.symlink(server.dir, server.dir / "www/dir-link")
    os.symlink("loop", server.dir / "www/loop")
    os.mkfifo(server.dir / "www/fifo")
    os.utime(server.dir / "www/digits.txt", (OLD, OLD))
    with server:
        yield server


# ---- plain answers


def test_a_file(gantry):
    response = fetch(gantry, "/digits.txt")
    assert (response.status, response.body) == (200, b"0123456789")
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["content-length"] == "10"
    assert response["accept-ranges"] == "bytes"
    assert response["last-modified"] == email.utils.formatdate(OLD, usegmt=True)
    assert re.fullmatch(r'(W/)?"[^"]+"', response["etag"])
    assert "cache-control" not in response


def test_index_and_directories(gantry):
    assert fetch(gantry, "/").text == "<h1>index</h1>\n"
    assert fetch(gantry, "/sub/").text == "sub index"
    assert fetch(gantry, "/other-index/").text == "bbb"
    assert fetch(gantry, "/dir/").status in (403, 404)


def test_a_directory_without_slash_is_redirected(gantry):
    response = fetch(gantry, "/sub?x=1")
    assert response.status in (301, 308)
    assert response["location"].endswith("/sub/?x=1")
    assert fetch(gantry, "/listing-html/sub").status in (301, 308)
    assert fetch(gantry, "/listing-html/sub")["location"].endswith("/listing-html/sub/")


def test_the_redirect_of_a_directory_stays_here(gantry):
    """Nothing that begins with two slashes may become a host of the Location."""
    for target in ("//evil.test/..%2f", "//evil.test/%2e%2e/sub", "/\\evil.test/sub"):
        response = fetch(gantry, target)
        if response.status in (301, 302, 307, 308):
            assert "//evil" not in response["location"] and "\\" not in response["location"], response


def test_empty_file(gantry):
    response = fetch(gantry, "/empty.txt")
    assert (response.status, response["content-length"], response.body) == (200, "0", b"")


def test_missing(gantry):
    for target in ("/none.txt", "/digits.txt/", "/digits.txt/x", "/noext/", "/" + "a" * 300, "/sub/none"):
        assert fetch(gantry, target).status == 404, target


def test_methods(gantry):
    assert exchange(gantry, "HEAD", "/digits.txt")["content-length"] == "10"
    for method in ("POST", "PUT", "DELETE", "PATCH", "FOO"):
        response = exchange(gantry, method, "/digits.txt", {"Content-Length": "0"})
        assert response.status == 405, method
        assert "GET" in response["allow"] and "HEAD" in response["allow"]


@pytest.mark.parametrize(
    "name,kind",
    [
        ("/style.css", "text/css; charset=utf-8"),
        ("/page.html", "text/html; charset=utf-8"),
        ("/data.json", "application/json"),
        ("/picture.png", "image/png"),
        ("/noext", "application/octet-stream"),
        ("/big.bin", "application/octet-stream"),
        ("/types/a.txt", "text/plain; charset=iso-8859-1"),
        ("/types/a.foo", "application/x-foo"),
        ("/types/a.zzz", "application/x-unknown"),
    ],
)
def test_types(gantry, name, kind):
    assert fetch(gantry, name)["content-type"] == kind


def test_javascript_type(gantry):
    assert fetch(gantry, "/script.js")["content-type"].startswith(("text/javascript", "application/javascript"))


def test_cache_control_and_no_etag(gantry):
    response = fetch(gantry, "/types/a.txt")
    assert response["cache-control"] == "public, max-age=60"
    assert "etag" not in response and "last-modified" in response


def test_a_large_file(gantry):
    for target in ("/big.bin", "/nocache/big.bin"):
        response = fetch(gantry, target)
        assert hashlib.sha256(response.body).digest() == hashlib.sha256(BIG).digest()


def test_a_large_file_to_a_slow_reader(gantry):
    with RawClient(gantry, receive_buffer=8192) as client:
        client.request("GET", "/big.bin")
        response = client.response(body=False)
        assert client.read_exactly(1000) == BIG[:1000]
        assert fetch(gantry, "/digits.txt").status == 200  # others are served meanwhile
        assert client.read_exactly(int(response["content-length"]) - 1000) == BIG[1000:]
        assert client.get("/digits.txt").status == 200


def test_no_descriptor_is_left_open(gantry):
    fetch(gantry, "/big.bin")
    before = gantry.open_files()
    for _ in range(20):
        with RawClient(gantry) as client:
            client.get("/nocache/big.bin", {"Range": "bytes=0-10"})
            client.get("/none")
            client.get("/fifo")
        with RawClient(gantry) as client:
            client.request("GET", "/big.bin")
            client.read_exactly(100)
    # workers differ in what they keep cached; what must not happen is growth with the number of requests
    wait_until(lambda: gantry.open_files() <= before + 8, "the descriptors to be closed")


# ---- conditions


def test_conditional_get(gantry):
    first = fetch(gantry, "/digits.txt")
    etag, modified = first["etag"], first["last-modified"]
    for headers in (
        {"If-None-Match": etag},
        {"If-None-Match": f'"x", {etag}'},
        {"If-None-Match": "*"},
        {"If-None-Match": "W/" + etag.removeprefix("W/")},
        {"If-Modified-Since": modified},
        {"If-Modified-Since": email.utils.formatdate(OLD + 100, usegmt=True)},
        {"If-None-Match": etag, "If-Modified-Since": email.utils.formatdate(OLD - 100, usegmt=True)},
    ):
        response = fetch(gantry, "/digits.txt", headers)
        assert (response.status, response.body) == (304, b""), headers
        assert response["etag"] == etag
    for headers in (
        {"If-None-Match": '"x"'},
        {"If-None-Match": '"x"', "If-Modified-Since": modified},
        {"If-Modified-Since": email.utils.formatdate(OLD - 100, usegmt=True)},
        {"If-Modified-Since": "rubbish"},
    ):
        assert fetch(gantry, "/digits.txt", headers).status == 200, headers
    for headers in ({"If-Match": '"x"'}, {"If-Unmodified-Since": email.utils.formatdate(OLD - 100, usegmt=True)}):
        assert fetch(gantry, "/digits.txt", headers).status == 412, headers
    for headers in ({"If-Match": "*"}, {"If-Unmodified-Since": modified}):
        assert fetch(gantry, "/digits.txt", headers).status == 200, headers
    if not etag.startswith("W/"):
        assert fetch(gantry, "/digits.txt", {"If-Match": etag}).status == 200


def test_a_304_keeps_the_connection(gantry):
    with RawClient(gantry) as client:
        etag = client.get("/digits.txt")["etag"]
        for _ in range(5):
            assert client.get("/digits.txt", {"If-None-Match": etag}).status == 304
        assert client.exchange("HEAD", "/digits.txt", {"If-None-Match": etag}).status == 304
        assert client.get("/digits.txt").body == b"0123456789"


# ---- ranges


@pytest.mark.parametrize(
    "value,content_range,body",
    [
        ("bytes=0-3", "bytes 0-3/10", b"0123"),
        ("bytes=5-", "bytes 5-9/10", b"56789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=-30", "bytes 0-9/10", b"0123456789"),
        ("bytes=3-300", "bytes 3-9/10", b"3456789"),
        ("bytes=9-9", "bytes 9-9/10", b"9"),
        ("BYTES=0-0", "bytes 0-0/10", b"0"),
        ("bytes=0-0,", "bytes 0-0/10", b"0"),
        ("bytes=2-3 , 20-30", "bytes 2-3/10", b"23"),
    ],
)
def test_single_ranges(gantry, value, content_range, body):
    response = fetch(gantry, "/digits.txt", {"Range": value})
    assert (response.status, response.get("content-range"), response.body) == (206, content_range, body)


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=20-30", "bytes=-0"])
def test_unsatisfiable_ranges(gantry, value):
    response = fetch(gantry, "/digits.txt", {"Range": value})
    assert (response.status, response["content-range"]) == (416, "bytes */10")


@pytest.mark.parametrize("value", ["bytes=a-b", "bytes=3-1", "lines=0-3", "bytes", "bytes=", "bytes=--1", "0-3", "bytes=1-2-3", "bytes=99999999999999999999999-"])
def test_ranges_that_are_none_are_ignored(gantry, value):
    response = fetch(gantry, "/digits.txt", {"Range": value})
    assert response.status in (200, 416) and (response.status == 416 or response.body == b"0123456789")


def test_ranges_of_a_large_file(gantry):
    with RawClient(gantry) as client:
        for first, last in ((0, 0), (1_000_000, 1_000_099), (300_000, 4_000_000), (len(BIG) - 1, len(BIG) - 1)):
            response = client.get("/big.bin", {"Range": f"bytes={first}-{last}"})
            assert response.status == 206 and response.body == BIG[first : last + 1]
            assert response["content-range"] == f"bytes {first}-{last}/{len(BIG)}"


def multipart(response):
    """[(content-range, bytes)] of a multipart/byteranges body, read strictly."""
    boundary = re.fullmatch(r'multipart/byteranges; *boundary="?([^";]+)"?', response["content-type"]).group(1).encode()
    parts = response.body.split(b"--" + boundary)
    assert parts[0] in (b"", b"\r\n") and parts[-1].rstrip(b"\r\n") == b"--", response.body[-100:]
    result = []
    for part in parts[1:-1]:
        assert part.startswith(b"\r\n") and part.endswith(b"\r\n")
        head, _, body = part[2:-2].partition(b"\r\n\r\n")
        fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in head.split(b"\r\n")}
        assert b"content-type" in fields
        result.append((fields[b"content-range"].decode(), body))
    return result


def test_multiple_ranges(gantry):
    response = fetch(gantry, "/digits.txt", {"Range": "bytes=0-1,4-5,-1"})
    assert response.status == 206 and "content-range" not in response
    assert multipart(response) == [("bytes 0-1/10", b"01"), ("bytes 4-5/10", b"45"), ("bytes 9-9/10", b"9")]


def test_multiple_ranges_of_a_large_file(gantry):
    for target in ("/big.bin", "/nocache/big.bin"):
        response = fetch(gantry, target, {"Range": "bytes=0-999,2000000-2999999,-1000"})
        parts = multipart(response)
        assert [body for _, body in parts] == [BIG[:1000], BIG[2000000:3000000], BIG[-1000:]]


def test_head_of_multiple_ranges(gantry):
    headers = {"Range": "bytes=0-1,4-5"}
    with RawClient(gantry) as client:
        head, get = client.exchange("HEAD", "/digits.txt", headers), client.get("/digits.txt", headers)
        # RFC 9110 14.2 defines Range for GET only: a HEAD may ignore it.
        assert head.status in (200, 206) and head.body == b""
        if head.status == 206:
            assert head["content-length"] == get["content-length"]


def test_a_flood_of_ranges_is_not_an_amplifier(gantry):
    response = fetch(gantry, "/big.bin", {"Range": "bytes=" + ",".join("0-" for _ in range(1000))})
    assert response.status in (200, 206, 416)
    assert len(response.body) <= len(BIG) + 10_000


def test_if_range(gantry):
    first = fetch(gantry, "/digits.txt")
    for validator, status in (
        (first["etag"], 200 if first["etag"].startswith("W/") else 206),
        ('"x"', 200),
        (first["last-modified"], 206),
        (email.utils.formatdate(OLD - 5, usegmt=True), 200),
        (email.utils.formatdate(OLD + 5, usegmt=True), 200),
    ):
        response = fetch(gantry, "/digits.txt", {"Range": "bytes=0-3", "If-Range": validator})
        assert response.status == status, validator
        assert response.body == (b"0123" if status == 206 else b"0123456789")


def test_curl_resumes_a_download(gantry, tmp_path):
    part = tmp_path / "big.bin"
    part.write_bytes(BIG[:1_234_567])
    done = curl("http://test/big.bin", "-C", "-", "-o", part, connect=gantry.address())
    assert done.code == 0 and part.read_bytes() == BIG


# ---- precompressed variants


@pytest.mark.parametrize(
    "accept,coding,body",
    [
        (None, None, b"var plain = 1;"),
        ("", None, b"var plain = 1;"),
        ("identity", None, b"var plain = 1;"),
        ("deflate", None, b"var plain = 1;"),
        ("br", "br", b"BROTLI"),
        ("zstd", "zstd", b"ZSTD"),
        ("gzip, br, zstd", "br", b"BROTLI"),
        ("gzip;q=1, br;q=0.5", "gzip", None),
        ("br;q=0, gzip;q=0, *", "zstd", b"ZSTD"),
        ("br;q=0", None, b"var plain = 1;"),
        ("GZIP", "gzip", None),
    ],
)
def test_precompressed(gantry, accept, coding, body):
    response = fetch(gantry, "/packed.js", {} if accept is None else {"Accept-Encoding": accept})
    assert response.status == 200
    assert response.get("content-encoding") == coding
    assert (body or gzip.compress(b"var plain = 1;", mtime=0)) == response.body
    assert "accept-encoding" in response["vary"].lower()
    assert "javascript" in response["content-type"]


def test_variants_have_their_own_etag(gantry):
    etags = {fetch(gantry, "/packed.js", {"Accept-Encoding": coding})["etag"] for coding in ("br", "zstd", "gzip", "identity")}
    assert len(etags) == 4
    br = fetch(gantry, "/packed.js", {"Accept-Encoding": "br"})["etag"]
    assert fetch(gantry, "/packed.js", {"Accept-Encoding": "br", "If-None-Match": br}).status == 304
    assert fetch(gantry, "/packed.js", {"Accept-Encoding": "gzip", "If-None-Match": br}).status == 200


def test_a_missing_variant_falls_back(gantry):
    response = fetch(gantry, "/half.txt", {"Accept-Encoding": "br, zstd"})
    assert response.body == b"half" and "content-encoding" not in response
    done = curl("http://test/half.txt", "--compressed", connect=gantry.address())
    assert (done.body, done.get("content-encoding")) == (b"half", "gzip")


def test_ranges_of_a_variant(gantry):
    response = fetch(gantry, "/packed.js", {"Accept-Encoding": "br", "Range": "bytes=0-1"})
    assert (response.status, response.body, response["content-encoding"]) == (206, b"BR", "br")


# ---- listings


def test_no_listing_by_default(gantry):
    assert fetch(gantry, "/dir/").status in (403, 404)


def test_listing_json(gantry):
    response = fetch(gantry, "/listing-json/")
    assert response["content-type"].startswith("application/json")
    entries = json.loads(response.text)
    entries = entries if isinstance(entries, list) else entries["entries"]
    names = {entry["name"].rstrip("/") for entry in entries}
    assert names == {"b.txt", "a file & <b>.txt", "ümläut.txt", "sub"}
    assert next(entry for entry in entries if entry["name"] == "b.txt")["size"] == 3


def test_listing_html(gantry):
    response = fetch(gantry, "/listing-html/")
    assert response["content-type"] == "text/html; charset=utf-8"
    assert "rebeccapurple" in response.text
    assert "<b>.txt" not in response.text and "&lt;b&gt;.txt" in response.text
    assert ".hidden" not in response.text
    links = re.findall(r'href="([^"]+)"', response.text)
    with RawClient(gantry) as client:
        for link in links:
            link = link.replace("&amp;", "&")
            if link.startswith("..") or link in ("/", "./", "/listing-html/"):
                continue
            target = link if link.startswith("/") else "/listing-html/" + link.removeprefix("./")
            if "?" not in target:
                assert client.get(target).status == 200, link
    assert any("%20" in link for link in links)


def test_listing_chosen_by_accept(gantry):
    assert fetch(gantry, "/listing-auto/", {"Accept": "text/html"})["content-type"].startswith("text/html")
    assert fetch(gantry, "/listing-auto/", {"Accept": "application/json"})["content-type"].startswith("application/json")


def test_listing_escapes_the_path_itself(gantry):
    name = '"><script>alert(1)</script>'
    os.makedirs(gantry.dir / "list" / name.replace("/", "_"), exist_ok=True)
    target = "/listing-html/%22%3E%3Cscript%3Ealert(1)%3C_script%3E/"
    response = fetch(gantry, target)
    assert response.status == 200 and "<script>alert" not in response.text


# ---- what is not to be seen


@pytest.mark.parametrize("target", ["/.htpasswd", "/.git/config", "/.git/", "/%2ehtpasswd", "/sub/../.htpasswd", "/.none"])
def test_dotfiles_are_denied(gantry, target):
    response = fetch(gantry, target)
    assert response.status in (403, 404) and b"dot" not in response.body


def test_dotfiles_where_allowed(gantry):
    assert fetch(gantry, "/dots/.htpasswd").text == "dot"
    assert fetch(gantry, "/dots/.git/config").text == "dot"


@pytest.mark.parametrize("name", ["inside-link.txt", "outside-link.txt", "absolute-link.txt", "dir-link/outside.txt", "loop"])
def test_symlinks_are_denied(gantry, name):
    response = fetch(gantry, "/" + name)
    assert response.status in (403, 404), response


def test_symlinks_beneath(gantry):
    assert fetch(gantry, "/beneath/inside-link.txt").body == b"0123456789"
    for name in ("outside-link.txt", "absolute-link.txt", "dir-link/outside.txt", "loop"):
        assert fetch(gantry, "/beneath/" + name).status in (403, 404), name


def test_symlinks_followed(gantry):
    assert fetch(gantry, "/follow/inside-link.txt").body == b"0123456789"
    assert fetch(gantry, "/follow/outside-link.txt").text == "outside"
    assert fetch(gantry, "/follow/dir-link/outside.txt").text == "outside"
    assert fetch(gantry, "/follow/loop").status in (403, 404)


def test_special_files_neither_block_nor_answer(gantry):
    assert fetch(gantry, "/fifo").status in (403, 404)


def test_an_unreadable_file(gantry):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    gantry.write("www/closed.txt", "closed", mode=0)
    assert fetch(gantry, "/closed.txt").status == 403


# ---- spa, try_files


def test_spa(gantry):
    assert fetch(gantry, "/app/app.js").text == "app"
    for target in ("/app/", "/app/deep/route", "/app/none.js"):
        response = fetch(gantry, target)
        assert (response.status, response.text) == (200, "<div id=app>"), target
        assert response["content-type"].startswith("text/html")


def test_try_files(gantry):
    assert fetch(gantry, "/try/plain").text == "try plain"
    assert fetch(gantry, "/try/page").text == "try page"
    assert fetch(gantry, "/try/none").text == "maintenance"
    assert fetch(gantry, "/try404/plain").text == "try plain"
    assert fetch(gantry, "/try404/page").status == 404


# ---- a disk that is slow


def is_cold(path):
    """Would reading its first byte have to wait for the disk?"""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


def make_cold(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def test_files_that_are_not_in_memory_yet(gantry):
    """They are read elsewhere, while the loop goes on; small ones, large ones, and parts of both."""
    contents = {f"cold{n}.bin": bytes([n]) * size for n, size in enumerate((1, 5_000, 60_000, 300_000, 2_000_000))}
    for name, content in contents.items():
        make_cold(gantry.write(f"www/{name}", content))
    if not any(is_cold(gantry.dir / "www" / name) for name in contents):
        pytest.skip("the file system of the temporary folder keeps everything in memory")
    with RawClient(gantry) as client:
        for name in contents:
            client.request("GET", f"/{name}")
        for content in contents.values():
            response = client.response()
            assert response.status == 200 and response.body == content
        for name, content in contents.items():
            assert client.get(f"/{name}", {"Range": "bytes=0-0"}).body == content[:1]


def bytes_read(gantry):
    """(by the workers, by the other threads of the server process) so far, of files or of anything else"""
    workers = others = 0
    for task in pathlib.Path(f"/proc/{gantry.server_pid()}/task").iterdir():
        count = int(re.search(r"rchar: (\d+)", (task / "io").read_text()).group(1))
        if (task / "comm").read_text().startswith("worker-"):
            workers += count
        else:
            others += count
    return workers, others


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_a_worker_does_not_wait_for_the_disk(listener):
    """Pieces that would have to come from the disk are read by another thread first, those in memory by the worker."""
    config = """
[listener.plain]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true

[host."test"]
default = true
[host."test".location."/"]
static = { root = "@dir@/www" }
"""
    tls = trusting() if listener == "tls" else None
    content = random.Random(8).randbytes(8_000_001)
    files = {"www/large.bin": content, "www/probe.bin": content[:100_000]}
    with Gantry(config, files) as gantry, RawClient(gantry, listener, tls=tls) as client:
        make_cold(gantry.dir / "www/large.bin")
        make_cold(gantry.dir / "www/probe.bin")
        # Another file, as whoever asks makes the kernel read ahead.
        if not is_cold(gantry.dir / "www/probe.bin"):
            pytest.skip("the file system of the temporary folder keeps everything in memory")
        _, before = bytes_read(gantry)
        assert client.get("/large.bin").body == content
        of_workers, after_cold = bytes_read(gantry)
        assert after_cold - before >= 16384, "the worker met the cold file alone"
        assert client.get("/large.bin").body == content
        of_workers, after_warm = (new - old for new, old in zip(bytes_read(gantry), (of_workers, after_cold)))
        assert of_workers >= len(content) and after_warm < 16384, "pieces in memory went the long way"


# ---- a disk that changes


def test_a_changed_file_is_noticed(gantry):
    for number in range(5):
        gantry.write("www/changing.txt", f"version {number}")
        assert fetch(gantry, "/changing.txt").text == f"version {number}"
    os.unlink(gantry.dir / "www/changing.txt")
    assert fetch(gantry, "/changing.txt").status == 404
    gantry.write("www/changing.txt", "again")
    assert fetch(gantry, "/changing.txt").text == "again"


def test_the_cache_may_be_slow_to_notice_but_never_mixes(gantry):
    gantry.write("www/cached.txt", "a" * 1000)
    first = fetch(gantry, "/slowcheck/cached.txt")
    gantry.write("www/cached.txt", "b" * 2000)
    second = fetch(gantry, "/slowcheck/cached.txt")
    assert second.body in (b"a" * 1000, b"b" * 2000)
    if second["etag"] == first["etag"]:
        assert second.body == first.body


def test_a_file_replaced_while_it_is_served(gantry):
    """The one that was opened is sent to its end."""
    old, new = b"o" * 8_000_000, b"n" * 8_000_000
    gantry.write("www/replaced.bin", old)
    with RawClient(gantry, receive_buffer=8192) as client:
        client.request("GET", "/replaced.bin")
        response = client.response(body=False)
        start = client.read_exactly(1000)
        gantry.write("www/replaced.bin", new)
        rest = client.read_exactly(int(response["content-length"]) - 1000)
        assert start + rest == old
        assert client.get("/replaced.bin").body == new


def test_a_file_truncated_while_it_is_served(gantry):
    """The promised length cannot be kept: the connection ends, and nothing crashes."""
    gantry.write("www/truncated.bin", b"t" * 8_000_000)
    with RawClient(gantry, receive_buffer=8192) as client:
        client.request("GET", "/truncated.bin")
        client.response(body=False)
        client.read_exactly(1000)
        os.truncate(gantry.dir / "www/truncated.bin", 100_000)
        rest = client.read_to_end()
        assert len(rest) < 8_000_000 - 1000
        # What the kernel had queued by reference may have lost its tail to zeros: sendfile copies nothing.
        assert set(rest) <= {0, ord("t")}
    assert fetch(gantry, "/digits.txt").status == 200


def test_a_small_file_truncated_between_requests(gantry):
    path = gantry.write("www/shrink.txt", "x" * 100_000)
    assert len(fetch(gantry, "/shrink.txt").body) == 100_000
    os.truncate(path, 10)
    assert fetch(gantry, "/shrink.txt").body == b"x" * 10


def test_readers_of_a_file_under_constant_change(gantry):
    """Every answer is one version, whole, with the ETag of that version."""
    stop = threading.Event()
    bodies = [bytes([ord("a") + n]) * (50_000 + n * 1000) for n in range(8)]
    gantry.write("www/churn.bin", bodies[0])

    def writer():
        number = 0
        while not stop.is_set():
            number += 1
            gantry.write("www/churn.bin", bodies[number % len(bodies)])
            stop.wait(0.001)

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        seen = {}
        with RawClient(gantry) as client:
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                response = client.get("/churn.bin")
                assert response.status == 200
                assert response.body in bodies
                seen.setdefault(response["etag"], response.body)
                assert seen[response["etag"]] == response.body, "one ETag for two versions"
        assert len({body for body in seen.values()}) > 1
    finally:
        stop.set()
        thread.join()
