"""kill -9 of the server process under load."""
import contextlib
import json
import os
import select
import signal
import threading
import time

from ..figures import Figure, times
from ..process import Wrong
from ..subject import Subject
from support.client import RawClient
from support.wait import wait_until

TITLE = "kill: 20 times kill -9 of the server process, under load"
KILLS, RATE, SECONDS = 20, 500, 2.0


class Prober(threading.Thread):
    """One fresh connection and request after the other, all the time."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.ending = threading.Event()
        self.answers = []  # (connecting began, answered)
        self.refused = self.failed = 0
        self.start()

    def run(self):
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                with RawClient(self.address, timeout=10) as client:
                    if client.get("/1k.txt").status != 200:
                        self.failed += 1
                        continue
                self.answers.append((began, time.monotonic()))
            except ConnectionRefusedError:
                self.refused += 1
            except (AssertionError, OSError):
                self.failed += 1  # was being answered by the process that died

    def stop(self):
        self.ending.set()
        self.join(15)


def first_after(probers, moment):
    """When the first request was answered whose connection began after that moment; None: not yet."""
    found = [end for one in probers for began, end in one.answers[-2000:] if began > moment]
    return min(found, default=None)


def kill(subject, probers):
    """Seconds from the kill to the next answer of the next process."""
    pid = subject.server_pid()
    handle = os.pidfd_open(pid)
    try:
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        select.select([handle], [], [], 10)
        dead = time.monotonic()
    finally:
        os.close(handle)
    answered = wait_until(lambda: first_after(probers, dead), "an answer after the kill", 30, 0.002)
    return answered - killed


def measure(scene):
    took = []
    requests = errors = repeated = refused = 0
    with contextlib.ExitStack() as stack:
        app = stack.enter_context(scene.origin())
        gantry = stack.enter_context(Subject(app=app.port(False), site=scene.site))
        probers = [Prober(gantry.address()) for _ in range(2)]
        for one in probers:
            stack.callback(one.stop)
        for _ in range(KILLS):
            with scene.load(gantry, "/1k.txt", rate=RATE, seconds=SECONDS, warm_up=200) as load:
                load.begin()
                counts = [len(one.answers) for one in probers]
                wait_until(lambda: all(len(one.answers) > count + 50 for one, count in zip(probers, counts)), "traffic")
                took.append(kill(gantry, probers))
                try:
                    reply = json.loads(load.result())
                    requests, errors = requests + reply["requests"], errors + reply["errors"]
                    repeated += reply["repeated"]
                except Wrong as wrong:
                    if "refused" not in str(wrong):
                        raise
                    refused += 1
        for one in probers:
            one.stop()
    refused += sum(one.refused for one in probers)
    fresh = sum(len(one.answers) for one in probers)
    return [
        Figure("kills", len(took)),
        Figure("connections refused", refused, wanted=0, more=f"of {fresh:,} new ones and those of the load"),
        times("from the kill to the next answered request", took, most_worst=300.0),
        Figure("requests cut off by the kills", errors + sum(one.failed for one in probers),
               more=f"and {repeated:,} that went unanswered and were repeated, of {requests + fresh:,}"),
    ]
