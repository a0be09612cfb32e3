"""A server that listens, a runner that does as it is told, and `steer` as a user calls it."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from steersman.cli import main
from steersman.cli.server_parts import Options, build
from steersman.cli.serving import Address, listen
from steersman.server import first_start
from steersman.server.planning import Planner
from tests.server.conftest import Repository, application

ONE = """box: busybox
build:
  retry-on-error: never
  steps:
    - script:
        code: echo hi
"""
TWO = f"""{ONE}deploy:
  steps:
    - script:
        code: echo deploy
workflows:
  - name: all
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
        approve: true
"""


class Ended(NamedTuple):
    """How `steer` ended."""

    code: int
    out: str
    err: str


class Door:
    """Stands before the application, and does something to answers on addresses, each once.

    What is *called* by the end of an address is called when somebody asks there; an answer whose
    address is in *cut* breaks off in the middle of its first piece.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.called: dict[str, Callable[[], object]] = {}
        self.cut: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        for end in [each for each in self.called if path.endswith(each)]:
            self.called.pop(end)()
        cut = next((end for end in self.cut if path.endswith(end)), None)
        if cut is None:
            await self.app(scope, receive, send)
            return
        self.cut.remove(cut)

        async def once(message: Any) -> None:
            body = message.get("body", b"")
            await send(
                {**message, "body": body[: len(body) // 2], "more_body": True} if body else message
            )
            if body:
                raise ConnectionError("the test cut this connection")

        await self.app(scope, receive, once)


class Runner:
    """Runs one attempt as the test says."""

    def __init__(self, http: httpx2.Client, granted: dict[str, Any]) -> None:
        self.http = http
        self.attempt: str = granted["attempt"]
        self.headers = {"Authorization": f"Bearer {granted['token']}"}
        self.size = 0
        self.call("POST", "started", {"runner": "r"})

    def call(self, method: str, path: str, json: Any = None, content: bytes | None = None) -> None:
        answer = self.http.request(
            method, f"/runner/v1/{path}", json=json, content=content, headers=self.headers
        )
        answer.raise_for_status()

    def log(self, data: bytes) -> None:
        self.call("PUT", f"log?offset={self.size}", content=data)
        self.size += len(data)

    def step(self, number: int, name: str, state: str, **more: Any) -> None:
        step = {"number": number, "name": name, "phase": "main", "state": state, "began": 1.0}
        step |= {"log_start": 0, **more}
        self.call("POST", "steps", {"runner": "r", "steps": [step]})

    def leave(self, kind: str, name: str, files: dict[str, bytes]) -> None:
        """Send an artifact that holds these files."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path, data in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.call("PUT", f"artifacts/{kind}/{name}", content=packed.getvalue())

    def end(self, state: str = "succeeded", **more: Any) -> None:
        self.call("POST", "record", {"runner": "r", "state": state, "log_size": self.size, **more})


class Stage(NamedTuple):
    """A server at *url* with an admin's token."""

    url: str
    token: str
    worker: str
    door: Door
    repository: Repository
    http: httpx2.Client

    def api(self, method: str, path: str, json: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(method, f"/api/v1/{path}", json=json, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def run_of(self, trigger: dict[str, Any]) -> str:
        """Return the run of a trigger that was planned."""
        run = self.api("GET", f"triggers/{trigger['id']}")["runs"][0]
        return f"{run['project']}/{run['number']}"

    def runner(self) -> Runner:
        """Lease the next attempt and start its runner."""
        says = {"worker": "w", "pools": ["default"], "capabilities": [], "slots": 9, "take": 1}
        headers = {"Authorization": f"Bearer {self.worker}"}
        answer = self.http.post("/worker/v1/lease", json={**says, "wait": 10.0}, headers=headers)
        return Runner(self.http, answer.json()["granted"][0])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server on a port of its own, which plans what is triggered; with the project `shop`."""
    folder = tmp_path_factory.mktemp("stage")
    repository = Repository(folder / "repository")
    repository.commit({"wercker.yml": TWO}, "open the shop")
    at = listen(Address("127.0.0.1", 0))
    url = f"http://127.0.0.1:{at.getsockname()[1]}"
    parts = build(Options(folder / "data", url, allow_local=True), {})
    token = asyncio.run(first_start.admin_token(parts))
    worker = asyncio.run(first_start.worker_token(parts, "w", None))
    app = application(parts, (Planner(parts).run,))
    door = Door(app)
    config = uvicorn.Config(door, log_config=None, lifespan="on", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[at])))
    thread.start()
    try:
        with httpx2.Client(base_url=url, timeout=30) as http:
            found = Stage(url, token or "", worker, door, repository, http)
            project = {"name": "shop", "repository": str(repository.folder)}
            found.api("POST", "projects", project)
            yield found
    finally:
        server.should_exit = True
        thread.join()
        parts.store.close()


Steer = Callable[..., Ended]


@pytest.fixture
def steer(
    stage: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Steer:
    """Call `steer` in an empty folder, with the admin's token in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("STEERSMAN_SERVER", stage.url)
    monkeypatch.setenv("STEERSMAN_TOKEN", stage.token)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def call(*words: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = main.run(words)
        shown = capsys.readouterr()
        return Ended(code, shown.out, shown.err)

    return call


def same(text: str, stage: Stage) -> str:
    """Return *text* without what differs from run to run."""
    text = text.replace(stage.url, "URL").replace(str(stage.repository.folder), "REPOSITORY")
    text = re.sub(r"\b[0-7][0-9a-v]{25}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", text)
    text = re.sub(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7}\b", "COMMIT", text)
    text = re.sub(r"\b(now|\d+ s ago)(?=\s)", "AGO", text)
    text = re.sub(r"\b[\d.]+s\b", "TOOK", text)
    return re.sub(r" {2,}", "  ", text)
