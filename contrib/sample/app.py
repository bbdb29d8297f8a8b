#!/usr/bin/python3
"""A small application to put behind Gantry; `contrib/run` starts it. Python's standard library only.

    contrib/sample/app.py [--port 9000]

    GET  /          what arrived here, as a page (as JSON at /headers)
    POST /echo      the request body, sent back as it comes in
    GET  /events    server-sent events, one a second
    GET  /ws        a WebSocket that sends back what it gets
    GET  /status/N  a response with that status

A leading /app is ignored, so that it does not matter whether the proxy strips it.
"""

import argparse
import base64
import hashlib
import html
import http.server
import json
import signal
import socket
import struct
import sys
import threading

WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
MAX_MESSAGE = 1 << 20
STOPPING = threading.Event()

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The sample application</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}
td{{padding:0 1rem 0 0;vertical-align:top;font-family:ui-monospace,monospace;overflow-wrap:anywhere}}</style>
<h1>The sample application</h1>
<p>It listens on {address}; this request reached it as <code>{line}</code> with</p>
<table>{rows}</table>
<p><a href="headers">headers</a> as JSON, <a href="events">events</a> that keep coming,
<code>POST echo</code>, a WebSocket at <code>ws</code>, <a href="status/503">status/503</a>.</p>
</html>
"""


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sample"
    sys_version = ""
    timeout = 75

    def route(self):
        path = self.path.split("?", 1)[0]
        return path[4:] or "/" if path == "/app" or path.startswith("/app/") else path

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = self.route()
        if path == "/":
            rows = "".join(f"<tr><td>{html.escape(k)}<td>{html.escape(v)}" for k, v in self.headers.items())
            address = "{}:{}".format(*self.server.server_address[:2])
            page = PAGE.format(address=address, line=html.escape(self.requestline), rows=rows)
            self.answer(200, "text/html; charset=utf-8", page.encode())
        elif path == "/headers":
            fields = json.dumps(dict(self.headers.items()), indent=2) + "\n"
            self.answer(200, "application/json", fields.encode())
        elif path == "/events":
            self.events()
        elif path == "/ws":
            self.websocket()
        elif path.startswith("/status/") and path[8:].isdigit() and 200 <= int(path[8:]) <= 599:
            status = int(path[8:])
            self.answer(status, "text/plain", b"" if status in (204, 304) else f"{status}, as asked\n".encode())
        else:
            self.answer(404, "text/plain", b"the sample application has nothing here\n")

    do_HEAD = do_GET

    def do_POST(self):
        if self.route() != "/echo":
            # What is left of the body would be taken for the next request.
            self.close_connection = True
            self.answer(404, "text/plain", b"POST goes to /echo\n")
            return
        if self.headers.get("Expect", "").lower() == "100-continue" and self.request_version < "HTTP/1.1":
            self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", self.headers.get("Content-Type", "application/octet-stream"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.body():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    do_PUT = do_POST

    def body(self):
        """Yields the request body in pieces, whichever way it is framed."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while True:
                size = int(self.rfile.readline(80).split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline(8192).strip():
                        pass
                    return
                while size:
                    piece = self.rfile.read1(min(size, 65536))
                    if not piece:
                        self.close_connection = True
                        return
                    size -= len(piece)
                    yield piece
                self.rfile.readline(8)
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read1(min(left, 65536))
            if not piece:
                self.close_connection = True
                return
            left -= len(piece)
            yield piece

    def events(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        number = 0
        while self.command != "HEAD":
            number += 1
            self.wfile.write(f"id: {number}\ndata: event {number}\n\n".encode())
            if STOPPING.wait(1):
                return

    def websocket(self):
        key = self.headers.get("Sec-WebSocket-Key")
        if not key or self.headers.get("Upgrade", "").lower() != "websocket":
            self.close_connection = True
            self.send_response(426)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade, close")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.close_connection = True
        while True:
            frame = self.read_frame()
            if frame is None:
                return
            opcode, payload = frame
            if opcode == 0x8:
                self.write_frame(0x8, payload[:2])
                return
            self.write_frame({0x9: 0xA}.get(opcode, opcode), payload)

    def read_frame(self):
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack(">H", self.rfile.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.rfile.read(8))[0]
        # A client masks everything it sends; whole messages are enough for a sample.
        if not head[1] & 0x80 or not head[0] & 0x80 or size > MAX_MESSAGE:
            self.write_frame(0x8, struct.pack(">H", 1009 if size > MAX_MESSAGE else 1002))
            return None
        mask = self.rfile.read(4)
        payload = self.rfile.read(size)
        return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def write_frame(self, opcode, payload):
        if len(payload) < 126:
            head = struct.pack(">BB", 0x80 | opcode, len(payload))
        elif len(payload) < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 126, len(payload))
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 127, len(payload))
        self.wfile.write(head + payload)

    def log_message(self, format, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        kind = sys.exc_info()[0]
        if kind and not issubclass(kind, (ConnectionError, TimeoutError, socket.timeout)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=9000)
    port = parser.parse_args().port
    try:
        server = Server(("127.0.0.1", port), Application)
    except OSError as failure:
        sys.exit(f"sample application: 127.0.0.1:{port}: {failure.strerror}")

    def stop(*_):
        STOPPING.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"sample application at http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
