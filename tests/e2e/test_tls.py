"""TLS: which certificate, which version, resumption, client certificates, and files that change on disk."""

import os
import re
import socket
import ssl
import subprocess

import pytest

from support.certs import openssl, trusting
from support.client import RawClient
from support.curl import curl
from support.gantry import Gantry
from support.wait import wait_until

CONFIG = """
[listener.tls]
address = "127.0.0.1:0"
tls = true

[listener.modern]
address = "127.0.0.1:0"
tls = { min_version = "1.3" }

[listener.required]
address = "127.0.0.1:0"
tls = { client_certificate = { mode = "required", ca = "@dir@/client-ca.pem" } }

[listener.optional]
address = "127.0.0.1:0"
tls = { client_certificate = { mode = "optional", ca = "@dir@/client-ca.pem" } }

[listener.reject]
address = "127.0.0.1:0"
tls = { fallback = "reject" }

[listener.noticket]
address = "127.0.0.1:0"
tls = { tickets = false }

[host."one.test"]
certificate = [
  { certificate = "@dir@/one.pem", key = "@dir@/one.key", ocsp = "@dir@/one.ocsp" },
  { certificate = "@dir@/one-rsa.pem", key = "@dir@/one-rsa.key" },
]
[host."one.test".location."/"]
respond = { status = 200, body = "one ${scheme} ${tls.version} ${tls.sni} ${tls.client_verified} ${tls.client_subject}" }
[host."one.test".location."/files/"]
static = { root = "@dir@/www", strip_prefix = true }

[host."*.wild.test"]
certificate = { certificate = "@dir@/wild.pem", key = "@dir@/wild.key" }
[host."*.wild.test".location."/"]
respond = { status = 200, body = "wild" }

[host."broken.test"]
certificate = { certificate = "@dir@/broken.pem", key = "@dir@/broken.key" }
[host."broken.test".location."/"]
respond = { status = 200, body = "broken" }
"""

BIG = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def clients_authority():
    from support.certs import Authority

    return Authority("Clients")


@pytest.fixture(scope="module")
def files(authority, clients_authority):
    one, rsa, wild = authority.leaf("one.test"), authority.leaf("one.test", kind="rsa"), authority.leaf("*.wild.test")
    return {
        "one.pem": one.certificate, "one.key": one.key, "one.ocsp": authority.ocsp(one),
        "one-rsa.pem": rsa.certificate, "one-rsa.key": rsa.key,
        "wild.pem": wild.certificate, "wild.key": wild.key,
        "broken.pem": "rubbish", "broken.key": "rubbish",
        "client-ca.pem": clients_authority.path.read_bytes(),
        "www/big.bin": BIG,
    }


@pytest.fixture(scope="module")
def gantry(files):
    with Gantry(CONFIG, files, workers=2) as server:
        yield server


def connect(gantry, context, name="one.test", listener="tls", **more):
    return RawClient(gantry, listener, tls=context, server_name=name, **more)


def handshake(gantry, *arguments, listener="tls", name="one.test"):
    """What `openssl s_client` says about one handshake."""
    host, port = gantry.address(listener)
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", name, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    return done.stdout.decode("utf-8", "replace")


# ---- certificates


def test_exact_and_wildcard_names(gantry, authority):
    with connect(gantry, authority.context()) as client:
        assert client.get("/", host="one.test").text.startswith("one https TLSv1.3 one.test")
    with connect(gantry, authority.context(), "a.wild.test") as client:
        assert client.get("/", host="a.wild.test").text == "wild"


def test_curl_verifies(gantry, authority):
    done = curl("https://one.test/", "--cacert", authority.path, connect=gantry.address("tls"))
    assert (done.code, done.status) == (0, 200), done.errors
    done = curl("https://b.wild.test/", "--cacert", authority.path, connect=gantry.address("tls"))
    assert (done.code, done.body) == (0, b"wild"), done.errors


