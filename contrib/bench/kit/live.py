"""Connections that stay open through everything: WebSockets, event streams and slow downloads through the proxy."""
import itertools
import math
import os
import struct
import threading
import time

from . import subject  # finds tests/e2e  # noqa: F401
from support.client import RawClient
from support.origin import Origin, routes, websocket

BLOCK = b"".join(b"%07d\n" % i for i in range(131072))  # 1 MiB; a download is this again and again
CONFIG = """
[host.localhost.location."/socket"]
proxy = { upstream = "http://127.0.0.1:@sockets@", tunnel_timeout = "1m" }
[host.localhost.location."/live/"]
proxy = "http://127.0.0.1:@streams@"
[host.localhost.location."/large/"]
static = { root = "@large@", strip_prefix = true }
"""


class Origins:
    """A context manager; values() is for the configuration, `large` a folder with big.bin for downloads of a file."""

    def __init__(self, folder):
        self.large = folder / "large"
        self.large.mkdir()
        self.large.chmod(0o755)
        with open(self.large / "big.bin", "wb") as file:
            for _ in range(64):
                file.write(BLOCK)
        self.ending = threading.Event()
        self.sockets = Origin(websocket)
        self.streams = Origin(routes({"/live/events": self.events, "/live/big": self.big}))

    def values(self):
        return {"sockets": self.sockets.port, "streams": self.streams.port, "large": self.large}

    def events(self, connection, *_):
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in itertools.count():
            connection.chunk(b"data: %d\n\n" % number)
            if self.ending.wait(0.5):
                return "close"

    def big(self, connection, *_):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {1024 * len(BLOCK)}\r\n\r\n")
        while not self.ending.is_set():
            connection.send(BLOCK)
        return "close"

    def __enter__(self):
        self.sockets.__enter__()
        self.streams.__enter__()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.sockets.stop()
        self.streams.stop()


class Live(threading.Thread):
    """One connection. `failure` says how it ended before it was told to; `count` goes up while it lives."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.count = 0
        self.failure = None
        self.ended_at = None
        self.ending = threading.Event()
        self.start()

    def run(self):
        try:
            with RawClient(self.address, timeout=20, receive_buffer=65536) as client:
                client.give_up = math.inf
                self.talk(client)
        except (AssertionError, OSError) as failure:
            if not self.ending.is_set():
                self.failure = repr(failure)
                self.ended_at = time.monotonic()

    def stop(self):
        self.ending.set()


class WebSocket(Live):
    def talk(self, client):
        key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "Z2FudHJ5IGdhbnRyeSBnYQ=="}
        client.request("GET", "/socket", key)
        response = client.response()
        assert response.status == 101, response
        while not self.ending.wait(0.2):
            # A masked ping of four bytes; what comes back is the same.
            frame = b"\x89\x84" + os.urandom(4) + struct.pack("!I", self.count)
            client.send(frame)
            assert client.read_exactly(len(frame)) == frame, "other bytes than were sent"
            self.count += 1


class EventStream(Live):
    def talk(self, client):
        client.request("GET", "/live/events")
        response = client.response(body=False)
        assert response.status == 200 and response["transfer-encoding"] == "chunked", response
        text = b""
        while not self.ending.is_set():
            size = int(client.read_until(b"\r\n"), 16)
            assert size > 0, "the stream ended"
            text += client.read_exactly(size)
            assert client.read_exactly(2) == b"\r\n"
            *events, text = text.split(b"\n\n")
            for event in events:
                assert event == b"data: %d" % self.count, f"event {event!r} in place of {self.count}"
                self.count += 1


class Download(Live):
    """320 KB a second of something large, each byte looked at."""

    path = "/large/big.bin"

    def talk(self, client):
        client.request("GET", self.path)
        response = client.response(body=False)
        assert response.status == 200 and int(response["content-length"]) >= 64 * len(BLOCK), response
        while not self.ending.wait(0.05):
            data = client.read_exactly(16384)
            at = self.count % len(BLOCK)
            assert data == BLOCK[at:at + len(data)], f"other bytes than those at {self.count}"
            self.count += len(data)


class ProxiedDownload(Download):
    path = "/live/big"


class Company:
    """So many of each, until stop()."""

    def __init__(self, address, sockets=20, streams=20, downloads=4):
        self.all = [WebSocket(address) for _ in range(sockets)] + [EventStream(address) for _ in range(streams)]
        self.all += [(Download, ProxiedDownload)[i % 2](address) for i in range(downloads)]

    def failures(self):
        return [f"{type(one).__name__}: {one.failure}" for one in self.all if one.failure]

    def wait_progress(self, timeout=30):
        """Until every one that lives has moved bytes from now on; those that do not count as failed."""
        before = [one.count for one in self.all]
        for one, count in zip(self.all, before):
            waited = 0.0
            while one.count == count and one.failure is None:
                if waited >= timeout:
                    one.failure = "nothing comes any more"
                one.join(0.05)
                waited += 0.05
        return not self.failures()

    def stop(self):
        for one in self.all:
            one.stop()
        for one in self.all:
            one.join(25)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
