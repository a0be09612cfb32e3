"""What all tests share: a container engine, or a good reason to do without."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgresql

# `make fuzz` asks for the long one, `--hypothesis-profile=long`.
settings.register_profile("long", max_examples=3000, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("desk", max_examples=50, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")

# Whoever started us may ignore these (nohup, a shell's background), and a shell that a test starts
# could not trap what is ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

SOCKET = Path("/var/run/docker.sock")


def engine_answers() -> bool:
    """Tell whether something answers at the engine's socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(SOCKET))
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except OSError:
            return False


@pytest.fixture(scope="session")
def engine() -> str:
    """Return the engine's address; skip without one, but fail in CI."""
    if not engine_answers():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no container engine answers at {SOCKET}, and this is CI")
        pytest.skip(f"no container engine answers at {SOCKET}")
    return f"unix://{SOCKET}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL server for this process of the tests."""
    with postgresql.started() as server:
        yield server
