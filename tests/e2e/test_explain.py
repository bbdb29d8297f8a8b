"""`gantry explain`: what it says, and that the server then does it."""

import json
import os
import subprocess

import pytest

from support import generate
from support.client import RawClient
from support.gantry import Gantry, binary, substitute

CONFIG = """\
[listener.web]
address = "127.0.0.1:8080"
[listener.websecure]
address = "127.0.0.1:8443"
tls = true
[upstream.app]
peers = ["127.0.0.1:3000", "127.0.0.1:3001"]

[host."shop.example.com"]
certificate = "self-signed"
response_headers = { set = { X-Frame-Options = "DENY" } }
[host."shop.example.com".location."/"]
static = { root = "@dir@", spa = "index.html" }
[host."shop.example.com".location."/api/"]
methods = ["GET", "POST"]
proxy = { upstream = "app", uri = "/v1/" }
[host."shop.example.com".location."= /old"]
redirect = { to = "https://${host}/new", status = 301 }
[host."shop.example.com".location."/api/private/"]
when = { clients = ["10.0.0.0/8"], header = { X-Key = true } }
respond = "secret"
[host."~^(?<project>[a-z]+)\\\\.preview\\\\.test$".location."/"]
respond = "${project}"
"""


def gantry(*arguments, stdin=None):
    done = subprocess.run([binary(), *map(str, arguments)], input=stdin, capture_output=True, timeout=120)
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    assert "Sanitizer" not in done.err, done.err
    return done


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "gantry.toml"
    path.write_text(substitute(CONFIG, {"dir": str(tmp_path)}))
    return path


def explained(config, *arguments):
    done = gantry("explain", *arguments, "-c", config, "--format", "json")
    assert (done.returncode, done.err) == (0, "")
    return json.loads(done.out)


def line_of(config, text, after=0):
    lines = config.read_text().splitlines()
    return next(f"{config}:{number + 1}" for number, line in enumerate(lines) if number >= after and text in line)


def test_proxy(config):
    found = explained(config, "GET", "https://shop.example.com/api/x?y=1")
    assert found["listener"] == {"name": "websecure", "place": line_of(config, "[listener.websecure]")}
    assert found["host"] == {"name": "shop.example.com", "matched": "shop.example.com",
                             "place": line_of(config, '[host."shop.example.com"]')}
    assert found["location"]["name"] == "/api/"
    assert found["location"]["place"] == line_of(config, '"/api/"]')
    assert found["handler"] == {
        "kind": "proxy", "place": line_of(config, "proxy ="), "upstream": "app",
        "upstream_place": line_of(config, "[upstream.app]"), "peers": ["127.0.0.1:3000", "127.0.0.1:3001"],
        "request_line": "GET /v1/x?y=1 HTTP/1.1", "request_host": "shop.example.com"}
    assert found["status"] is None
    assert found["decided"] == line_of(config, "proxy =")
    why = {other["location"]: (other["why"], other["place"]) for other in found["unchosen"]}
    assert why == {
        "/": ("/api/ is a longer prefix", line_of(config, '"/api/"]')),
        "= /old": ("its pattern is not that of the path", line_of(config, '"= /old"]')),
        "/api/private/": ("its pattern is not that of the path", line_of(config, '"/api/private/"]')),
    }


def test_conditions(config):
    url = "http://shop.example.com/api/private/x"
    why = lambda found: {other["location"]: other["why"] for other in found["unchosen"]}["/api/private/"]
    assert why(explained(config, "GET", url)) == "the client is not in 10.0.0.0/8"
    assert why(explained(config, "GET", url, "--client", "10.1.1.1")) == "it does not hold that header X-Key is there"
    found = explained(config, "GET", url, "--client", "10.1.1.1", "-H", "X-Key: 1")
    assert (found["location"]["name"], found["status"], found["body"]) == ("/api/private/", 200, "secret")
    found = explained(config, "PUT", "http://shop.example.com/api/x")
    assert found["location"]["name"] == "/"
    assert {other["location"]: other["why"] for other in found["unchosen"]}["/api/"] == "the method is none of GET, HEAD, POST"


