"""Which host and which location answer a request."""

import pytest

from support.client import RawClient, exchange, fetch
from support.gantry import Gantry

HOSTS = """
[listener.web]
address = "127.0.0.1:0"
[listener.other]
address = "127.0.0.1:0"
[listener.bare]
address = "127.0.0.1:0"

[host."first.test"]
listeners = ["web"]
[host."first.test".location."/"]
respond = { status = 200, body = "first" }

[host."exact.test"]
listeners = ["web"]
names = ["alias.test", "*.alias.test"]
[host."exact.test".location."/"]
respond = { status = 200, body = "exact" }

[host."*.wild.test"]
listeners = ["web"]
[host."*.wild.test".location."/"]
respond = { status = 200, body = "wild" }

[host."*.deep.wild.test"]
listeners = ["web"]
[host."*.deep.wild.test".location."/"]
respond = { status = 200, body = "deep" }

[host."www.wild.test"]
listeners = ["web"]
[host."www.wild.test".location."/"]
respond = { status = 200, body = "www" }

[host.'~^(?<project>[a-z]+)-(?<number>\\d+)\\.preview\\.test$']
listeners = ["web"]
[host.'~^(?<project>[a-z]+)-(?<number>\\d+)\\.preview\\.test$'.location."/"]
respond = { status = 200, body = "project=${project} number=${number}" }

[host.'~\\.preview\\.test$']
listeners = ["web"]
[host.'~\\.preview\\.test$'.location."/"]
respond = { status = 200, body = "other preview" }

[host."fallback.test"]
listeners = ["web"]
default = true
[host."fallback.test".location."/"]
respond = { status = 200, body = "fallback" }

[host."o.test"]
listeners = ["other"]
[host."o.test".location."/"]
respond = { status = 200, body = "o" }

[host."p.test"]
listeners = ["other", "bare"]
[host."p.test".location."/"]
respond = { status = 200, body = "p" }

[host."[::1]"]
listeners = ["web"]
[host."[::1]".location."/"]
respond = { status = 200, body = "six" }

[host."127.0.0.1"]
listeners = ["web"]
[host."127.0.0.1".location."/"]
respond = { status = 200, body = "four" }
"""


@pytest.fixture(scope="module")
def hosts():
    with Gantry(HOSTS) as server:
        yield server


@pytest.mark.parametrize(
    "name,body",
    [
        ("exact.test", "exact"),
        ("EXACT.TEST", "exact"),
        ("exact.test.", "exact"),
        ("exact.test:1234", "exact"),
        ("alias.test", "exact"),
        ("a.alias.test", "exact"),
        ("a.wild.test", "wild"),
        ("a.b.c.wild.test", "wild"),
        ("www.wild.test", "www"),
        ("a.www.wild.test", "wild"),
        ("a.deep.wild.test", "deep"),
        ("deep.wild.test", "wild"),
        ("wild.test", "fallback"),
        ("notwild.test", "fallback"),
        ("shop-12.preview.test", "project=shop number=12"),
        ("Shop-7.Preview.Test:80", "project=shop number=7"),
        ("shop.preview.test", "other preview"),
        ("unknown", "fallback"),
        ("first.test.evil", "fallback"),
        ("o.test", "fallback"),
        ("[::1]", "six"),
        ("127.0.0.1:99", "four"),
    ],
)
def test_hosts(hosts, name, body):
    assert fetch(hosts, "/", host=name).text == body


def test_each_listener_has_its_own_default(hosts):
    assert fetch(hosts, "/", listener="other", host="unknown").text == "o"
    assert fetch(hosts, "/", listener="other", host="p.test").text == "p"
    assert fetch(hosts, "/", listener="bare", host="o.test").text == "p"


def test_the_host_may_change_on_one_connection(hosts):
    with RawClient(hosts) as client:
        for name, body in (("exact.test", "exact"), ("a.wild.test", "wild"), ("x", "fallback"), ("exact.test", "exact")):
            assert client.get("/", host=name).text == body


