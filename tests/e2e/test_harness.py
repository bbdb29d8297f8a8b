"""The harness against servers that are known to be right, so that a red test means Gantry and not the test."""

import pytest

from support.client import ProtocolError, RawClient, fetch
from support.curl import curl
from support.origin import Origin, echo, raw

pytestmark = pytest.mark.needs_no_gantry


def test_raw_client_reads_from_nginx(nginx_origin):
    with RawClient(("127.0.0.1", nginx_origin.port)) as client:
        assert client.get("/small.txt").body == b"small\n"
        assert len(client.get("/large.bin").body) == 2 * 1024 * 1024
        assert client.exchange("HEAD", "/large.bin")["content-length"] == str(2 * 1024 * 1024)
        client.expect_open()
        assert client.get("/none", {"Connection": "close"}).status == 404
        client.expect_close()


def test_curl_reads_from_nginx(nginx_origin):
    answer = curl("http://any.test/small.txt", connect=("127.0.0.1", nginx_origin.port))
    assert (answer.status, answer.body, answer.get("content-type")) == (200, b"small\n", "text/plain")


def test_origin_echoes():
    with Origin(echo) as origin:
        with RawClient(("127.0.0.1", origin.port)) as client:
            first = client.exchange("POST", "/a", {"Transfer-Encoding": "chunked"}, body="3\r\nabc\r\n0\r\nx: y\r\n\r\n")
            assert '"size": 3' in first.text and '[["x", "y"]]' in first.text
            client.get("/b")
        assert [request.target for request in origin.requests] == ["/a", "/b"]
        assert origin.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx : y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\n z\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabc",
        b"200 OK\r\n\r\n",
    ],
)
def test_raw_client_refuses_bad_answers(answer):
    with Origin(raw(answer)) as origin:
        with pytest.raises(ProtocolError):
            fetch(("127.0.0.1", origin.port))


def test_authority_makes_certificates(authority):
    for kind in ("ecdsa", "rsa"):
        assert authority.leaf("a.test", kind=kind).certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    assert authority.ocsp(authority.leaf("a.test"))
