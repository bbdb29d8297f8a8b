"""Names, passwords and what is made of them."""

import base64
import subprocess


def htpasswd(name, password, *options):
    """NAME:HASH as htpasswd writes it; bcrypt at its cheapest where no options are given."""
    done = subprocess.run(["htpasswd", "-nb", *(options or ("-B", "-C", "4")), name, password], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def bcrypt(password):
    return htpasswd("x", password).partition(":")[2]


def basic(name, password):
    """The field Authorization."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
