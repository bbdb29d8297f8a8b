"""A client that sends exactly the bytes it is given and reads answers more strictly than any browser."""

import re
import select
import socket
import ssl
import time

from .wait import DEADLINE

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d\d\d) ([\t \x21-\x7e\x80-\xff]*)\Z")


class ProtocolError(AssertionError):
    """The answer is not HTTP, or the connection ended inside it."""


class Response:
    def __init__(self, version, status, reason, fields):
        self.version = version
        self.status = status
        self.reason = reason
        self.fields = fields  # list of (lower-case name, value), in order
        self.body = b""
        self.trailers = []
        self.informational = []  # the 1xx responses before it
        self.until_close = False
        self.chunks = []  # sizes, where chunked

    def all(self, name):
        return [value for key, value in self.fields if key == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"several {name} fields: {values}"
        return values[0] if values else default

    def __getitem__(self, name):
        value = self.get(name)
        assert value is not None, f"no {name} in {self.fields}"
        return value

    def __contains__(self, name):
        return bool(self.all(name))

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def keeps_alive(self):
        tokens = [token.strip().lower() for value in self.all("connection") for token in value.split(",")]
        if "close" in tokens:
            return False
        return self.version == "HTTP/1.1" or "keep-alive" in tokens

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:200]!r}>"


def parse_fields(lines):
    fields = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            raise ProtocolError(f"obs-fold: {line!r}")
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise ProtocolError(f"bad field line: {line!r}")
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise ProtocolError(f"control byte in a field: {line!r}")
        fields.append((name.decode().lower(), value.strip(b" \t").decode("latin-1")))
    return fields


