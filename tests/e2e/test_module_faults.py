"""Modules that go wrong while they serve: hooks that throw or give up, with and without fail_open, and crashes."""

import collections
import json
import pathlib
import tempfile
import threading

import pytest

from support.client import ProtocolError, RawClient, fetch
from support.gantry import ROOT, Gantry
from support.modules import build, check_with, probe_folder
from support.operator import run
from support.wait import wait_until

# ---- hooks that fail

STUMBLE = """
modules = ["@stumble@/gantry-stumble.so"]
[server]
control = "@dir@/control.sock"
@fail_open@
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "served"
[host."test".location."/at-once"]
respond = "served"
stumble = "at once"
[host."test".location."/late"]
respond = "served"
stumble = "late"
[host."test".location."/too-late"]
respond = "served"
stumble = "too late"
"""
FAULTS = {
    "/at-once": ("it failed", "an exception left stumble: stumbled at once"),
    "/late": ("it failed while it waited", "an exception left stumble: stumbled late"),
    "/too-late": ("it failed while it waited", None),  # what it waited for did not come
}


@pytest.fixture(scope="module")
def stumble():
    with tempfile.TemporaryDirectory(prefix="gantry-modules-") as folder:
        build(ROOT / "tests" / "e2e" / "modules" / "stumble.cpp", folder, "stumble")
        yield folder


@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open"])
def test_a_hook_that_throws_or_gives_up(stumble, is_open):
    with Gantry(STUMBLE, stumble=stumble, fail_open='fail_open = ["stumble"]' if is_open else "") as gantry:
        # What it does is not known before it is done, so this is named and not run.
        for path in FAULTS:
            done = run(gantry, "explain", "GET", f"http://test{path}")
            assert done.returncode == 0 and "access: stumble\n" in done.stdout and "answer    200 " in done.stdout, done.stdout + done.stderr
        assert "stumble" not in gantry.log()
        for path, (fault, said) in FAULTS.items():
            mark = gantry.mark()
            answer = fetch(gantry, path)
            assert answer.status == (200 if is_open else 500), path
            assert not is_open or answer.text == "served"
            gantry.wait_log(f"hook of a module failed module=stumble hook=stumble: {fault}{'; it is passed over' if is_open else ''}$", mark)
            if said:
                gantry.wait_log(said, mark)
        assert fetch(gantry).text == "served"
        assert json.loads(run(gantry, "modules", "--format", "json").stdout)["modules"][0]["failures"] == len(FAULTS)


def test_many_that_give_up_at_once_are_all_passed_over(stumble):
    with Gantry(STUMBLE, stumble=stumble, fail_open='fail_open = ["stumble"]') as gantry:
        clients = [RawClient(gantry) for _ in range(50)]
        try:
            for client in clients:
                client.send(b"GET /too-late HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
            for client in clients:
                assert [client.response().body for _ in range(2)] == [b"served"] * 2
        finally:
            for client in clients:
                client.close()


# ---- keys that are not to be used any more


def test_a_key_that_is_deprecated_is_warned_of_and_works(stumble, tmp_path):
    config = f'modules = ["{stumble}/gantry-stumble.so"]\n[listener.web]\naddress = "127.0.0.1:0"\n[host."test".location."/"]\nrespond = "x"\n@key@ = "at once"\n'
    done = check_with(tmp_path, config.replace("@key@", "stumble"))
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    done = check_with(tmp_path, config.replace("@key@", "trip"))
    assert done.returncode == 0, done.stderr
    assert 'gantry.toml:6:8: warning: "trip" is not to be used any more' in done.stderr and 'write: stumble = "late"' in done.stderr, done.stderr
    with Gantry(config.replace("@key@", "trip")) as gantry:
        gantry.wait_log('gantry.toml:6:8: warning: "trip" is not to be used any more$')
        assert fetch(gantry).status == 500  # it still does what it did


# ---- crashes

CRASHES = """
modules = ["@probe@/gantry-probe.so"]
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
respond = "served"
[host."test".location."/access"]
respond = "x"
probe = "crash"
[host."test".location."/log"]
respond = "x"
probe = "crash_log"
[host."test".location."/main"]
respond = "x"
probe = "crash_main"
"""


def listening_sockets(gantry):
    """The kernel's numbers of the sockets that listen at the port of `web`."""
    wanted = f":{gantry.address()[1]:04X}"
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(wanted) and row[3] == "0A"}


class Crowd:
    """Clients that connect anew for each request, and want an answer in time, until they are told to stop."""

    def __init__(self, gantry, size=4):
        self.gantry = gantry
        self.is_over = threading.Event()
        self.served = [0] * size
        self.failures = collections.Counter()
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(size)]

    def _run(self, number):
        while not self.is_over.is_set():
            try:
                assert fetch(self.gantry).text == "served"
                self.served[number] += 1
            except ConnectionRefusedError:
                self.failures["refused"] += 1
            except (ProtocolError, OSError) as failure:
                # Accepted by the process that died: the connection goes with it. None may wait in vain.
                self.failures["in vain" if "no answer within" in str(failure) or isinstance(failure, TimeoutError) else "cut"] += 1

    def wait_for_traffic(self):
        before = list(self.served)
        wait_until(lambda: all(now > then + 5 for now, then in zip(self.served, before)), "traffic of everybody", timeout=30)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)


@pytest.mark.parametrize("where", ["access", "log", "main"])
def test_a_crash_refuses_nobody(where):
    """In a hook, in the log phase, on the main thread: the server process ends, its sockets stay, the next one serves."""
    with Gantry(CRASHES, probe=probe_folder()) as gantry:
        sockets = listening_sockets(gantry)
        assert sockets
        with Crowd(gantry) as crowd:
            for _ in range(2):
                crowd.wait_for_traffic()
                pid = gantry.server_pid()
                mark = gantry.mark()
                with RawClient(gantry) as client:
                    client.send(f"GET /{where} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
                    client.read_to_end()
                gantry.wait_log(f"the server process before this one died: pid={pid} signal=6", mark)
                assert listening_sockets(gantry) == sockets
                assert fetch(gantry).text == "served"
                assert gantry.server_pid() != pid
            crowd.wait_for_traffic()
        assert listening_sockets(gantry) == sockets
        assert not crowd.failures["refused"] and not crowd.failures["in vain"], crowd.failures
        # What a process takes along is at most what it had accepted: a connection of each client.
        assert crowd.failures["cut"] <= 2 * len(crowd.threads), crowd.failures
