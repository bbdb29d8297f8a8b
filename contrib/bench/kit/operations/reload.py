"""200 reloads while WebSockets, event streams, downloads and requests go on."""
import contextlib
import statistics
import time

from .. import live
from ..figures import Figure, ratio, times
from ..subject import PATHS, Slices, Subject, aside

TITLE = "reload: 200 reloads under load, with 20 WebSockets, 20 event streams and 4 downloads open"
PAIRS, PER_SLICE, INTERVAL = 50, 4, 0.5  # slices of each kind, reloads in each of one kind, seconds from one to the next
RATE = 800  # requests per second of each load


def often(task):
    """The task once each INTERVAL, PER_SLICE times."""
    due = time.monotonic() + INTERVAL / 2
    for _ in range(PER_SLICE):
        time.sleep(max(0.0, due - time.monotonic()))
        task()
        due += INTERVAL


def ask(subject):
    """What we ourselves do for a reload, but for the reload."""
    subject.configure(subject.text)
    subject.status()


def measure(scene):
    took, resident = [], {}
    with contextlib.ExitStack() as stack:
        app = stack.enter_context(scene.origin())
        origins = stack.enter_context(live.Origins(scene.folder))
        gantry = stack.enter_context(Subject(live.CONFIG, app=app.port(False), site=scene.site, **origins.values()))
        pid = gantry.server_pid()
        company = stack.enter_context(live.Company(gantry.address()))
        company.wait_progress()
        for path in PATHS.values():  # as much at once as it will ever be: later bursts take no more memory
            with scene.load(gantry, path, connections=64, rate=0, seconds=1.0) as burst:
                burst.run()
        loads = {name: stack.enter_context(scene.load(gantry, path, rate=RATE, seconds=PER_SLICE * INTERVAL))
                 for name, path in PATHS.items()}

        def note():
            resident[len(took)] = gantry.rss() / 2**20

        slices = Slices(loads).run(PAIRS, lambda: aside(lambda: often(lambda: took.append(gantry.turn()))), note,
                                  lambda: aside(lambda: often(lambda: ask(gantry))))
        alive = company.wait_progress()
        failures = company.failures()
        seen = gantry.shows_last_turn()
        same = gantry.server_pid() == pid
        company.stop()
    # Single ones differ by what is under way just then.
    early, late = (statistics.median(size for count, size in resident.items() if first <= count <= last)
                   for first, last in ((20, 60), (160, 200)))
    figures = [
        Figure("reloads", len(took), more=f"one each {INTERVAL * 1e3:.0f} ms in slices of {PER_SLICE * INTERVAL:.1f} s"),
        Figure("failed requests", slices.failed(), wanted=0, more=f"of {slices.sum('requests'):,}"),
        Figure("connections of the load that were closed", slices.sum("reconnects"), wanted=0),
        Figure("long-lived connections that were closed", len(failures), wanted=0,
               more="; ".join(sorted(set(failures)))[:200] or f"of {len(company.all)}; all of them go on: {alive}"),
        Figure("memory after 160 to 200 over that after 20 to 60 reloads", late / early, "×", most=1.05,
               more="RSS " + " → ".join(f"{resident[count]:.1f}" for count in (20, 60, 100, 140, 200)) + " MiB"),
    ]
    figures += [ratio(f"p99 of {name} requests while reloading", slices.pairs(name), most=1.2) for name in loads]
    figures += [
        times("time of a reload (control socket)", took),
        Figure("the last change is seen, by the same process", seen and same, wanted=True),
    ]
    return figures