class RawClient:
    """One connection to `address`: (host, port), a unix path, or a Gantry (then its listener `listener`).

    `source`: the address that it comes from, where there are several.
    """

    def __init__(self, address, listener="web", tls=None, server_name=None, timeout=DEADLINE, receive_buffer=None,
                 session=None, source=None):
        if hasattr(address, "address"):
            address = address.address(listener)
        self.timeout = timeout
        self.give_up = time.monotonic() + 90  # whatever drips in meanwhile: a test must end
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        if source is not None:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(address)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server_name, session=session)
        except BaseException:
            self.socket.close()
            raise
        self.buffer = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    # ---- sending

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def send_until_refused(self, data):
        """Sends, but does not mind when the server has closed meanwhile."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass
        return self

    def request(self, method="GET", target="/", headers=(), body=b"", host="test", version="HTTP/1.1"):
        lines = [f"{method} {target} {version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            lines.append(f"{name}: {value}")
        if body and not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines):
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return self.send(head + (body.encode() if isinstance(body, str) else body))

    def get(self, target="/", headers=(), **more):
        return self.request("GET", target, headers, **more).response()

    def exchange(self, method, target="/", headers=(), **more):
        return self.request(method, target, headers, **more).response(method)

    # ---- receiving

    def _fill(self):
        if self.ended:
            return False
        if time.monotonic() > self.give_up:
            raise ProtocolError(f"no end after 90 s; so far {self.buffer[:500]!r}")
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        except socket.timeout:
            raise ProtocolError(f"no answer within {self.timeout} s; so far {self.buffer[:500]!r}") from None
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def read_until(self, mark):
        while mark not in self.buffer:
            if not self._fill():
                raise ProtocolError(f"the connection ended before {mark!r}; so far {self.buffer[:500]!r}")
        part, _, self.buffer = self.buffer.partition(mark)
        return part + mark

    def read_exactly(self, size):
        if len(self.buffer) < size:
            parts = [self.buffer]
            have = len(self.buffer)
            self.buffer = b""
            while have < size:
                if not self._fill():
                    self.buffer = b"".join(parts)
                    raise ProtocolError(f"the connection ended after {have} of {size} bytes of body")
                parts.append(self.buffer)
                have += len(self.buffer)
                self.buffer = b""
            self.buffer = b"".join(parts)
        part, self.buffer = self.buffer[:size], self.buffer[size:]
        return part

    def read_to_end(self):
        while self._fill():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def _line(self):
        line = self.read_until(b"\n")
        if not line.endswith(b"\r\n"):
            raise ProtocolError(f"bare LF after {line!r}")
        if b"\r" in line[:-2]:
            raise ProtocolError(f"bare CR in {line!r}")
        return line[:-2]

    def _lines(self):
        lines = []
        while True:
            line = self._line()
            if not line:
                return lines
            lines.append(line)

    def head(self):
        """The next head, 1xx included, without its body."""
        first = self._line()
        match = STATUS_LINE.match(first)
        if not match:
            raise ProtocolError(f"bad status line: {first!r}")
        fields = parse_fields(self._lines())
        return Response(first[:8].decode(), int(match.group(1)), match.group(2).decode("latin-1"), fields)

    def response(self, method="GET", body=True):
        """The next final response; with `body` false its body is left unread (see read_body)."""
        informational = []
        while True:
            response = self.head()
            if response.status >= 200 or response.status == 101:
                break
            informational.append(response)
        response.informational = informational
        if body:
            self.read_body(response, method)
        return response

    def read_body(self, response, method="GET"):
        lengths = response.all("content-length")
        codings = response.all("transfer-encoding")
        if len(lengths) > 1 or (lengths and codings):
            raise ProtocolError(f"ambiguous framing: {response.fields}")
        if lengths and not re.fullmatch(r"\d+", lengths[0]):
            raise ProtocolError(f"bad Content-Length: {lengths}")
        if response.status < 200 or response.status == 204:
            if lengths or codings:
                raise ProtocolError(f"{response.status} with framing fields: {response.fields}")
            return response
        if response.status == 304 or method == "HEAD" or (method == "CONNECT" and response.status < 300):
            return response
        if codings:
            if codings != ["chunked"]:
                raise ProtocolError(f"transfer codings {codings}")
            parts = []
            while True:
                size_line = self._line()
                if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size_line):
                    raise ProtocolError(f"bad chunk size line: {size_line!r}")
                size = int(size_line, 16)
                if size == 0:
                    break
                parts.append(self.read_exactly(size))
                response.chunks.append(size)
                if self.read_exactly(2) != b"\r\n":
                    raise ProtocolError("no CRLF after a chunk")
            response.body = b"".join(parts)
            response.trailers = parse_fields(self._lines())
        elif lengths:
            response.body = self.read_exactly(int(lengths[0]))
        else:
            if response.keeps_alive and response.version == "HTTP/1.1":
                raise ProtocolError(f"no framing and no Connection: close: {response.fields}")
            response.until_close = True
            response.body = self.read_to_end()
        return response

    # ---- the end

    def expect_close(self, timeout=None):
        """The server ends the connection without another byte; a reset counts, leftovers do not."""
        if timeout is not None:
            self.socket.settimeout(timeout)
        rest = self.read_to_end()
        if rest:
            raise ProtocolError(f"bytes before the close: {rest[:500]!r}")

    def expect_open(self):
        """Nothing came and the connection is not closed."""
        readable, _, _ = select.select([self.socket], [], [], 0)
        if self.buffer or (readable and self.socket.recv(1, socket.MSG_PEEK) is not None):
            raise ProtocolError(f"closed, or bytes that nobody asked for: {self.buffer[:500]!r}")

    def expect_silence(self, seconds=0.2):
        readable, _, _ = select.select([self.socket], [], [], seconds)
        if self.buffer or readable:
            raise ProtocolError("bytes or a close, where silence was expected")


def fetch(address, target="/", headers=(), listener="web", timeout=DEADLINE, **more):
    """One GET on a connection of its own."""
    with RawClient(address, listener, timeout=timeout) as client:
        return client.get(target, headers, **more)


def exchange(address, method, target="/", headers=(), listener="web", **more):
    """One exchange on a connection of its own."""
    with RawClient(address, listener) as client:
        return client.exchange(method, target, headers, **more)


def seconds(since):
    return time.monotonic() - since
