"""Started by root: whose rights the workers have, what that user has to be able to read, and what root still does."""

import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess

import pytest

from support.client import fetch
from support.gantry import Gantry, StartFailed, binary
from support.wait import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY = pwd.getpwnam("nobody")
CONFIG = """
[server]
user = "nobody"
workers = 2
[listener.web]
address = "127.0.0.1:0"
[host."test".location."/"]
static = "www"
"""
# LeakSanitizer looks at its process from outside, which the kernel forbids for one that was root.
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


class Dropping(Gantry):
    """A Gantry whose files belong to nobody."""

    def __init__(self, config=CONFIG, **values):
        values.setdefault("user", None)
        super().__init__(config, env=NO_LEAKS, files={"www/index.html": "served"}, **values)
        os.chown(self.dir, NOBODY.pw_uid, NOBODY.pw_gid)


def facts(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))


def test_the_server_process_has_no_right_of_root_left():
    with Dropping() as gantry:
        assert fetch(gantry).text == "served"
        seen = facts(gantry.server_pid())
        assert seen["Uid"].split() == [str(NOBODY.pw_uid)] * 4
        assert seen["Gid"].split() == [str(NOBODY.pw_gid)] * 4
        assert set(seen["Groups"].split()) == {str(NOBODY.pw_gid)}
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(seen[kind], 16) == 0, kind
        assert seen["NoNewPrivs"] == "1"
        for task in pathlib.Path(f"/proc/{gantry.server_pid()}/task").iterdir():
            # ThreadSanitizer's own thread is older than main, and bears no name of ours.
            if task.name != seen["Pid"] and (task / "comm").read_text().strip() == seen["Name"]:
                continue
            thread = dict(re.findall(r"^(\w+):\t(.*)$", (task / "status").read_text(), re.M))
            assert thread["Uid"] == seen["Uid"] and int(thread["CapEff"], 16) == 0 and thread["NoNewPrivs"] == "1"
        assert facts(gantry.process.pid)["Uid"].split()[0] == "0"
        gantry.wait_log("workers run as user=nobody uid=%d" % NOBODY.pw_uid)


def test_a_number_and_a_group_of_its_own():
    config = CONFIG.replace('user = "nobody"', 'user = "12345"\ngroup = "54321"')
    gantry = Dropping(config)
    os.chown(gantry.dir, 12345, 0)
    with gantry:
        assert fetch(gantry).text == "served"
        seen = facts(gantry.server_pid())
        assert seen["Uid"].split()[0] == "12345" and seen["Gid"].split()[0] == "54321"
        assert seen["Groups"].split() == ["54321"]


def test_ports_of_root_open_at_the_start_and_at_a_reload():
    ports = free_low_ports(2)
    config = CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{ports[0]}")
    with Dropping(config) as gantry:
        assert fetch(("127.0.0.1", ports[0])).text == "served"
        gantry.reload(config.replace(f":{ports[0]}", f":{ports[1]}"))
        assert fetch(("127.0.0.1", ports[1])).text == "served"


