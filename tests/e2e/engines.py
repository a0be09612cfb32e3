"""Engines that hang: altogether, or at one kind of request and are the real one otherwise."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

REAL = "/var/run/docker.sock"


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen at *path*, whose name may be longer than the 107 bytes a socket's may have."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))
        server.listen(50)
        yield server


@contextmanager
def silent(path: Path) -> Iterator[str]:
    """Take every connection and never answer."""
    with listening(path):
        yield f"unix://{path}"


@contextmanager
def deaf_to(
    pattern: bytes, path: Path, *, release: threading.Event | None = None
) -> Iterator[tuple[str, threading.Event]]:
    """Hand everything on to the real engine, but swallow requests in whose head *pattern* stands.

    The event is set as soon as there was one. With *release* they are held until that is set.
    """
    heard = threading.Event()

    def deaf(data: bytes) -> bool:
        if pattern not in data:
            return False
        heard.set()
        return release is None or not release.wait(30)

    with listening(path) as server:
        accepting = threading.Thread(
            target=_accept, args=(server, deaf), name="engine", daemon=True
        )
        accepting.start()
        yield f"unix://{path}", heard
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(server: socket.socket, deaf: Callable[[bytes], bool]) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(REAL)
        threading.Thread(target=_ask, args=(client, engine, deaf), daemon=True).start()
        threading.Thread(target=_answer, args=(client, engine), daemon=True).start()


def _ask(client: socket.socket, engine: socket.socket, deaf: Callable[[bytes], bool]) -> None:
    with suppress(OSError):
        while data := client.recv(1 << 16):
            if not deaf(data):
                engine.sendall(data)
        engine.shutdown(socket.SHUT_WR)


def _answer(client: socket.socket, engine: socket.socket) -> None:
    with client, engine, suppress(OSError):
        while data := engine.recv(1 << 16):
            client.sendall(data)


def as_context(folder: Path, address: str) -> str:
    """Make a DOCKER_CONFIG in which an engine is the usual one, as `docker context use` does."""
    meta = folder / "contexts" / "meta" / sha256(b"here").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": address}}}))
    (folder / "config.json").write_text('{"currentContext": "here"}')
    return str(folder)
