"""Starts the real binary on a configuration, waits until it is ready, and judges how it ended."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from .wait import DEADLINE, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
LISTENING = re.compile(r"\blistening listener=(\S+) address=(\S+)")
READY = re.compile(r"(^|[\s:])ready\b")
SANITIZER = re.compile(
    r"(ERROR: (Address|Leak|Thread|UndefinedBehavior)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
    r"|terminate called|Assertion .* failed)"
)


def binary():
    return os.environ.get("GANTRY_BINARY") or str(ROOT / "build" / "asan" / "gantry")


def modules():
    """The folder of the modules that come with gantry, built with it."""
    return pathlib.Path(binary()).resolve().parent / "modules"


def substitute(text, values):
    """Replaces @name@ by the value; what has no value is a mistake in the test."""

    def one(match):
        return str(values[match.group(1)])

    return re.sub(r"@([a-z_0-9]+)@", one, text)


class StartFailed(AssertionError):
    pass


class Gantry:
    """
    with Gantry(CONFIG, files={"www/a.txt": "a"}, origin=origin.port) as gantry: ...

    CONFIG is TOML in which @name@ is replaced by the keyword arguments and @dir@ by the temporary directory that
    also holds `files`. On leaving, the server gets SIGTERM and has to end with 0 and without a sanitizer's word.
    """

    def __init__(self, config, files=None, env=None, workers=2, ready=True, preexec=None, level="info", prefix=(), pass_fds=(), user="root", **values):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-e2e-"))
        self.values = dict(values, dir=str(self.dir))
        self.config_path = self.dir / "gantry.toml"
        self.process = None
        self.lines = []
        self._changed = threading.Condition()
        self._reader = None
        self._expect_clean = True
        self._workers = workers
        self._level = level
        self._env = env or {}
        self._preexec = preexec
        self._prefix = list(prefix)
        # Root's tests have their files where root alone can read them. None: as the configuration says.
        self._user = ["--user", user] if user and os.geteuid() == 0 else []
        self._pass_fds = pass_fds
        self._wait_ready = ready
        (self.dir / "www").mkdir()
        for name, content in (files or {}).items():
            self.write(name, content)
        self.configure(config)

    # ---- files

    def write(self, name, content, mode=None):
        """Puts a file beside the configuration: replaced by rename, as an editor or a deployment does it."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new~")
        data = content.encode() if isinstance(content, str) else bytes(content)
        fresh.write_bytes(data)
        if mode is not None:
            fresh.chmod(mode)
        elif path.suffix in (".key",):
            fresh.chmod(0o600)
        fresh.rename(path)
        return path

    def configure(self, config):
        text = substitute(config, self.values)
        if not re.search(r"^\[server\]", text, re.M):
            text += f"\n[server]\nworkers = {self._workers}\n"
        if not re.search(r"^\[log\]", text, re.M):
            text += f'\n[log]\nlevel = "{self._level}"\n'
        self.write("gantry.toml", text)

    # ---- the process

    def start(self):
        env = dict(os.environ)
        common = f"log_path={self.dir}/sanitizer:abort_on_error=0"
        env["ASAN_OPTIONS"] = common + ":detect_leaks=1:detect_stack_use_after_return=0"
        env["UBSAN_OPTIONS"] = common + ":print_stacktrace=1"
        env["LSAN_OPTIONS"] = f"log_path={self.dir}/sanitizer"
        env["TSAN_OPTIONS"] = f"log_path={self.dir}/sanitizer"
        env["GANTRY_MODULE_PATH"] = str(modules())
        env.update(self._env)
        self.process = subprocess.Popen(
            self._prefix + [binary(), "run", "-c", str(self.config_path)] + self._user,
            stdin=subprocess.DEVNULL,
            stdout=open(self.dir / "stdout", "wb"),
            stderr=subprocess.PIPE,
            env=env,
            cwd=self.dir,
            preexec_fn=self._preexec,
            pass_fds=self._pass_fds,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if self._wait_ready:
            self.wait_ready()
        return self

    def _read_log(self):
        for raw in self.process.stderr:
            with self._changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append(None)
            self._changed.notify_all()

    def mark(self):
        """A position in the log, to be given to wait_log."""
        return len(self.lines)

    def wait_log(self, pattern, after=0, timeout=DEADLINE):
        """The match of the first line of the error log at or after `after` in which `pattern` is found."""
        regex = re.compile(pattern)
        end = time.monotonic() + timeout
        at = after
        with self._changed:
            while True:
                while at < len(self.lines):
                    line = self.lines[at]
                    at += 1
                    if line is None:
                        raise StartFailed(f"the server ended before it logged {pattern!r}:\n{self.log()}")
                    match = regex.search(line)
                    if match:
                        return match
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not logged within {timeout} s: {pattern!r}\n{self.log()}")
                self._changed.wait(left)

    def wait_ready(self, after=0, timeout=30):
        self.wait_log(READY, after, timeout)

    def log(self):
        return "\n".join(line for line in self.lines if line is not None)

    def stdout(self):
        return (self.dir / "stdout").read_text("utf-8", "replace")

    # ---- where it listens

    def addresses(self, listener="web"):
        """All bound addresses of a listener in the order of the log, without those of an earlier process."""
        found = []
        for line in self.lines:
            match = LISTENING.search(line or "")
            if match and match.group(1) == listener and match.group(2) not in found:
                found.append(match.group(2))
        assert found, f"no address of listener {listener!r} in the log:\n{self.log()}"
        return found

    def address(self, listener="web"):
        """("127.0.0.1", port), or the path of a unix socket."""
        text = self.addresses(listener)[0]
        if text.startswith(("unix:", "/")):
            return text.removeprefix("unix:")
        host, _, port = text.rpartition(":")
        host = host.strip("[]")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return (host, int(port))

    def port(self, listener="web"):
        return self.address(listener)[1]

    # ---- signals and processes

    def reload(self, config=None, expect=r"generation|reload", timeout=30):
        """SIGHUP, then waits for the log to tell the outcome."""
        if config is not None:
            self.configure(config)
        mark = self.mark()
        self.process.send_signal(signal.SIGHUP)
        return self.wait_log(expect, mark, timeout)

    def server_pid(self):
        """The server process, the child of the supervisor."""

        def child():
            pid = self.process.pid
            try:
                text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                return None
            return int(text[0]) if text else None

        return wait_until(child, "the server process")

    def resident(self):
        """Bytes of memory that the server process occupies."""
        status = pathlib.Path(f"/proc/{self.server_pid()}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.server_pid()}/fd"))

    def stop(self, timeout=40):
        """SIGTERM; the exit code has to be 0."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._kill()
                raise AssertionError(f"did not stop within {timeout} s after SIGTERM:\n{self.log()}") from None
        self._reader.join(10)
        self.check_sanitizers()
        if self._expect_clean:
            assert self.process.returncode == 0, f"exit code {self.process.returncode}:\n{self.log()}"

    def check_sanitizers(self):
        said = [path.read_text("utf-8", "replace") for path in sorted(self.dir.glob("sanitizer*"))]
        said += [line for line in self.lines if line and SANITIZER.search(line)]
        assert not said, "the sanitizers spoke:\n" + "\n".join(said)[:12000] + "\n--- log ---\n" + self.log()[-2000:]

    def may_fail(self):
        """The test makes the server end on its own: its exit code is not judged."""
        self._expect_clean = False

    def _kill(self):
        try:
            child = self.server_pid()
        except AssertionError:
            child = None
        for pid in (self.process.pid, child):
            try:
                if pid:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process is not None and self.process.poll() is None:
                self._kill()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
            else:
                try:
                    self.stop()
                except AssertionError as failure:
                    print(f"(also, on stopping: {failure})")
                print(f"--- error log ---\n{self.log()[-6000:]}")
        finally:
            if self.process.poll() is None:
                self._kill()
            if os.environ.get("GANTRY_E2E_KEEP") is None:
                shutil.rmtree(self.dir, ignore_errors=True)