def test_redirect(config):
    found = explained(config, "GET", "http://shop.example.com/old")
    assert found["status"] == 301
    assert ["Location", "https://shop.example.com/new"] in found["headers"]
    assert ["X-Frame-Options", "DENY"] in found["headers"]


def test_static(config, tmp_path):
    found = explained(config, "GET", "http://shop.example.com/a/../b.txt")
    assert found["path"] == "/b.txt"
    assert found["handler"]["files"] == [f"{tmp_path}/b.txt", f"{tmp_path}/index.html"]
    assert found["handler"]["otherwise"] == "404"
    assert explained(config, "POST", "http://shop.example.com/")["status"] == 405


def test_captures(config):
    found = explained(config, "GET", "http://blue.preview.test/")
    assert (found["captures"], found["body"]) == ({"project": "blue"}, "blue")
    assert found["host"]["matched"] == "~^(?<project>[a-z]+)\\.preview\\.test$"


def test_refusals(config):
    found = explained(config, "GET", "http://shop.example.com/a%zz")
    assert (found["status"], found["location"]) == (400, None)
    assert "bad escape" in found["error"]
    found = explained(config, "GET", "http://shop..example.com/")
    assert (found["status"], found["decided"]) == (400, line_of(config, "[listener.web]"))
    found = explained(config, "TRACE", "http://shop.example.com/")
    assert found["status"] == 501


