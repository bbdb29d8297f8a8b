"""The module auth: tokens that others signed, the keys of these, and tokens that nobody should have made."""

import base64
import hashlib
import hmac
import json
import ssl
import time

import pytest

from support.certs import Authority
from support.client import fetch
from support.credentials import Signer, base64url, basic, bearer, htpasswd, key_set
from support.gantry import Gantry
from support.modules import check_with, expect_refused
from support.nginx import Nginx
from support.origin import Origin, echo
from support.wait import wait_until

HEAD = """
modules = ["auth", "metrics"]
[server]
workers = 2
auth_files_interval = "100ms"
[listener.web]
address = "127.0.0.1:0"
[host."watch".location."= /metrics"]
metrics = "prometheus"
"""

JWT = 'issuer = "https://id.test", audience = ["api", "https://api.test"], jwks_file = "keys.jwks"'

PLACES = HEAD + f"""
[upstream.app]
peers = ["127.0.0.1:@origin@"]
[host."test"]
auth = {{ jwt = {{ {JWT}, cookie = "token", leeway = "10s", realm = "the API", headers = {{ X-Auth-Email = "email", X-Auth-Team = "team.name" }} }} }}
[host."test".location."/"]
proxy = "app"
[host."test".location."/write/"]
auth = {{ require = {{ scopes = ["orders:write", "orders:read"] }} }}
proxy = "app"
[host."test".location."/admin/"]
auth = {{ require = {{ claims = {{ "realm_access.roles" = ["admin", "root"], level = "3" }} }} }}
proxy = "app"
[host."strict.test"]
auth = {{ jwt = {{ {JWT}, type = "at+jwt", algorithms = "ES256", header = "X-Token", pass_on = false, user_claim = "email", groups_claim = "realm_access.roles" }} }}
[host."strict.test".location."/"]
proxy = "app"
[host."endless.test"]
auth = {{ jwt = {{ {JWT}, require_exp = false, algorithms = ["RS256", "RS512", "PS256", "PS384", "ES384", "ES512"] }}, basic = "users" }}
[host."endless.test".location."/"]
proxy = "app"
"""

EC, EC2 = Signer("ec"), Signer("ec2")
RSA, PSS, LOOSE = Signer("rsa", "RS256"), Signer("pss", "PS256"), Signer("loose", "RS256", alg=None)
ES384, ES512 = Signer("p384", "ES384"), Signer("p521", "ES512")
NAMELESS = Signer(None, "RS256")
ENCRYPTS = Signer("enc", "RS256", use="enc")
SYMMETRIC = {"kty": "oct", "kid": "oct", "k": base64url(b"k" * 32), "alg": "HS256"}
SMALL = Signer("small", "RS256", bits=1024)
STRANGER = Signer("ec")


@pytest.fixture(scope="module")
def gantry():
    files = {"keys.jwks": key_set(ENCRYPTS, SYMMETRIC, SMALL, EC, EC2, RSA, PSS, LOOSE, ES384, ES512, NAMELESS), "users": htpasswd("alice", "one")}
    with Origin(echo) as origin, Gantry(PLACES, files=files, origin=origin.port) as server:
        yield server


def claims(**more):
    now = int(time.time())
    said = {"iss": "https://id.test", "aud": "api", "sub": "alice", "iat": now, "nbf": now, "exp": now + 300, **more}
    return {name: value for name, value in said.items() if value is not None}


def seen(answer):
    assert answer.status == 200, answer
    return dict(json.loads(answer.body)["fields"])


def status(gantry, token, **more):
    return fetch(gantry, more.pop("target", "/"), bearer(token), **more).status


# ---- tokens that are good


@pytest.mark.parametrize("signer", [EC, EC2, RSA, PSS, LOOSE], ids=lambda signer: signer.kid)
def test_a_token_that_was_signed_comes_in(gantry, signer):
    token = signer.sign(claims(scope="orders:read  orders:write", groups=["a", "b"], email="a@test", team={"name": "x"}))
    for _ in range(2):  # and is remembered
        fields = seen(fetch(gantry, "/", bearer(token)))
        assert (fields["x-auth-user"], fields["x-auth-groups"], fields["x-auth-scopes"]) == ("alice", "a,b", "orders:read orders:write")
        assert (fields["x-auth-email"], fields["x-auth-team"], fields["authorization"]) == ("a@test", "x", f"Bearer {token}")


