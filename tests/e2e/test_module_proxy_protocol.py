"""The module proxy-protocol: headers of both versions, byte by byte, and of HAProxy and nginx."""

import socket
import struct
import time

import pytest

from support.certs import trusting
from support.client import RawClient
from support.gantry import ROOT, Gantry
from support.haproxy import HAProxy
from support.modules import build, check_with, expect_refused
from support.nginx import Nginx
from support.operator import run_json
from support.wait import wait_until

SAID = "${remote_addr}|${remote_port}|${server_addr}|${server_port}|${conn.proxy.version}|${conn.proxy.command}|${conn.proxy.addr}"

CONFIG = """
modules = ["proxy-protocol", "metrics"]
[listener.web]
address = ["127.0.0.1:0", "[::1]:0"]
proxy_protocol = { trusted = ["127.0.0.1", "::1"], timeout = "1s" }
[listener.maybe]
address = "127.0.0.1:0"
proxy_protocol = { mode = "optional", trusted = ["127.0.0.1"], timeout = "500ms" }
[listener.strangers]
address = "127.0.0.1:0"
proxy_protocol = { trusted = ["192.0.2.0/24"] }
[listener.open]
address = "127.0.0.1:0"
proxy_protocol = { mode = "optional", trusted = ["192.0.2.0/24"] }
[listener.off]
address = "127.0.0.1:0"
proxy_protocol = "off"
[listener.socket]
address = "unix:@dir@/web.sock"
proxy_protocol = { trusted = "unix" }
[listener.tls]
address = "127.0.0.1:0"
tls = true
proxy_protocol = { trusted = "any", max_header = "512" }
[listener.figures]
address = "127.0.0.1:0"

[host."test"]
certificate = { certificate = "@dir@/test.pem", key = "@dir@/test.key" }
[host."test".location."/"]
respond = "@said@"
[host."test".location."/said"]
respond = "${conn.proxy.alpn}|${conn.proxy.authority}|${conn.proxy.unique_id}|${conn.proxy.netns}|${conn.proxy.ssl}|${conn.proxy.ssl_verified}|${conn.proxy.ssl_version}|${conn.proxy.ssl_cn}|${conn.proxy.aws_vpce_id}|${conn.proxy.tlv.e5}"
[host."test".location."/metrics"]
metrics = "prometheus"
"""

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.9 40000 443\r\n"


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def v2(command=1, family=0x11, addresses=None, tlvs=b""):
    if addresses is None:
        addresses = socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.9") + struct.pack("!HH", 40000, 443)
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(addresses) + len(tlvs)) + addresses + tlvs


@pytest.fixture(scope="module")
def leaf(authority):
    return authority.leaf("test")


@pytest.fixture(scope="module")
def gantry(leaf):
    files = {"test.pem": leaf.certificate, "test.key": leaf.key}
    with Gantry(CONFIG, files=files, said=SAID) as server:
        yield server


def asked(client, target="/"):
    client.request("GET", target)
    return client.response().text.split("|")


def said(gantry, header, target="/", listener="web"):
    with RawClient(gantry, listener) as client:
        client.send(header)
        return asked(client, target)


def count(gantry, listener, header):
    with RawClient(gantry, "figures") as client:
        client.request("GET", "/metrics")
        text = client.response().text
    for line in text.splitlines():
        if line.startswith(f'gantry_proxy_protocol_connections_total{{listener="{listener}",header="{header}"}}'):
            return int(line.split()[-1])
    return 0


class Counted:
    """with Counted(gantry, "web", "broken"): what is counted within, once."""

    def __init__(self, gantry, listener, header, times=1):
        self.key = (gantry, listener, header)
        self.times = times

    def __enter__(self):
        self.before = count(*self.key)

    def __exit__(self, kind, value, trace):
        if kind is None:
            wait_until(lambda: count(*self.key) == self.before + self.times, f"{self.key[1:]} to be counted")


def refused(gantry, data, listener="web"):
    with RawClient(gantry, listener) as client:
        client.send_until_refused(data)
        client.expect_close()


CLIENT = ["192.0.2.7", "40000", "198.51.100.9", "443"]


