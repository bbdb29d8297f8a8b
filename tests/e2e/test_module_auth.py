"""The module auth: names and passwords, what locations add to what hosts demand, and who the upstream thinks it is."""

import concurrent.futures
import json
import re
import socket
import time

import pytest

from support.certs import Authority, trusting
from support.client import RawClient, fetch
from support.credentials import basic, bcrypt, htpasswd
from support.gantry import Gantry
from support.modules import check_with, expect_refused
from support.origin import Origin, echo
from support.wait import wait_until

HEAD = """
modules = ["auth", "metrics"]
[server]
workers = 2
control = "@dir@/control.sock"
auth_files_interval = "100ms"
auth_failures = { delay = "1ms", most_delay = "10s" }
[listener.web]
address = "127.0.0.1:0"
[host."watch".location."= /metrics"]
metrics = "prometheus"
"""

PLACES = HEAD + """
[upstream.app]
peers = ["127.0.0.1:@origin@"]
[host."test"]
auth = { basic = { users_file = "users", realm = 'the "office"', groups = { admins = ["alice"] } } }
[host."test".location."/"]
proxy = "app"
[host."test".location."/open/"]
auth = "none"
proxy = "app"
[host."test".location."/admin/"]
auth = { require = "admins" }
proxy = "app"
[host."test".location."/carol/"]
auth = { require = { users = "carol", groups = ["staff", "admins"] } }
proxy = "app"
[host."test".location."/twice/"]
auth = { basic = { users = { alice = "@alice@", dave = "@dave@" } } }
proxy = "app"
[host."test".location."/passed-on/"]
auth = { basic = { users_file = "users", pass_on = true } }
proxy = "app"
[host."plain.test".location."/"]
proxy = "app"
[host."named.test"]
auth_headers = { user = "Remote-User", groups = "Remote-Groups", scopes = "" }
auth = { basic = "users" }
[host."named.test".location."/"]
proxy = "app"
"""


def users():
    return "\n".join(
        ["# who may", "", htpasswd("alice", "wonder"), htpasswd("bob", "builder", "-5"), htpasswd("carol", "a:colon") + ":staff,press"]
    )


@pytest.fixture(scope="module")
def origin():
    with Origin(echo) as server:
        yield server


@pytest.fixture(scope="module")
def gantry(origin):
    with Gantry(PLACES, files={"users": users()}, origin=origin.port, alice=bcrypt("wonder"), dave=bcrypt("dave")) as server:
        yield server


def seen(answer):
    """The fields that the upstream got."""
    assert answer.status == 200, answer
    return dict(json.loads(answer.body)["fields"])


def counted(gantry, scheme, outcome):
    text = fetch(gantry, "/metrics", host="watch").text
    found = re.search(rf'^gantry_auth_requests_total\{{scheme="{scheme}",outcome="{outcome}"\}} (\d+)$', text, re.M)
    return int(found[1]) if found else 0


# ---- basic


def test_who_knows_a_password_comes_in(gantry):
    fields = seen(fetch(gantry, "/", basic("alice", "wonder")))
    assert fields["x-auth-user"] == "alice" and fields["x-auth-groups"] == "admins"
    assert "authorization" not in fields
    assert seen(fetch(gantry, "/", basic("carol", "a:colon")))["x-auth-groups"] == "staff,press"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer abc"}, {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Basic YWxpY2U="}])
def test_who_has_none_is_asked_for_it(gantry, headers):
    answer = fetch(gantry, "/", headers)
    assert answer.status == 401
    assert answer["WWW-Authenticate"] == 'Basic realm="the \\"office\\"", charset="UTF-8"'


@pytest.mark.parametrize("name, password", [("alice", "Wonder"), ("alice", ""), ("nobody", "wonder"), ("", "wonder"), ("alice", "wonder\0"), ("bob", "wonder"), ("alice", "x" * 2000)])
def test_who_has_a_wrong_one_stays_out(gantry, name, password):
    answer = fetch(gantry, "/", basic(name, password))
    assert answer.status == 401 and answer.all("WWW-Authenticate")


def test_two_credentials_are_one_too_many(gantry):
    both = [*basic("alice", "wonder").items(), *basic("bob", "builder").items()]
    assert fetch(gantry, "/", both).status == 400
    assert fetch(gantry, "/open/", both).status == 200


def test_the_password_goes_on_where_that_is_wanted(gantry):
    assert seen(fetch(gantry, "/passed-on/", basic("bob", "builder")))["authorization"].startswith("Basic ")


