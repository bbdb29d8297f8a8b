"""Waiting for conditions with a deadline: the only place where a test may let time pass."""

import time

# Generous: a loaded two-core machine with a sanitized binary. A test that waits this long has failed.
DEADLINE = 15.0


def wait_until(condition, what, timeout=DEADLINE, interval=0.01):
    """Polls `condition` until it is true and returns its value; fails with `what` at the deadline."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(interval)
