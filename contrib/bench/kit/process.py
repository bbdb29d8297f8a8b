"""A server under measurement: started fresh, pinned, checked, and read through /proc."""
import contextlib
import hashlib
import http.client
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

from . import peers, tools


def family(pid):
    """The process and all its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                text = pathlib.Path("/proc", entry, "stat").read_text()
                parents[int(entry)] = int(text[text.rindex(")") + 2:].split()[1])
    found, todo = set(), [pid]
    while todo:
        one = todo.pop()
        if one in parents and one not in found:
            found.add(one)
            todo += [child for child, parent in parents.items() if parent == one]
    return sorted(found)


def cpu_seconds(pid):
    """Processor time of a process, its threads and its descendants, exact to the nanosecond while they sleep."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                total += int(pathlib.Path(f"/proc/{one}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


def settled_cpu_seconds(pid):
    """The same once the process has gone to sleep."""
    last = cpu_seconds(pid)
    for _ in range(50):
        time.sleep(0.005)
        current = cpu_seconds(pid)
        if current == last:
            break
        last = current
    return last


def private_bytes(pid):
    """RssAnon of a process and its descendants: memory that is theirs alone (copies after fork count once each)."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) * 1024
    return total


def stolen(cpu):
    """Ticks that a processor lost to other guests of the machine, and all its ticks."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{'' if cpu is None else cpu} "):
            ticks = [int(word) for word in line.split()[1:9]]
            return ticks[7], sum(ticks)
    return 0, 1


def fetch(port, path, tls=False, host="localhost", timeout=5):
    """One request: status, body, and the size of the head as our parser printed it again."""
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": host})
        reply = connection.getresponse()
        head = sum(len(name) + len(value) + 4 for name, value in reply.getheaders()) + 19
        return reply.status, reply.read(), head
    finally:
        connection.close()


class Wrong(Exception):
    """A server did not start or did not answer what it should."""


class Server:
    """Use as a context manager. `scene` is a kit.peers.Scene without folder and ports."""

    def __init__(self, name, scene, cpu=None, under=(), first=False):
        """`under`: the command line of a tool that runs the server, such as strace. `first`: before all others on
        its processor, where we may ask for that."""
        self.name, self.scene, self.cpu, self.under, self.first = name, scene, cpu, under, first

    def __enter__(self):
        self.scene.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"gantry-bench-{self.name}-"))
        self.scene.folder.chmod(0o755)
        self.scene.port, self.scene.tls_port = tools.free_ports(2)
        command = [str(part) for part in peers.PEERS[self.name](self.scene)]
        command[0] = tools.find(command[0]) or command[0]
        command = [*(str(part) for part in self.under), *command]
        self.output = open(self.scene.folder / "output", "wb+")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=self.scene.folder, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            start_new_session=True, preexec_fn=tools.pinned(self.cpu, self.first))
        try:
            if self.name == "floor":
                self.scene.port = self.scene.tls_port = self.floor_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def floor_port(self):
        for _ in range(1000):
            text = pathlib.Path(self.scene.folder, "output").read_text()
            if text.endswith("\n"):
                return int(text)
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        raise Wrong(f"floor does not start: {text}")

    def port(self, tls):
        return self.scene.tls_port if tls else self.scene.port

    @property
    def pid(self):
        return self.process.pid

    def explain(self, what):
        errors = ""
        for name in ("output", "error.log"):
            with contextlib.suppress(OSError):
                errors += pathlib.Path(self.scene.folder, name).read_text(errors="replace")[-2000:]
        return Wrong(f"{self.name}: {what}\n{errors}")

    def wait(self, path, tls=False, host="localhost", seconds=60):
        """Waits for the first answer of any kind; returns the seconds since the start."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                fetch(self.port(tls), path, tls, host)
                return time.monotonic() - self.began
            if self.process.poll() is not None:
                raise self.explain(f"ended with {self.process.returncode}")
            if time.monotonic() - self.began > seconds:
                raise self.explain(f"does not answer for {seconds} seconds")
            time.sleep(0.002)

    def verify(self, path, body, tls=False, host="localhost"):
        """The reply has to be right before it is worth timing. `body` None: any bytes of the floor."""
        status, got, head = fetch(self.port(tls), path, tls, host)
        if status != 200:
            raise self.explain(f"answers {status} to {path}")
        if body is not None and hashlib.sha256(got).digest() != hashlib.sha256(body).digest():
            raise self.explain(f"answers {len(got)} wrong bytes to {path}, {len(body)} expected")
        return head

    def __exit__(self, *_):
        stop(self.process)
        self.output.close()
        shutil.rmtree(self.scene.folder, ignore_errors=True)


def stop(process, seconds=10):
    """Ends what we started, and what that started: each has its own session, so its group is all ours."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Load:
    """The load generator: connected and warmed up when the constructor returns; run() makes a measured run, on the
    same connections as often as it is called. begin() and result() are its two halves."""

    def __init__(self, program, arguments, cpu, first=False):
        self.process = subprocess.Popen(
            [str(program), *(str(one) for one in arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=tools.pinned(cpu, first))
        self.expect("ready")

    def expect(self, start):
        line = self.process.stdout.readline()
        if not line.startswith(start):
            self.process.kill()
            raise Wrong(line + self.process.stderr.read())
        return line

    def begin(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self):
        return self.expect("{")

    def run(self):
        self.begin()
        return self.result()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
