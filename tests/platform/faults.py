"""What the tests of faults share: a queue in this process, and work on a whole machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
from sqlalchemy import select

from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import attempts
from tests.platform.programs import Ended, Machine, until
from tests.server.conftest import Repository, Site, site

FILE = "box: busybox\nbuild:\n  steps: [{script: {code: echo}}]\n"


class Granted(NamedTuple):
    """An attempt as it was given to a worker, and what its runner and that worker say of it."""

    here: Site
    id: str
    lease: int
    token: str

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Ask as a runner does that has the token of this attempt."""
        return await self.here.call(method, path, token=self.token, **more)

    async def begin(self, runner: str = "r") -> None:
        answer = await self.ask("POST", "/runner/v1/started", json={"runner": runner})
        assert answer.status_code == 200, answer.text

    async def beat(self) -> httpx2.Response:
        said = {"runner": "r", "wait": 0.0}
        return await self.ask("POST", "/runner/v1/heartbeat", json=said)

    async def append(self, offset: int, data: bytes) -> httpx2.Response:
        return await self.ask("PUT", f"/runner/v1/log?offset={offset}", content=data)

    async def record(
        self, runner: str = "r", state: str = "succeeded", size: int = 0
    ) -> httpx2.Response:
        said = {"runner": runner, "state": state, "log_size": size}
        return await self.ask("POST", "/runner/v1/record", json=said)

    async def lost(self) -> None:
        """Let the worker say that the runner is gone."""
        said = {"attempt": self.id, "lease": self.lease, "kind": "lost"}
        answer = await self.here.call("POST", "/worker/v1/report", said, token=self.here.worker)
        assert answer.json() == {"hearing": "news"}


async def granted(here: Site, worker: str = "w") -> Granted:
    """Lease the next attempt."""
    says = {"worker": worker, "pools": ["default"], "capabilities": [], "slots": 9, "take": 1}
    answer = await here.call("POST", "/worker/v1/lease", {**says, "wait": 5.0}, token=here.worker)
    [given] = answer.json()["granted"]
    return Granted(here, given["attempt"], given["lease"], given["token"])


@asynccontextmanager
async def queued(
    parts: Platform, repository: Repository, times: int = 1, text: str = FILE
) -> AsyncIterator[Site]:
    """Let the project `shop` have runs that wait in the queue."""
    repository.commit({"wercker.yml": text})
    async with site(parts) as here:
        await add_project(here, repository)
        for _ in range(times):
            await trigger(here)
        yield here


async def add_project(here: Site, repository: Repository) -> None:
    wanted = {"name": "shop", "repository": str(repository.folder)}
    answer = await here.call("POST", "/api/v1/projects", wanted)
    assert answer.status_code == 201, answer.text


async def trigger(here: Site, **more: Any) -> Any:
    """Push, plan, and return what became of the trigger."""
    wanted = {"kind": "push", "branch": "main", **more}
    answer = await here.call("POST", "/api/v1/projects/shop/triggers", wanted)
    assert answer.status_code == 202, answer.text
    await here.plan()
    return (await here.call("GET", f"/api/v1/triggers/{answer.json()['id']}")).json()


async def everything(parts: Platform) -> list[dict[str, Any]]:
    """Return all attempts as they are stored."""

    def load(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in tx.all(select(attempts).order_by(attempts.c.id))]

    return await parts.store.read(load)


async def run_state(here: Site, number: int = 1) -> str:
    return str((await here.call("GET", f"/api/v1/runs/shop/{number}")).json()["state"])


PIPELINE = """\
box: busybox
build:
  steps:
    - script:
        name: count
        code: |
          pad=$(head -c "$PAD" /dev/zero | tr '\\0' x)
          i=0
          while [ $i -lt "$COUNT" ]; do
            i=$((i + 1)); echo "line $i of $COUNT $pad"; sleep "$PAUSE"
          done
    - script:
        name: leave
        code: head -c 100000 /dev/zero > "$WERCKER_OUTPUT_DIR/made"
"""


class Work(NamedTuple):
    """What each job prints: *lines* lines of a little more than *pad* bytes, a *pause* apart."""

    lines: int = 40
    pause: float = 0.1
    pad: int = 10

    @property
    def variables(self) -> dict[str, str]:
        said = {"COUNT": self.lines, "PAUSE": self.pause, "PAD": self.pad}
        return {name: str(value) for name, value in said.items()}

    @property
    def log(self) -> str:
        numbers = range(1, self.lines + 1)
        return "".join(f"line {each} of {self.lines} {'x' * self.pad}\n" for each in numbers)


def begin(here: Machine, jobs: int, work: Work) -> list[str]:
    """Let so many jobs of *work* run, and return their runs once each has said something."""
    asked = [here.trigger("shop", branch="main", variables=work.variables) for _ in range(jobs)]
    until(lambda: all(_runs(here, each) for each in asked), "every trigger is planned")
    made = [run for each in asked for run in _runs(here, each)]
    assert len(made) == jobs
    until(lambda: all(_talks(here, run) for run in made), "every job talks")
    return made


def _runs(here: Machine, trigger: str) -> list[str]:
    return [run["id"] for run in here.call("GET", f"/api/v1/triggers/{trigger}")["runs"]]


def tries(here: Machine, run: str) -> list[dict[str, Any]]:
    """Return the attempts of the one job of a run."""
    [job] = here.run(run)["jobs"]
    found: list[dict[str, Any]] = job["attempts"]
    return found


def _talks(here: Machine, run: str) -> bool:
    return any(each["log_lines"] > 5 for each in tries(here, run))


def check_green(here: Machine, made: list[str], work: Work) -> None:
    """Wait for the end of these runs: each green, by its first attempt, with every byte once."""
    until(lambda: all(here.run(run)["state"] in Ended for run in made), "every run ends")
    for run in made:
        [only] = tries(here, run)
        assert only["state"] == "succeeded", only
        lines = here.log(only["id"]).decode().splitlines(keepends=True)
        assert "".join(line for line in lines if line.startswith("line ")) == work.log
        [left] = here.call("GET", f"/api/v1/runs/{run}/artifacts")["items"]
        assert left["size"] > 100_000
    assert len(here.runs("shop")) == len({run["id"] for run in here.runs("shop")})