def free_low_ports(count):
    found = []
    for port in range(1000, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    pytest.skip("no free port below 1024")


def test_a_successor_of_a_server_process_that_died_has_no_rights_either():
    with Dropping() as gantry:
        mark = gantry.mark()
        os.kill(gantry.server_pid(), signal.SIGKILL)
        gantry.wait_ready(mark)
        assert facts(gantry.server_pid())["Uid"].split()[0] == str(NOBODY.pw_uid)


def test_it_ends_with_its_supervisor():
    """Becoming another user takes the signal of the parent's death away, unless it is asked for again."""
    with Dropping() as gantry:
        gantry.may_fail()
        pid = gantry.server_pid()
        gantry.process.kill()
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the server process")


def test_the_configuration_has_to_be_readable_at_the_start_as_it_will_be_at_a_reload():
    """Root could read it, and then the first reload would fail."""
    gantry = Dropping()
    (gantry.dir / "gantry.toml").chmod(0o600)
    with pytest.raises(StartFailed, match="gantry.toml.*Permission denied"):
        with gantry:
            pass


def test_a_log_that_the_user_cannot_write_is_named():
    config = CONFIG + '[log]\nlevel = "info"\ntarget = "@dir@/closed/error.log"\n'
    gantry = Dropping(config)
    (gantry.dir / "closed").mkdir(mode=0o755)
    with pytest.raises(StartFailed, match="(?s)closed/error.log cannot be written: Permission denied.*the right to write it"):
        with gantry:
            pass


TLS = """
[listener.secure]
address = "127.0.0.1:0"
tls = true
[host."tls.test"]
listeners = ["secure"]
certificate = { certificate = "tls.pem", key = "tls.key" }
location."/".respond = "secret"
"""


def test_a_key_that_root_alone_can_read_is_named_at_the_start(authority):
    """Not at the first renewal: nothing is read with more rights than a reload has."""
    leaf = authority.leaf("tls.test")
    gantry = Dropping(CONFIG + TLS)
    gantry.write("tls.pem", leaf.certificate, 0o644)
    key = gantry.write("tls.key", leaf.key, 0o600)
    with gantry:
        gantry.wait_log("cannot read the key .*tls.key: Permission denied")
        gantry.wait_log("give the user that runs gantry the right to read it")
        assert fetch(gantry).text == "served"
        os.chown(key, NOBODY.pw_uid, 0)
        mark = gantry.mark()
        gantry.reload()
        assert "cannot be read" not in "\n".join(gantry.lines[mark:])


def test_unix_sockets_belong_to_the_user_and_need_its_rights():
    config = CONFIG.replace("127.0.0.1:0", "unix:@dir@/web.sock")
    with Dropping(config) as gantry:
        path = gantry.dir / "web.sock"
        assert fetch(str(path)).text == "served"
        assert path.stat().st_uid == NOBODY.pw_uid
        closed = gantry.dir / "closed"
        closed.mkdir(mode=0o755)
        gantry.reload(config.replace("@dir@/web", "@dir@/closed/web"), expect="cannot listen on unix:.*Permission denied")
        assert fetch(str(path)).text == "served"
    assert not path.exists()


# ---- whom it becomes


def refused(config=CONFIG, user=None, **changes):
    gantry = Dropping(config, user=user, **changes)
    with pytest.raises(StartFailed) as failure:
        with gantry:
            pass
    assert gantry.process.returncode == 3
    return str(failure.value)


def test_root_has_to_be_meant():
    config = CONFIG.replace('user = "nobody"\n', "")
    try:
        pwd.getpwnam("gantry")
    except KeyError:
        text = refused(config)
        assert "do not run as root unless told" in text and 'user = "root"' in text
    else:
        with Dropping(config) as gantry:
            assert facts(gantry.server_pid())["Uid"].split()[0] == str(pwd.getpwnam("gantry").pw_uid)


def test_root_may_be_meant():
    with Dropping(CONFIG.replace("nobody", "root")) as gantry:
        assert facts(gantry.server_pid())["Uid"].split()[0] == "0"
        gantry.wait_log("workers run as root, as they were told")


def test_the_command_line_has_the_last_word():
    with Dropping(CONFIG.replace("nobody", "root"), user="nobody") as gantry:
        assert facts(gantry.server_pid())["Uid"].split()[0] == str(NOBODY.pw_uid)
        gantry.reload()
        assert fetch(gantry).text == "served"


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY.pw_gid)
    os.setuid(NOBODY.pw_uid)


def test_who_is_not_root_stays_and_cannot_ask_for_another():
    with Dropping(preexec=as_nobody) as gantry:
        assert fetch(gantry).text == "served"
        assert facts(gantry.process.pid)["Uid"].split()[0] == str(NOBODY.pw_uid)
    with Dropping(CONFIG.replace('user = "nobody"\n', ""), preexec=as_nobody) as gantry:
        assert fetch(gantry).text == "served"
    text = refused(CONFIG.replace("nobody", "root"), preexec=as_nobody)
    assert "only root can become another user" in text and 'take "user" out' in text
    text = refused(CONFIG.replace('user = "nobody"', 'group = "root"'), preexec=as_nobody)
    assert "only root can become another group" in text


def test_another_user_takes_a_restart():
    with Dropping() as gantry:
        gantry.reload(CONFIG.replace("nobody", "root"), expect=r"\[server\] user changed: that takes a restart")
        assert facts(gantry.server_pid())["Uid"].split()[0] == str(NOBODY.pw_uid)


def test_check_reads_as_the_user_would(tmp_path):
    with Dropping() as gantry:
        path = gantry.dir / "gantry.toml"
        done = subprocess.run([binary(), "check", "-c", path], env=dict(os.environ, **NO_LEAKS), capture_output=True)
        assert done.returncode == 0, done.stderr
        path.chmod(0o600)
        done = subprocess.run([binary(), "check", "-c", path], env=dict(os.environ, **NO_LEAKS), capture_output=True)
        assert done.returncode == 3 and b"Permission denied" in done.stderr
        path.chmod(0o644)
