"""nginx as an origin, a second implementation of everything that we speak to; or in front, as a proxy of TCP."""

import pathlib
import shutil
import socket
import subprocess
import tempfile

from .peer import end

CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    types {{ text/html html; text/plain txt; }}
    server {{
        listen 127.0.0.1:{port}{listen};
        root {dir}/www;
        client_max_body_size 0;
        {server}
    }}
}}
"""

STREAM = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 512; }}
stream {{
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""


class Nginx:
    """
    with Nginx(files={"a.txt": "a"}) as nginx: ... nginx.port. The socket is bound here and inherited, so that no port
    has to be guessed. `server`: more for the server; with `stream` it is all that the server of stream has. `ready`: a
    header of the PROXY protocol, which it then wants.
    """

    def __init__(self, files=None, server="", stream=False, ready=""):
        self.ready = ready.encode()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-nginx-"))
        self.dir.chmod(0o755)
        self.listener = socket.socket(socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(511)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        for name, content in (files or {}).items():
            path = self.dir / "www" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        (self.dir / "nginx.conf").write_text((STREAM if stream else CONFIG).format(dir=self.dir, port=self.port, server=server, listen=" proxy_protocol" if ready else ""))

    @staticmethod
    def installed():
        return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin") is not None

    def __enter__(self):
        number = self.listener.fileno()
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", str(self.dir), "-c", str(self.dir / "nginx.conf"), "-e", str(self.dir / "error.log")],
            env={"NGINX": f"{number};", "PATH": "/usr/bin:/bin"},
            pass_fds=[number],
            stderr=subprocess.DEVNULL,
        )
        # The socket listens already: the first connection waits in its backlog until nginx is up.
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as probe:
            probe.sendall(self.ready + b"GET / HTTP/1.0\r\n\r\n")
            assert probe.recv(5) == b"HTTP/", (self.dir / "error.log").read_text()
        return self

    def log(self):
        return (self.dir / "access.log").read_text()

    def __exit__(self, *_):
        end(self.process)
        self.listener.close()
        shutil.rmtree(self.dir, ignore_errors=True)
