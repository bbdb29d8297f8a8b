"""The commands that an operator gives to a running gantry."""

import json
import os
import subprocess

from .gantry import binary, modules


def run(gantry, *words):
    """A command for this gantry, as an operator types it."""
    return subprocess.run(
        [binary(), words[0], "-c", str(gantry.config_path), *words[1:]], capture_output=True, text=True, timeout=60, check=False,
        env=dict(os.environ, GANTRY_MODULE_PATH=str(modules())),
    )


def command(gantry, *words):
    """The same of a command of a module: gantry limit bans. It has its options behind both words."""
    return subprocess.run(
        [binary(), *words, "-c", str(gantry.config_path)], capture_output=True, text=True, timeout=60, check=False,
        env=dict(os.environ, GANTRY_MODULE_PATH=str(modules())),
    )


def command_json(gantry, *words):
    done = command(gantry, *words, "--format", "json")
    return done.returncode, json.loads(done.stdout)


def run_json(gantry, *words):
    done = run(gantry, *words, "--format", "json")
    return done.returncode, json.loads(done.stdout)
