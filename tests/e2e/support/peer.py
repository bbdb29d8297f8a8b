"""What the servers beside gantry have in common."""

import signal
import subprocess


def end(process, timeout=15):
    """SIGTERM, and SIGKILL for one that does not mind it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