def test_names_are_matched_without_case(gantry, authority):
    with connect(gantry, authority.context(), "A.Wild.TEST") as client:
        assert client.get("/", host="a.wild.test").text == "wild"


def test_ecdsa_and_rsa_side_by_side(gantry, authority):
    for ciphers, kind in (("ECDHE+ECDSA", "id-ecPublicKey"), ("ECDHE+aRSA", "rsaEncryption")):
        context = authority.context(maximum=ssl.TLSVersion.TLSv1_2, ciphers=ciphers)
        with connect(gantry, context) as client:
            text = openssl("x509", "-inform", "DER", "-noout", "-text", data=client.socket.getpeercert(True)).decode()
            assert kind in text
            assert client.get("/", host="one.test").status == 200
    said = handshake(gantry, "-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256")
    assert "RSA-PSS" in said or "Server public key is 2048 bit" in said


def test_without_sni_the_default_host_answers(gantry, authority):
    context = authority.context()
    context.check_hostname = False
    with connect(gantry, context, None) as client:
        assert client.get("/", host="one.test").text.startswith("one https")


def test_the_whole_chain_is_sent(files, authority):
    chain = dict(files)
    chain["one.pem"] = files["one.pem"] + authority.path.read_bytes()
    with Gantry(CONFIG, chain) as server:
        assert handshake(server, "-showcerts").count("-----BEGIN CERTIFICATE-----") >= 2


# ---- versions, ALPN


def test_versions(gantry, authority):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with connect(gantry, authority.context(minimum=version, maximum=version)) as client:
            assert client.socket.version() == name
            assert client.get("/", host="one.test").text.startswith(f"one https {name}")


def test_old_versions_are_refused(gantry):
    for option in ("-tls1", "-tls1_1"):
        said = handshake(gantry, option, "-cipher", "ALL:@SECLEVEL=0")
        assert "New, (NONE)" in said or "alert protocol version" in said or "Cipher is (NONE)" in said


def test_min_version(gantry, authority):
    with connect(gantry, authority.context(), listener="modern") as client:
        assert client.socket.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        connect(gantry, authority.context(maximum=ssl.TLSVersion.TLSv1_2), listener="modern")