def test_all_kinds_of_hashes_that_are_good_enough():
    hashes = {
        "yescrypt": "$y$j75$sStWWKc4CP9L25ImX/d5j1$79Q4SgPF0H9z9BLmLRidrcvm2DfRadp2A9kjvNFXva8",
        "scrypt": "$7$BU..../....bTQru3x3rfPweNhnz3v930$wJQb4v3H86nto3x7p3BTy.xHQSKA5JM8w/aYfph1ZGA",
        "sha512": "$6$rounds=1000$..GWuCeG3zrGUGB7$73yNkBh2U12whiAs3R6VN/wiPGFw07eiJjjMQGP3lhcaH9M4BGgd7BR/ZdsVb5T4cETVKYwYEHVLHs6VrpAQD.",
        "argon2id": "$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0$RGrC2kghhmdFPTu+VWYImMCAKqufCVt9PjEVxccoErs",
        "bcrypt": bcrypt("secret"),
    }
    text = HEAD + '[host."test"]\nauth = { basic = "users" }\n[host."test".location."/"]\nrespond = "${header.X-Auth-User}"\n'
    with Gantry(text, files={"users": "\n".join(f"{name}:{hashed}" for name, hashed in hashes.items())}) as server:
        for name in hashes:
            assert fetch(server, "/", basic(name, "secret")).text == name
            assert fetch(server, "/", basic(name, "Secret")).status == 401


def test_a_password_is_computed_once(gantry):
    before = counted(gantry, "basic", "accepted")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: fetch(gantry, "/", basic("bob", "builder")), range(100)))
    assert all(answer.status == 200 for answer in answers)
    assert counted(gantry, "basic", "accepted") == before + 100


# ---- places


def test_what_a_location_requires_holds_on_top(gantry):
    assert seen(fetch(gantry, "/admin/", basic("alice", "wonder")))["x-auth-user"] == "alice"
    answer = fetch(gantry, "/admin/", basic("bob", "builder"))
    assert answer.status == 403 and not answer.all("WWW-Authenticate")
    assert fetch(gantry, "/admin/").status == 401
    assert fetch(gantry, "/carol/", basic("carol", "a:colon")).status == 200
    assert fetch(gantry, "/carol/", basic("alice", "wonder")).status == 403


def test_both_a_host_and_its_location_have_to_hold(gantry):
    assert fetch(gantry, "/twice/", basic("alice", "wonder")).status == 200
    assert fetch(gantry, "/twice/", basic("bob", "builder")).status == 401  # known to the host alone
    assert fetch(gantry, "/twice/", basic("dave", "dave")).status == 401  # known to the location alone


def test_none_opens_a_location_and_nothing_else(gantry):
    assert "x-auth-user" not in seen(fetch(gantry, "/open/"))
    assert seen(fetch(gantry, "/open/", basic("any", "thing")))["authorization"].startswith("Basic ")
    assert fetch(gantry, "/").status == 401


def test_a_host_is_not_taken_for_another_place():
    text = HEAD.replace("[listener.web]", 'auth = { basic = "all" }\n[listener.web]') + """
[host."open.test"]
auth = "none"
[host."open.test".location."/"]
respond = "in"
[host."any.test".location."/"]
respond = "in"
[host."server"]
auth = { basic = "few" }
[host."server".location."/"]
respond = "in"
"""
    text = text.replace('[host."watch"', '[host."watch"]\nauth = "none"\n[host."watch"', 1)
    files = {"all": htpasswd("alice", "one") + "\n" + htpasswd("bob", "two"), "few": htpasswd("alice", "one")}
    with Gantry(text, files=files) as server:
        assert fetch(server, "/", host="open.test").status == 200
        assert fetch(server, "/", basic("bob", "two"), host="any.test").status == 200
        assert fetch(server, "/", basic("alice", "one"), host="server").status == 200
        assert fetch(server, "/", basic("bob", "two"), host="server").status == 401


# ---- who the upstream thinks it is


@pytest.mark.parametrize("name", ["X-Auth-User", "x-auth-user", "X_Auth_User", "X-Auth_User", "X-Auth-Groups", "X-Auth-Scopes", "Remote-User", "REMOTE_USER"])
@pytest.mark.parametrize("target, host, headers", [("/open/", "test", {}), ("/", "plain.test", {}), ("/", "test", basic("bob", "builder"))])
def test_nobody_says_who_they_are(gantry, name, target, host, headers):
    fields = seen(fetch(gantry, target, [*headers.items(), (name, "admin"), (name, "root")], host=host))
    assert "admin" not in fields.values() and "root" not in fields.values()
    assert fields.get("x-auth-user") == ("bob" if headers else None)


