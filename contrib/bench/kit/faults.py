"""Things that go wrong around a server, each to be switched on and off while it serves.

A fault is made before the server; `access_log`, `config`, `values` and `env` are what it wants of that. begin(gantry)
comes when it serves. on() and off() switch; losses(gantry) is what the server should have counted, as figures, and
`said` what it should have written into its error log.
"""
import contextlib
import fcntl
import os
import pathlib
import resource
import signal
import struct
import subprocess
import threading
import time
from email.utils import parsedate_to_datetime

from . import subject, tools
from .figures import Figure
from support.client import RawClient
from support.wait import wait_until


class Fault:
    """Nothing at all: what the others have in common."""

    title = said = ""
    access_log = '"@dir@/access.log"'
    env = {}
    load = {}  # of the load of requests: what it takes to lose something

    def __init__(self, folder):
        self.folder = folder

    def begin(self, gantry):
        self.gantry = gantry

    def on(self):
        pass

    def off(self):
        pass

    def losses(self):
        return []

    def end(self):
        """Gives back what is not the server's; always called, perhaps without begin()."""


class LogFault(Fault):
    """One whose lines are lost, and every one accounted for."""

    def losses(self):
        def accounted():
            status = self.gantry.status()
            log = max(status["logs"], key=lambda one: one["lost"] + one["written"])
            missing = status["requests"] - log["lost"] - log["written"]
            return (log["lost"], log["written"], status["requests"]) if missing == 0 else None

        with contextlib.suppress(AssertionError):
            lost, written, requests = wait_until(accounted, "every line to be written or lost", 5)
            return [Figure("lines lost, as gantry status counts them", lost, least=1),
                    Figure("written and lost lines are all requests", True, wanted=True,
                           more=f"{written:,} + {lost:,} = {requests:,}")]
        return [Figure("written and lost lines are all requests", False, wanted=True, more=str(self.gantry.status()["logs"]))]


def long_lines(target, length):
    return f'{{ target = "{target}", format = "${{path}} ${{status}} {"x" * length}" }}'


class FullDisk(LogFault):
    """A small file system of its own, where root may make one; else /dev/full takes the place of the log."""

    said = "access log lines lost: No space left on device"

    def __init__(self, folder):
        super().__init__(folder)
        self.disk = folder / "disk"
        self.disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", self.disk]
        self.mounted = tools.find("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        self.title = "disk full" if self.mounted else "disk full (/dev/full: no file system of our own without root)"
        self.log = self.disk / "access.log"
        self.access_log = long_lines(self.log, 400)
        self.filler = self.disk / "filler"

    def on(self):
        if not self.mounted:
            self.turn_to("/dev/full")
            return
        with open(self.filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def off(self):
        if not self.mounted:
            self.turn_to(self.disk / "real.log")
            return
        self.filler.unlink()
        os.truncate(self.log, 0)

    def turn_to(self, path):
        fresh = self.disk / "fresh"
        fresh.symlink_to(path)
        fresh.rename(self.log)
        self.gantry.call("POST", "/v1/reopen")

    def end(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.disk], check=False)


class SleepingReader(LogFault):
    """The log is a FIFO of one page, and who reads it stops now and then."""

    title = "reader of the access log stalled"
    said = "access log lines lost: buffers full"

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "fifo"
        os.mkfifo(self.path)
        self.access_log = long_lines(self.path, 1500)
        self.reading, self.ending = threading.Event(), threading.Event()
        self.reading.set()
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 4096)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while not self.ending.is_set():
            self.reading.wait(0.2)
            with contextlib.suppress(BlockingIOError):
                while self.reading.is_set() and os.read(self.fd, 65536):
                    pass
            time.sleep(0.002)

    def on(self):
        self.reading.clear()

    def off(self):
        self.reading.set()

    def end(self):
        self.ending.set()
        self.thread.join()
        os.close(self.fd)