@pytest.mark.parametrize("signer, algorithm", [(ES384, None), (ES512, None), (LOOSE, "RS512"), (LOOSE, "PS384"), (RSA, None)])
def test_more_algorithms_where_they_are_wanted(gantry, signer, algorithm):
    token = signer.sign(claims(), algorithm)
    assert status(gantry, token, host="endless.test") == 200
    assert status(gantry, token) == (200 if signer is RSA else 401)


def test_a_token_without_a_name_of_a_key_is_tried(gantry):
    assert status(gantry, NAMELESS.sign(claims())) == 200
    assert status(gantry, RSA.sign(claims(), kid=None)) == 200
    assert status(gantry, Signer(None, "RS256").sign(claims())) == 401


def test_scopes_as_scp_and_audiences_in_lists(gantry):
    token = EC.sign(claims(scp=["orders:read", "orders:write"], aud=["x", "https://api.test"], sub=None))
    fields = seen(fetch(gantry, "/write/", bearer(token)))
    assert fields["x-auth-scopes"] == "orders:read orders:write" and "x-auth-user" not in fields


def test_in_a_cookie(gantry):
    token = EC.sign(claims())
    assert fetch(gantry, "/", {"Cookie": f"a=1; token={token}; b=2"}).status == 200
    assert fetch(gantry, "/", {"Cookie": "a=1; token=; b=2"}).status == 401


def test_a_second_token_is_not_passed_on_unseen(gantry):
    good, forged_one = EC.sign(claims()), STRANGER.sign(claims(sub="root"))
    for headers in [
        {**bearer(good), "Cookie": f"token={forged_one}"},
        {**bearer(forged_one), "Cookie": f"token={good}"},
        {"Cookie": f"token={good}; token={forged_one}"},
        [("Cookie", f"token={good}"), ("Cookie", f"token={forged_one}")],
        {"Cookie": f"token={good}; token="},
    ]:
        assert fetch(gantry, "/", headers).status == 401
    assert fetch(gantry, "/", [*bearer(good).items(), *bearer(forged_one).items()]).status == 400


def test_in_a_field_of_its_own_and_not_passed_on(gantry):
    token = EC.sign(claims(email="a@test", realm_access={"roles": ["r"]}), typ="application/at+JWT")
    fields = seen(fetch(gantry, "/", {"X-Token": token}, host="strict.test"))
    assert fields["x-auth-user"] == "a@test" and fields["x-auth-groups"] == "r" and "x-token" not in fields
    assert "authorization" not in seen(fetch(gantry, "/", bearer(token), host="strict.test"))


def test_what_clients_say_of_themselves_is_taken_out(gantry):
    fields = seen(fetch(gantry, "/", {**bearer(EC.sign(claims())), "X-Auth-Email": "root@test", "X_Auth_Team": "root"}))
    assert "root" not in " ".join(fields.values()) and "x-auth-email" not in fields


def test_scopes_and_claims_are_required(gantry):
    answer = fetch(gantry, "/write/", bearer(EC.sign(claims(scope="orders:read"))))
    assert answer.status == 403
    assert answer["WWW-Authenticate"] == 'Bearer realm="the API", error="insufficient_scope", scope="orders:write orders:read"'
    assert status(gantry, EC.sign(claims(realm_access={"roles": ["user", "root"]}, level=3)), target="/admin/") == 200
    for more in [{"level": 3}, {"realm_access": {"roles": ["admin"]}}, {"realm_access": {"roles": ["user"]}, "level": 3}, {"realm_access": "admin", "level": 3}]:
        answer = fetch(gantry, "/admin/", bearer(EC.sign(claims(**more))))
        assert answer.status == 403 and not answer.all("WWW-Authenticate")


def test_another_scheme_is_enough_as_well(gantry):
    assert fetch(gantry, "/", basic("alice", "one"), host="endless.test").status == 200
    assert status(gantry, RSA.sign(claims(exp=None)), host="endless.test") == 200
    assert fetch(gantry, "/", host="endless.test").all("WWW-Authenticate") == ['Bearer realm="restricted"', 'Basic realm="restricted", charset="UTF-8"']


# ---- tokens that are not


def parts(token):
    return token.split(".")