@pytest.mark.parametrize("name", ["X-Auth-User", "X_Auth-User", "remote-user"])
@pytest.mark.parametrize("headers", [{}, basic("bob", "builder")])
def test_nobody_says_behind_the_body_who_they_are(gantry, name, headers):
    with RawClient(gantry) as client:
        body = f"2\r\nhi\r\n0\r\n{name}: admin\r\nX-Sum: 1\r\n\r\n"
        client.request("POST", "/" if headers else "/open/", [*headers.items(), ("Transfer-Encoding", "chunked")], body)
        got = json.loads(client.response().body)
    assert got["size"] == 2 and got["trailers"] == [["x-sum", "1"]]


def test_nobody_takes_a_name_out(gantry):
    answer = fetch(gantry, "/", {**basic("bob", "builder"), "Connection": "close, X-Auth-User"})
    assert answer.status == 400


def test_fields_are_named_as_the_application_wants_them(gantry):
    fields = seen(fetch(gantry, "/", basic("carol", "a:colon"), host="named.test"))
    assert fields["remote-user"] == "carol" and fields["remote-groups"] == "staff,press" and "x-auth-user" not in fields


# ---- files


def test_a_file_that_changes_is_read_anew_and_one_that_is_broken_is_not():
    text = HEAD + '[host."test"]\nauth = { basic = "users" }\n[host."test".location."/"]\nrespond = "in"\n'
    with Gantry(text, files={"users": htpasswd("alice", "one")}) as server:
        assert fetch(server, "/", basic("alice", "one")).status == 200
        server.write("users", htpasswd("alice", "two"))
        wait_until(lambda: fetch(server, "/", basic("alice", "two")).status == 200, "the new password")
        assert fetch(server, "/", basic("alice", "one")).status == 401  # it was remembered, and is so no more
        server.write("users", htpasswd("alice", "three") + "\nbroken\n")
        server.wait_log(r"file of users not read, the one before goes on: .*users:2: there is no colon")
        assert fetch(server, "/", basic("alice", "two")).status == 200
        (server.dir / "users").unlink()
        server.wait_log(r"file of users not read, the one before goes on: .*No such file")
        assert fetch(server, "/", basic("alice", "two")).status == 200
        server.write("users", htpasswd("bob", "four"))
        wait_until(lambda: fetch(server, "/", basic("bob", "four")).status == 200, "the new user")
        assert fetch(server, "/", basic("alice", "two")).status == 401


def test_what_was_remembered_survives_a_reload():
    text = HEAD + '[host."test"]\nauth = { basic = "users" }\n[host."test".location."/"]\nrespond = "in"\n'
    with Gantry(text, files={"users": htpasswd("alice", "one", "-B", "-C", "12")}) as server:
        begin = time.monotonic()
        assert fetch(server, "/", basic("alice", "one")).status == 200
        once = time.monotonic() - begin
        server.reload(text + '[host."other".location."/"]\nrespond = "x"\n')
        begin = time.monotonic()
        assert fetch(server, "/", basic("alice", "one")).status == 200
        assert time.monotonic() - begin < once


# ---- guessing

SLOW = HEAD.replace('delay = "1ms", most_delay = "10s"', 'delay = "300ms", most_delay = "700ms"') + """
[host."test"]
auth = { basic = "users" }
[host."test".location."/"]
respond = "in"
"""


def test_guessing_is_slow_and_told_without_the_secret():
    with Gantry(SLOW, files={"users": htpasswd("alice", "one")}) as server:
        assert fetch(server, "/", basic("alice", "hush-hush")).status == 401
        begin = time.monotonic()
        assert fetch(server, "/", basic("alice", "hush-hush-2")).status == 401
        assert time.monotonic() - begin >= 0.25
        assert fetch(server, "/", basic("alice", "one")).status == 200  # it waits, and then forgets
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda guess: fetch(server, "/", basic("alice", f"guess-{guess}")), range(10)))
        states = [answer.status for answer in answers]
        assert states.count(429) >= 6 and set(states) == {401, 429}
        assert all(int(answer["Retry-After"]) >= 1 for answer in answers if answer.status == 429)
        assert fetch(server, "/", basic("alice", "one")).status == 200  # what is remembered does not wait
        assert fetch(server, "/", basic("alice", "one"), host="test").status == 200
        log = server.log()
        assert re.search(r'authentication failed scheme=basic reason=wrong_password place=test/ client=127\.0\.0\.1 user="alice"', log)
        assert "hush" not in log and "guess" not in log
        assert counted(server, "basic", "wrong_password") >= 3 and counted(server, "basic", "too_fast") >= 6


