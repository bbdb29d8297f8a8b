"""What goes wrong with one host hurts nobody else: it answers 503, status and log name it, and --strict refuses it."""

import json
import re
import signal
import ssl
import subprocess

import pytest

from support.certs import Authority, trusting
from support.client import RawClient, fetch
from support.gantry import Gantry, binary
from support.operator import run
from support.origin import Origin, echo
from support.wait import wait_until

BASE = """
include = ["sites/*.toml"]
[listener.web]
address = "127.0.0.1:0"
[listener.tls]
address = "127.0.0.1:0"
tls = true
[host."good.test"]
default = true
certificate = "self-signed"
[host."good.test".location."/"]
respond = "good"
"""
NO_CERTIFICATE = """
[host."bad.test"]
certificate = { certificate = "@dir@/bad.pem", key = "@dir@/bad.key" }
[host."bad.test".location."/"]
respond = "bad"
"""
NO_ROOT = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
static = "@dir@/missing"
"""
NO_NAME = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
proxy = "http://nowhere.invalid:8080"
"""
NO_PAGE = """
[host."bad.test"]
listeners = ["web"]
error_pages = { 404 = "@dir@/missing.html" }
[host."bad.test".location."/"]
respond = "bad"
"""
FINE = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
respond = "bad"
"""
SYNTAX = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
respond "bad"
"""
SETTING = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
repond = "bad"
"""
LISTENER = """
[host."bad.test"]
listeners = ["wev"]
[host."bad.test".location."/"]
respond = "bad"
"""
PEERS = """
[upstream.bad]
peers = ["127.0.0.1"]
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
proxy = "bad"
"""
EXPRESSION = """
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."~("]
respond = "bad"
"""
TWICE = """
[host."good.test"]
[host."bad.test"]
listeners = ["web"]
[host."bad.test".location."/"]
respond = "bad"
"""
# The file that has it, what is wrong, and what is said of it.
ENVIRONMENT = [
    pytest.param(NO_CERTIFICATE, r"bad\.pem", id="certificate"),
    pytest.param(NO_ROOT, r"the root: .*/missing cannot be opened: No such file", id="root"),
    pytest.param(NO_NAME, r'the name "nowhere.invalid" does not resolve', id="name"),
    pytest.param(NO_PAGE, r"the error page: .*/missing\.html cannot be read", id="page"),
]
TEXT = [
    pytest.param(SYNTAX, r'there is no = behind "respond"', id="syntax"),
    pytest.param(SETTING, r'unknown key "repond"', id="setting"),
    pytest.param(LISTENER, r'there is no listener "wev"', id="listener"),
    pytest.param(PEERS, r'"127.0.0.1" has no port', id="peers"),
    pytest.param(EXPRESSION, r"expression|parenthes", id="expression"),
    pytest.param(TWICE, r'host "good.test" is already defined in another file', id="twice"),
    pytest.param("\0", "NUL", id="binary"),
]


def status(gantry):
    return json.loads(run(gantry, "status", "--format", "json").stdout)


def disabled(gantry):
    return status(gantry)["disabled"]


def answer(gantry, host):
    return fetch(gantry, host=host)


def put(gantry, name, text):
    gantry.write(name, text.replace("@dir@", str(gantry.dir)))


def start(site, **more):
    """With a site of its own file, as a distribution has them."""
    gantry = Gantry(BASE, **more)
    put(gantry, "sites/bad.toml", site)
    return gantry


def judge(gantry, said):
    refused = answer(gantry, "bad.test")
    assert refused.status == 503 and "switched off" in refused.text or said.startswith("the name")
    assert refused.status == 503
    assert answer(gantry, "good.test").text == "good"
    (one,) = disabled(gantry)
    assert one["host"] == "bad.test" and re.search(said, one["reason"]), one
    assert re.search(r"sites/bad\.toml:\d+$", one["place"]), one
    text = run(gantry, "status").stdout
    assert "disabled bad.test: " in text and "sites/bad.toml:" in text
    assert re.search(said, gantry.log()), "named in the log"
    assert len(re.findall(r"hosts disabled: bad\.test", gantry.log())) == 1, "once per load"


@pytest.mark.parametrize("site, said", ENVIRONMENT + TEXT[:-1])
def test_at_the_start(site, said):
    with start(site) as gantry:
        judge(gantry, said)


@pytest.mark.parametrize("site, said", ENVIRONMENT + TEXT)
def test_at_a_reload_and_back(site, said):
    with start(FINE) as gantry:
        assert answer(gantry, "bad.test").text == "bad" and disabled(gantry) == []
        put(gantry, "sites/bad.toml", site)
        done = run(gantry, "reload")
        assert done.returncode == 0, done.stderr
        assert re.search(said, done.stderr) and 'disables only the host "bad.test"' in done.stderr
        assert "but not all of its hosts" in done.stdout and "disabled bad.test" in done.stdout
        judge(gantry, said)
        put(gantry, "sites/bad.toml", FINE)
        done = run(gantry, "reload")
        assert (done.returncode, done.stderr) == (0, "")
        assert answer(gantry, "bad.test").text == "bad" and disabled(gantry) == []


@pytest.mark.parametrize("site, said", ENVIRONMENT + TEXT)
def test_strict_refuses_it(site, said):
    with start(FINE) as gantry:
        put(gantry, "sites/bad.toml", site)
        done = run(gantry, "reload", "--strict")
        assert done.returncode == 3 and re.search(said, done.stderr), done.stderr
        assert answer(gantry, "bad.test").text == "bad", "what served goes on"
        assert disabled(gantry) == []
        done = subprocess.run([binary(), "run", "--strict", "-c", str(gantry.config_path), *gantry._user], capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and re.search(said, done.stderr), done.stderr


@pytest.mark.parametrize("site, said", [one for one in ENVIRONMENT + TEXT if one.id not in ("name", "binary")])
def test_check_says_it(site, said):
    """All of it is an error to check; a name is not asked for, since check has to work where there is no network."""
    with start(FINE) as gantry:
        put(gantry, "sites/bad.toml", site)
        done = run(gantry, "check")
        assert done.returncode == 3 and re.search(said, done.stderr), done.stderr
        assert "it would be served without the hosts that are named" in done.stderr
        found = json.loads(run(gantry, "check", "--format", "json").stdout)
        assert any(one["contained"] and (one["disables"] == ["bad.test"]) for one in found), found


@pytest.mark.parametrize("site, said", [ENVIRONMENT[0], ENVIRONMENT[1], TEXT[0], TEXT[1]])
def test_explain_says_it(site, said):
    with start(site) as gantry:
        done = run(gantry, "explain", "GET", "http://bad.test/")
        assert done.returncode == 0 and re.search(r"^disabled +.*" + said, done.stdout, re.M), done.stdout
        assert "answer    503" in done.stdout
        told = json.loads(run(gantry, "explain", "GET", "http://bad.test/", "--format", "json").stdout)
        assert told["status"] == 503 and re.search(said, told["disabled"][0]["reason"])


@pytest.mark.parametrize("main", [NO_ROOT, NO_NAME, NO_PAGE])
def test_what_the_machine_lacks_is_contained_in_the_main_file_too(main):
    with Gantry(BASE + main) as gantry:
        assert answer(gantry, "bad.test").status == 503
        assert answer(gantry, "good.test").text == "good"
        assert [one["host"] for one in disabled(gantry)] == ["bad.test"]
        gantry.configure(BASE + FINE)
        assert run(gantry, "reload").returncode == 0
        assert answer(gantry, "bad.test").text == "bad"


@pytest.mark.parametrize("text", [SETTING, SYNTAX, EXPRESSION])
def test_what_is_written_wrong_in_the_main_file_is_not(text):
    with Gantry(BASE + FINE) as gantry:
        gantry.configure(BASE + text)
        done = run(gantry, "reload")
        assert done.returncode == 3 and "disables" not in done.stderr
        assert answer(gantry, "bad.test").text == "bad"


@pytest.mark.parametrize("shared", ['[listener.more]\naddress = "127.0.0.1:0"\nrespond "x"\n', "[server]\nwokers = 1\n", '[[test]]\nrequest = "GET http://good.test/"\nexpect = { status = 404 }\n'])
def test_what_all_hosts_share_is_not(shared):
    with start(FINE) as gantry:
        put(gantry, "sites/bad.toml", shared)
        done = run(gantry, "reload")
        assert done.returncode == 3, done.stderr
        assert answer(gantry, "bad.test").text == "bad"


def test_a_file_that_cannot_be_read():
    """Its hosts are known from what was served; their requests do not go to somebody else's."""
    listed = BASE.replace('"sites/*.toml"', '"sites/bad.toml", "sites/other.toml"')
    with Gantry(listed, ready=False, files={"sites/bad.toml": FINE, "sites/other.toml": ""}) as gantry:
        gantry.wait_ready()
        (gantry.dir / "sites" / "bad.toml").unlink()
        done = run(gantry, "reload")
        assert done.returncode == 0 and "cannot be read" in done.stderr, done.stderr
        assert answer(gantry, "bad.test").status == 503
        assert answer(gantry, "good.test").text == "good"
        assert [one["host"] for one in disabled(gantry)] == ["bad.test"]
        put(gantry, "sites/bad.toml", FINE)
        assert run(gantry, "reload").returncode == 0
        assert answer(gantry, "bad.test").text == "bad"