class StuckLogThread(LogFault):
    """write() of the log thread takes for ever, as on a disk that hangs. strace holds it, and only it."""

    title = "log thread stuck in write()"
    said = "access log lines lost: buffers full"

    def __init__(self, folder):
        super().__init__(folder)
        self.access_log = long_lines(folder / "access.log", 4000)
        self.tracer = None

    def begin(self, gantry):
        super().begin(gantry)
        if tools.find("strace") is None:
            raise FileNotFoundError("strace is not installed")
        tasks = pathlib.Path(f"/proc/{gantry.server_pid()}/task")
        self.task, = [task for task in tasks.iterdir() if (task / "comm").read_text().strip() == "gantry-log"]

    def on(self):
        command = ["strace", "-qq", "-p", self.task.name, "-e", "trace=write", "-e", "inject=write:delay_enter=20s"]
        self.tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        traced = f"TracerPid:\t{self.tracer.pid}\n"
        wait_until(lambda: traced in (self.task / "status").read_text(), "strace to hold the log thread")

    def off(self):
        self.end()

    def end(self):
        if self.tracer is not None:
            self.tracer.send_signal(signal.SIGINT)
            self.tracer.wait(30)
            self.tracer = None


class NoDescriptors(Fault):
    """No descriptor is free (EMFILE) while twenty more clients connect."""

    title = "out of descriptors"
    said = "no connection accepted: Too many open files"

    def __init__(self, folder):
        super().__init__(folder)
        self.waiting, self.served = [], 0

    def begin(self, gantry):
        super().begin(gantry)
        self.limits = resource.prlimit(gantry.server_pid(), resource.RLIMIT_NOFILE)

    def on(self):
        pid = self.gantry.server_pid()
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, self.limits[1]))
        self.waiting = [RawClient(self.gantry).request("GET", "/1k.txt") for _ in range(20)]

    def off(self):
        resource.prlimit(self.gantry.server_pid(), resource.RLIMIT_NOFILE, self.limits)
        for client in self.waiting:
            with client:
                self.served += client.response().status == 200
        self.all = getattr(self, "all", 0) + len(self.waiting)

    def losses(self):
        paused = sum(one["paused"] for one in self.gantry.status()["listeners"])
        return [Figure("pauses of accepting, as gantry status counts them", paused, least=1),
                Figure("clients that waited meanwhile and were served", self.served, wanted=self.all)]


class JumpingClock(Fault):
    """The wall clock of the server alone is set, years back and forth."""

    title = "wall clock set"
    JUMPS = (86400 * 3650, -86400 * 365, 3600, -3600)

    def __init__(self, folder):
        super().__init__(folder)
        self.shift = folder / "shift"
        self.turn, self.follows = 0, []
        self.set(0)

    def build(self, programs):
        library = tools.compile_one(programs, "clock", "-shared", "-fPIC", "-ldl")
        self.env = {"LD_PRELOAD": str(library), "GANTRY_BENCH_CLOCK": str(self.shift)}

    def set(self, seconds):
        self.seconds = seconds
        with open(self.shift, "r+b" if self.shift.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    def date_is_right(self):
        date = parsedate_to_datetime(subject.fetch(self.gantry, "/1k.txt")["date"])
        return abs(date.timestamp() - time.time() - self.seconds) < 3

    def check(self):
        with contextlib.suppress(AssertionError):
            self.follows.append(wait_until(self.date_is_right, "Date to follow", 5))
            return
        self.follows.append(False)

    def on(self):
        self.set(self.JUMPS[self.turn % len(self.JUMPS)])
        self.turn += 1
        self.check()

    def off(self):
        self.uptimes = getattr(self, "uptimes", []) + [self.gantry.status()["uptime_seconds"]]
        self.set(0)
        self.check()

    def losses(self):
        return [Figure("Date follows the clock", all(self.follows), wanted=True, more=f"{len(self.follows)} jumps"),
                Figure("uptime in gantry status does not jump", all(0 <= one < 600 for one in self.uptimes), wanted=True,
                       more=" ".join(str(one) for one in self.uptimes))]


ALL = (FullDisk, SleepingReader, StuckLogThread, NoDescriptors, JumpingClock)