def test_others_do_not_wait_for_who_guesses():
    with Gantry(SLOW, files={"users": htpasswd("alice", "one")}) as server:
        for guess in range(3):
            with RawClient(server, source="127.0.0.2") as client:
                assert client.get("/", basic("alice", f"guess-{guess}")).status == 401
        begin = time.monotonic()
        assert fetch(server, "/", basic("alice", "one")).status == 200
        assert time.monotonic() - begin < 0.3


def test_what_is_not_remembered_waits_as_well():
    text = SLOW.replace("auth_failures", 'auth_memory = "0s"\nauth_failures')
    with Gantry(text, files={"users": htpasswd("alice", "one")}) as server:
        assert fetch(server, "/", basic("alice", "one")).status == 200
        assert fetch(server, "/", basic("alice", "two")).status == 401
        begin = time.monotonic()
        assert fetch(server, "/", basic("alice", "one")).status == 200
        assert time.monotonic() - begin >= 0.2


def test_so_many_may_wait():
    text = SLOW.replace('delay = "300ms", most_delay = "700ms"', 'delay = "1s", most_delay = "1m", waiting = 1')
    with Gantry(text, files={"users": htpasswd("alice", "one")}) as server:
        clients = [RawClient(server, source=f"127.0.2.{number}") for number in (1, 2)]
        for client in clients:
            assert client.get("/", basic("alice", "no")).status == 401
        for number, client in enumerate(clients):
            client.request(headers=basic("alice", f"no-{number}"))  # who tries the same waits for the same
        answers = sorted(client.response().status for client in clients)
        assert answers == [401, 429]
        for client in clients:
            client.close()


def test_failures_are_forgotten():
    text = SLOW.replace('most_delay = "700ms"', 'most_delay = "1m", forget = "1s"')
    with Gantry(text, files={"users": htpasswd("alice", "one")}) as server:

        def time_of_a_failure():
            begin = time.monotonic()
            assert fetch(server, "/", basic("alice", "no")).status == 401
            return time.monotonic() - begin

        assert [time_of_a_failure() for _ in range(3)][2] >= 0.5
        wait_until(lambda: time_of_a_failure() < 0.25, "a quick answer", interval=2.5)


def test_an_unknown_user_takes_as_long_as_a_known_one():
    text = HEAD + '[host."test"]\nauth = { basic = "users" }\n[host."test".location."/"]\nrespond = "in"\n'
    with Gantry(text, files={"users": htpasswd("alice", "one", "-B", "-C", "10")}) as server:

        def time_of(name):
            spent = []
            for number in range(5):
                begin = time.monotonic()
                with RawClient(server, source=f"127.0.1.{number + 1}") as client:
                    assert client.get("/", basic(name, f"guess-{number}")).status == 401
                spent.append(time.monotonic() - begin)
            return min(spent)

        known, unknown = time_of("alice"), time_of("mallory")
        assert unknown > known / 2


def test_who_leaves_while_it_is_computed_does_no_harm():
    text = HEAD + '[host."test"]\nauth = { basic = "users" }\n[host."test".location."/"]\nrespond = "in"\n'
    with Gantry(text, files={"users": htpasswd("alice", "one", "-B", "-C", "11")}) as server:
        leaving = [RawClient(server).request(headers=basic("alice", "one")) for _ in range(8)]
        staying = RawClient(server).request(headers=basic("alice", "one"))
        for client in leaving:
            client.reset()
        assert staying.response().status == 200
        staying.close()


# ---- plain HTTP

PROXIED = HEAD.replace('["auth", "metrics"]', '["auth", "metrics", "proxy-protocol"]').replace(
    'address = "127.0.0.1:0"', 'address = "127.0.0.1:0"\nproxy_protocol = { trusted = ["127.0.0.0/8"] }'
) + """
[listener.tls]
address = "127.0.0.1:0"
tls = true
proxy_protocol = { trusted = ["127.0.0.0/8"] }
[host."test"]
certificate = { certificate = "test.pem", key = "test.key" }
auth = { basic = "users" }
[host."test".location."/"]
respond = "in"
[host."lax.test"]
listeners = "web"
auth = { basic = "users", insecure = true }
[host."lax.test".location."/"]
respond = "in"
"""


