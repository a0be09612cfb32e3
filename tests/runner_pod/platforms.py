"""A server whose attempts a test runs itself, as a worker would."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from tests.platform.programs import Machine, repository


class Granted(NamedTuple):
    """An attempt that was leased to us, with what its runner is told."""

    project: str
    run: str
    attempt: str
    lease: int
    order: dict[str, Any]


class Platform:
    """A server that is up, and what a worker says to it. Runners reach it at *address*."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.machine = machine
        self.url = f"http://{address}:{machine.port}"
        token = machine.call("POST", "/api/v1/workers/tokens/test", None)["token"]
        self._http = httpx2.Client(
            base_url=machine.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        self._lock = threading.Lock()

    def say(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Say something as the worker."""
        answer = self._http.post(f"/worker/v1/{what}", json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def granted(self, folder: Path, files: Mapping[str, str], **request: Any) -> Granted:
        """Trigger a run of a project of its own, and lease its first attempt."""
        return self.again(self.add(repository(folder, files)), **request)

    def add(self, folder: Path) -> str:
        """Make a project of a repository, and return its name."""
        name = f"p{secrets.token_hex(4)}"
        self.machine.add_project(name, folder)
        return name

    def again(self, project: str, **request: Any) -> Granted:
        """Trigger another run of a project, and lease its first attempt."""
        says = {"worker": "test", "pools": ["default"], "capabilities": ["docker"], "pods": True}
        with self._lock:
            self.machine.trigger(project, **request)
            lease = {**says, "slots": 999, "take": 1, "wait": 20.0}
            [given] = self.say("lease", lease)["granted"]
            while given["run"] not in {each["id"] for each in self.machine.runs(project)}:
                # An earlier test's attempt that is made again.
                [given] = self.say("lease", lease)["granted"]
        order = {
            "attempt": given["attempt"],
            "token": given["token"],
            "server_url": self.url,
            "pool": given["pool"],
            "settings": {},
            "wanted": given["wanted"],
        }
        return Granted(project, given["run"], given["attempt"], given["lease"], order)

    def tell(self, granted: Granted, *notes: Mapping[str, Any]) -> None:
        """Say what the worker sees of a pod."""
        held = {"attempt": granted.attempt, "lease": granted.lease, "phase": "running"}
        self.say(
            "renew",
            {
                "worker": "test",
                "held": [{**held, "node": "n", "notes": list(notes)}],
                "adopt": [],
                "pods": True,
            },
        )

    def attempt(self, granted: Granted) -> dict[str, Any]:
        """Return the attempt as the API shows it."""
        run = self.machine.run(granted.run)
        found = (each for job in run["jobs"] for each in job["attempts"])
        return next(each for each in found if each["id"] == granted.attempt)

    def log(self, granted: Granted) -> str:
        """Return the whole log of an attempt."""
        return self.machine.log(granted.attempt).decode(errors="replace")

    def close(self) -> None:
        """Let go of the server."""
        self._http.close()