def test_at_the_start_the_hosts_of_an_unreadable_file_are_not_known():
    with Gantry(BASE.replace("sites/*.toml", "sites/missing.toml")) as gantry:
        (one,) = disabled(gantry)
        assert one["host"] == "" and "missing.toml" in one["reason"]
        assert answer(gantry, "good.test").text == "good"


def test_the_hosts_of_a_broken_file_keep_their_names():
    """All that it was known by answers 503; as the default host it stays the default."""
    other = FINE.replace('listeners = ["web"]', 'listeners = ["web"]\nnames = ["also.test"]\ndefault = true')
    with Gantry(BASE.replace("default = true\n", ""), files={"sites/bad.toml": other}) as gantry:
        assert answer(gantry, "also.test").text == "bad" and answer(gantry, "unknown.test").text == "bad"
        put(gantry, "sites/bad.toml", '[host."bad.test"\n' + other)
        put(gantry, "sites/bad.toml", other.replace("names = [", "names [").replace("default =", "default"))
        assert run(gantry, "reload").returncode == 0
        for name in ("bad.test", "also.test", "unknown.test"):
            assert answer(gantry, name).status == 503, name
        assert answer(gantry, "good.test").text == "good"


def test_two_sites_one_bad():
    with start(SYNTAX) as gantry:
        put(gantry, "sites/fine.toml", FINE.replace("bad", "fine"))
        gantry.reload(expect="reloaded generation")
        assert answer(gantry, "fine.test").text == "fine"
        assert answer(gantry, "bad.test").status == 503


