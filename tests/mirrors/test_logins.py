"""Logging in at a git host that speaks HTTP: git's own, behind a few lines of ours."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from steersman.core.errors import UserError
from steersman.mirrors import Credentials, Mirrors, Rules
from tests.mirrors.repositories import ENVIRONMENT, git, repository

LOGIN = Credentials("ada", "correct horse")
BACKEND = Path(git(Path("/"), "--exec-path")) / "git-http-backend"
pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason="git's http-backend is not installed")


class Host(ThreadingHTTPServer):
    """Serves the repositories below *folder*, or sends everybody *elsewhere*."""

    daemon_threads = True

    def __init__(self, folder: Path, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.folder = folder
        self.elsewhere = elsewhere
        self.logins: list[str] = []
        self.processes = b""
        self.url = f"http://127.0.0.1:{self.server_port}"


class Requests(BaseHTTPRequestHandler):
    """One request, as a CGI of git."""

    server: Host

    def do_GET(self) -> None:
        said = b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if said:
            self.server.logins.append(said)
            self.server.processes += _command_lines()
        if self.server.elsewhere:
            return self._answer(301, {"Location": self.server.elsewhere + self.path}, b"")
        if said != f"{LOGIN.user}:{LOGIN.password}":
            return self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        return self._backend()

    do_POST = do_GET  # noqa: N815

    def _backend(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            [BACKEND], env=environment, input=body, capture_output=True, check=True
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._answer(int(headers.pop("Status", "200").split()[0]), headers, answer)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _command_lines() -> bytes:
    """Return the words of everything that runs: git waits for our answer, so it is among them."""
    lines = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines += path.read_bytes()
    return lines


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    repository(tmp_path / "served" / "x")
    yield from _served(Host(tmp_path / "served"))


@pytest.fixture
def sender(tmp_path: Path, host: Host) -> Iterator[Host]:
    yield from _served(Host(tmp_path, elsewhere=host.url))


def _served(host: Host) -> Iterator[Host]:
    thread = threading.Thread(target=host.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        host.server_close()
        thread.join()


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", rules=Rules(allow_http=True))


def fetch(mirrors: Mirrors, url: str, credentials: Credentials | None) -> None:
    asyncio.run(mirrors.fetch("p", url, credentials=credentials))


def test_who_has_the_password_may_fetch(tmp_path: Path, host: Host, mirrors: Mirrors) -> None:
    fetch(mirrors, f"{host.url}/x", LOGIN)
    sha = git(tmp_path / "served" / "x", "rev-parse", "HEAD")
    assert asyncio.run(mirrors.has("p", sha))
    assert asyncio.run(mirrors.resolve("p", "HEAD")).branch == "main"
    assert set(host.logins) == {"ada:correct horse"}


def test_a_password_in_the_address_is_used_and_stored_nowhere(
    tmp_path: Path, host: Host, mirrors: Mirrors
) -> None:
    fetch(mirrors, f"{host.url}/x".replace("//", "//ada:correct%20horse@"), None)
    assert set(host.logins) == {"ada:correct horse"}
    for path in (tmp_path / "mirrors").rglob("*"):
        assert not path.is_file() or b"horse" not in path.read_bytes()


@pytest.mark.parametrize("credentials", [None, Credentials("ada", "wrong horse")])
def test_who_has_not_is_told_so(
    host: Host, mirrors: Mirrors, credentials: Credentials | None
) -> None:
    with pytest.raises(UserError, match="the login was refused") as caught:
        fetch(mirrors, f"{host.url}/x", credentials)
    assert "horse" not in str(caught.value)


def test_what_is_not_there_is_told_so(host: Host, mirrors: Mirrors) -> None:
    with pytest.raises(UserError, match="was not found"):
        fetch(mirrors, f"{host.url}/y", LOGIN)


def test_a_host_that_one_is_sent_to_does_not_learn_the_password(
    host: Host, sender: Host, mirrors: Mirrors
) -> None:
    with pytest.raises(UserError, match="the login was refused"):
        fetch(mirrors, f"{sender.url}/x", LOGIN)
    assert host.logins == []


def test_a_password_is_in_no_command_line(host: Host, mirrors: Mirrors) -> None:
    fetch(mirrors, f"{host.url}/x".replace("//", "//ada:correct%20horse@"), None)
    assert f"git\0remote-http\0{host.url}/x".encode() in host.processes
    assert b"horse" not in host.processes
