"""Sockets that the service manager opened: which listener gets which, and what becomes of them."""

import contextlib
import os
import signal
import socket
import stat

from support.client import fetch
from support.gantry import Gantry
from support.systemd import close_copies, passing

CONFIG = """
[listener.web]
address = "@address@"
[host."test".location."/"]
respond = "from ${remote_addr}"
"""


@contextlib.contextmanager
def listening(address="127.0.0.1", family=socket.AF_INET, dual=False):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        one.bind(address if family == socket.AF_UNIX else (address, 0))
        one.listen(16)
        yield one


@contextlib.contextmanager
def activated(sockets, config=CONFIG, **values):
    arguments = passing(sockets)
    try:
        with Gantry(config, **arguments, **values) as gantry:
            yield gantry
    finally:
        close_copies(arguments)


def test_a_socket_serves_the_address_that_it_is_bound_to():
    """The name is somebody's who did not think of ours; and who connected before the start is answered."""
    with listening() as one, socket.create_connection(one.getsockname()) as early:
        early.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        address = "127.0.0.1:%d" % one.getsockname()[1]
        with activated([("gantry.socket", one)], address=address) as gantry:
            early.settimeout(30)
            assert b"from 127.0.0.1" in early.makefile("rb").read()
            assert gantry.addresses() == [address]
            for _ in range(8):  # either worker
                assert fetch(gantry).text == "from 127.0.0.1"
            assert "no listener uses" not in gantry.log()


def test_the_socket_outlives_the_server_process():
    with listening() as one:
        address = "127.0.0.1:%d" % one.getsockname()[1]
        with activated([("web", one)], address=address) as gantry:
            os.kill(gantry.server_pid(), signal.SIGKILL)
            assert fetch(gantry).text == "from 127.0.0.1"
            gantry.reload()
            assert fetch(gantry).text == "from 127.0.0.1"
        # And the service: whoever connects now waits for the next start.
        socket.create_connection(one.getsockname()).close()


def test_a_socket_serves_the_listener_that_it_is_named_for():
    config = CONFIG.replace('"@address@"', '["127.0.0.1:0"]') + '[listener.other]\naddress = "127.0.0.1:0"\n'
    with listening() as first, listening() as second, activated([("other", first), ("web", second)], config) as gantry:
        assert gantry.port("other") == first.getsockname()[1]
        assert gantry.port("web") == second.getsockname()[1]
        assert fetch(gantry).text == "from 127.0.0.1"
        assert "warn" not in gantry.log()


def test_a_named_socket_with_another_address_is_used_and_the_log_tells():
    with listening() as one, activated([("web", one)], address="127.0.0.1:1") as gantry:
        port = one.getsockname()[1]
        assert f"warning: listener web: listens on 127.0.0.1:{port}, as the service manager" in gantry.log()
        assert fetch(("127.0.0.1", port)).text == "from 127.0.0.1"


def test_one_dual_stack_socket_is_both_addresses_of_a_star():
    """ListenStream=80 in a unit, address = "*:80" here."""
    with listening("::", socket.AF_INET6, dual=True) as one:
        port = one.getsockname()[1]
        with activated([("web", one)], address=f"*:{port}") as gantry:
            assert fetch(("127.0.0.1", port)).text == "from 127.0.0.1"
            assert fetch(("::1", port)).text == "from ::1"
            assert "warn" not in gantry.log()


def test_what_no_listener_uses_is_named_once_and_used_after_a_reload():
    with listening() as one, listening() as two:
        used, idle = ("127.0.0.1:%d" % each.getsockname()[1] for each in (one, two))
        with activated([("a", one), ("b", two)], address=used) as gantry:
            gantry.wait_log(rf"no listener uses: {idle} \(b\)")
            assert used not in gantry.wait_log("no listener uses.*").group(0)
            mark = gantry.mark()
            gantry.reload()
            gantry.reload(CONFIG.replace("@address@", idle))
            assert fetch(tuple(two.getsockname())).text == "from 127.0.0.1"
            gantry.wait_log(rf"no listener uses: {used} \(a\)", mark)
            assert sum("no listener uses" in line for line in gantry.lines[mark:]) == 1


def test_a_unix_socket_keeps_its_file_and_mode(tmp_path):
    path = str(tmp_path / "web.sock")
    with listening(path, socket.AF_UNIX) as one:
        os.chmod(path, 0o600)
        with activated([("x", one)], address="unix:" + path):
            assert fetch(path).status == 200
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert os.path.exists(path)


def test_what_is_not_a_listening_socket_is_left_alone():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, listening() as one:
        datagrams.bind(("127.0.0.1", 0))
        with activated([("web", datagrams), ("web", one)], address="127.0.0.1:0") as gantry:
            assert "no listening stream socket fd=3 name=web" in gantry.log()
            assert gantry.port() == one.getsockname()[1]


def test_the_variables_of_another_process_are_not_ours():
    env = {"LISTEN_PID": "1", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "web"}
    with Gantry(CONFIG, env=env, address="127.0.0.1:0") as gantry:
        assert fetch(gantry).text == "from 127.0.0.1"
        assert "service manager" not in gantry.log()