def test_text(config):
    done = gantry("explain", "GET", "https://shop.example.com/api/x", "-c", config)
    assert (done.returncode, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"listener  websecure (TLS)  {line_of(config, '[listener.websecure]')}"
    assert f"location  /api/  {line_of(config, chr(34) + '/api/')}" in lines
    assert f"handler   proxy  {line_of(config, 'proxy =')}" in lines
    assert "passes on GET /v1/x HTTP/1.1, Host: shop.example.com" in lines
    assert any(line.startswith("not       /: /api/ is a longer prefix") for line in lines)
    done = gantry("explain", "GET", "https://shop.example.com/api/x", "-c", config, "-q")
    assert (done.returncode, done.out, done.err) == (0, "", "")


def test_usage(config):
    def refused(*arguments):
        done = gantry("explain", "-c", config, *arguments)
        assert (done.returncode, done.out) == (2, "")
        return done.err

    assert "write a method and a URL" in refused()
    assert "write a method and a URL" in refused("GET", "http://a/", "--batch")
    assert 'no listener "wbe"' in refused("GET", "http://a/", "--listener", "wbe")
    assert "no listener without TLS has port 81" in refused("GET", "http://a:81/")
    assert "is not an IP address" in refused("GET", "http://a/", "--client", "a")
    assert "write -H 'Name: value'" in refused("GET", "http://a/", "-H", "X")
    assert "line break" in refused("GET", "http://a/", "-H", "X: a\r\nHost: b")
    assert "neither http nor https" in refused("GET", "ftp://a/")


def test_bad_configuration(tmp_path):
    path = tmp_path / "gantry.toml"
    path.write_text("[listener.web]\n")
    done = gantry("explain", "GET", "http://a/", "-c", path)
    assert (done.returncode, done.out) == (3, "")
    assert "error" in done.err


def test_batch(config):
    lines = [{"url": "http://shop.example.com/old"}, {"head": "GET / HTTP/1.1\r\nHost: shop.example.com\r\n"}, {"url": "http://a:1/"}]
    text = "\n".join(json.dumps(line) for line in lines) + "\nno json\n"
    done = gantry("explain", "--batch", "-c", config, stdin=text.encode())
    assert (done.returncode, done.err) == (0, "")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert len(found) == 4
    assert found[0]["status"] == 301
    assert found[1]["status"] is None and found[1]["host"] is None
    assert "port 1" in found[2]["invalid"] and "JSON" in found[3]["invalid"]


# ---- it agrees with the server

SAME = ("x-location", "x-host", "x-path", "x-own", "location", "allow", "content-type")


class Clients:
    """Connections by listener and source address, kept while the server keeps them."""

    def __init__(self, server):
        self.server = server
        self.open = {}

    def ask(self, listener, source, method, head):
        client = self.open.pop((listener, source), None)
        if client is None:
            client = RawClient(self.server, listener, source=source)
        client.send(head)
        answer = client.response(method)
        if answer.keeps_alive:
            self.open[(listener, source)] = client
        else:
            client.close()
        return answer

    def close(self):
        for client in self.open.values():
            client.close()
        self.open.clear()


def explain_all(path, requests):
    lines = "".join(json.dumps({"head": head, "listener": listener, "client": source}) + "\n"
                    for listener, source, _, head in requests)
    done = gantry("explain", "--batch", "-c", path, stdin=lines.encode())
    if done.returncode == 3:
        return None, done.err
    assert (done.returncode, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()], ""


def differences(found, answer):
    """What the server did otherwise than explained. Without a status, files and peers decide that much."""
    if found["status"] is None:
        wanted = ([found["location"]["name"]], [found["host"]["name"]])
        return [] if (answer.all("x-location"), answer.all("x-host")) == wanted else [f"not {wanted}"]
    expected = [(name.lower(), value) for name, value in found["headers"]]
    wrong = [] if answer.status == found["status"] else [f"status {answer.status}"]
    if answer.body.decode("utf-8", "surrogateescape") != found["body"]:
        wrong.append(f"body {answer.body!r}")
    for name in SAME:
        wanted = [value for key, value in expected if key == name]
        got = [value.encode("latin-1").decode("utf-8") for value in answer.all(name)]
        if got != wanted:
            wrong.append(f"{name} {got}")
    return wrong


def test_agrees_with_the_server():
    """Everything: GANTRY_EXPLAIN_FULL=1, 10,000 requests against 200 configurations."""
    wanted, each = (200, 50) if os.environ.get("GANTRY_EXPLAIN_FULL") else (20, 100)
    first = "[listener.web]\naddress = '127.0.0.1:0'\n[listener.other]\naddress = '127.0.0.1:0'\n" \
            "[host.'a.test'.location.'/']\nrespond = 200\n"
    seed = configurations = asked = 0
    statuses = {}
    with Gantry(first, files={"www/c.png": "x", "www/a/index.html": "x"}) as server:
        clients = Clients(server)
        while configurations < wanted:
            seed += 1
            assert seed < 10 * wanted, "hardly any configuration is accepted"
            rng = generate.seeded(seed)
            text, known = generate.configuration(rng)
            text = substitute(text, {"dir": str(server.dir)})
            requests = [generate.request(rng, known) for _ in range(each)]
            path = server.write("candidate.toml", text)
            explained_all, _ = explain_all(path, requests)
            if explained_all is None:
                continue  # names twice, locations that can never answer: not this test's business
            configurations += 1
            clients.close()
            server.reload(text, expect=r"reloaded|not loaded|not applied")
            for request, found in zip(requests, explained_all, strict=True):
                assert "invalid" not in found, (request, found)
                answer = clients.ask(*request)
                wrong = differences(found, answer)
                assert all(other["why"] for other in found["unchosen"]), (text, request, found)
                assert not wrong, f"seed {seed}\n{text}\n{request}\nexplained: {found}\nbut: {wrong}\n{answer}"
                asked += 1
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
        clients.close()
    print(f"{asked} requests, {configurations} of {seed} configurations, {statuses}")
    assert asked == wanted * each
    # A generator that has stopped reaching the interesting answers would prove nothing.
    assert {200, 301, 302, 400, 403, 404, 405, 501} <= set(statuses)
