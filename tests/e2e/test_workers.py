"""How connections spread over the workers: seen from outside, in the lists of their epolls."""

import pytest

from support.certs import trusting
from support.client import RawClient
from support.gantry import Gantry
from support.proc import Sockets

CONFIG = """
[listener.web]
address = "127.0.0.1:0"

[listener.tls]
address = "127.0.0.1:0"
tls = true

[host."test"]
default = true
[host."test".location."/"]
respond = { status = 200, body = "here" }
"""


def is_far_above(count, total, workers):
    """What the server promises (core/net/listener.cpp), and two more, as it may count a closed one still."""
    mean = total // workers
    return count > mean + mean // 4 + 4 + 2


@pytest.mark.parametrize("listener", ["web", "tls"])
def test_a_worker_far_above_the_mean_passes_new_connections_on(listener):
    with Gantry(CONFIG, workers=2) as gantry:
        sockets = Sockets(gantry, listener)
        sockets.wait_for(lambda workers: len(workers) == 2)

        def open_one():
            client = RawClient(gantry, listener, tls=trusting() if listener == "tls" else None)
            assert client.get("/").text == "here"
            return client

        clients = [open_one() for _ in range(80)]
        ports = sockets.workers()
        full = max(ports, key=lambda worker: len(ports[worker]))
        kept = [client for client in clients if client.socket.getsockname()[1] in ports[full]]
        for client in clients:
            if client not in kept:
                client.close()
        sockets.wait_for(lambda workers: sum(map(len, workers.values())) == len(kept))

        # The kernel keeps dealing to both; all must arrive at the one that has none.
        passed = []
        while is_far_above(len(kept), len(kept) + len(passed), 2):
            passed.append(open_one())
            assert sockets.worker_of(passed[-1]) != full, f"after {len(passed)} beside {len(kept)}"
        assert len(passed) >= 10, f"{len(kept)} of {len(clients)} on one worker"
        for client in kept + passed:
            assert client.get("/").text == "here"

        # In balance again, each keeps what the kernel deals to it.
        more = []
        while not more or sockets.worker_of(more[-1]) != full:
            assert len(more) < 60, "the worker takes no connections any more"
            more.append(open_one())
        for client in kept + passed + more:
            client.close()
        sockets.wait_for(lambda workers: not any(workers.values()))
