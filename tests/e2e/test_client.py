"""Requests that modules send: the real binary, real servers, and a module that asks what a request's fields say."""

import concurrent.futures
import socket
import ssl
import threading

import pytest

from support.certs import Authority
from support.client import RawClient, exchange, fetch
from support.gantry import ROOT, Gantry
from support.modules import build, check_with
from support.operator import run_json
from support.origin import Origin
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-asker.so"]
[server]
workers = @count@
control = "@dir@/control.sock"
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
asker = @asker@
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/asker.cpp", folder, "asker")
    return folder


@pytest.fixture(scope="module")
def authority():
    return Authority()


def make(modules, asker, more="", count=1, **values):
    return Gantry(CONFIG + more, modules=modules, asker=asker, count=count, **values)


def url(origin, path=""):
    return f'"http://127.0.0.1:{origin.port}{path}"'


def ask(gantry, fields=(), **more):
    return fetch(gantry, "/", headers=fields, **more).text


class App:
    """A server that does what the path says."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, connection, origin):
        while True:
            request = origin.note(connection.read_request())
            if getattr(self, "on_" + request.path.strip("/").replace("-", "_"), self.hello)(connection, request) is False:
                return

    def hello(self, connection, request):
        connection.respond(200, f"hello {request.method} {request.target} {request.body.decode()}", head=request.method == "HEAD", headers={"X-User": "ada"})

    def on_refuse(self, connection, _):
        connection.respond(403, "no")

    def on_empty(self, connection, _):
        connection.send("HTTP/1.1 204 None\r\n\r\n")

    def on_close(self, connection, _):
        connection.respond(200, "last", headers={"Connection": "close"})
        return False

    def on_leave(self, connection, _):
        connection.respond(200, "kept")
        return False

    def on_until_close(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\n\r\nto the end")
        return False

    def on_chunks(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4):
            connection.chunk(b"x" * 30_000)
        connection.send("0\r\n\r\n")

    def on_large(self, connection, _):
        connection.respond(200, "x" * 100_000)

    def on_interim(self, connection, _):
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        connection.respond(200, "then")

    def on_cut(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False

    def on_rubbish(self, connection, _):
        connection.send("SSH-2.0-OpenSSH\r\n\r\n")
        return False

    def on_smuggle(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        return False

    def on_nothing(self, connection, _):
        return False

    def on_hang(self, connection, _):
        connection.wait_closed()
        return False

    def on_wait(self, connection, _):
        self.go.wait(30)
        connection.respond(200, "waited")

    def on_drip(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.send("x")
            if self.go.wait(0.05):
                return False

    def on_stall(self, connection, _):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        connection.wait_closed()
        return False


@pytest.fixture(scope="module")
def origin():
    with Origin(App()) as server:
        yield server


@pytest.fixture(scope="module")
def gantry(modules, origin):
    with make(modules, url(origin, "/first?a=b")) as server:
        yield server


def test_an_answer_is_collected(gantry, origin):
    text = ask(gantry, [("X-Field", "Accept=text/plain"), ("X-Field", "X-Two=one"), ("X-Field", "X-Two=two")])
    assert text == "whole 200\nX-User: ada\nContent-Length: 21\n\nhello GET /first?a=b "
    request = origin.requests[-1]
    assert request.fields == [("Host", f"127.0.0.1:{origin.port}"), ("Accept", "text/plain"), ("X-Two", "one"), ("X-Two", "two")]


def test_method_path_host_and_body(gantry, origin):
    assert exchange(gantry, "POST", "/", headers=[("X-Path", "/x%20y?z"), ("X-Body", "text"), ("X-Host", "app.internal:8080")]).text.endswith("hello POST /x%20y?z text")
    assert origin.requests[-1].get("host") == "app.internal:8080" and origin.requests[-1].get("content-length") == "4"
    assert exchange(gantry, "PUT", "/").text.endswith("hello PUT /first?a=b ")
    assert origin.requests[-1].get("content-length") == "0"


@pytest.mark.parametrize(
    "path,text",
    [
        ("/refuse", "whole 403\nContent-Length: 2\n\nno"),
        ("/empty", "whole 204\n\n"),
        ("/close", "whole 200\nConnection: close\nContent-Length: 4\n\nlast"),
        ("/until-close", "whole 200\n\nto the end"),
        ("/chunks", "whole 200\nTransfer-Encoding: chunked\n\n" + "x" * 120_000),
        ("/interim", "whole 200\nContent-Length: 4\n\nthen"),
        ("/cut", "cut off 200 (connection closed in the middle of the response)\nContent-Length: 10\n\n"),
        ("/rubbish", "bad answer 0 (bad response because the start line has no HTTP version)\n\n"),
        ("/nothing", "cut off 0 (connection closed while waiting for the response)\n\n"),
    ],
)
def test_answers_and_failures(gantry, path, text):
    assert ask(gantry, [("X-Path", path)]) == text


def test_an_answer_of_two_lengths_is_none(gantry):
    assert ask(gantry, [("X-Path", "/smuggle")]).startswith("bad answer 0")


def test_the_answer_to_head_has_no_body(gantry):
    # The module is asked with HEAD, and so asks with HEAD.
    answer = exchange(gantry, "HEAD", "/")
    assert int(answer["Content-Length"]) == len("whole 200\nX-User: ada\nContent-Length: 22\n\n")


def test_connections_are_kept(modules):
    with Origin(App()) as origin, make(modules, url(origin)) as gantry:
        for _ in range(5):
            assert ask(gantry).startswith("whole 200")
        assert origin.connections == 1
        # One that was closed meanwhile is found out, and the request sent again.
        assert ask(gantry, [("X-Path", "/leave")]).endswith("kept")
        assert ask(gantry).startswith("whole 200")


@pytest.mark.parametrize("limit,end", [(99_999, "too large 200"), (100_000, "whole 200")])
def test_an_announced_body_has_a_limit(gantry, limit, end):
    assert ask(gantry, [("X-Path", "/large"), ("X-Largest", str(limit))]).startswith(end)


@pytest.mark.parametrize("limit,end", [(119_999, "too large 200"), (120_000, "whole 200")])
def test_a_body_in_chunks_has_a_limit(gantry, limit, end):
    assert ask(gantry, [("X-Path", "/chunks"), ("X-Largest", str(limit))]).startswith(end)


@pytest.mark.parametrize("field", ["Content-Length=3", "transfer-encoding=chunked", "Connection=close", "Host=x", "Expect=100-continue", "Bad Name=x", "TE=trailers"])
def test_what_belongs_to_gantry_is_refused(gantry, origin, field):
    before = len(origin.requests)
    assert ask(gantry, [("X-Field", field)]).startswith("refused 0 (the request is not one that may be sent")
    assert len(origin.requests) == before


@pytest.mark.parametrize("path", ["relative", "/a b", "/a\u00e4", "/a#b"])
def test_a_path_is_one(gantry, path):
    assert ask(gantry, [("X-Path", path)]).startswith("refused 0")
    gantry.wait_log("request of a module refused: the path does not begin with .* module=asker")


@pytest.mark.parametrize(
    "path,field,reason",
    [
        ("/hang", "X-Head", "while waiting for the head of the answer"),
        ("/hang", "X-Idle", "while waiting for the head of the answer"),
        ("/stall", "X-Idle", "in the middle of the response"),
        ("/drip", "X-Timeout", "within the time for the whole exchange"),
    ],
)
def test_deadlines(gantry, path, field, reason):
    text = ask(gantry, [("X-Path", path), (field, "300")])
    assert text.startswith("timed out") and f"(upstream timed out {reason})" in text


def test_a_long_idle_limit_does_not_shorten_the_one_of_the_head(gantry):
    text = ask(gantry, [("X-Path", "/stall"), ("X-Head", "10000"), ("X-Idle", "200")])
    assert text.startswith("timed out 200")


def test_a_handshake_that_hangs_is_a_connection_that_does(modules):
    with Origin(lambda connection, _: connection.wait_closed()) as origin, make(modules, f'{{ url = "https://127.0.0.1:{origin.port}", verify = false }}') as gantry:
        assert ask(gantry, [("X-Connect", "300")]).startswith("timed out 0 (upstream timed out")
        origin.wait_closed()


def test_nobody_there(modules):
    with make(modules, '"http://127.0.0.1:1"') as gantry:
        assert ask(gantry) == "not connected 0 (connect failed: Connection refused while connecting to the peer)\n\n"
    with make(modules, '"http+unix:///nonexistent/app.sock"') as gantry:
        assert ask(gantry).startswith("not connected 0 (connect failed: No such file")


def test_a_unix_socket(modules, tmp_path):
    with Origin(App(), unix=tmp_path / "app.sock") as origin, make(modules, f'"http+unix://{origin.unix}:/check?x"') as gantry:
        assert ask(gantry).endswith("hello GET /check?x ")
        assert origin.requests[-1].get("host") == "localhost"


def tls(leaf):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    return context


def test_tls_is_verified(modules, authority):
    other = Authority("Somebody else")
    with Origin(App(), certificate=tls(authority.leaf("app.internal"))) as origin:
        at = f'url = "https://127.0.0.1:{origin.port}"'
        with make(modules, f'{{ {at}, name = "app.internal", host = "app.internal", ca = "{authority.path}" }}') as gantry:
            assert ask(gantry).endswith("hello GET / ")
            assert origin.requests[-1].get("host") == "app.internal"
        with make(modules, f'{{ {at}, name = "app.internal", ca = "{other.path}" }}') as gantry:
            assert ask(gantry).startswith("not connected 0 (TLS failure")
        with make(modules, f'{{ {at}, name = "elsewhere.internal", ca = "{authority.path}" }}') as gantry:
            assert ask(gantry).startswith("not connected 0 (TLS failure")
        with make(modules, f'{{ {at} }}') as gantry:
            assert ask(gantry).startswith("not connected 0 (TLS failure")
        with make(modules, f'{{ {at}, verify = false }}') as gantry:
            assert ask(gantry).endswith("hello GET / ")


def test_an_upstream_with_a_dead_peer(modules):
    with Origin(App()) as origin:
        upstream = f'[upstream.app]\npeers = ["127.0.0.1:1", "127.0.0.1:{origin.port}"]\n'
        with make(modules, '"upstream:app/check"', upstream) as gantry:
            assert all(ask(gantry).endswith("hello GET /check ") for _ in range(6))
            assert not [line for line in gantry.lines if "no location uses" in line]


def test_an_upstream_of_dead_peers(modules):
    with make(modules, '"upstream:app"', '[upstream.app]\npeers = ["127.0.0.1:1", "127.0.0.1:2"]\n') as gantry:
        assert ask(gantry).startswith("not connected 0 (connect failed: Connection refused")


@pytest.mark.parametrize(
    "asker,said",
    [
        ('"app.internal"', 'gantry.toml:9:9: error: "app.internal" is not a URL'),
        ('"ftp://app"', '"ftp://app" is not a URL'),
        ('"http://"', "is neither a host nor a host and a port"),
        ('"http://app:99999"', "is neither a host nor a host and a port"),
        ('"http://user:word@app"', "the URL has a user and a password"),
        ('"http://app/a b"', "has bytes that a URL cannot have"),
        ('"http+unix:app.sock"', "is not a URL"),
        ('"upstream:nobody"', 'there is no upstream "nobody"'),
        ('{ url = "https://app", ca = "/nonexistent.pem" }', "/nonexistent.pem"),
        ('{ url = "http://app", ca = "/nonexistent.pem" }', "there is nothing to verify without TLS"),
        ('{ url = "http://app", host = "a b" }', "is no value of the field Host"),
    ],
)
def test_a_target_that_is_none_is_a_configuration_error(modules, tmp_path, asker, said):
    text = CONFIG.replace("@modules@", str(modules)).replace("@count@", "1").replace("@asker@", asker).replace("@dir@", str(tmp_path))
    done = check_with(tmp_path, text)
    assert done.returncode == 3 and said in done.stdout + done.stderr


def test_a_target_that_is_one_passes_the_check(modules, tmp_path):
    text = CONFIG.replace("@modules@", str(modules)).replace("@count@", "1").replace("@asker@", '"https://nobody.invalid"').replace("@dir@", str(tmp_path))
    assert check_with(tmp_path, text).returncode == 0


def test_many_at_once(modules):
    with Origin(App()) as origin, make(modules, url(origin), count=2) as gantry, concurrent.futures.ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda i: ask(gantry, [("X-Path", f"/n{i}")]), range(300)))
    assert all(text.endswith(f"hello GET /n{i} ") for i, text in enumerate(texts))


RELAY = '''
[host."test".location."/relay/"]
relay = @asker@
'''


class Streams(App):
    """Sends 64 MiB, or reads what comes, as fast as the other side and the test let it."""

    SIZE = 64 * 1024 * 1024

    def __init__(self):
        super().__init__()
        self.sent = self.received = 0

    def on_long(self, connection, _):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {self.SIZE}\r\n\r\n")
        piece = b"x" * 65536
        while self.sent < self.SIZE:
            connection.send(piece)
            self.sent += len(piece)

    def __call__(self, connection, origin):
        request = connection.read_head()
        if request.path == "/refuses":
            connection.respond(403, "not this", headers={"Connection": "close"})
            return
        if request.method == "POST":
            self.go.wait(30)
            for piece in connection.body_pieces(request):
                self.received += len(piece)
            connection.respond(200, f"{self.received} bytes, {request.get('transfer-encoding')}")
            return
        origin.note(request)
        getattr(self, "on_" + request.path.strip("/").replace("-", "_"), self.hello)(connection, request)


@pytest.fixture
def streams(modules):
    app = Streams()
    with Origin(app) as origin, make(modules, url(origin), RELAY) as gantry:
        yield app, origin, gantry
        app.go.set()


def stays(value, seconds=0.5):
    """Waits until `value()` has been the same for a while, and returns it."""
    seen = []

    def is_still():
        seen.append(value())
        return len(seen) > seconds * 100 and seen[-1] == seen[-int(seconds * 100)]

    wait_until(is_still, "it stands still", timeout=30)
    return seen[-1]


def test_a_slow_client_holds_the_other_server_up(streams):
    app, _, gantry = streams
    before = gantry.resident()
    with RawClient(gantry, receive_buffer=16384) as client:
        client.request("GET", "/relay/", headers=[("X-Path", "/long")])
        head = client.head()
        # What went is what the kernel and a few buffers hold, whatever the size.
        assert stays(lambda: app.sent) < 16 * 1024 * 1024
        assert gantry.resident() < before + 24 * 1024 * 1024
        assert len(client.read_body(head).body) == app.SIZE
        assert app.sent == app.SIZE


@pytest.mark.parametrize("chunked", [False, True])
def test_a_slow_server_holds_the_module_up(streams, chunked):
    app, _, gantry = streams
    before = gantry.resident()
    with RawClient(gantry) as client:
        client.request("GET", "/relay/", headers=[("X-Upload", "2048")] + ([("X-Chunked", "1")] if chunked else []))
        client.expect_silence(1.0)
        assert gantry.resident() < before + 24 * 1024 * 1024  # of 32 MiB
        app.go.set()
        assert client.response().text == f"{2048 * 16384} bytes, {'chunked' if chunked else None}"


class Uploader:
    """Sends a body in a thread of its own, as fast as it is taken."""

    def __init__(self, client, chunked, size=Streams.SIZE, path="/large/", fields=()):
        self.client, self.chunked, self.size = client, chunked, size
        self.sent = 0
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
        client.request("POST", path, headers=[framing, *fields])
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        piece = b"x" * 65536
        framed = b"10000\r\n" + piece + b"\r\n" if self.chunked else piece
        try:
            while self.sent < self.size:
                self.client.socket.sendall(framed)
                self.sent += len(piece)
            if self.chunked:
                self.client.socket.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # the other side has enough


LARGE = """
[host."test".location."/large/"]
relay = @asker@
max_body = "1GiB"
[host."test".location."/small/"]
relay = @asker@
max_body = "1MiB"
"""


@pytest.fixture
def uploads(modules):
    app = Streams()
    with Origin(app) as origin, make(modules, url(origin), RELAY + LARGE) as gantry:
        yield app, origin, gantry
        app.go.set()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_slow_server_holds_the_upload_of_a_client_up(uploads, chunked):
    app, _, gantry = uploads
    before = gantry.resident()
    with RawClient(gantry) as client:
        upload = Uploader(client, chunked)
        assert stays(lambda: upload.sent) < 24 * 1024 * 1024
        assert gantry.resident() < before + 24 * 1024 * 1024
        app.go.set()
        assert client.response().text == f"{app.SIZE} bytes, chunked"
        assert upload.sent == app.SIZE
        assert client.exchange("GET", "/").status == 200  # the connection goes on behind it


def test_whoever_has_read_a_body_and_does_not_answer_has_failed(uploads):
    app, _, gantry = uploads
    app.go.set()
    with RawClient(gantry) as client:
        Uploader(client, False, size=1 << 20, fields=[("X-Mute", "1")])
        assert client.response().status == 500
    assert fetch(gantry, "/").status == 200


def test_an_upload_of_nothing(uploads):
    app, _, gantry = uploads
    app.go.set()
    with RawClient(gantry) as client:
        for chunked in (False, True):
            Uploader(client, chunked, size=0)
            assert client.response().text == "0 bytes, chunked"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_is_too_large_ends_where_it_waits(uploads, chunked):
    app, origin, gantry = uploads
    with RawClient(gantry) as client:
        Uploader(client, chunked, path="/small/")
        assert client.response().status == 413
    app.go.set()
    origin.wait_closed()
    assert fetch(gantry, "/").status == 200


def test_clients_that_leave_their_upload_take_the_request_with_them(uploads):
    app, origin, gantry = uploads
    clients = [RawClient(gantry) for _ in range(20)]
    sending = [Uploader(client, number % 3 == 0) for number, client in enumerate(clients)]
    wait_until(lambda: origin.open == 20 and all(one.sent > 0 for one in sending), "the uploads begin")
    stays(lambda: sum(one.sent for one in sending))  # every one waits for the server
    for number, client in enumerate(clients):
        client.socket.shutdown(socket.SHUT_RDWR)  # which wakes the thread that sends
        sending[number].thread.join()
        client.reset() if number % 2 else client.close()
    # A reset is seen at once; an end stands behind what was not read yet.
    wait_until(lambda: run_json(gantry, "status")[1]["connections"] <= 10, "half of the connections are over")
    app.go.set()
    wait_until(lambda: run_json(gantry, "status")[1]["connections"] == 0, "no connection is left")
    origin.wait_closed()


def test_a_server_that_wants_no_more_of_an_upload(uploads):
    _, _, gantry = uploads
    with RawClient(gantry) as client:
        Uploader(client, False, fields=[("X-Path", "/refuses")])
        assert client.response().status in (403, 502)  # what it said, unless its reset came first
    assert fetch(gantry, "/").status == 200


def test_a_stream_that_is_cut_off_cuts_the_client_off(streams):
    _, _, gantry = streams
    with RawClient(gantry) as client:
        client.request("GET", "/relay/", headers=[("X-Path", "/cut")])
        assert client.head().status == 200
        assert b"0\r\n\r\n" not in client.read_to_end()
    assert fetch(gantry, "/relay/", headers=[("X-Path", "/nothing")]).status == 502


def test_a_client_that_leaves_a_stream_ends_it(streams):
    app, origin, gantry = streams
    with RawClient(gantry, receive_buffer=16384) as client:
        client.request("GET", "/relay/", headers=[("X-Path", "/long")])
        client.head()
    origin.wait_closed()
    assert app.sent < app.SIZE
    with RawClient(gantry) as client:
        client.request("GET", "/relay/", headers=[("X-Upload", "2048")])
        wait_until(lambda: origin.open == 1, "the upload begins")
    app.go.set()
    origin.wait_closed()


def test_clients_that_leave_take_their_requests_with_them(modules):
    with Origin(App()) as origin, make(modules, url(origin, "/hang"), count=2) as gantry:
        clients = [RawClient(gantry) for _ in range(200)]
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        origin.wait_requests(200)
        for number, client in enumerate(clients):
            client.reset() if number % 2 else client.close()
        origin.wait_closed()
        wait_until(lambda: run_json(gantry, "status")[1]["connections"] == 0, "no connection is left")
        assert ask(gantry, [("X-Path", "/")]).startswith("whole 200")


def test_a_reload_does_not_end_what_is_under_way(modules):
    app = App()
    with Origin(app) as origin, make(modules, url(origin, "/wait")) as gantry, concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(ask, gantry) for _ in range(8)]
        origin.wait_requests(8)
        gantry.values["asker"] = url(origin, "/other")
        gantry.configure(CONFIG)
        gantry.reload()
        assert ask(gantry).endswith("hello GET /other ")
        app.go.set()
        assert all(one.result().endswith("waited") for one in waiting)


def test_beside_the_traffic(modules):
    with Origin(App()) as origin:
        text = CONFIG.replace("[server]\n", f'[server]\nasker_poll = {url(origin, "/poll")}\n')
        with Gantry(text, modules=modules, asker=url(origin), count=2) as gantry:
            one = "whole 200\nX-User: ada\nContent-Length: 21\n\nhello POST /poll poll;"
            wait_until(lambda: fetch(gantry, "/polled").text == one, "the first load asks")
            gantry.reload()
            wait_until(lambda: fetch(gantry, "/polled").text == one * 2, "the reload asks")
            assert origin.requests[0].get("accept") == "text/plain"


def test_gantry_ends_while_the_main_thread_waits(modules):
    with Origin(App()) as origin:
        text = CONFIG.replace("[server]\n", f'[server]\nasker_poll = {url(origin, "/hang")}\n')
        with Gantry(text, modules=modules, asker=url(origin), count=2) as gantry:
            origin.wait_requests(1)
            assert ask(gantry).startswith("whole 200")
        origin.wait_closed()
