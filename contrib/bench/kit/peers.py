"""How each server is configured and started: one worker, no logs, everything that its manual says makes it fast.

Every function takes a Scene and writes its configuration into scene.folder; it returns the command line. A server
offers four things where it can: the files of the site at /, one file per host name with `hosts`, the canned reply at
/canned, and the upstream behind /proxy/. Servers that proxy pass the client's Host on and add the X-Forwarded fields,
as every deployment does.
"""
import dataclasses
import os
import pathlib

from . import tools

CANNED = "hello, world\n"


@dataclasses.dataclass
class Scene:
    root: pathlib.Path          # the files of the site
    certificate: pathlib.Path
    key: pathlib.Path
    folder: pathlib.Path = None  # for one process alone; this and the ports are chosen when it starts
    port: int = 0
    tls_port: int = 0
    upstream: int = 0           # port of the origin; 0: no proxying in this scene
    hosts: int = 0              # this many hosts h0.localhost, h1.localhost ... beside the default one
    gantry: pathlib.Path = None
    hook: str = ""              # look or wait: every request meets that hook of the module hook.c
    module: pathlib.Path = None  # hook.c, compiled
    logs: bool = False          # metrics are shown somewhere, and every request has a line in a log
    floor: pathlib.Path = None
    floor_size: int = 1024
    floor_tls: bool = False

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


def metrics_module(binary):
    library = binary.parent / "modules/gantry-metrics.so"
    if not library.is_file():
        tools.fail(f"{library} is not there; build it first: ninja -C {binary.parent} modules/all")
    return library


def gantry(scene):
    tls = f"""
[listener.tls]
address = "127.0.0.1:{scene.tls_port}"
tls = true
"""
    modules = [scene.module] if scene.hook else []
    if scene.logs:
        modules.append(metrics_module(scene.gantry))
    log = f'"{scene.folder}/access.log"' if scene.logs else "false"
    text = f"""modules = [{", ".join(f'"{module}"' for module in modules)}]
[server]
workers = 1

[listener.web]
address = "127.0.0.1:{scene.port}"
{tls}
"""
    if scene.upstream:
        text += f"""[upstream.app]
peers = ["127.0.0.1:{scene.upstream}"]
keep_alive = 128

"""
    text += f"""[host."localhost"]
default = true
certificate = {{ certificate = "{scene.certificate}", key = "{scene.key}" }}
access_log = {log}
[host."localhost".location."/"]
static = "{scene.root}"
{f'bench = "{scene.hook}"' if scene.hook else ""}
[host."localhost".location."= /canned"]
respond = "{CANNED.strip()}\\n"
"""
    if scene.upstream:
        text += '[host."localhost".location."/proxy/"]\nproxy = "app"\n'
    if scene.logs:
        text += '[host."localhost".location."= /metrics"]\nmetrics = "prometheus"\n'
    for i in range(scene.hosts):
        text += f'[host."h{i}.localhost"]\naccess_log = false\n'
        text += f'[host."h{i}.localhost".location."/"]\nstatic = "{scene.root}"\n'
    as_root = ["--user", "root"] if os.geteuid() == 0 else []
    return [scene.gantry, "run", "-c", scene.write("gantry.toml", text)] + as_root


