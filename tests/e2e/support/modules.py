"""Builds modules with the compiler of this machine, as their authors do."""

import functools
import os
import pathlib
import subprocess
import tempfile

from .gantry import ROOT, binary, modules

SDK = ROOT / "plugins-sdk"
PROBE = ROOT / "tests" / "e2e" / "modules" / "probe.c"


def build(source, folder, name, *flags):
    """gantry-NAME.so in `folder`."""
    out = pathlib.Path(folder) / f"gantry-{name}.so"
    source = pathlib.Path(source)
    compiler = ["c++", "-std=c++20"] if source.suffix == ".cpp" else ["cc", "-std=c11"]
    command = [*compiler, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{SDK}", *flags, "-o", out, source]
    subprocess.run(command, check=True, timeout=120)
    return out


@functools.cache
def probe_folder():
    """Where gantry-probe.so is, built once."""
    folder = tempfile.mkdtemp(prefix="gantry-modules-")
    build(PROBE, folder, "probe")
    return folder


def check_with(folder, config):
    """gantry check on `config`, with the modules that come with gantry at hand."""
    path = pathlib.Path(folder) / "gantry.toml"
    path.write_text(config)
    environment = dict(os.environ, GANTRY_MODULE_PATH=str(modules()))
    return subprocess.run([binary(), "check", "-c", path], capture_output=True, text=True, timeout=60, check=False, env=environment)


def expect_refused(folder, config, text, line):
    """gantry check refuses `config`, says `text`, and names the line."""
    done = check_with(folder, config)
    assert done.returncode == 3 and text in done.stderr and f"gantry.toml:{line}:" in done.stderr, done.stderr
