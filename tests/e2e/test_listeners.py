"""Where Gantry listens: IPv4, IPv6, unix sockets, several addresses, limits, and ports that are taken."""

import os
import socket
import stat

import pytest

from support.client import ProtocolError, RawClient, fetch
from support.gantry import Gantry
from support.proc import Sockets
from support.wait import wait_until

HOST = """
[host."test"]
[host."test".location."/"]
respond = { status = 200, body = "${listener} ${remote_addr}" }
"""


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def split(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def test_several_addresses():
    with Gantry('[listener.web]\naddress = ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.1:0"]\n' + HOST) as gantry:
        addresses = gantry.addresses()
        assert len(addresses) == 3
        for address in addresses:
            assert fetch(split(address)).text == "web 127.0.0.1"


def test_several_listeners():
    config = "".join(f'[listener.l{n}]\naddress = "127.0.0.1:0"\n' for n in range(5)) + HOST
    with Gantry(config) as gantry:
        for n in range(5):
            assert fetch(gantry, listener=f"l{n}").text == f"l{n} 127.0.0.1"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
def test_ipv6():
    with Gantry('[listener.web]\naddress = ["[::1]:0", "127.0.0.1:0"]\n' + HOST) as gantry:
        assert sorted(fetch(split(address)).text for address in gantry.addresses()) == ["web 127.0.0.1", "web ::1"]


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
def test_any_address_of_both_families():
    with Gantry('[listener.web]\naddress = ["0.0.0.0:0", "[::]:0"]\n' + HOST) as gantry:
        four, six = gantry.addresses()
        assert fetch(("127.0.0.1", split(four)[1])).text == "web 127.0.0.1"
        assert fetch(("::1", split(six)[1])).text == "web ::1"


def test_unix_socket():
    with Gantry('[listener.web]\naddress = "unix:@dir@/web.sock"\nunix_mode = "0660"\n' + HOST) as gantry:
        path = str(gantry.dir / "web.sock")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        with RawClient(path) as client:
            for _ in range(20):
                assert client.get("/").text.startswith("web")
        gantry.stop()
        assert not os.path.exists(path)


def test_a_stale_unix_socket_is_replaced():
    server = Gantry('[listener.web]\naddress = "unix:@dir@/web.sock"\n' + HOST)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(server.dir / "web.sock"))
    left.close()
    with server as gantry, RawClient(str(gantry.dir / "web.sock")) as client:
        assert client.get("/").status == 200


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone():
    server = Gantry('[listener.web]\naddress = "unix:@dir@/web.sock"\n' + HOST, {"web.sock": "precious"}, ready=False)
    server.may_fail()
    with server:
        assert server.process.wait(20) != 0
        assert (server.dir / "web.sock").read_text() == "precious"


def test_a_port_that_is_taken_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        server = Gantry('[listener.web]\naddress = "127.0.0.1:@port@"\n' + HOST, port=taken.getsockname()[1], ready=False)
        server.may_fail()
        with server:
            assert server.process.wait(20) != 0
            assert str(taken.getsockname()[1]) in server.log() and "in use" in server.log().lower()


def test_a_broken_configuration_is_an_error_with_its_place():
    server = Gantry('[listener.web]\naddress = "127.0.0.1:0"\nmax_conections = 3\n' + HOST, ready=False)
    server.may_fail()
    with server:
        assert server.process.wait(20) != 0
        server._reader.join(10)
        assert "gantry.toml:3" in server.log() and "max_connections" in server.log()


def test_max_connections():
    with Gantry('[listener.web]\naddress = "127.0.0.1:0"\nmax_connections = 4\n[listener.more]\naddress = "127.0.0.1:0"\n' + HOST) as gantry:
        held = [RawClient(gantry) for _ in range(4)]
        for client in held:
            assert client.get("/").status == 200
        # One more: refused, answered with 503, or left waiting in the backlog; never served beside the four.
        with RawClient(gantry, timeout=1) as late:
            late.request("GET", "/")
            try:
                assert late.response().status == 503
            except ProtocolError:
                pass
        assert fetch(gantry, listener="more").status == 200
        held.pop().close()

        def served():
            try:
                with RawClient(gantry, timeout=2) as client:
                    return client.get("/").status == 200
            except (ProtocolError, OSError):
                return False

        wait_until(served, "the free place to be used")
        for client in held:
            assert client.get("/").status == 200
            client.close()


def test_workers_share_the_connections():
    """Every worker accepts: over many connections from different ports no one is left out for ever."""
    with Gantry('[listener.web]\naddress = "127.0.0.1:0"\n' + HOST, workers=4) as gantry:
        clients = [RawClient(gantry) for _ in range(200)]
        for client in clients:
            client.request("GET", "/")
        for client in clients:
            assert client.response().status == 200
            client.close()


def test_connections_have_the_options_of_the_listening_socket():
    """No delay for small answers, dead clients are found out, and what is left to read is told with each read."""
    tcp_inq = 36
    expected = {(socket.IPPROTO_TCP, socket.TCP_NODELAY): 1, (socket.IPPROTO_TCP, tcp_inq): 1,
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1}

    def options(number):
        with sockets.duplicate(number) as copy:
            assert not os.get_blocking(copy.fileno())
            return {key: int(copy.getsockopt(*key) != 0) for key in expected}

    with Gantry('[listener.web]\naddress = "127.0.0.1:0"\n' + HOST) as gantry, RawClient(gantry) as client:
        sockets = Sockets(gantry)
        assert client.get("/").status == 200
        assert [options(number) for number in sockets.listening()] == [expected, expected]
        assert options(sockets.of(client)) == expected
