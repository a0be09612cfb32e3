"""The platform's programs as processes that may be killed, on a folder that stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.program import STEER, environment

HOST_USER = "root" if os.getuid() == 0 else None
Ended = frozenset({"succeeded", "failed", "errored", "cancelled", "skipped"})


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Program:
    """One program that is started again as often as it is killed."""

    def __init__(self, words: list[str], log: Path, **env: str) -> None:
        self.words = words
        self.log = log
        self.env = env
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*STEER, *self.words],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment(**self.env),
                start_new_session=True,
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")


class Machine:
    """A server, and a worker of its own, on one folder. Jobs run on the host."""

    def __init__(
        self, folder: Path, *, database: str = "", slots: int = 2, host: str = "127.0.0.1"
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        data = folder / "data"
        more = ["--database", database] if database else []
        listen = ["--listen", f"{host}:{self.port}"]
        self.server = Program(
            ["server", "--data", str(data), *listen, *more], folder / "server.log"
        )
        self.data = data
        self.slots = slots
        self.worker: Program | None = None
        self.admin = ""
        self._http = httpx2.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        """Start the server, and read the token it prints once."""
        self.server.start()
        until(lambda: "is up at" in self.server.text and self.answers(), "the server is up")
        found = re.search(r"steer_pat_\w+", self.server.text)
        self.admin = self.admin or (found[0] if found else "")

    def answers(self) -> bool:
        try:
            return self._http.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def is_whole(self) -> bool:
        """Tell whether it misses nothing, not even what it can do without for a while."""
        return self._http.get("/readyz").text.strip() == "ready"

    def start_worker(self) -> None:
        """Start the worker, with a token of its own."""
        if self.worker is None:
            token = self.call("POST", "/api/v1/workers/tokens/test", None)["token"]
            user = ["--host-user", HOST_USER] if HOST_USER else []
            self.worker = Program(
                [
                    *("worker", "run", "--server", self.url, "--name", "chaos"),
                    *("--data", str(self.folder / "worker"), "--slots", str(self.slots)),
                    *("--on", "host", *user),
                ],
                self.folder / "worker.log",
                STEERSMAN_WORKER_TOKEN=token,
            )
        self.worker.start()

    def call(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        """Ask the API as the admin, again while the server is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self._http.request(
                    method,
                    path,
                    json=json,
                    headers={"Authorization": f"Bearer {self.admin}", **headers},
                )
                if answer.status_code != 503:
                    break
            except httpx2.HTTPError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def log(self, attempt: str) -> bytes:
        """Return the whole log of an attempt."""
        headers = {"Authorization": f"Bearer {self.admin}"}
        return self._http.get(f"/api/v1/attempts/{attempt}/log", headers=headers).content

    def bytes(self, path: str) -> bytes:
        """Return what is downloaded at *path*."""
        headers = {"Authorization": f"Bearer {self.admin}"}
        return self._http.get(path, headers=headers, follow_redirects=True).content

    def runs(self, project: str) -> list[dict[str, Any]]:
        """Return every run of a project."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/api/v1/runs?project={project}&limit=200"
            page = self.call("GET", path + (f"&cursor={cursor}" if cursor else ""))
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    def run(self, identity: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("GET", f"/api/v1/runs/{identity}")
        return answer

    def add_project(self, name: str, repository: Path) -> None:
        self.call("POST", "/api/v1/projects", {"name": name, "repository": str(repository)})

    def trigger(self, project: str, key: str = "", **request: Any) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        path = f"/api/v1/projects/{project}/triggers"
        return str(self.call("POST", path, {"kind": "push", **request}, **headers)["id"])

    def close(self) -> None:
        """End everything of this machine, runners too."""
        self._http.close()
        for program in (self.worker, self.server):
            if program is not None:
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    program.kill()
        for pid in runner_pids(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def runner_pids(folder: Path, *, alone: bool = False) -> list[int]:
    """Return the processes of runners below *folder*, and, unless *alone*, what they started."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            cwd = os.readlink(entry / "cwd")
            words = (entry / "cmdline").read_bytes()
            if cwd.startswith(str(folder / "worker")) and (b"nursery" in words or not alone):
                found.append(int(entry.name))
    return found


@contextmanager
def machine(folder: Path, **more: Any) -> Iterator[Machine]:
    """Give a machine whose programs end with the test."""
    found = Machine(folder, **more)
    try:
        yield found
    finally:
        found.close()


def until(
    condition: Callable[[], object], what: str, seconds: float = 60, every: float = 0.05
) -> None:
    """Wait for something that other processes do; look *every* so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit everything there is."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for words in (["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