def test_no_passwords_over_plain_http():
    leaf = Authority().leaf("test")
    with Gantry(PROXIED, files={"users": htpasswd("alice", "one"), "test.pem": leaf.certificate, "test.key": leaf.key}) as server:

        def answer(client, host, headers):
            with RawClient(server) as connection:
                connection.send(f"PROXY TCP4 {client} 192.0.2.2 1 80\r\n")
                return connection.get("/", headers, host=host)

        assert answer("127.0.0.9", "test", basic("alice", "one")).status == 200
        for headers in [basic("alice", "one"), basic("alice", "two"), {}]:
            refused = answer("192.0.2.1", "test", headers)
            assert refused.status == 403 and not refused.all("WWW-Authenticate")
        server.wait_log(r"authentication failed scheme=basic reason=insecure .*why=\"plain HTTP\"")
        assert answer("192.0.2.1", "lax.test", basic("alice", "one")).status == 200
        with socket.create_connection(server.address("tls")) as raw:
            raw.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n")
            with trusting().wrap_socket(raw, server_hostname="test") as secure:
                secure.sendall(f"GET / HTTP/1.1\r\nHost: test\r\nAuthorization: {basic('alice', 'one')['Authorization']}\r\n\r\n".encode())
                assert secure.recv(100).startswith(b"HTTP/1.1 200 ")


# ---- logs


def test_the_access_log_says_who_it_was():
    text = HEAD + """
[host."test"]
access_log = { target = "@dir@/access.log", format = "${path} ${header.X-Auth-User} ${status}" }
auth = { basic = "users" }
[host."test".location."/"]
respond = "in"
"""
    with Gantry(text, files={"users": htpasswd("alice", "one")}) as server:
        fetch(server, "/a", basic("alice", "one"))
        fetch(server, "/b", {"X-Auth-User": "alice"})
        log = server.dir / "access.log"
        wait_until(lambda: log.exists() and log.read_text().count("\n") == 2, "two lines")
        assert sorted(log.read_text().splitlines()) == ["/a alice 200", "/b - 401"]


# ---- mistakes

CHECKED = 'modules = ["auth"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test"]\n%s\n[host."test".location."/"]\nrespond = "in"\n'


@pytest.mark.parametrize(
    "line, text",
    [
        ('auth = { basic = "nowhere" }', "No such file"),
        ("auth = { basic = {} }", "basic has no users"),
        ("auth = {}", "auth demands nothing here"),
        ('auth = { require = "admins" }', "something is required here of users whom nobody asks for"),
        ('auth = { basic = { users = { "a:b" = "x" } } }', "is no name of a user"),
        ('auth = { basic = { users = { a = "$apr1$YIaBvo7N$wU6T5w/aaYrQymeNwVUOv0" } } }', "$apr1$ (MD5, what htpasswd makes without -B) is guessed too fast; make a new one"),
        ('auth = { satisfy = "none", require = "admins" }', 'auth = "none" opens this place'),
        ('auth = { satisfy = "all", basic = { users = { a = "@hash@" } } }', "is about several schemes"),
        ('auth = "some"', "some"),
        ('auth_headers = "Keep-Alive"', "is no field that can say who somebody is"),
        ('auth_headers = { groups = "a b" }', "is no field that can say who somebody is"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(tmp_path, line, text):
    expect_refused(tmp_path, CHECKED % line.replace("@hash@", bcrypt("x")), text, 5)


def test_a_file_names_all_its_mistakes_at_once(tmp_path):
    (tmp_path / "users").write_text("a:$apr1$YIaBvo7N$wU6T5w/aaYrQymeNwVUOv0\nb:{SHA}x\nc:plain\nd:rqXexS6ZhobKA\n" + htpasswd("e", "x")[:-1] + "\n")
    done = check_with(tmp_path, CHECKED % 'auth = { basic = "users" }')
    assert done.returncode == 3
    for text in ["users:1: the hash of a cannot be used: $apr1$", "users:2: the hash of b cannot be used: {SHA}", "users:3: the hash of c", "users:4: the hash of d cannot be used: it is DES", "users:5: the hash of e cannot be used: it is not a whole bcrypt hash"]:
        assert text in done.stderr, done.stderr


def test_a_mistake_around_all_hosts_disables_each_of_them(tmp_path):
    hosts = "".join(f'[host."{name}"]\n[host."{name}".location."/"]\nrespond = "in"\n[host."{name}".location."/x/"]\nrespond = "in"\n' for name in ["a.test", "b.test"])
    done = check_with(tmp_path, 'modules = ["auth"]\n[listener.web]\naddress = "127.0.0.1:0"\n[server]\nauth = { basic = {} }\n' + hosts)
    assert done.returncode == 3 and "basic has no users" in done.stderr and "what server demands cannot be used" in done.stderr, done.stderr
    assert done.stderr.count("cannot be used") == 1
