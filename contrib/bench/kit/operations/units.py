"""What systemd says about the units."""
import re
import subprocess

from .. import tools
from ..figures import Figure

TITLE = "systemd: contrib/check/units (systemd-analyze verify and security)"


def measure(_):
    done = subprocess.run([tools.ROOT / "contrib/check/units"], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        return [Figure("not measured", "-", more=done.stdout.strip())]
    found = re.search(r"all well, ([0-9.]+)", done.stdout)
    return [
        Figure("verify has nothing to say", done.returncode == 0, wanted=True, more=done.stdout.strip().replace("\n", "; ")),
        Figure("exposure of gantry.service", float(found[1]) if found else 10.0, "/ 10", most=2.0),
    ]