def test_version_1(gantry):
    with Counted(gantry, "web", "v1"):
        assert said(gantry, V1) == [*CLIENT, "1", "PROXY", "127.0.0.1"]
    v6 = b"PROXY TCP6 2001:db8::7 2001:db8::9 1 2\r\n"
    assert said(gantry, v6) == ["2001:db8::7", "1", "2001:db8::9", "2", "1", "PROXY", "127.0.0.1"]


def test_version_2(gantry):
    with Counted(gantry, "web", "v2"):
        assert said(gantry, v2()) == [*CLIENT, "2", "PROXY", "127.0.0.1"]
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + struct.pack("!HH", 1, 2)
    assert said(gantry, v2(family=0x21, addresses=six))[:2] == ["2001:db8::7", "1"]


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ::1 ::2 1 2\r\n", v2(family=0, addresses=b""),
                                    v2(family=0x31, addresses=b"x" * 216)])
def test_who_it_is_may_be_unknown(gantry, header):
    with Counted(gantry, "web", "unknown"), RawClient(gantry) as client:
        client.send(header)
        host, port = client.socket.getsockname()
        assert asked(client)[:2] == [host, str(port)]


def test_a_proxy_speaks_for_itself(gantry):
    with Counted(gantry, "web", "local"), RawClient(gantry) as client:
        client.send(v2(command=0, family=0, addresses=b""))
        host, port = client.socket.getsockname()
        assert asked(client) == [host, str(port), "127.0.0.1", str(gantry.port()), "2", "LOCAL", "127.0.0.1"]


def test_what_vectors_say(gantry):
    ssl = tlv(0x20, b"\x07\0\0\0\0" + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"joe"))
    vectors = tlv(1, b"h2") + tlv(2, b"a.test") + tlv(4, b"    ") + tlv(5, b"\x01\xff") + tlv(0x30, b"blue") + ssl + \
        tlv(0xea, b"\x01vpce-1") + tlv(0xe5, b"\r\n")
    expected = ["h2", "a.test", "01ff", "blue", "yes", "yes", "TLSv1.3", "joe", "vpce-1", "0d0a"]
    assert said(gantry, v2(tlvs=vectors), "/said") == expected
    # Of a connection without one they are empty, and a client cannot say so itself.
    assert said(gantry, V1, "/said") == [""] * 10


@pytest.mark.parametrize("step", [1, 7])
def test_headers_come_in_pieces(gantry, step):
    for header in (V1, v2(tlvs=tlv(1, b"h2"))):
        with RawClient(gantry) as client:
            whole = header + b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
            for at in range(0, len(whole), step):
                client.send(whole[at:at + step])
            assert client.response().text.split("|")[:4] == CLIENT
            # It is the connection's, and not said again.
            assert asked(client)[:4] == CLIENT


@pytest.mark.parametrize("data", [b"PROXY TCP4 1 2 3\r\n", b"PROXY TCP4 192.0.2.7 198.51.100.9 40000 70000\r\n", v2(command=2),
                                  v2(tlvs=b"\x01\0\x09x"), v2(tlvs=tlv(3, b"\0\0\0\0")), b"PROXY " + b"x" * 200])
