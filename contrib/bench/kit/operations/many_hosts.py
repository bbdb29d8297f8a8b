"""Reloads of a configuration with 10,000 hosts, of which one location changed."""
import contextlib
import time

from ..figures import Figure, middle, times
from ..process import Wrong
from ..subject import Slices, Subject, aside
from support.operator import run

TITLE = "reload10k: a reload that changes one location of 10,000 hosts, as its workers feel it"
HOSTS, RELOADS, IDLE_RELOADS, SECONDS = 10_000, 20, 5, 2.5


def config(scene):
    text = '[listener.tls]\naddress = "127.0.0.1:0"\ntls = true\n'
    certificate = f'certificate = {{ certificate = "{scene.certificate}", key = "{scene.key}" }}'
    for i in range(HOSTS):
        text += f'[host."h{i}.test"]\n{certificate}\n[host."h{i}.test".location."/"]\nrespond = "h{i}"\n'
    return text


def one_load_per_worker(scene, subject, stack):
    """Loads with one connection each, every one of them at another worker."""
    found = {}
    for _ in range(60):
        before = [one["requests"] for one in subject.status()["workers"]]
        load = scene.load(subject, "/1k.txt", connections=1, rate=0, seconds=SECONDS)
        grown = [now["requests"] - then for now, then in zip(subject.status()["workers"], before)]
        worker = grown.index(max(grown))
        if worker in found:
            load.__exit__()
            continue
        found[worker] = stack.enter_context(load)
        if len(found) == len(before):
            return {f"worker {worker}": found[worker] for worker in sorted(found)}
    raise Wrong("no connection came to one of the workers")


def measure(scene):
    took = []
    with contextlib.ExitStack() as stack:
        gantry = stack.enter_context(Subject(config(scene), app=1, site=scene.site))
        loads = one_load_per_worker(scene, gantry, stack)

        def reload():
            gantry.edit()
            began = time.monotonic()
            done = run(gantry, "reload", "-q")
            took.append(time.monotonic() - began)
            if done.returncode != 0:
                raise Wrong(f"gantry reload: {done.stderr}")

        slices = Slices(loads).run(RELOADS, lambda: aside(reload))
        for load in loads.values():
            load.__exit__()
        spent = []
        for _ in range(IDLE_RELOADS):
            before = gantry.worker_seconds()
            reload()
            spent += [now - then for now, then in zip(gantry.worker_seconds(), before)]
        seen = gantry.shows_last_turn()
    gaps = [max(reply["max_us"] for reply in replies.values()) / 1e6 for replies in slices.beside]
    alone = [max(reply["max_us"] for reply in replies.values()) / 1e6 for replies in slices.alone]
    return [
        Figure("reloads", len(took), more=f"one in each second slice of {SECONDS} s, in which a connection of each worker "
               "asks without a pause"),
        Figure("failed requests", slices.failed(), wanted=0, more=f"of {slices.sum('requests'):,}"),
        times("processor time of a worker, where nobody asks", spent, most_worst=50.0),
        middle("longest wait for a worker in a slice, reloading", gaps, most=50.0),
        middle("longest wait for a worker in a slice, alone", alone),
        times("time of gantry reload", took),
        Figure("the last change is seen", seen, wanted=True),
    ]
