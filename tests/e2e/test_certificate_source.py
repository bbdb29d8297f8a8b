"""Certificates that modules offer, and handshakes that they answer: the real binary, a module that does what requests say, real clients."""

import concurrent.futures
import hashlib
import itertools
import pathlib
import socket
import ssl
import subprocess
import threading

import pytest

from support.certs import openssl, trusting
from support.client import RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import build, check_with, expect_refused
from support.operator import run, run_json
from support.wait import wait_until

CONFIG = """
modules = ["@modules@/gantry-offerer.so"]
[server]
workers = @count@
control = "@dir@/control.sock"
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[listener.strict]
address = "127.0.0.1:0"
tls = { fallback = "reject" }
[listener.known]
address = "127.0.0.1:0"
tls = { client_certificate = { mode = "required", ca = "@ca@" } }
[host."desk"]
listeners = ["web"]
[host."desk".location."/"]
offerer = true
[host."one.test"]
names = ["two.test", "*.wild.test"]
certificate = "offerer"
[host."one.test".location."/"]
respond = "one ${tls.version}"
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    build(ROOT / "tests/e2e/modules/offerer.cpp", folder, "offerer")
    return folder


@pytest.fixture()
def gantry(modules, authority):
    with make(modules, authority) as server:
        yield server


def make(modules, authority, more="", config=CONFIG, count=2, **values):
    return Gantry(config + more, modules=modules, ca=authority.path, count=count, **values)


class Files:
    """Certificates as the module reads them: NAME.pem, NAME.key, perhaps NAME.ocsp."""

    def __init__(self, folder, authority):
        self.folder, self.authority, self.numbers = folder, authority, itertools.count()

    def leaf(self, *names, kind="ecdsa", ocsp=False):
        leaf = self.authority.leaf(*names, kind=kind, fresh=True)
        stem = self.folder / f"{names[0].replace('*', '_')}-{next(self.numbers)}"
        stem.with_name(stem.name + ".pem").write_bytes(leaf.certificate)
        stem.with_name(stem.name + ".key").write_bytes(leaf.key)
        if ocsp:
            stem.with_name(stem.name + ".ocsp").write_bytes(self.authority.ocsp(leaf))
        leaf.stem = stem
        return leaf

    def write(self, name, certificate, key):
        (self.folder / f"{name}.pem").write_bytes(certificate)
        (self.folder / f"{name}.key").write_bytes(key)
        return self.folder / name


@pytest.fixture()
def files(tmp_path, authority):
    return Files(tmp_path, authority)


def order(gantry, path, names=(), certificates=()):
    files = ",".join(str(one if isinstance(one, pathlib.Path) else one.stem) for one in certificates)
    return fetch(gantry, path, headers=[("X-Names", ",".join(names)), ("X-Files", files)], host="desk").text


def offer(gantry, names, *certificates):
    assert order(gantry, "/offer", names, certificates) == "OK"


def shown(gantry, name, listener="tls", **more):
    """The certificate that a client of that name sees, as DER."""
    context = trusting()
    for key, value in more.items():
        setattr(context, key, value)
    with RawClient(gantry, listener, tls=context, server_name=name) as client:
        return client.socket.getpeercert(binary_form=True)


def subject(der):
    return openssl("x509", "-inform", "der", "-noout", "-subject", data=der).decode().strip()


def is_placeholder(gantry, name, listener="tls"):
    der = shown(gantry, name, listener)
    issued = openssl("x509", "-inform", "der", "-noout", "-subject", "-issuer", "-ext", "subjectAltName", data=der).decode()
    lines = issued.splitlines()
    return lines[0].removeprefix("subject=") == lines[1].removeprefix("issuer=") and f"DNS:{name}" in issued


# ---- offers


def test_from_a_placeholder_to_a_certificate_and_back(gantry, files):
    assert is_placeholder(gantry, "one.test") and is_placeholder(gantry, "two.test")
    first, second = files.leaf("one.test"), files.leaf("one.test", "two.test")
    offer(gantry, ["one.test"], first)
    assert {shown(gantry, "one.test") for _ in range(8)} == {first.der}
    assert is_placeholder(gantry, "two.test")
    offer(gantry, ["one.test", "two.test"], second)
    assert shown(gantry, "one.test") == shown(gantry, "two.test") == second.der
    offer(gantry, ["one.test"])
    assert is_placeholder(gantry, "one.test") and shown(gantry, "two.test") == second.der
    with RawClient(gantry, "tls", tls=files.authority.context(), server_name="two.test") as client:
        assert client.get("/", host="two.test").text == "one TLSv1.3"


def test_wildcards_and_names_of_nobody(gantry, files):
    wild, one = files.leaf("*.wild.test"), files.leaf("one.test")
    offer(gantry, ["*.wild.test"], wild)
    offer(gantry, ["one.test"], one)
    assert shown(gantry, "a.wild.test") == wild.der
    assert shown(gantry, None) == one.der  # who asks for no name gets the first one
    assert shown(gantry, "elsewhere.test") == one.der


def test_a_listener_that_rejects_shows_nothing(gantry, files):
    with pytest.raises(ssl.SSLError, match="ALERT_INTERNAL_ERROR|alert internal error"):
        shown(gantry, "one.test", "strict")
    one = files.leaf("one.test")
    offer(gantry, ["one.test"], one)
    assert shown(gantry, "one.test", "strict") == one.der


def test_both_kinds_of_keys_and_a_staple(gantry, files):
    ecdsa, rsa = files.leaf("one.test", ocsp=True), files.leaf("one.test", kind="rsa")
    offer(gantry, ["one.test"], ecdsa, rsa)

    def seen(suite):
        context = trusting()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        with RawClient(gantry, "tls", tls=context, server_name="one.test") as client:
            return client.socket.getpeercert(binary_form=True)

    assert seen("ECDHE-ECDSA-AES128-GCM-SHA256") == ecdsa.der
    assert seen("ECDHE-RSA-AES128-GCM-SHA256") == rsa.der
    host, port = gantry.address("tls")
    told = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "one.test", "-status"], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=30, check=False).stdout.decode()
    assert "OCSP Response Status: successful" in told
    offer(gantry, ["one.test"], rsa)  # which takes the place of both
    with pytest.raises(ssl.SSLError):
        seen("ECDHE-ECDSA-AES128-GCM-SHA256")


def test_offers_that_are_refused_change_nothing(gantry, files):
    one, two, twin = files.leaf("one.test"), files.leaf("two.test"), files.leaf("one.test")
    offer(gantry, ["one.test"], one)
    assert "is not valid for one.test (it names two.test)" in order(gantry, "/offer", ["one.test"], [two])
    assert "no host asks offerer for a certificate of other.test" in order(gantry, "/offer", ["one.test", "other.test"], [twin])
    assert "both have a key of the kind EC" in order(gantry, "/offer", ["one.test"], [one, twin])
    mixed = files.write("mixed", one.certificate, two.key)
    assert "does not belong to the certificate offerer:mixed" in order(gantry, "/offer", ["one.test"], [mixed])
    damaged = files.write("damaged", one.certificate.replace(b"M", b"N", 40), one.key)
    assert "refused: certificate number 1 in offerer:damaged is damaged" in order(gantry, "/offer", ["one.test"], [damaged])
    assert "holds no certificate in PEM form" in order(gantry, "/offer", ["one.test"], [files.write("none", b"", one.key)])
    assert shown(gantry, "one.test") == one.der and is_placeholder(gantry, "two.test")


def test_sessions_are_resumed(gantry, files):
    offer(gantry, ["one.test"], files.leaf("one.test"))
    context = files.authority.context(maximum=ssl.TLSVersion.TLSv1_2)
    with RawClient(gantry, "tls", tls=context, server_name="one.test") as client:
        client.get("/", host="one.test")
        session = client.socket.session
    offer(gantry, ["one.test"], files.leaf("one.test"))
    with RawClient(gantry, "tls", tls=context, server_name="one.test", session=session) as client:
        assert client.socket.session_reused


# ---- reloads, restarts


def test_a_reload_keeps_what_is_offered(gantry, files):
    one, wild = files.leaf("one.test"), files.leaf("*.wild.test")
    offer(gantry, ["one.test"], one)
    offer(gantry, ["*.wild.test"], wild)
    gantry.reload(CONFIG.replace('names = ["two.test", "*.wild.test"]', 'names = ["three.test"]') + '[host."*.wild.test"]\ncertificate = "offerer"\n'
                  '[host."*.wild.test".location."/"]\nrespond = "wild"\n')
    assert order(gantry, "/names") == "one.test three.test *.wild.test"
    assert shown(gantry, "one.test") == one.der
    assert shown(gantry, "a.wild.test") == wild.der  # of another host by now
    assert "no host asks" in order(gantry, "/offer", ["two.test"], [files.leaf("two.test")])
    gantry.reload(CONFIG)
    assert shown(gantry, "one.test") == one.der and is_placeholder(gantry, "two.test")


def test_what_nobody_asks_for_is_forgotten(gantry, files):
    offer(gantry, ["one.test"], files.leaf("one.test"))
    gantry.reload(CONFIG.replace('certificate = "offerer"', 'certificate = "self-signed"\nlisteners = ["tls"]'))
    wait_until(lambda: "no host asks" in order(gantry, "/offer", ["one.test"]), "the old generation is gone")
    gantry.reload(CONFIG)
    assert is_placeholder(gantry, "one.test")


def test_what_is_at_hand_is_there_from_the_first_client_on(modules, authority, files):
    one = files.leaf("one.test")
    config = CONFIG.replace('names = ["two.test", "*.wild.test"]', f'offerer_early = "{one.stem}"')
    with make(modules, authority, config=config) as gantry:
        assert shown(gantry, "one.test") == one.der
        written = gantry.config_path.read_text()
    assert check_with(files.folder, written).returncode == 0
    other = files.leaf("other.test")
    done = check_with(files.folder, written.replace(str(one.stem), str(other.stem)))
    assert done.returncode == 3 and "is not valid for one.test (it names other.test)" in done.stderr, done.stderr


def test_what_is_offered_while_loading_is_shown_when_that_load_serves(modules, authority, files):
    one, two = files.leaf("one.test"), files.leaf("one.test")
    first = CONFIG.replace('names = ["two.test", "*.wild.test"]', f'offerer_early = "{one.stem}"')
    second = first.replace(str(one.stem), str(two.stem))
    with make(modules, authority, config=first) as gantry:
        gantry.configure(second)
        assert "host one.test" in run(gantry, "plan").stdout
        assert shown(gantry, "one.test") == one.der
        gantry.configure(second + '\n[host."broken"]\nlisteners = ["nowhere"]\n')
        assert run(gantry, "reload").returncode != 0
        assert shown(gantry, "one.test") == one.der
        gantry.configure(second)
        assert run(gantry, "reload").returncode == 0
        assert shown(gantry, "one.test") == two.der


@pytest.mark.parametrize("mode", ["throws", "refuses"])
def test_a_source_that_fails_leaves_the_old_one_serving(gantry, files, mode):
    said = {"throws": "could not be configured, and did not say why", "refuses": "this host gets no certificate"}[mode]
    one = files.leaf("one.test")
    offer(gantry, ["one.test"], one)
    gantry.configure(CONFIG.replace('certificate = "offerer"', f'certificate = "offerer"\nofferer_mode = "{mode}"'))
    done = run(gantry, "reload", "--strict")
    assert done.returncode != 0 and said in done.stdout + done.stderr
    assert shown(gantry, "one.test") == one.der
    second = files.leaf("one.test")
    offer(gantry, ["one.test"], second)
    assert shown(gantry, "one.test") == second.der
    gantry.may_fail()


def test_a_host_that_is_disabled_keeps_its_certificate(gantry, files):
    one = files.leaf("one.test")
    offer(gantry, ["one.test"], one)
    gantry.reload(CONFIG.replace('certificate = "offerer"', 'certificate = "offerer"\nofferer_mode = "refuses"'))
    with RawClient(gantry, "tls", tls=files.authority.context(), server_name="one.test") as client:
        assert client.get("/", host="one.test").status == 503
    gantry.may_fail()


# ---- what operators see


def test_status_names_placeholders(gantry, files):
    _, status = run_json(gantry, "status")
    assert [(one["host"], one["name"], one["module"]) for one in status["placeholders"]] == [
        ("one.test", name, "offerer") for name in ("one.test", "two.test", "*.wild.test")]
    assert "placeholder two.test: the module offerer has offered no certificate for it" in run(gantry, "status").stdout
    offer(gantry, ["one.test", "two.test"], files.leaf("one.test", "two.test"))
    assert [one["name"] for one in run_json(gantry, "status")[1]["placeholders"]] == ["*.wild.test"]


def test_metrics_know_what_is_offered(modules, authority, files):
    config = CONFIG.replace("modules = [", 'modules = ["metrics", ').replace('offerer = true\n', 'offerer = true\n[host."desk".location."/metrics"]\nmetrics = "prometheus"\n')
    with make(modules, authority, config=config) as gantry:
        def lines():
            return [line for line in fetch(gantry, "/metrics", host="desk").text.splitlines() if line.startswith("gantry_certificate_")]
        assert lines() == ['gantry_certificate_placeholders{module="offerer"} 3']
        one = files.leaf("one.test", "two.test")
        offer(gantry, ["one.test", "two.test"], one)
        expiry, placeholders = sorted(lines())
        assert expiry.startswith(f'gantry_certificate_expiry_timestamp_seconds{{certificate="offerer:{one.stem.name}",name="one.test"}} ')
        assert placeholders == 'gantry_certificate_placeholders{module="offerer"} 1'


def test_config_and_explain_show_the_source(gantry):
    assert 'certificate = "offerer"' in run(gantry, "config").stdout
    told = run(gantry, "explain", "GET", "https://one.test/", "--listener", "tls")
    assert 'tls       certificate offered by the module "offerer"' in told.stdout, told.stdout + told.stderr
    gantry.configure(CONFIG.replace('certificate = "offerer"', 'certificate = "self-signed"\nlisteners = ["tls"]'))
    assert 'certificate' in run(gantry, "plan").stdout and "offerer" in run(gantry, "plan").stdout


HOST = '[listener.tls]\naddress = "127.0.0.1:0"\ntls = true\n[host."a.test"]\ncertificate = @what@\n[host."a.test".location."/"]\nrespond = 200\n'


@pytest.mark.parametrize("listed, what, said, line", [
    ("", '"acme"', 'there is no module "acme" to offer certificates, and no such file', 6),
    ('"headers"', '"headers"', 'the module "headers" offers no certificates', 6),
    ('"headers"', '["headers"]', 'the module "headers" offers no certificates', 6),
    ('"@modules@/gantry-offerer.so"', '"oferer"', 'did you mean "offerer"', 6),
    ('"@modules@/gantry-offerer.so"', '["offerer", "a.pem"]', "a module that offers certificates stands alone", 6),
    ('"@modules@/gantry-offerer.so"', '"offerer"\nnames = ["~^x"]', 'cannot offer a certificate for the expression "~^x"', 7),
])
def test_mistakes_have_a_place(modules, tmp_path, listed, what, said, line):
    config = f"modules = [{listed}]\n" + HOST.replace("@what@", what)
    expect_refused(tmp_path, config.replace("@modules@", str(modules)), said, line)


def test_a_file_may_be_called_like_a_module(tmp_path, authority):
    leaf = authority.leaf("a.test")
    (tmp_path / "acme").write_bytes(leaf.certificate + leaf.key)
    (tmp_path / "acme").chmod(0o600)
    assert check_with(tmp_path, HOST.replace("@what@", '"acme"')).returncode == 0


# ---- hellos


def challenge(files, name, token):
    """A certificate as RFC 8737 has it."""
    digest = hashlib.sha256(token).hexdigest()
    stem = files.folder / f"challenge-{next(files.numbers)}"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{stem}.key", "-out", f"{stem}.pem", "-days", "1",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-addext", f"1.3.6.1.5.5.7.1.31=critical,DER:0420{digest}")
    return stem, digest


def validate(gantry, name, listener="tls", protocols=("acme-tls/1",), maximum=None):
    """What an authority sees: protocol, certificate; and that the connection is closed in order."""
    context = trusting()
    context.set_alpn_protocols(list(protocols))
    if maximum is not None:
        context.maximum_version = maximum
    with socket.create_connection(gantry.address(listener), timeout=20) as raw:
        with context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False) as client:
            protocol, der = client.selected_alpn_protocol(), client.getpeercert(binary_form=True)
            if protocol == "acme-tls/1":
                assert client.recv(100) == b""
    return protocol, der


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("listener", ["tls", "strict", "known"])
def test_an_authority_is_answered_while_others_are_served(gantry, files, listener, maximum):
    one = files.leaf("one.test")
    offer(gantry, ["one.test"], one)
    stem, digest = challenge(files, "one.test", b"token")
    assert order(gantry, "/challenge", ["one.test"], [stem]) == "OK"
    context = files.authority.context(alpn=["http/1.1"])
    with RawClient(gantry, "tls", tls=context, server_name="one.test") as client:
        protocol, der = validate(gantry, "one.test", listener, maximum=maximum)
        assert protocol == "acme-tls/1"
        # acmeIdentifier, critical, with the digest in it
        assert bytes.fromhex("06082b0601050507011f0101ff04220420" + digest) in der
        assert client.get("/", host="one.test").text.startswith("one TLSv1.")
    assert shown(gantry, "one.test") == one.der
    assert validate(gantry, "one.test", protocols=["acme-tls/1", "http/1.1"]) == ("http/1.1", one.der)
    with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
        validate(gantry, "two.test")


def test_nothing_is_served_behind_a_challenge(gantry, files):
    stem, _ = challenge(files, "one.test", b"token")
    order(gantry, "/challenge", ["one.test"], [stem])
    context = trusting()
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection(gantry.address("tls"), timeout=20) as raw, context.wrap_socket(raw, server_hostname="one.test") as client:
        try:
            client.sendall(b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n")
            assert client.recv(100) == b""
        except (ConnectionError, ssl.SSLError):
            pass


def test_a_hook_refuses_with_an_alert(gantry):
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME|unrecognized name"):
        shown(gantry, "refused.test")
    assert is_placeholder(gantry, "one.test")


def test_a_hook_that_lies_refuses_and_is_named(modules, authority):
    config = CONFIG.replace("[server]\n", '[server]\nofferer_mode = "lies"\n')
    with make(modules, authority, config=config) as gantry:
        with pytest.raises(ssl.SSLError, match="ACCESS_DENIED|access denied"):
            shown(gantry, "one.test")
        gantry.wait_log("hook of a module failed module=offerer")
        assert order(gantry, "/names") == "one.test two.test *.wild.test"
        gantry.reload(CONFIG)
        assert is_placeholder(gantry, "one.test")
        gantry.may_fail()


# ---- all at once


def test_handshakes_while_offers_change(gantry, files):
    leaves = [files.leaf("one.test", "two.test") for _ in range(4)]
    known = {leaf.der for leaf in leaves}
    offer(gantry, ["one.test", "two.test"], leaves[0])
    stem, _ = challenge(files, "one.test", b"token")
    assert order(gantry, "/challenge", ["one.test"], [stem]) == "OK"
    done = threading.Event()

    def change():
        for leaf in itertools.islice(itertools.cycle(leaves), 120):
            offer(gantry, ["one.test", "two.test"], leaf)
            order(gantry, "/challenge", ["one.test"], [stem])
        done.set()
        return 120

    def shake(name):
        count = 0
        while not done.is_set():
            assert shown(gantry, name) in known
            if name == "one.test":
                assert validate(gantry, name)[0] == "acme-tls/1"
            count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(change)] + [pool.submit(shake, name) for name in ("one.test", "two.test", "one.test", "two.test")]
        for _ in range(3):
            gantry.reload()
        assert all(job.result(timeout=120) > 0 for job in jobs)
