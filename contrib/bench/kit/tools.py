"""The programs of this folder, compiled when they are older than their source, and small things about processes."""
import contextlib
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {message}")


def find(program):
    """The path of a program, also of those that Debian keeps in /usr/sbin; None when it is not installed."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")


def compile_programs(to):
    """Builds load and floor into the folder `to` and returns their paths by name."""
    return {name: compile_one(to, name, "-lssl", "-lcrypto") for name in ("load", "floor")}


def compile_one(to, name, *more):
    to.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CXX") or find("g++") or find("clang++")
    if compiler is None:
        fail("no C++ compiler; install g++")
    source, program = HERE / f"{name}.cpp", to / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        command = [compiler, "-std=c++20", "-O2", "-g", "-Wall", "-Wextra", "-o", program, source, *more]
        if subprocess.run(command).returncode != 0:
            fail(f"cannot compile {source.name}; install g++ and libssl-dev")
    return program


def compile_hook(to):
    """Builds the module hook.c into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    source, library = HERE / "hook.c", to / "gantry-bench.so"
    command = [os.environ.get("CC") or "cc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-shared", "-fPIC",
               "-fvisibility=hidden", f"-I{ROOT / 'plugins-sdk'}", "-o", library, source]
    if subprocess.run(command).returncode != 0:
        fail(f"cannot compile {source.name}")
    return library


def free_ports(count):
    """Ports that were free a moment ago: the kernel chose them."""
    sockets = []
    for _ in range(count):
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        sockets.append(one)
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def pinned(cpu, first=False):
    """For Popen's preexec_fn. None: leave it where it is. `first`: it does not wait for others there (real-time
    priority, which takes root; else as ever)."""

    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        if first:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    return prepare


def make_site(folder, host="localhost"):
    """The files that every server serves, and a certificate (ECDSA P-256)."""
    root = folder / "site"
    root.mkdir(parents=True)
    for name, size in (("1k", 1024), ("100k", 100 * 1024), ("10m", 10 * 1024 * 1024)):
        # Text that neither repeats within a page nor depends on the run.
        block = b"".join(b"%07d\n" % i for i in range(size // 8))
        (root / f"{name}.txt").write_bytes(block)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-keyout", key, "-out", certificate, "-days", "30", "-subj", f"/CN={host}",
               "-addext", f"subjectAltName=DNS:{host}"]
    if subprocess.run(command, capture_output=True).returncode != 0:
        fail("cannot make a certificate; install openssl")
    for path in (folder, root, *root.iterdir(), certificate):  # servers may give up root
        path.chmod(0o755 if path.is_dir() else 0o644)
    key.chmod(0o600)  # read before that; ours refuses a key that others can read
    return root, certificate, key
