"""gantry upgrade under load, with WebSockets open."""
import contextlib
import itertools
import os
import shutil
import time

from .. import live
from ..figures import Figure, times
from ..process import Wrong
from ..subject import Slices, Subject, aside
from support.operator import run
from support.wait import wait_until

TITLE = "upgrade: 20 times gantry upgrade under load, with 20 WebSockets open each time"
UPGRADES, DRAIN, SECONDS = 20, 3.0, 4.5
TOLERANCE = 0.5  # seconds around the deadline


class Program:
    """The binary at a path of its own, where install() puts another copy, as a package manager does."""

    def __init__(self, folder, binary):
        self.copies = itertools.cycle([folder / "one", folder / "two"])
        for _ in range(2):
            shutil.copy(binary, next(self.copies))
        self.path = folder / "gantry"
        self.install()

    def install(self):
        fresh = self.path.with_name("fresh")
        os.link(next(self.copies), fresh)
        fresh.rename(self.path)


def measure(scene):
    program = Program(scene.folder, scene.binary)
    os.environ["GANTRY_BINARY"] = str(program.path)
    took, lived = [], []
    failures = []
    with contextlib.ExitStack() as stack:
        app = stack.enter_context(scene.origin())
        origins = stack.enter_context(live.Origins(scene.folder))
        gantry = stack.enter_context(
            Subject(live.CONFIG, drain=f"{DRAIN}s", app=app.port(False), site=scene.site, **origins.values()))
        loads = {
            "new": stack.enter_context(scene.load(gantry, "/1k.txt", rate=300, seconds=SECONDS, more=("--close",))),
            "kept": stack.enter_context(scene.load(gantry, "/1k.txt", rate=300, seconds=SECONDS)),
            "kept, proxied": stack.enter_context(scene.load(gantry, "/proxy/x", rate=300, seconds=SECONDS)),
        }
        slices = Slices(loads)

        def upgrade():
            with live.Company(gantry.address(), streams=0, downloads=0) as company:
                company.wait_progress()
                program.install()
                began = time.monotonic()
                done = run(gantry, "upgrade", "-q")
                over = time.monotonic()
                if done.returncode != 0:
                    raise Wrong(f"gantry upgrade: {done.stderr}")
                took.append(over - began)
                wait_until(lambda: all(one.ended_at for one in company.all), "the end of the tunnels", DRAIN + 10)
                lived.extend(one.ended_at - over for one in company.all)
                failures.extend(text for text in company.failures() if "ended" not in text)

        pid = gantry.server_pid()
        for _ in range(UPGRADES):
            slices.run_one(lambda: aside(upgrade))
        changed = gantry.server_pid() != pid
    new, kept = ([replies[name] for replies in slices.beside for name in loads if name.startswith(start)]
                 for start in ("new", "kept"))
    return [
        Figure("upgrades", len(took), more=f"to another process: {changed}"),
        Figure("requests lost on new connections", sum(one["errors"] + one["reconnects"] for one in new), wanted=0,
               more=f"of {sum(one['requests'] for one in new):,}"),
        Figure("answers cut off on kept connections", sum(one["errors"] for one in kept), wanted=0,
               more=f"of {sum(one['requests'] for one in kept):,}"),
        Figure("requests on kept connections sent again", sum(one["repeated"] for one in kept),
               more=f"{sum(one['reconnects'] for one in kept):,} connections were closed"),
        times("time of gantry upgrade", took),
        Figure("shortest life of a WebSocket after it", min(lived), "s", more=f"the deadline is {DRAIN} s"),
        Figure("all WebSockets lived to the deadline", min(lived) >= DRAIN - TOLERANCE, wanted=True),
        Figure("longest life of a WebSocket after it", max(lived), "s", most=DRAIN + TOLERANCE,
               more=f"{len(lived)} of them"),
        Figure("WebSockets that ended otherwise", len(failures), wanted=0, more="; ".join(sorted(set(failures)))[:200]),
    ]