def nginx(scene):
    user = "user root;" if os.geteuid() == 0 else ""
    proxy = upstream = ""
    if scene.upstream:
        upstream = f"""upstream app {{
        server 127.0.0.1:{scene.upstream};
        keepalive 128;
        keepalive_requests 1000000000;
    }}"""
        proxy = """location /proxy/ {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_buffer_size 16k;
            proxy_buffers 16 16k;
            proxy_busy_buffers_size 64k;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $host;
        }"""
    body = CANNED.replace("\n", "\\n")
    hosts = "".join(f"server {{ listen 127.0.0.1:{scene.port}; server_name h{i}.localhost; root {scene.root}; }}\n"
                    for i in range(scene.hosts))
    hash_size = "server_names_hash_max_size 65536;" if scene.hosts else ""
    temporary = "".join(f"    {name}_temp_path {scene.folder}/{name};\n"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = f"""{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {scene.folder}/nginx.pid;
error_log {scene.folder}/error.log;
events {{ worker_connections 16384; }}
http {{
{temporary}
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 300;
    keepalive_requests 1000000000;
    open_file_cache max=20000 inactive=300;
    default_type text/plain;
    {hash_size}
    {upstream}
    server {{
        listen 127.0.0.1:{scene.port} default_server reuseport backlog=4096;
        listen 127.0.0.1:{scene.tls_port} default_server reuseport ssl backlog=4096;
        server_name localhost;
        ssl_certificate {scene.certificate};
        ssl_certificate_key {scene.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_conf_command NumTickets 1;
        root {scene.root};
        location = /canned {{ return 200 "{body}"; }}
        {proxy}
    }}
    {hosts}
}}
"""
    return ["nginx", "-p", scene.folder, "-e", scene.folder / "error.log", "-c", scene.write("nginx.conf", text)]


def h2o(scene):
    user = "user: root\n" if os.geteuid() == 0 else ""
    proxy = ""
    if scene.upstream:
        proxy = f"""      "/proxy/":
        proxy.reverse.url: "http://127.0.0.1:{scene.upstream}/proxy/"
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 60000
"""
    text = f"""{user}num-threads: 1
max-connections: 16384
tcp-fastopen: 0
http1-request-timeout: 300
error-log: {scene.folder}/error.log
pid-file: {scene.folder}/h2o.pid
file.send-compressed: OFF
listen:
  host: 127.0.0.1
  port: {scene.port}
listen:
  host: 127.0.0.1
  port: {scene.tls_port}
  ssl:
    certificate-file: {scene.certificate}
    key-file: {scene.key}
    minimum-version: TLSv1.2
hosts:
  default:
    paths:
{proxy}      "/":
        file.dir: {scene.root}
"""
    return ["h2o", "-m", "worker", "-c", scene.write("h2o.conf", text)]


def lighttpd(scene):
    text = f"""server.modules = ( "mod_openssl" )
server.document-root = "{scene.root}"
server.bind = "127.0.0.1"
server.port = {scene.port}
server.errorlog = "{scene.folder}/error.log"
server.max-fds = 18000
server.max-connections = 9000
server.max-keep-alive-requests = 30000
server.max-keep-alive-idle = 300
server.max-read-idle = 300
server.listen-backlog = 4096
mimetype.assign = ( ".txt" => "text/plain" )
$SERVER["socket"] == "127.0.0.1:{scene.tls_port}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{scene.certificate}"
    ssl.privkey = "{scene.key}"
    ssl.openssl.ssl-conf-cmd = ( "MinProtocol" => "TLSv1.2", "NumTickets" => "1" )
}}
"""
    return ["lighttpd", "-D", "-f", scene.write("lighttpd.conf", text)]


def haproxy(scene):
    backend = ""
    if scene.upstream:
        backend = f"""    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    default_backend app
backend app
    option forwardfor
    http-reuse always
    server origin 127.0.0.1:{scene.upstream} maxconn 4000
"""
    text = f"""global
    nbthread 1
    maxconn 8000
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
frontend web
    bind 127.0.0.1:{scene.port} backlog 4096
    http-request return status 200 content-type text/plain string "{CANNED.replace(' ', chr(92) + ' ').strip()}\\n" if {{ path /canned }}
{backend}
"""
    return ["haproxy", "-db", "-f", scene.write("haproxy.cfg", text)]


def floor(scene):
    if scene.upstream:
        return [scene.floor, "proxy", "--upstream", str(scene.upstream)]
    if scene.floor_tls:
        how = ["--tls", scene.certificate, scene.key]
    else:
        how = ["--sendfile"] if scene.floor_size >= 32 * 1024 else []  # whichever costs less
    return [scene.floor, "static", "--size", str(scene.floor_size), *how]


# Gantry once more: "static" with an access hook of a module in C that looks at a field, with one that waits and is
# woken, and with metrics and a line in the access log.
VARIANTS = {"hook": {"hook": "look"}, "waiting": {"hook": "wait"}, "logged": {"logs": True}}


def variant(name):
    return lambda scene: gantry(dataclasses.replace(scene, **VARIANTS[name]))


PEERS = {**{name: variant(name) for name in VARIANTS}, "gantry": gantry, "floor": floor, "nginx": nginx, "h2o": h2o, "lighttpd": lighttpd, "haproxy": haproxy}
