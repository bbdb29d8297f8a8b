"""Traffic beside a full disk, a stalled log, no descriptors, and a clock that is set."""
import contextlib

from .. import faults
from ..figures import Figure, ratio
from ..process import Wrong
from ..subject import PATHS, Slices, Subject
from support.wait import wait_until

TITLE = "faults: traffic goes on, the loss is counted and named"
PAIRS, SECONDS = 6, 2.0


@contextlib.contextmanager
def switched(fault):
    fault.on()
    try:
        yield
    finally:
        fault.off()


def measure_one(scene, fault, app):
    figures = [Figure(f"- {fault.title} -", "")]
    with contextlib.ExitStack() as stack:
        gantry = stack.enter_context(
            Subject(access_log=fault.access_log, env=fault.env, app=app.port(False), site=scene.site))
        fault.begin(gantry)
        loads = {name: stack.enter_context(scene.load(gantry, path, seconds=SECONDS)) for name, path in PATHS.items()}
        slices = Slices(loads).run(PAIRS, lambda: switched(fault))
        figures.append(Figure("failed requests", slices.failed(), wanted=0, more=f"of {slices.sum('requests'):,}"))
        figures.append(Figure("connections that were closed", slices.sum("reconnects"), wanted=0))
        figures += [ratio(f"p99 of {name} requests", slices.pairs(name)) for name in loads]
        figures += fault.losses()
        if fault.said:
            with contextlib.suppress(AssertionError):
                wait_until(lambda: gantry.logged(fault.said), "the error log", 5)
            lines = gantry.logged(fault.said)
            figures.append(Figure("the error log names it", bool(lines), wanted=True,
                                  more=f"{len(lines)} lines: {lines[0].split(' ', 2)[2][:110]}" if lines else ""))
    return figures


def measure(scene):
    found = []
    with scene.origin() as app:
        for kind in faults.ALL:
            folder = scene.folder / kind.__name__
            folder.mkdir()
            fault = kind(folder)
            try:
                if hasattr(fault, "build"):
                    fault.build(scene.programs["load"].parent)
                found += measure_one(scene, fault, app)
            except FileNotFoundError as missing:
                found.append(Figure(f"- {fault.title} -", "", more=f"not measured: {missing}"))
            except (Wrong, AssertionError, OSError) as wrong:
                found.append(Figure(f"- {fault.title} -", "broke off", wanted="", more=f"{type(wrong).__name__}: {wrong}"))
            finally:
                fault.end()
    return found
