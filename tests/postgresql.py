"""A PostgreSQL server of our own for the time of the tests, and an empty database for each."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

INSTALLED = Path("/usr/lib/postgresql")
NAME = "postgres"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest; None without any."""
    found = sorted(INSTALLED.glob("*/bin/postgres")) if INSTALLED.is_dir() else []
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class Server:
    """A server that was started; `restart` lets every connection of it end."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self.binaries = binaries
        self.process: subprocess.Popen[bytes] | None = None

    def _as(self) -> dict[str, object]:
        """It refuses to run as root."""
        if os.getuid() != 0:
            return {}
        entry = pwd.getpwnam(NAME)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def make(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self.folder, NAME, NAME)
        words = [self.binaries / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", NAME]
        options = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(  # type: ignore[call-overload]
            [*words, *options], check=True, capture_output=True, cwd=self.folder, **self._as()
        )

    def start(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "200",
        }
        words = [f"-c{name}={value}" for name, value in settings.items()]
        self.process = subprocess.Popen(  # type: ignore[call-overload]
            [self.binaries / "postgres", "-D", self.folder / "data", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self._as(),
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url(NAME)).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends every connection in order, SIGQUIT and SIGKILL do not."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    def url(self, database: str) -> str:
        return f"postgresql://{NAME}@/{database}?host={self.folder}"

    def new_database(self, like: str = "") -> str:
        """Make a database and return its address: an empty one, or a copy of the one at *like*."""
        name = f"test_{uuid.uuid4().hex}"
        words = f"CREATE DATABASE {name}"
        if like:
            words += f" TEMPLATE {_name(like)}"
        self._do(words)
        return self.url(name)

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._do(f"DROP DATABASE {_name(address)} WITH (FORCE)")

    def _do(self, words: str) -> None:
        with psycopg.connect(self.url(NAME), autocommit=True) as connection:
            connection.execute(words.encode())


def _name(address: str) -> str:
    return str(conninfo_to_dict(address)["dbname"])


@contextmanager
def started() -> Iterator[Server]:
    """Start a server; skip where there is none, but fail in CI."""
    binaries = programs()
    if binaries is None:
        why = "PostgreSQL is not installed here (package postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{why}, and this is CI")
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="steersman-pg-", dir="/tmp"))  # sockets need short paths
    folder.chmod(0o711)
    server = Server(folder, binaries)
    try:
        server.make()
        server.start()
        yield server
    finally:
        with suppress(ProcessLookupError):
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
