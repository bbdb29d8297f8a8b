"""Fixtures of the end-to-end tests. Everything is started by the test that needs it, on ports that the kernel chose."""

import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.certs import Authority  # noqa: E402
from support.nginx import Nginx  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "needs_no_gantry: a test of the harness itself")
    # A login gets 1,024 descriptors unless it asks, which is fewer than the clients that some tests are.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(scope="session")
def nginx_origin():
    if not Nginx.installed():
        pytest.skip("nginx is not installed (apt install nginx-core)")
    files = {
        "index.html": "<h1>nginx</h1>\n",
        "small.txt": "small\n",
        "large.bin": bytes(range(256)) * 8192,  # 2 MiB
    }
    with Nginx(files) as nginx:
        yield nginx