def forged(head, said, key=b"", digest=hashlib.sha256):
    text = base64url(json.dumps(head).encode()) + "." + base64url(json.dumps(said).encode())
    return text + "." + (base64url(hmac.new(key, text.encode(), digest).digest()) if key else "")


def swapped(token, **more):
    head, said, signature = parts(token)
    said = json.loads(base64.urlsafe_b64decode(said + "=="))
    return ".".join([head, base64url(json.dumps({**said, **more}).encode()), signature])


def jwk_in_head(signer):
    return signer.sign(claims(), jwk=signer.jwk)


ATTACKS = {
    "none": lambda: forged({"alg": "none", "typ": "JWT"}, claims()),
    "None": lambda: forged({"alg": "None", "kid": "ec"}, claims()),
    "none with a signature": lambda: forged({"alg": "none"}, claims()) + parts(EC.sign(claims()))[2],
    "no alg": lambda: forged({"kid": "ec"}, claims()),
    "alg is no text": lambda: forged({"alg": ["ES256"], "kid": "ec"}, claims()),
    "HS256 with the public key": lambda: forged({"alg": "HS256", "kid": "rsa"}, claims(), RSA.pem()),
    "HS256 with a key of the set": lambda: forged({"alg": "HS256", "kid": "oct"}, claims(), b"k" * 32),
    "HS256 with an empty key": lambda: forged({"alg": "HS256", "kid": "ec"}, claims(), b"\0"),
    "another alg than the key's": lambda: RSA.sign(claims(), "PS256"),
    "RS256 by a PS256 key": lambda: PSS.sign(claims(), "RS256"),
    "a key for encryption": lambda: ENCRYPTS.sign(claims()),
    "a key that is too small": lambda: SMALL.sign(claims()),
    "an unknown key": lambda: Signer("other").sign(claims()),
    "a stranger with a known name": lambda: STRANGER.sign(claims()),
    "a key in the head": lambda: jwk_in_head(STRANGER),
    "somebody else's name": lambda: EC.sign(claims(), kid="ec2"),
    "changed claims": lambda: swapped(EC.sign(claims()), sub="root"),
    "a cut signature": lambda: EC.sign(claims())[:-4],
    "no signature": lambda: EC.sign(claims()).rpartition(".")[0] + ".",
    "an empty signature of zeros": lambda: ".".join(parts(EC.sign(claims()))[:2] + [base64url(b"\0" * 64)]),
    "a critical member": lambda: EC.sign(claims(), crit=["exp"]),
    "two parts": lambda: ".".join(parts(EC.sign(claims()))[:2]),
    "five parts": lambda: EC.sign(claims()) + ".a.b",
    "no JSON": lambda: ".".join([base64url(b"{"), base64url(b"{}"), "AA"]),
    "deep JSON": lambda: ".".join([base64url(b'{"alg":"ES256","a":' + b"[" * 4000 + b"]" * 4000 + b"}"), base64url(b"{}"), "AA"]),
    "huge": lambda: EC.sign(claims(padding="x" * 20_000)),
    "padding": lambda: EC.sign(claims()) + "==",
    "expired": lambda: EC.sign(claims(exp=int(time.time()) - 60)),
    "no end": lambda: EC.sign(claims(exp=None)),
    "not yet": lambda: EC.sign(claims(nbf=int(time.time()) + 60)),
    "issued later": lambda: EC.sign(claims(iat=int(time.time()) + 60)),
    "an end that is no time": lambda: RSA.sign({**claims(exp=None), "exp": "tomorrow"}),
    "an end beyond numbers": lambda: RSA.sign({**claims(exp=None), "exp": 1e300}),
    "another issuer": lambda: EC.sign(claims(iss="https://evil.test")),
    "no issuer": lambda: EC.sign(claims(iss=None)),
    "an issuer that is a list": lambda: RSA.sign({**claims(iss=None), "iss": ["https://id.test"]}),
    "another audience": lambda: EC.sign(claims(aud=["other", "ap"])),
    "no audience": lambda: EC.sign(claims(aud=None)),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_token_that_is_none(gantry, attack):
    try:
        token = ATTACKS[attack]()
    except TypeError:  # PyJWT refuses to make it: by hand then
        token = forged_by_hand(attack)
    if attack == "huge":
        assert fetch(gantry, "/", bearer(token)).status in (401, 431)
        return
    answer = fetch(gantry, "/", bearer(token))
    assert answer.status == 401, attack
    assert answer["WWW-Authenticate"].startswith('Bearer realm="the API", error="invalid_token", error_description="')
    assert parts(token)[-1][:20] not in gantry.log() or len(parts(token)[-1]) < 20


def forged_by_hand(attack):
    said = {**claims(), **({"exp": "tomorrow"} if "time" in attack else {"iss": ["https://id.test"]})}
    text = base64url(json.dumps({"alg": "RS256", "kid": "rsa"}).encode()) + "." + base64url(json.dumps(said).encode())
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return text + "." + base64url(RSA.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))


