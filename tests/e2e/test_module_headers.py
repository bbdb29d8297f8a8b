"""The module headers: security fields, HSTS and cross-origin requests, as browsers would see them."""


import pytest

from support.certs import trusting
from support.client import RawClient, exchange, fetch
from support.gantry import Gantry
from support.modules import expect_refused
from support.operator import run
from support.origin import Origin, routes

CONFIG = """
modules = ["headers"]
[server]
security_headers = "basic"
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[upstream.app]
peers = ["127.0.0.1:@app@"]

[host."test"]
certificate = { certificate = "@dir@/test.pem", key = "@dir@/test.key" }
hsts = { max_age = "365d", subdomains = true, preload = true }
[host."test".location."/app/"]
proxy = "app"
[host."test".location."/only-get"]
respond = "got"
methods = ["GET"]
[host."test".location."/file"]
static = { root = "@dir@/www" }
[host."test".location."/strict"]
respond = "strict"
security_headers = "strict"
[host."test".location."/own-csp"]
respond = "own"
security_headers = { csp = "default-src 'none'" }
[host."test".location."/report"]
respond = "report"
security_headers = { set = "off", csp_report_only = "default-src 'self'" }
[host."test".location."/framed"]
respond = "framed"
security_headers = { frame_ancestors = ["self", "https://partner.example"] }
[host."test".location."/app/framed/"]
proxy = "app"
security_headers = { frame_ancestors = ["self", "https://partner.example"] }
[host."test".location."/app/replaced/"]
proxy = "app"
security_headers = { existing = "replace" }
[host."test".location."/app/shown/"]
proxy = "app"
security_headers = { remove = [] }
[host."test".location."/policies"]
respond = "policies"
security_headers = { referrer_policy = "no-referrer", permissions_policy = "camera=()", opener_policy = "same-origin-allow-popups", embedder_policy = "credentialless", resource_policy = "same-site" }
[host."test".location."/off"]
respond = "off"
security_headers = "off"
hsts = "0s"
[host."test".location."/won"]
respond = "won"
response_headers = { set = { "X-Frame-Options" = "DENY" } }

[host."behind.test"]
certificate = { certificate = "@dir@/test.pem", key = "@dir@/test.key" }
hsts = { max_age = "1h", always = true }
[host."behind.test".location."/"]
respond = "behind"
"""


@pytest.fixture(scope="module")
def gantry(authority):
    leaf = authority.leaf("test", "behind.test")
    files = {"test.pem": leaf.certificate, "test.key": leaf.key, "www/file": "bytes"}
    with Origin(app()) as origin, Gantry(CONFIG, files=files, app=origin.port) as server:
        yield server


def app():
    telling = {"Server": "App/1.0", "X-Powered-By": "PHP/5", "X-Generator": "Old"}
    own = {"Content-Security-Policy": "img-src *", "X-Frame-Options": "ALLOWALL", "X-Content-Type-Options": "x", "Referrer-Policy": "unsafe-url",
           "Strict-Transport-Security": "max-age=1"}
    cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-Leak", "Vary": "Accept"}

    def answer(connection, request, _):
        connection.respond(200, request.method, telling | own | cors)

    return routes({"*": answer})


def over_tls(gantry, target, host="test"):
    with RawClient(gantry, "tls", tls=trusting(), server_name="test") as client:
        return client.get(target, host=host)


# ---- security


def test_the_basic_set(gantry):
    answer = fetch(gantry, "/file")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    for absent in ("Server", "Content-Security-Policy", "Permissions-Policy", "Strict-Transport-Security"):
        assert absent not in answer, absent