LOCATIONS = r"""
[listener.web]
address = "127.0.0.1:0"

[host."test"]

[host."test".location."/"]
respond = { status = 200, body = "root" }
[host."test".location."= /"]
respond = { status = 200, body = "exact root" }
[host."test".location."/a/"]
respond = { status = 200, body = "a" }
[host."test".location."/a/b/"]
respond = { status = 200, body = "a b" }
[host."test".location."= /a/b/c"]
respond = { status = 200, body = "exact" }
[host."test".location.'~\.php$']
respond = { status = 200, body = "php" }
[host."test".location.'~^/a/.*\.ph']
respond = { status = 200, body = "second php" }
[host."test".location.'~*\.(?<kind>jpe?g|png)$']
respond = { status = 200, body = "picture ${kind}" }
[host."test".location.'~^/user/(\d+)/(\w*)$']
respond = { status = 200, body = "user ${1} ${2}" }

[host."test".location."/many/"]
patterns = ["= /single", '~\.multi$', "/second/"]
respond = { status = 200, body = "many" }

[host."test".location."/prio/"]
priority = 10
respond = { status = 200, body = "priority" }

# Conditions
[host."test".location."= /method"]
methods = ["GET"]
respond = { status = 200, body = "got" }
[host."test".location."= /method-post"]
methods = ["POST", "PUT"]
respond = { status = 200, body = "posted" }

[host."test".location."/api/"]
respond = { status = 200, body = "api" }
[host."test".location."v2"]
patterns = ["/api/"]
priority = 1
when = { header = { "X-Version" = "2" } }
respond = { status = 200, body = "api v2" }
[host."test".location."beta"]
patterns = ["/api/"]
priority = 2
when = { cookie = { beta = "~^(yes|on)$" } }
respond = { status = 200, body = "api beta" }
[host."test".location."debug"]
patterns = ["/api/"]
priority = 3
when = { query = { debug = true } }
respond = { status = 200, body = "api debug" }
[host."test".location."anonymous"]
patterns = ["/login"]
priority = 3
when = { header = { Authorization = false } }
respond = { status = 200, body = "anonymous" }
[host."test".location."/login"]
respond = { status = 200, body = "known" }

[host."test".location."/local/"]
when = { clients = ["127.0.0.0/8", "::1"] }
respond = { status = 200, body = "local" }
[host."test".location."/remote/"]
when = { clients = ["10.0.0.0/8"] }
respond = { status = 200, body = "remote" }

[host."bare"]
[host."bare".location."/only/"]
respond = { status = 200, body = "only" }
[host."bare".location."= /m"]
methods = ["POST"]
respond = { status = 200, body = "post" }
[host."bare".location."m-delete"]
patterns = ["= /m"]
methods = ["DELETE"]
respond = { status = 200, body = "delete" }
"""


@pytest.fixture(scope="module")
def locations():
    with Gantry(LOCATIONS) as server:
        yield server


@pytest.mark.parametrize(
    "path,body",
    [
        ("/", "exact root"),
        ("/?x", "exact root"),
        ("/x", "root"),
        ("/a", "root"),
        ("/a/", "a"),
        ("/a/x", "a"),
        ("/a/b", "a"),
        ("/a/b/", "a b"),
        ("/a/b/d", "a b"),
        ("/a/b/c", "exact"),
        ("/a/b/c/", "a b"),
        ("/x.php", "php"),
        ("/a/x.php", "php"),
        ("/a/x.phtml", "second php"),
        ("/x.php/y", "root"),
        ("/x.PHP", "root"),
        ("/pic.JPG", "picture JPG"),
        ("/pic.jpeg", "picture jpeg"),
        ("/user/42/bob", "user 42 bob"),
        ("/user/42/", "user 42 "),
        ("/user/x/bob", "root"),
        ("/many/x", "many"),
        ("/single", "many"),
        ("/single/", "root"),
        ("/x.multi", "many"),
        ("/second/x", "many"),
        ("/prio/x.php", "priority"),
            ("/local/", "local"),
        ("/remote/", "root"),
    ],
)
def test_locations(locations, path, body):
    assert fetch(locations, path).text == body


def test_get_implies_head(locations):
    assert exchange(locations, "HEAD", "/method").status == 200
    assert exchange(locations, "GET", "/method").text == "got"


def test_methods_fall_through_to_the_next_location(locations):
    assert exchange(locations, "POST", "/method").text == "root"
    assert exchange(locations, "POST", "/method-post").text == "posted"
    assert exchange(locations, "PUT", "/method-post").text == "posted"
    assert exchange(locations, "GET", "/method-post").text == "root"


def test_405_names_the_methods_that_are_allowed(locations):
    response = exchange(locations, "GET", "/m", host="bare")
    assert response.status == 405
    assert {token.strip() for token in response["allow"].split(",")} >= {"POST", "DELETE"}
    assert exchange(locations, "DELETE", "/m", host="bare").text == "delete"


@pytest.mark.parametrize(
    "target,headers,body",
    [
        ("/api/x", {}, "api"),
        ("/api/x", {"X-Version": "2"}, "api v2"),
        ("/api/x", {"x-version": "2"}, "api v2"),
        ("/api/x", {"X-Version": "3"}, "api"),
        ("/api/x", {"X-Version": ""}, "api"),
        ("/api/x", {"Cookie": "a=b; beta=yes; c=d"}, "api beta"),
        ("/api/x", {"Cookie": "beta=yess"}, "api"),
        ("/api/x", {"Cookie": "xbeta=yes"}, "api"),
        ("/api/x", {"X-Version": "2", "Cookie": "beta=on"}, "api beta"),
        ("/api/x?debug", {}, "api debug"),
        ("/api/x?debug=0", {}, "api debug"),
        ("/api/x?a=debug", {}, "api"),
        ("/login", {}, "anonymous"),
        ("/login", {"Authorization": "Basic eDp5"}, "known"),
    ],
)
def test_conditions(locations, target, headers, body):
    assert fetch(locations, target, headers).text == body


def test_no_location_is_404(locations):
    assert fetch(locations, "/", host="bare").status == 404
    assert fetch(locations, "/only/x", host="bare").text == "only"


MANY = 2000


def test_two_thousand_hosts():
    config = '[listener.web]\naddress = "127.0.0.1:0"\n'
    for number in range(MANY):
        config += f'[host."h{number}.test".location."/"]\nrespond = {{ status = 200, body = "{number}" }}\n'
    with Gantry(config) as gantry, RawClient(gantry) as client:
        for number in range(0, MANY, 97):
            assert client.get("/", host=f"h{number}.test").text == str(number)