@pytest.mark.parametrize("said", [{"exp": -5}, {"nbf": 5}, {"iat": 5}])
def test_clocks_may_be_apart_a_little(gantry, said):
    assert status(gantry, EC.sign(claims(**{name: int(time.time()) + value for name, value in said.items()}))) == 200


def test_a_token_ends_though_it_is_remembered(gantry):
    token = EC.sign(claims(exp=int(time.time()) - 8))  # with the leeway two seconds are left
    assert status(gantry, token) == 200
    wait_until(lambda: status(gantry, token) == 401, "the end of the token")


def test_types_of_tokens(gantry):
    for typ, wanted in [("at+jwt", 200), ("AT+JWT", 200), ("JWT", 401), (None, 401)]:
        assert status(gantry, EC.sign(claims(email="a@test"), typ=typ), host="strict.test") == wanted
    assert status(gantry, RSA.sign(claims(email="a@test"), typ="at+jwt"), host="strict.test") == 401


# ---- keys

REMOTE = HEAD + """
[host."test"]
auth = { jwt = { issuer = "https://id.test", audience = "api", jwks_url = "http://127.0.0.1:@keys@/jwks.json", refresh = "@refresh@", retry = "@retry@" } }
[host."test".location."/"]
respond = "${header.X-Auth-User}"
"""


def test_a_file_of_keys_is_read_anew():
    text = HEAD + f'[host."test"]\nauth = {{ jwt = {{ {JWT} }} }}\n[host."test".location."/"]\nrespond = "in"\n'
    with Gantry(text, files={"keys.jwks": key_set(EC)}) as server:
        old, new = EC.sign(claims()), EC2.sign(claims())
        assert status(server, old) == 200 and status(server, new) == 401
        server.write("keys.jwks", key_set(EC2))
        wait_until(lambda: status(server, new) == 200, "the new key")
        assert status(server, old) == 401  # it was remembered, and its key is no more
        server.write("keys.jwks", "{")
        server.wait_log(r"file of key sets not read, the one before goes on: .*keys\.jwks: it is no JWK set")
        assert status(server, new) == 200


def test_a_new_key_is_fetched_when_a_token_names_it():
    with Nginx(files={"jwks.json": key_set(EC)}) as nginx, Gantry(REMOTE, keys=nginx.port, refresh="1h", retry="100ms") as server:
        wait_until(lambda: status(server, EC.sign(claims())) == 200, "the keys")
        (nginx.dir / "www" / "jwks.json").write_text(key_set(EC2))
        wait_until(lambda: status(server, EC2.sign(claims())) == 200, "the new key")
        assert status(server, EC.sign(claims())) == 401


def test_keys_are_fetched_now_and_then_and_stay_while_nobody_answers():
    answers = [(200, key_set(EC))]
    asked = []

    def handler(connection, origin):
        while True:
            asked.append(connection.read_request().get("accept"))
            connection.respond(*answers[-1])

    with Origin(handler) as origin, Gantry(REMOTE, keys=origin.port, refresh="200ms", retry="100ms") as server:
        wait_until(lambda: status(server, EC.sign(claims())) == 200, "the keys")
        for bad in [(500, "no"), (200, "no JSON"), (200, '{"keys": []}'), (200, "x" * 2_000_000), (302, "")]:
            answers.append(bad)
            before = len(asked)
            wait_until(lambda: len(asked) >= before + 2, "another fetch")
            assert status(server, EC.sign(claims())) == 200
        server.wait_log(r"keys not fetched, those before go on url=http://127\.0\.0\.1:\d+/jwks\.json why=\"it answers 500\"")
        answers.append((200, key_set(EC2)))
        wait_until(lambda: status(server, EC2.sign(claims())) == 200, "the new keys")
        assert "jwk-set" in asked[0]