def test_the_strict_set(gantry):
    answer = fetch(gantry, "/strict")
    assert answer["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert answer["Content-Security-Policy"].endswith("; frame-ancestors 'none'")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_each_field_can_be_said(gantry):
    answer = fetch(gantry, "/policies")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Permissions-Policy"] == "camera=()"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert answer["Cross-Origin-Embedder-Policy"] == "credentialless"
    assert answer["Cross-Origin-Resource-Policy"] == "same-site"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"  # of the set around
    answer = fetch(gantry, "/own-csp")
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'self'"
    answer = fetch(gantry, "/report")
    assert answer["Content-Security-Policy-Report-Only"] == "default-src 'self'"
    assert "X-Frame-Options" not in answer


def test_switched_off_in_a_location(gantry):
    answer = fetch(gantry, "/off")
    for absent in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"):
        assert absent not in answer
    assert answer["Server"] == "gantry"


def test_who_may_show_pages_in_frames(gantry):
    answer = fetch(gantry, "/framed")
    assert answer["Content-Security-Policy"] == "frame-ancestors 'self' https://partner.example"
    assert "X-Frame-Options" not in answer
    answer = fetch(gantry, "/app/framed/")
    assert answer.all("Content-Security-Policy") == ["img-src *", "frame-ancestors 'self' https://partner.example"]
    assert "X-Frame-Options" not in answer


def test_what_the_application_says_is_kept(gantry):
    answer = fetch(gantry, "/app/")
    assert answer["Content-Security-Policy"] == "img-src *"
    assert answer["Referrer-Policy"] == "unsafe-url"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_or_replaced(gantry):
    answer = fetch(gantry, "/app/replaced/")
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_fields_that_tell_what_answers(gantry):
    answer = fetch(gantry, "/app/")
    for absent in ("Server", "X-Powered-By", "X-Generator"):
        assert absent not in answer, absent
    answer = fetch(gantry, "/app/shown/")
    assert (answer["Server"], answer["X-Powered-By"], answer["X-Generator"]) == ("App/1.0", "PHP/5", "Old")


def test_the_fields_of_the_configuration_come_last(gantry):
    assert fetch(gantry, "/won")["X-Frame-Options"] == "DENY"


def test_answers_to_mistakes_have_them_as_well(gantry):
    for method, target, status in [("GET", "/file/none", 404), ("GET", "/nowhere", 404), ("POST", "/only-get", 405), ("GET", "/%00", 400)]:
        answer = exchange(gantry, method, target)
        assert answer.status == status
        assert answer["X-Frame-Options"] == "SAMEORIGIN", target
        assert "Server" not in answer
    with RawClient(gantry, "tls", tls=trusting(), server_name="test") as client:
        assert "max-age=" in client.get("/nowhere")["Strict-Transport-Security"]


def test_hsts_over_tls_alone(gantry):
    assert over_tls(gantry, "/file")["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert over_tls(gantry, "/off")["Strict-Transport-Security"] == "max-age=0; includeSubDomains; preload"
    assert over_tls(gantry, "/app/")["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in fetch(gantry, "/app/")
    assert fetch(gantry, "/", host="behind.test")["Strict-Transport-Security"] == "max-age=3600"


# ---- cross-origin requests

CORS = """
modules = ["headers"]
[listener.web]
address = "127.0.0.1:0"
[upstream.app]
peers = ["127.0.0.1:@app@"]
[host."test"]
cors = { origins = ["https://a.example", "https://*.b.example"], credentials = true, methods = ["GET", "PUT"], headers = ["X-Token"], expose = ["X-Id"], max_age = "1h" }
[host."test".location."/"]
respond = "here"
[host."test".location."/app/"]
proxy = "app"
[host."test".location."/put"]
respond = "put"
methods = ["PUT"]
cors = { expose = ["X-Put"], max_age = "2h" }
[host."test".location."/any"]
respond = "any"
cors = { origins = ["*"], credentials = false, headers = ["*"], methods = ["*"], expose = ["*"] }
[host."test".location."/private"]
respond = "private"
cors = { private_network = true }
[host."test".location."/off"]
respond = "off"
cors = []
[host."short.test".location."/"]
respond = "short"
cors = "https://a.example"
[host."get.test"]
cors = "https://a.example"
[host."get.test".location."/"]
respond = "got"
methods = ["GET"]
"""
PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@pytest.fixture(scope="module")
def sharing():
    with Origin(app()) as origin, Gantry(CORS, app=origin.port) as server:
        server.origin = origin
        yield server


def cors_of(answer):
    return {name.removeprefix("access-control-"): value for name, value in answer.fields if name.startswith("access-control-")}


def ask(gantry, origin, method="PUT", target="/", more=(), **arguments):
    return exchange(gantry, "OPTIONS", target, [("Origin", origin), ("Access-Control-Request-Method", method), *more], **arguments)


@pytest.mark.parametrize("origin", ["https://a.example", "https://x.b.example", "https://x.y.b.example"])
def test_allowed_origins_may_read(sharing, origin):
    answer = fetch(sharing, "/", [("Origin", origin)])
    assert answer.text == "here" and answer["Vary"] == "Origin"
    assert cors_of(answer) == {"allow-origin": origin, "allow-credentials": "true", "expose-headers": "X-Id"}


@pytest.mark.parametrize("origin", ["https://evil.example", "http://a.example", "https://b.example", "https://evil.com/.b.example", "null", "*", "https://a.example, https://a.example"])
def test_others_may_not(sharing, origin):
    answer = fetch(sharing, "/", [("Origin", origin)])
    assert answer.text == "here" and cors_of(answer) == {} and answer["Vary"] == "Origin"
    asked = ask(sharing, origin)
    assert asked.status == 204 and cors_of(asked) == {} and asked["Vary"] == PREFLIGHT


def test_answers_without_an_origin_depend_on_it_too(sharing):
    answer = fetch(sharing, "/")
    assert cors_of(answer) == {} and answer["Vary"] == "Origin"


def test_preflights_are_answered(sharing):
    before = len(sharing.origin.requests)
    answer = ask(sharing, "https://a.example", target="/app/x", more=[("Access-Control-Request-Headers", "x-token")])
    assert answer.status == 204 and answer.body == b"" and answer["Vary"] == PREFLIGHT
    assert cors_of(answer) == {
        "allow-origin": "https://a.example",
        "allow-credentials": "true",
        "allow-methods": "GET, PUT",
        "allow-headers": "X-Token",
        "max-age": "3600",
    }
    assert len(sharing.origin.requests) == before


def test_other_options_go_to_the_application(sharing):
    assert exchange(sharing, "OPTIONS", "/app/", [("Origin", "https://a.example")]).text == "OPTIONS"
    assert exchange(sharing, "OPTIONS", "/app/", [("Access-Control-Request-Method", "PUT")]).text == "OPTIONS"


def test_preflights_where_options_is_not_among_the_methods(sharing):
    answer = ask(sharing, "https://a.example", "GET", host="get.test")
    assert answer.status == 204 and cors_of(answer)["allow-origin"] == "https://a.example"
    # What is no preflight is refused as ever, and so is one for a method that the location does not have.
    assert exchange(sharing, "OPTIONS", "/", [("Origin", "https://a.example")], host="get.test").status == 405
    refused = ask(sharing, "https://a.example", "DELETE", host="get.test")
    assert refused.status == 405 and refused["Allow"] == "GET, HEAD"


def test_preflights_mean_the_location_that_takes_the_method(sharing):
    assert cors_of(ask(sharing, "https://a.example", "PUT", "/put"))["max-age"] == "7200"
    assert cors_of(ask(sharing, "https://a.example", "GET", "/put"))["max-age"] == "3600"


def test_what_the_application_says_is_taken_out(sharing):
    answer = fetch(sharing, "/app/", [("Origin", "https://evil.example")])
    assert cors_of(answer) == {} and answer["Vary"] == "Accept, Origin"
    answer = fetch(sharing, "/app/", [("Origin", "https://a.example")])
    assert cors_of(answer)["allow-origin"] == "https://a.example" and cors_of(answer)["expose-headers"] == "X-Id"


def test_all_origins(sharing):
    answer = fetch(sharing, "/any", [("Origin", "https://who.example")])
    assert cors_of(answer) == {"allow-origin": "*", "expose-headers": "*"} and "Vary" not in answer
    assert cors_of(ask(sharing, "https://who.example", target="/any"))["allow-methods"] == "*"
    assert cors_of(ask(sharing, "https://who.example", target="/any"))["allow-headers"] == "*"


def test_private_networks(sharing):
    field = [("Access-Control-Request-Private-Network", "true")]
    assert cors_of(ask(sharing, "https://a.example", target="/private", more=field))["allow-private-network"] == "true"
    assert "allow-private-network" not in cors_of(ask(sharing, "https://a.example", target="/private"))
    assert "allow-private-network" not in cors_of(ask(sharing, "https://a.example", more=field))


def test_mistakes_can_be_read_by_pages(sharing):
    for method, target, host, status in [("GET", "/%00", "test", 400), ("POST", "/", "get.test", 405), ("TRACE", "/", "test", 501)]:
        answer = exchange(sharing, method, target, [("Origin", "https://a.example")], host=host)
        assert answer.status == status and cors_of(answer)["allow-origin"] == "https://a.example", target


def test_switched_off(sharing):
    answer = fetch(sharing, "/off", [("Origin", "https://a.example")])
    assert cors_of(answer) == {} and "Vary" not in answer
    assert ask(sharing, "https://a.example", target="/off").text == "off"


def test_the_short_form_and_the_defaults(sharing):
    answer = ask(sharing, "https://a.example", host="short.test")
    assert cors_of(answer) == {"allow-origin": "https://a.example", "allow-methods": "GET, HEAD, POST", "max-age": "600"}


def test_explain_names_the_hook(sharing):
    assert "preaccess: headers.cors" in run(sharing, "explain", "GET", "http://test/").stdout


# ---- what is wrong

BASE = 'modules = ["headers"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n'
MISTAKES = {
    "everybody": ('cors = { origins = ["*"], credentials = true }', "with credentials every site could act as its visitors"),
    "origin": ('cors = ["example.com"]', '"example.com" is no origin'),
    "path": ('cors = ["https://example.com/"]', "write https://example.com"),
    "method": ('cors = { origins = "https://a.example", methods = ["patch"] }', 'write "PATCH"'),
    "age": ('cors = { origins = "https://a.example", max_age = "2d" }', '"max_age" must be between'),
    "set": ('security_headers = "srict"', 'did you mean "strict"?'),
    "frames": ('security_headers = { frame_ancestors = ["none", "self"] }', '"none" allows nobody'),
    "policy": ('security_headers = { csp = "caf\u00e9" }', "signs of ASCII"),
    "remove": ('security_headers = { remove = ["Content-Type"] }', "cannot be removed"),
    "preload": ('hsts = { max_age = "30d", subdomains = true, preload = true }', "a year at least"),
    "member": ("hsts = { preloda = true }", 'did you mean "preload"?'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_have_places_and_remedies(tmp_path, mistake):
    line, text = MISTAKES[mistake]
    expect_refused(tmp_path, BASE + line + "\n", text, 6)

