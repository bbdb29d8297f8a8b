"""The curl command: a client that others wrote."""

import json
import subprocess


class Result:
    def __init__(self, code, head, body, facts, errors):
        self.code = code
        self.head = head
        self.body = body
        self.facts = facts
        self.errors = errors

    @property
    def status(self):
        return self.facts["http_code"]

    def get(self, name):
        """The field of the last head."""
        last = self.head.strip().split("\r\n\r\n")[-1]
        for line in last.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def curl(url, *arguments, connect=None, data=None, timeout=30, tmp=None):
    """curl URL; `connect` is the (host, port) that is connected to whatever the URL says."""
    command = ["curl", "--silent", "--show-error", "--max-time", str(timeout), "--dump-header", "/dev/fd/2", "--noproxy", "*",
               "--write-out", "\n%{json}"]
    if connect is not None:
        host, port = connect
        command += ["--connect-to", f"::{'[' + host + ']' if ':' in host else host}:{port}"]
    command += [*map(str, arguments), url]
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 10)
    body, _, facts = done.stdout.rpartition(b"\n")
    head = done.stderr.decode("latin-1")
    return Result(done.returncode, head, body, json.loads(facts), head)