def test_broken_headers_are_refused(gantry, data):
    with Counted(gantry, "web", "broken"):
        refused(gantry, data + b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")


def test_a_header_has_to_be_there(gantry):
    with Counted(gantry, "web", "missing", 2):
        refused(gantry, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        refused(gantry, b"\x16\x03\x01\x02\0\x01")
    assert gantry.wait_log("connection refused for its PROXY header: .* listener=web client=127.0.0.1")


def test_a_header_has_to_come_in_time(gantry):
    for begun in (b"", b"PROXY TC", v2()[:20]):
        with Counted(gantry, "web", "late"), RawClient(gantry) as client:
            started = time.monotonic()
            if begun:
                client.send(begun)
            client.expect_close()
            assert 0.9 < time.monotonic() - started < 8


def test_a_header_may_be_too_large(gantry):
    with Counted(gantry, "tls", "large"):
        refused(gantry, v2(tlvs=tlv(0xe0, b"x" * 1000)), "tls")


def test_whoever_only_looks_does_no_harm(gantry):
    with Counted(gantry, "web", "closed", 3):
        for _ in range(3):
            RawClient(gantry).close()
    with Counted(gantry, "web", "broken"), RawClient(gantry) as client:
        client.send(b"PROXY TCP4").half_close()
        client.expect_close()


def test_a_header_may_be_optional(gantry):
    assert said(gantry, V1, listener="maybe")[:4] == CLIENT
    with Counted(gantry, "maybe", "none", 2):
        assert said(gantry, b"", listener="maybe")[0] == "127.0.0.1"
        with RawClient(gantry, "maybe") as client:  # who waits is served as well
            client.expect_silence(0.8)
            assert asked(client)[0] == "127.0.0.1"
    with Counted(gantry, "maybe", "late"), RawClient(gantry, "maybe") as client:
        client.send(b"PROX")
        client.expect_close()


def test_strangers_are_not_believed(gantry):
    with Counted(gantry, "strangers", "untrusted"):
        refused(gantry, V1, "strangers")
    with Counted(gantry, "open", "none", 2):
        with RawClient(gantry, "open") as client:
            assert asked(client)[0] == "127.0.0.1"
        with RawClient(gantry, "open") as client:  # it is what HTTP begins with
            client.send(V1 + b"\r\n")
            assert client.response().status == 400


def test_off_is_off(gantry):
    with RawClient(gantry, "off") as client:
        assert asked(client)[0] == "127.0.0.1"


def test_over_a_unix_socket(gantry):
    assert said(gantry, V1, listener="socket") == [*CLIENT, "1", "PROXY", "unix:"]


def test_before_tls(gantry):
    context = trusting()
    for header in (V1, v2(tlvs=tlv(2, b"test"))):
        raw = socket.create_connection(gantry.address("tls"), timeout=15)
        raw.sendall(header)
        with context.wrap_socket(raw, server_hostname="test") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := tls.recv(4096):
                answer += piece
        assert b"192.0.2.7|40000|" in answer


def test_reloads_and_connections_that_wait():
    """Filters of the old generation go on with the connections that they have, and no longer."""
    config = """
modules = ["proxy-protocol"]
[listener.web]
address = "127.0.0.1:0"
proxy_protocol = { trusted = "127.0.0.1", timeout = "20s" }
[host."test".location."/"]
respond = "${remote_addr}"
"""
    with Gantry(config) as gantry:
        waiting = [RawClient(gantry).send(b"PROXY TC") for _ in range(20)]
        gone = [RawClient(gantry).send(b"PROXY TC") for _ in range(20)]
        wait_until(lambda: run_json(gantry, "status")[1]["connections"] >= 40, "all to be accepted")
        gantry.reload(config.replace('trusted = "127.0.0.1"', 'trusted = "192.0.2.1"'))
        for client in gone:
            client.reset()
        for client in waiting:
            client.send(V1[8:]).request("GET", "/")
            assert client.response().text == "192.0.2.7"
            client.close()
        refused(gantry, V1)
        wait_until(lambda: run_json(gantry, "status")[1]["connections"] == 0, "all to be gone")
        # Who waits when it ends does not hold it up.
        gantry.reload(config)
        last = RawClient(gantry).send(b"PROXY")
        wait_until(lambda: run_json(gantry, "status")[1]["connections"] == 1, "it to be accepted")
        gantry.stop()
        last.expect_close()


BEHIND = """
modules = ["@knock@", "proxy-protocol"]
[listener.web]
address = "127.0.0.1:0"
knock = "1s"
proxy_protocol = { trusted = "127.0.0.1", timeout = "1s" }
[host."test".location."/"]
respond = "${remote_addr}|${conn.late}"
"""


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_another_filter_behind_it(tmp_path, step):
    with Gantry(BEHIND, knock=build(ROOT / "tests/e2e/modules/knock.c", tmp_path, "knock")) as gantry:
        with RawClient(gantry) as client:
            whole = V1 + b"knockGET / HTTP/1.1\r\nHost: test\r\n\r\n"
            for at in range(0, len(whole), step):
                client.send(whole[at:at + step])
            assert client.response().text == "192.0.2.7|"
        refused(gantry, V1 + b"knack")
        # Each has a time of its own: after that the second one lets it through.
        with RawClient(gantry) as client:
            client.expect_silence(0.6)
            client.send(V1).expect_silence(0.6)
            client.expect_silence(0.6)
            assert asked(client) == ["192.0.2.7", "yes"]


def test_a_filter_that_takes_what_it_has_not_seen(tmp_path):
    with Gantry(BEHIND, knock=build(ROOT / "tests/e2e/modules/knock.c", tmp_path, "knock", "-DBROKEN")) as gantry:
        refused(gantry, V1 + b"knockGET / HTTP/1.1\r\nHost: test\r\n\r\n")
        gantry.wait_log("filter of connections takes more than it saw hook=knock")


MISTAKES = [
    ("proxy_protocol = true", "proxy_protocol"),
    ('proxy_protocol = "required"', "does not say whose headers are believed"),
    ('proxy_protocol = { trusted = "10.0.0.1/8" }', '"10.0.0.1/8" is no address and no network'),
    ('proxy_protocol = { trusted = "localhost" }', '"localhost" is no address and no network'),
    ('proxy_protocol = { trusted = "any", timeout = "0s" }', "timeout"),
    ('proxy_protocol = { trusted = "any", max_header = 100 }', "max_header"),
    ('proxy_protocol = { mode = "on", trusted = "any" }', "mode"),
    ('proxy_protokol = "off"', 'proxy_protocol'),
    ('send_proxy_protocol = "v2"', "send_proxy_protocol"),
]


@pytest.mark.parametrize("line, message", MISTAKES)
def test_mistakes_are_named(tmp_path, line, message):
    config = f'modules = ["proxy-protocol"]\n[listener.web]\naddress = "127.0.0.1:0"\n{line}\n[host."test".location."/"]\nrespond = "x"\n'
    expect_refused(tmp_path, config, message, 4)


def test_it_stands_in_listeners_only(tmp_path):
    config = 'modules = ["proxy-protocol"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test"]\nproxy_protocol = "off"\n'
    assert check_with(tmp_path, config).returncode == 3


# ---- to peers

FRONT = """
modules = ["proxy-protocol"]
[listener.web]
address = ["127.0.0.1:0", "[::1]:0"]
[listener.tls]
address = "127.0.0.1:0"
tls = true
[listener.socket]
address = "unix:@dir@/web.sock"
[upstream.plain]
peers = ["127.0.0.1:@plain@"]
[upstream.nginx]
peers = ["127.0.0.1:@nginx@"]
[upstream.tls]
peers = ["127.0.0.1:@secure@"]
tls = { verify = false }
[host."test"]
certificate = { certificate = "@dir@/test.pem", key = "@dir@/test.key" }
send_proxy_protocol = "v2"
[host."test".location."/"]
proxy = "plain"
[host."test".location."/said"]
proxy = "plain"
send_proxy_protocol = { version = "v2", vectors = ["authority", "alpn", "unique_id", "ssl", "crc32c"] }
[host."test".location."/one/"]
proxy = { upstream = "nginx" }
send_proxy_protocol = "v1"
[host."test".location."/two/"]
proxy = { upstream = "nginx" }
[host."test".location."/secure/"]
proxy = { upstream = "tls", uri = "/" }
[host."test".location."/none"]
proxy = "plain"
send_proxy_protocol = "off"
"""


@pytest.fixture(scope="module")
def chain(gantry, leaf):
    """Behind a gantry, whose connections begin with headers: a gantry, and nginx."""
    with Nginx(server=NGINX_BEHIND, ready="PROXY UNKNOWN\r\n") as nginx:
        files = {"test.pem": leaf.certificate, "test.key": leaf.key}
        with Gantry(FRONT, files=files, plain=gantry.port(), secure=gantry.port("tls"), nginx=nginx.port) as front:
            yield front


NGINX_BEHIND = 'location / { return 200 "$proxy_protocol_addr|$proxy_protocol_port|$connection"; }'


@pytest.mark.parametrize("target, version", [("/", "2"), ("/secure/", "2")])
def test_peers_are_told(chain, target, version):
    with RawClient(chain) as client:
        host, port = client.socket.getsockname()
        assert asked(client, target)[:6] == [host, str(port), "127.0.0.1", str(chain.port()), version, "PROXY"]
    with RawClient(("::1", int(chain.addresses()[1].rpartition(":")[2]))) as client:
        assert asked(client, target)[:2] == ["::1", str(client.socket.getsockname()[1])]


def test_peers_are_told_what_vectors_say(chain):
    with RawClient(chain) as client:
        alpn, authority, unique, _, ssl, *_ = asked(client, "/said")
        assert (alpn, authority, ssl) == ("", "test", "no")
        assert len(unique) == 32
        assert asked(client, "/said")[2] != unique
    with RawClient(chain, "tls", tls=trusting(), server_name="test") as client:
        assert asked(client, "/said")[:2] == ["http/1.1", "test"]
        assert asked(client, "/said")[4:7] == ["yes", "no", "TLSv1.3"]


@pytest.mark.parametrize("target", ["/one/", "/two/"])
def test_connections_to_peers_carry_one_client(chain, target):
    seen = []
    for _ in range(3):
        with RawClient(chain) as client:
            host, port = client.socket.getsockname()
            answers = [asked(client, target) for _ in range(3)]
            assert all(answer[:2] == [host, str(port)] for answer in answers)
            assert len({answer[2] for answer in answers}) == 1  # it is kept, as long as its client is
            seen.append(answers[0][2])
    assert len(set(seen)) == 3


def test_a_peer_that_wants_a_header_gets_one(chain, gantry):
    with Counted(gantry, "web", "missing"), RawClient(chain) as client:
        client.request("GET", "/none")
        assert client.response().status == 502
    with RawClient(chain, "socket") as client:  # of a unix socket there is nothing to tell
        assert asked(client)[4:6] == ["2", "PROXY"]


def test_haproxy_behind(leaf):
    config = """
frontend http
    bind 127.0.0.1:@port@ accept-proxy
    mode http
    http-request return status 200 content-type text/plain lf-string "%[src]|%[src_port]|%[dst]|%[fc_pp_authority]|%[fc_pp_unique_id]"
"""
    with HAProxy(config) as haproxy:
        front = FRONT.replace("@nginx@", "1").replace("@secure@", "1")
        files = {"test.pem": leaf.certificate, "test.key": leaf.key}
        with Gantry(front, files=files, plain=haproxy.port) as gantry:
            for target, authority in (("/", ""), ("/said", "test")):
                with RawClient(gantry) as client:
                    host, port = client.socket.getsockname()
                    said_by = asked(client, target)
                    assert said_by[:4] == [host, str(port), "127.0.0.1", authority]
                    assert len(said_by[4]) == (32 if authority else 0)


# ---- the real ones in front

HAPROXY = """
frontend http
    bind 127.0.0.1:@port@
    mode tcp
    option tcplog
    default_backend gantry
backend gantry
    mode tcp
    server gantry 127.0.0.1:{port} {options}
"""


def test_nginx_in_front(gantry):
    with Nginx(server=f"proxy_pass 127.0.0.1:{gantry.port()}; proxy_protocol on;", stream=True) as nginx:
        with RawClient(("127.0.0.1", nginx.port)) as client:
            own = client.socket.getsockname()
            assert asked(client) == [own[0], str(own[1]), "127.0.0.1", str(nginx.port), "1", "PROXY", "127.0.0.1"]


@pytest.mark.parametrize("options, version", [("send-proxy", "1"), ("send-proxy-v2", "2"),
                                              ("send-proxy-v2 proxy-v2-options crc32c,unique-id,authority", "2")])
def test_haproxy_in_front(gantry, options, version):
    with HAProxy(HAPROXY.format(port=gantry.port(), options=options)) as haproxy:
        with RawClient(("127.0.0.1", haproxy.port)) as client:
            own = client.socket.getsockname()
            assert asked(client) == [own[0], str(own[1]), "127.0.0.1", str(haproxy.port), version, "PROXY", "127.0.0.1"]


def test_haproxy_checks_health(gantry):
    before = count(gantry, "web", "local")
    with HAProxy(HAPROXY.format(port=gantry.port(), options="send-proxy-v2 check inter 100ms")):
        wait_until(lambda: count(gantry, "web", "local") >= before + 2, "health checks")


def test_haproxy_ends_tls_in_front(gantry, leaf):
    frontend = HAPROXY.replace("bind 127.0.0.1:@port@", "bind 127.0.0.1:@port@ ssl crt @dir@/both.pem alpn http/1.1")
    options = "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,crc32c"
    both = leaf.certificate + leaf.key
    context = trusting()
    context.set_alpn_protocols(["http/1.1"])
    with HAProxy(frontend.format(port=gantry.port(), options=options), files={"both.pem": both}) as haproxy:
        with RawClient(("127.0.0.1", haproxy.port), tls=context, server_name="test") as client:
            said_by = asked(client, "/said")
            assert said_by[0] == "http/1.1"
            assert said_by[4:7] == ["yes", "no", "TLSv1.3"]