def test_weak_ciphers_are_not_offered(gantry):
    for cipher in ("AES128-SHA", "DES-CBC3-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "NULL-SHA256"):
        said = handshake(gantry, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        assert "Cipher is (NONE)" in said or "handshake failure" in said or "no cipher match" in said.lower(), cipher


def accepts(gantry, *options):
    said = handshake(gantry, *options)
    return "Cipher is (NONE)" not in said and "Cipher is " in said


def test_exactly_the_modern_ciphers_are_taken(gantry):
    """Forward secrecy and authenticated encryption, and nothing else that openssl could be talked into."""
    names = [f"ECDHE-{kind}-{cipher}" for kind in ("ECDSA", "RSA") for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")]
    for name in names:
        assert accepts(gantry, "-tls1_2", "-cipher", name), name
    others = "ALL:COMPLEMENTOFALL:@SECLEVEL=0:" + ":".join("!" + name for name in names)
    assert not accepts(gantry, "-tls1_2", "-cipher", others)
    for name in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        assert accepts(gantry, "-tls1_3", "-ciphersuites", name), name
    assert not accepts(gantry, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256")


def test_the_server_chooses_the_cipher(gantry):
    said = handshake(gantry, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    assert "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in said


def test_a_client_that_renegotiates_is_refused(gantry, authority):
    """It would make the server work for nothing, at the client's will (CVE-2011-1473)."""
    host, port = gantry.address("tls")
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "one.test", "-tls1_2"]
    said = subprocess.run(command, input=b"R\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20).stdout.decode(errors="replace")
    assert "RENEGOTIATING" in said
    after = said.split("RENEGOTIATING", 1)[1]
    assert re.search(r"no renegotiation|alert|errno|unexpected eof", after), after
    with connect(gantry, authority.context()) as client:
        assert client.get("/", host="one.test").status == 200


def test_alpn(gantry, authority):
    with connect(gantry, authority.context(alpn=["http/1.1"])) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"
    with connect(gantry, authority.context(alpn=["foo", "http/1.1", "bar"])) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"
    with connect(gantry, authority.context()) as client:
        assert client.socket.selected_alpn_protocol() is None
        assert client.get("/", host="one.test").status == 200


def test_alpn_without_a_common_protocol(gantry, authority):
    """RFC 7301 3.2: no_application_protocol; nothing may be spoken that was not agreed."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(gantry, authority.context(alpn=["foo"])).get("/", host="one.test")


def test_renegotiation_and_compression_are_off(gantry):
    said = handshake(gantry, "-tls1_2")
    assert "Compression: NONE" in said
    assert "Secure Renegotiation IS supported" in said


# ---- traffic


def test_requests_and_large_bodies(gantry, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with connect(gantry, authority.context(minimum=version, maximum=version)) as client:
            for _ in range(20):
                assert client.get("/", host="one.test").status == 200
            assert client.get("/files/big.bin", host="one.test").body == BIG
            assert client.get("/files/big.bin", {"Range": "bytes=1000000-1999999"}, host="one.test").body == BIG[1000000:2000000]
            client.send("GET / HTTP/1.1\r\nHost: one.test\r\n\r\n" * 20)
            for _ in range(20):
                assert client.response().status == 200


def test_a_slow_reader(gantry, authority):
    with connect(gantry, authority.context(), receive_buffer=8192) as client:
        client.request("GET", "/files/big.bin", host="one.test")
        client.response(body=False)
        assert client.read_exactly(len(BIG)) == BIG


def test_the_end_is_announced(gantry, authority):
    """close_notify before FIN, so that an answer without length cannot be cut unnoticed."""
    with connect(gantry, authority.context()) as client:
        client.request("GET", "/", {"Connection": "close"}, host="one.test")
        client.response()
        assert client.socket.recv(1) == b""  # Python raises SSLEOFError where there was no close_notify


def test_a_hello_byte_by_byte(gantry, authority):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.context().wrap_bio(incoming, outgoing, server_hostname="one.test")
    with socket.create_connection(gantry.address("tls"), timeout=15) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            for byte in outgoing.read():
                sock.sendall(bytes([byte]))
            if done:
                break
            incoming.write(sock.recv(65536))
        tls.write(b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n")
        for byte in outgoing.read():
            sock.sendall(bytes([byte]))
        answer = b""
        while b"one https" not in answer:
            incoming.write(sock.recv(65536))
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                pass


# ---- mistakes of clients


def test_plain_http_on_a_tls_port(gantry):
    with RawClient(gantry, "tls") as client:
        response = client.send("GET / HTTP/1.1\r\nHost: one.test\r\n\r\n").response()
        assert response.status == 400
        assert "https" in response.text.lower() or "tls" in response.text.lower()
        assert not response.keeps_alive
        client.expect_close()


RUBBISH = {
    "zeros": b"\x00" * 100,
    "long-record": b"\x16\x03\x01\xff\xff" + b"x" * 1000,
    "ssl2": b"\x80\x2e\x01\x00\x02",
    "empty-lines": b"\r\n\r\n",
    "one-byte": b"\x16",
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_on_a_tls_port(gantry, name):
    data = RUBBISH[name]
    with RawClient(gantry, "tls") as client:
        client.send(data)
        client.half_close()
        client.read_to_end()


def test_a_request_for_another_host_than_the_handshake(gantry, authority):
    """SNI chose one.test; Host says another that has a certificate of its own: 421, or the other host. Never a crash."""
    with connect(gantry, authority.context()) as client:
        assert client.get("/", host="a.wild.test").status in (200, 421)


# ---- resumption


def resumed(gantry, context, session, listener="tls"):
    with connect(gantry, context, listener=listener, session=session) as client:
        assert client.get("/", host="one.test").status == 200
        return client.socket.session_reused, client.socket.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets_resume_on_every_worker(gantry, authority, version):
    context = authority.context(minimum=version, maximum=version)
    reused, session = resumed(gantry, context, None)
    assert not reused
    for _ in range(12):  # the kernel spreads connections over the workers by their source port
        reused, session = resumed(gantry, context, session)
        assert reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets_survive_a_reload(gantry, authority, version):
    context = authority.context(minimum=version, maximum=version)
    _, session = resumed(gantry, context, None)
    gantry.reload()
    reused, _ = resumed(gantry, context, session)
    assert reused


def test_no_tickets_where_they_are_off(gantry, authority):
    context = authority.context(maximum=ssl.TLSVersion.TLSv1_2)
    _, session = resumed(gantry, context, None, "noticket")
    if session is not None:
        assert not session.has_ticket
    said = handshake(gantry, "-tls1_2", listener="noticket")
    assert "TLS session ticket:" not in said


def test_a_forged_ticket_is_only_ignored(gantry, authority, tmp_path):
    session = tmp_path / "session.pem"
    handshake(gantry, "-tls1_2", "-sess_out", session)
    data = bytearray(ssl.PEM_cert_to_DER_cert(session.read_text().replace("SSL SESSION PARAMETERS", "CERTIFICATE")))
    for at in range(len(data) - 60, len(data) - 52):  # the ticket is near the end; before it is the certificate
        data[at] ^= 0xFF
    session.write_text(ssl.DER_cert_to_PEM_cert(bytes(data)).replace("CERTIFICATE", "SSL SESSION PARAMETERS"))
    said = handshake(gantry, "-tls1_2", "-sess_in", session)
    assert "Reused," not in said


# ---- client certificates


def with_client_certificate(authority, clients_authority, good=True):
    leaf = (clients_authority if good else authority).leaf("alice", client=True)
    return authority.context(client=leaf)


def test_required_client_certificate(gantry, authority, clients_authority):
    with connect(gantry, with_client_certificate(authority, clients_authority), listener="required") as client:
        assert "CN=alice" in client.get("/", host="one.test").text.replace(" = ", "=")


def test_required_client_certificate_missing(gantry, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with pytest.raises((ssl.SSLError, AssertionError, OSError)):
            with connect(gantry, authority.context(minimum=version, maximum=version), listener="required") as client:
                client.get("/", host="one.test")


def test_required_client_certificate_of_a_stranger(gantry, authority, clients_authority):
    with pytest.raises((ssl.SSLError, AssertionError, OSError)):
        with connect(gantry, with_client_certificate(authority, clients_authority, False), listener="required") as client:
            client.get("/", host="one.test")


def test_optional_client_certificate(gantry, authority, clients_authority):
    with connect(gantry, with_client_certificate(authority, clients_authority), listener="optional") as client:
        assert "alice" in client.get("/", host="one.test").text
    with connect(gantry, authority.context(), listener="optional") as client:
        response = client.get("/", host="one.test")
        assert response.status == 200 and "alice" not in response.text


def test_identity_survives_resumption(gantry, authority, clients_authority):
    context = with_client_certificate(authority, clients_authority)
    session = None
    for turn in range(4):
        with connect(gantry, context, listener="optional", session=session) as client:
            assert "alice" in client.get("/", host="one.test").text, turn
            session = client.socket.session


def test_a_session_of_one_listener_is_no_key_to_another(gantry, authority):
    """A ticket from a listener that asks for no certificate must not get past one that demands it."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.context(minimum=version, maximum=version)
        _, session = resumed(gantry, context, None)
        with pytest.raises((ssl.SSLError, AssertionError, OSError)):
            with connect(gantry, context, listener="required", session=session) as client:
                client.get("/", host="one.test")


# ---- stapling, broken and changing certificates


def test_ocsp_staple(gantry):
    said = handshake(gantry, "-status")
    assert "OCSP Response Status: successful" in said and "Cert Status: good" in said
    assert "no response sent" in handshake(gantry, "-status", name="a.wild.test")


def test_a_broken_certificate_takes_down_only_its_host(gantry, authority):
    here = 1 + CONFIG.replace("@dir@", "").split("broken.pem")[0].count("\n")
    assert re.search(rf"gantry\.toml:{here}:\d+: error: .*broken\.pem", gantry.log()), "the place"
    assert "= PEM is text with -----BEGIN CERTIFICATE-----" in gantry.log(), "the remedy"
    with connect(gantry, trusting(), "broken.test") as client:  # the self-signed fallback
        assert client.get("/", host="broken.test").status == 503
    with connect(gantry, authority.context()) as client:
        assert client.get("/", host="one.test").status == 200


def test_reject_instead_of_a_fallback(gantry, authority):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(gantry, trusting(), "broken.test", "reject").get("/", host="broken.test")
    with connect(gantry, authority.context(), listener="reject") as client:
        assert client.get("/", host="one.test").status == 200


def test_changed_files_are_picked_up_without_a_reload(files, authority):
    with Gantry(CONFIG, files) as server:
        context = authority.context(ciphers="ECDHE+ECDSA", maximum=ssl.TLSVersion.TLSv1_2)

        def current(name="one.test"):
            with connect(server, context, name) as client:
                return client.socket.getpeercert(True)

        with connect(server, authority.context()) as kept:
            before = current()
            fresh = authority.leaf("one.test", fresh=True)
            assert before != fresh.der
            server.write("one.key", fresh.key)
            server.write("one.pem", fresh.certificate)
            wait_until(lambda: current() == fresh.der, "the new certificate", timeout=30)
            assert kept.get("/", host="one.test").status == 200


def test_a_changed_ocsp_response_is_picked_up(files, authority):
    """It is what changes most often: every few days, by cron."""
    old = {name: content for name, content in files.items() if name != "one.ocsp"} | {"one.ocsp": b""}
    with Gantry(CONFIG, old) as server:
        assert "no response sent" in handshake(server, "-status")
        server.write("one.ocsp", files["one.ocsp"])
        wait_until(lambda: "Cert Status: good" in handshake(server, "-status"), "the new response", timeout=30, interval=0.2)


def test_a_changed_file_that_is_broken_keeps_the_old_certificate(files, authority):
    with Gantry(CONFIG, files) as server:
        mark = server.mark()
        server.write("wild.pem", "rubbish")
        server.wait_log(r"wild\.(pem|test)", mark, timeout=30)
        with connect(server, authority.context(), "a.wild.test") as client:
            assert client.get("/", host="a.wild.test").text == "wild"


def test_a_key_that_does_not_match(files, authority):
    """Its host is disabled, the others live, and the log names the files."""
    wrong = dict(files)
    wrong["wild.key"] = files["one.key"]
    with Gantry(CONFIG, wrong) as server:
        assert "wild" in server.log()
        with connect(server, authority.context()) as client:
            assert client.get("/", host="one.test").status == 200
        with connect(server, trusting(), "a.wild.test") as client:
            assert client.get("/", host="a.wild.test").status == 503


def test_a_certificate_that_is_missing_takes_down_only_its_host(files, authority):
    """Not there (yet) at the start: as with a broken one, the others are served."""
    gone = {name: content for name, content in files.items() if not name.startswith("broken")}
    with Gantry(CONFIG, gone) as server:
        assert "broken" in server.log()
        with connect(server, authority.context()) as client:
            assert client.get("/", host="one.test").status == 200
        with connect(server, trusting(), "broken.test") as client:
            assert client.get("/", host="broken.test").status == 503
        fresh = authority.leaf("broken.test")
        server.write("broken.key", fresh.key)
        server.write("broken.pem", fresh.certificate)

        def arrived():
            with connect(server, trusting(), "broken.test") as client:
                is_there = client.socket.getpeercert(True) == fresh.der
                return is_there and client.get("/", host="broken.test").text == "broken"

        wait_until(arrived, "the certificate that came later", timeout=30)
