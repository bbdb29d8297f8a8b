"""Origin servers behind the proxy: threads and raw sockets, so that each can misbehave exactly as a test wants."""

import base64
import hashlib
import json
import os
import socket
import struct
import threading

from .wait import DEADLINE, wait_until


class Gone(Exception):
    """The proxy closed the connection."""


class Request:
    def __init__(self, method, target, version, fields):
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields  # (name as received, value)
        self.body = b""
        self.trailers = []
        self.connection = 0  # number of the connection at this origin, from 1

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    @property
    def path(self):
        return self.target.partition("?")[0]


class Connection:
    """What a handler gets: strict reading, free writing."""

    def __init__(self, sock, number):
        self.socket = sock
        self.number = number
        self.buffer = b""

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        self.buffer += data

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        part, _, self.buffer = self.buffer.partition(mark)
        return part

    def read_exactly(self, size):
        parts, have = [self.buffer], len(self.buffer)
        while have < size:
            self.buffer = b""
            self.fill()
            parts.append(self.buffer)
            have += len(self.buffer)
        data = b"".join(parts)
        self.buffer = data[size:]
        return data[:size]

    def read_head(self):
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon, f"the proxy sent a bad field line: {line!r}"
            fields.append((name, value.strip()))
        request = Request(method, target, version, fields)
        request.connection = self.number
        return request

    def body_pieces(self, request):
        """Yields the body as it arrives."""
        coding = request.get("transfer-encoding")
        if coding is not None:
            assert coding == "chunked" and request.get("content-length") is None, request.fields
            while True:
                size = int(self.read_until(b"\r\n").partition(b";")[0], 16)
                if size == 0:
                    break
                yield self.read_exactly(size)
                assert self.read_exactly(2) == b"\r\n"
            while True:
                line = self.read_until(b"\r\n")
                if not line:
                    return
                name, _, value = line.decode("latin-1").partition(":")
                request.trailers.append((name.lower(), value.strip()))
        left = int(request.get("content-length", "0"))
        while left:
            if not self.buffer:
                self.fill()
            piece, self.buffer = self.buffer[:left], self.buffer[left:]
            left -= len(piece)
            yield piece

    def read_request(self):
        request = self.read_head()
        request.body = b"".join(self.body_pieces(request))
        return request

    def send(self, data):
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        except OSError as error:
            raise Gone from error

    def respond(self, status=200, body=b"", headers=(), reason="Reason", version="HTTP/1.1", length=True, head=False):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"{version} {status} {reason}"]
        lines += [f"{name}: {value}" for name, value in (headers.items() if isinstance(headers, dict) else headers)]
        if length:
            lines.append(f"Content-Length: {len(body)}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if head else body))

    def chunk(self, data):
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_closed(self):
        """Blocks until the other side closed; returns what it sent before."""
        try:
            while True:
                self.fill()
        except Gone:
            return self.buffer


class Origin:
    """
    with Origin(handler) as origin: ... `handler(connection, origin)` serves one connection and returns when it is to
    be closed. Counts connections and keeps the requests that handlers `note`.
    """

    def __init__(self, handler, unix=None, certificate=None):
        self.handler = handler
        self.requests = []
        self.connections = 0
        self.open = 0
        self.failures = []
        self.lock = threading.Lock()
        self._tls = certificate
        self._sockets = set()
        self.unix = str(unix) if unix is not None else None
        if self.unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.unix)
        else:
            self.listener = socket.socket(socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(512)
        self.port = None if self.unix else self.listener.getsockname()[1]
        self._stopping = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self):
        while not self._stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open += 1
                number = self.connections
                self._sockets.add(sock)
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        sock.settimeout(60)
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            elif not self.unix:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.handler(Connection(sock, number), self)
        except (Gone, OSError):
            pass
        except Exception as failure:  # pylint: disable=broad-except  (told to the test at the end)
            self.failures.append(failure)
        finally:
            with self.lock:
                self.open -= 1
                self._sockets.discard(sock)
            sock.close()

    def note(self, request):
        with self.lock:
            self.requests.append(request)
        return request

    def wait_requests(self, count, timeout=DEADLINE):
        wait_until(lambda: len(self.requests) >= count, f"{count} requests at the origin", timeout)
        return self.requests

    def wait_closed(self, timeout=DEADLINE):
        wait_until(lambda: self.open == 0, "the connections to the origin to be closed", timeout)

    def stop(self):
        self._stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            sockets = list(self._sockets)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.unix:
            try:
                os.unlink(self.unix)
            except FileNotFoundError:
                pass

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            assert not self.failures, f"in the origin: {self.failures!r}"


# ---- handlers


def echo(connection, origin):
    """Answers every request with a JSON description of it."""
    while True:
        request = connection.read_head()
        digest, size = hashlib.sha256(), 0
        for piece in connection.body_pieces(request):
            digest.update(piece)
            size += len(piece)
        origin.note(request)
        body = json.dumps(
            {
                "method": request.method,
                "target": request.target,
                "version": request.version,
                "fields": [[name.lower(), value] for name, value in request.fields],
                "trailers": request.trailers,
                "size": size,
                "sha256": digest.hexdigest(),
                "connection": request.connection,
            }
        )
        connection.respond(200, body, {"Content-Type": "application/json"}, head=request.method == "HEAD")


def mirror(connection, origin):
    """Sends the body back as it arrives, chunked."""
    while True:
        request = origin.note(connection.read_head())
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in connection.body_pieces(request):
            connection.chunk(piece)
        connection.send("0\r\n\r\n")


def raw(answer, close=True):
    """A handler that reads one request and sends these bytes."""

    def handler(connection, origin):
        while True:
            origin.note(connection.read_request())
            connection.send(answer)
            if close:
                return

    return handler


def routes(table):
    """A handler that picks one of `table` by path: path → function(connection, request, origin)."""

    def handler(connection, origin):
        while True:
            request = origin.note(connection.read_head())
            function = table.get(request.path) or table["*"]
            if function(connection, request, origin) == "close":
                return

    return handler


def websocket(connection, origin):
    """Accepts a WebSocket and echoes its frames as bytes, unmasked as they come, until the peer goes."""
    request = origin.note(connection.read_head())
    key = request.get("sec-websocket-key")
    assert request.get("upgrade") == "websocket", request.fields
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    while True:
        if not connection.buffer:
            connection.fill()
        data, connection.buffer = connection.buffer, b""
        connection.send(data)