def test_requests_of_a_disabled_host_do_not_fill_the_log():
    with start(NO_ROOT) as gantry:
        mark = gantry.mark()
        with RawClient(gantry) as client:
            for _ in range(20):
                assert client.get("/", host="bad.test").status == 503
            assert client.exchange("POST", "/x", host="bad.test", body=b"abc").status == 503
            assert client.get("/", host="good.test").text == "good", "the connection goes on"
        assert "bad.test" not in "\n".join(line or "" for line in gantry.lines[mark:])


def test_json_for_those_who_want_it():
    with start(NO_ROOT) as gantry:
        told = fetch(gantry, host="bad.test", headers={"Accept": "application/json"})
        assert told.status == 503 and told["content-type"].startswith("application/json")
        assert str(gantry.dir) not in told.text, "nothing of our machine for a visitor"


def test_a_certificate_that_comes_later_needs_no_reload():
    authority = Authority()
    with start(NO_CERTIFICATE) as gantry:
        assert answer(gantry, "bad.test").status == 503, "on the plain listener too"
        with RawClient(gantry, "tls", tls=trusting(), server_name="bad.test") as client:
            assert client.get("/", host="bad.test").status == 503
        leaf = authority.leaf("bad.test")
        gantry.write("bad.key", leaf.key)
        gantry.write("bad.pem", leaf.certificate)
        wait_until(lambda: answer(gantry, "bad.test").status == 200, "the host", timeout=30)
        with RawClient(gantry, "tls", tls=authority.context(), server_name="bad.test") as client:
            assert client.get("/", host="bad.test").text == "bad"
        assert disabled(gantry) == []


def test_a_certificate_that_goes_bad_is_not_let_go():
    """A reload that finds rubbish in its place goes on with what was loaded, and says so."""
    leaf = Authority().leaf("bad.test")
    with start(FINE) as gantry:
        gantry.write("bad.key", leaf.key)
        gantry.write("bad.pem", leaf.certificate)
        put(gantry, "sites/bad.toml", NO_CERTIFICATE)
        assert run(gantry, "reload").returncode == 0
        assert answer(gantry, "bad.test").text == "bad"
        gantry.write("bad.pem", "rubbish")
        mark = gantry.mark()
        assert run(gantry, "reload").returncode == 0
        gantry.wait_log(r"certificate.*bad\.pem", mark)
        with RawClient(gantry, "tls", tls=trusting(), server_name="bad.test") as client:
            assert client.socket.getpeercert(True) == leaf.der
            assert client.get("/", host="bad.test").text == "bad"


def test_a_name_that_resolves_later_needs_no_reload(tmp_path):
    """Other locations of the host are served all the while."""
    site = NO_NAME + '[host."bad.test".location."/here"]\nrespond = "here"\n'
    with start(site) as gantry:
        assert fetch(gantry, "/", host="bad.test").status == 503
        assert fetch(gantry, "/here", host="bad.test").text == "here"


def test_tests_of_a_disabled_host_do_not_keep_the_others_down():
    tested = NO_ROOT + '[[test]]\nrequest = "GET http://bad.test/"\nexpect = { handler = "static" }\n'
    with start(tested) as gantry:
        assert answer(gantry, "good.test").text == "good" and answer(gantry, "bad.test").status == 503


def test_a_hundred_hosts_with_one_missing_folder():
    sites = "".join(NO_ROOT.replace("bad.test", f"h{number}.test") for number in range(100))
    with start(sites) as gantry:
        assert len(disabled(gantry)) == 100
        assert "and 80 more" in run(gantry, "status").stdout
        assert "and 90 more" in gantry.wait_log(r"hosts disabled: .*").group(0)
        (gantry.dir / "missing").mkdir()
        gantry.process.send_signal(signal.SIGHUP)
        wait_until(lambda: disabled(gantry) == [], "all of them")
