"""The keys of session tickets: renewed by time, the last ones still good, and one set for all workers."""

import re
import ssl
import subprocess

from support.client import RawClient
from support.gantry import Gantry
from support.wait import wait_until

CONFIG = """
[listener.tls]
address = "127.0.0.1:0"
tls = { ticket_rotation = "@rotation@" }

[host."one.test"]
certificate = { certificate = "@dir@/one.pem", key = "@dir@/one.key" }
[host."one.test".location."/"]
respond = { status = 200, body = "one" }
"""
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def resumed(gantry, context, session=None):
    with RawClient(gantry, "tls", tls=context, server_name="one.test", session=session) as client:
        assert client.get("/", host="one.test").text == "one"
        return client.socket.session_reused, client.socket.session


def ticket(gantry):
    """(name of the key that seals now, seconds that the ticket is said to live)"""
    host, port = gantry.address("tls")
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "one.test", "-tls1_2"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    said = done.stdout.decode("utf-8", "replace")
    name = re.search(r"TLS session ticket:\n\s*0000 - ((?:[0-9a-f]{2}[ -]){16})", said)
    hint = re.search(r"ticket lifetime hint: (\d+)", said)
    assert name and hint, said
    return name.group(1), int(hint.group(1))


def test_keys_are_renewed_and_the_last_ones_still_open_tickets(authority):
    leaf = authority.leaf("one.test")
    contexts = [authority.context(minimum=version, maximum=version) for version in VERSIONS]
    with Gantry(CONFIG, {"one.pem": leaf.certificate, "one.key": leaf.key}, workers=2, rotation="5s") as gantry:

        def reload(rotation):
            gantry.values["rotation"] = rotation
            gantry.reload(CONFIG, expect=r"generation=\d+")

        first, lifetime = ticket(gantry)
        assert lifetime == 10
        # Tickets that outlive their key: made while keys change slowly, which from the next change on they do not.
        reload("1h")
        assert ticket(gantry) == (first, 7200)
        sessions = [resumed(gantry, context)[1] for context in contexts]
        reload("2s")
        assert ticket(gantry)[0] == first, "a reload keeps the keys"

        wait_until(lambda: ticket(gantry)[0] != first, "another key", interval=0.1)
        for context, session in zip(contexts, sessions):
            assert all(resumed(gantry, context, session)[0] for _ in range(8)), "both workers have the key before"

        for context, session in zip(contexts, sessions):
            wait_until(lambda: not resumed(gantry, context, session)[0], "the first key to be dropped", interval=0.1)
            _, fresh = resumed(gantry, context)
            assert resumed(gantry, context, fresh)[0]