def test_keys_over_https_and_of_an_upstream():
    def handler(connection, origin):
        while True:
            connection.read_request()
            connection.respond(200, key_set(EC))

    authority = Authority()
    leaf = authority.leaf("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    text = HEAD + """
[upstream.id]
peers = ["127.0.0.1:@plain@"]
[host."trusted.test"]
auth = { jwt = { issuer = "https://id.test", audience = "api", jwks_url = "https://localhost:@keys@/", ca_file = "@ca@" } }
[host."trusted.test".location."/"]
respond = "in"
[host."stranger.test"]
auth = { jwt = { issuer = "https://id.test", audience = "api", jwks_url = "https://localhost:@keys@/" } }
[host."stranger.test".location."/"]
respond = "in"
[host."upstream.test"]
auth = { jwt = { issuer = "https://id.test", audience = "api", jwks_url = "upstream:id/jwks" } }
[host."upstream.test".location."/"]
respond = "in"
"""
    with Origin(handler, certificate=context) as origin, Origin(handler) as plain:
        with Gantry(text, keys=origin.port, plain=plain.port, ca=authority.path) as server:
            for host in ["trusted.test", "upstream.test"]:
                wait_until(lambda: status(server, EC.sign(claims()), host=host) == 200, "the keys")
            server.wait_log(r"keys not fetched url=https://localhost.*certificate")
            assert status(server, EC.sign(claims()), host="stranger.test") == 503


def test_unknown_keys_do_not_make_it_ask_all_the_time():
    asked = []

    def handler(connection, origin):
        while True:
            asked.append(connection.read_request())
            connection.respond(200, key_set(EC))

    with Origin(handler) as origin, Gantry(REMOTE, keys=origin.port, refresh="1h", retry="1h") as server:
        wait_until(lambda: status(server, EC.sign(claims())) == 200, "the keys")
        for _ in range(20):
            assert status(server, EC2.sign(claims())) == 401
        assert len(asked) == 1


def test_without_any_keys_nobody_comes_in_and_nobody_is_told_that_the_token_is_bad():
    with Origin(lambda connection, origin: None) as origin, Gantry(REMOTE, keys=origin.port, refresh="1h", retry="100ms") as server:
        assert status(server, EC.sign(claims())) == 503
        server.wait_log(r"keys not fetched url=")


def test_keys_live_over_a_reload():
    asked = []

    def handler(connection, origin):
        while True:
            asked.append(connection.read_request())
            connection.respond(200, key_set(EC))

    with Origin(handler) as origin, Gantry(REMOTE, keys=origin.port, refresh="1h", retry="1h") as server:
        wait_until(lambda: status(server, EC.sign(claims())) == 200, "the keys")
        server.reload(REMOTE + '[host."other".location."/"]\nrespond = "x"\n')
        assert status(server, EC.sign(claims())) == 200 and len(asked) == 1


# ---- mistakes

CHECKED = 'modules = ["auth"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test"]\n%s\n[host."test".location."/"]\nrespond = "in"\n'


@pytest.mark.parametrize(
    "line, text",
    [
        ("auth = { jwt = {} }", '"jwt" lacks "issuer"'),
        ('auth = { jwt = { issuer = "a", jwks_file = "x" } }', '"jwt" lacks "audience"'),
        ('auth = { jwt = { issuer = "a", audience = "b" } }', "jwt needs to know whose tokens it takes"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_file = "x", jwks_url = "https://x/" } }', "jwt needs to know whose tokens it takes"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_file = "nowhere" } }', "No such file"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_file = "bad.jwks" } }', "none of its keys can be used, the last because its kty, crv and alg are of no algorithm"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_url = "ftp://x/" } }', "ftp"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_url = "https://x/", algorithms = "HS256" } }', "HS256"),
        ('auth = { jwt = { issuer = "a", audience = "b", jwks_url = "https://x/", headers = { Cookie = "sub" } } }', "is no field that can say who somebody is"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(tmp_path, line, text):
    (tmp_path / "bad.jwks").write_text(key_set(SYMMETRIC))
    expect_refused(tmp_path, CHECKED % line, text, 5)


def test_keys_over_plain_http_are_warned_of(tmp_path):
    done = check_with(tmp_path, CHECKED % 'auth = { jwt = { issuer = "a", audience = "b", jwks_url = "http://id.test/" } }')
    assert "keys that come over plain HTTP may be anybody's" in done.stderr
